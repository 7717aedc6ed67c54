"""Every single fault of a session is tried, each strikes, and what fails is found."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lab.campaign import CampaignError, Job, Store, campaign, execute, processes
from lab.campaign.explore import FAIL, FAILED, HELD, REFUSED, Case, cases, outcome
from lab.campaign.job import Record
from lab.campaign.survey import survey
from tests.lab.campaign.planted import plant
from tests.lab.commands import netstack

SESSION = """
[device.client]
address = "10.0.0.2/24"

[device.server]
address = "10.0.0.1/24"

[link.wire]
between = ["client", "server"]
delay = "5ms"

[[program]]
on = "server"
run = "receive port=5000"

[[program]]
on = "client"
run = "send bytes=40k to=server:5000"

[[expect]]
that = "delivered == sent"
"""


@pytest.fixture
def session(tmp_path: Path) -> Job:
    """A session of over 100 frames."""
    file = tmp_path / "session.toml"
    file.write_text(SESSION)
    return Job(SESSION, str(file), 0)


@pytest.fixture
def short(tmp_path: Path) -> Job:
    """One of some 20."""
    file = tmp_path / "short.toml"
    file.write_text(SESSION.replace("40k", "4k"))
    return Job(file.read_text(), str(file), 0)


def run(found: list[Case], engine_processes: int = 2) -> list[tuple[Case, Record]]:
    with Store() as store:
        return list(zip(found, campaign([case.job for case in found], processes(engine_processes), store),
                        strict=True))  # fmt: skip


def test_each_fault_strikes_once_and_where_it_is_meant(session: Job) -> None:
    for case in cases(session)[::23]:
        lines = execute(case.job).verdicts
        if case.action == FAIL:
            device, pool, nth = case.place.split()
            (line,) = lines
            assert line["device"] == device
            assert line["detail"].startswith(f"{pool}: ")
            assert line["detail"].endswith(f"allocation {nth.removeprefix('nth=')}")
        else:
            (line,) = (line for line in lines if line["frame"] == case.place)
            assert line["action"] == case.action


def test_the_survey_sees_every_frame_and_allocation(session: Job) -> None:
    found = survey(session.load(), session.seed)
    assert len(found.frames) == len(set(found.frames))
    assert found.frames[0] == ("client>server", "kind=arp-request n=1 conn=1")  # as it is switched on
    assert ("client>server", "kind=syn n=1 seq=0 xmit=1 conn=1") in found.frames
    assert found.allocations["server", "TCP_PCB_LISTEN"] == 1


def test_what_a_device_says_when_it_is_switched_on_can_be_struck(short: Job) -> None:
    announcement = "client>server kind=arp-request n=1 conn=1"
    (case,) = [case for case in cases(short, ["drop"], allocations=False) if case.place == announcement]
    (line,) = execute(case.job).verdicts
    assert (line["t"], line["action"], line["frame"]) == (0, "drop", announcement)


def test_a_program_that_cannot_bear_one_fault_is_found(tmp_path: Path) -> None:
    file = plant(tmp_path, "twice", "")
    found = cases(Job(file.read_text(), str(file), 0), allocations=False)
    failed = [(case.action, case.place) for case, record in run(found) if outcome(case, record) == FAILED]
    assert failed == [("duplicate", "client>server kind=udp n=5 conn=1")]


def test_faults_that_the_scenario_has_stay(tmp_path: Path, session: Job) -> None:
    fault = '\n[[fault]]\non = "server>client kind=syn-ack n=1"\ndo = "drop"\n'
    job = Job(SESSION + fault, session.path, 0, ("run.settle=1s",))
    case = cases(job, ["drop"], allocations=False)[-1]
    scenario = case.job.load()
    assert [fault.do for fault in scenario.file.fault] == ["drop", "drop"]
    assert scenario.file.fault[0].on == "server>client kind=syn-ack n=1"
    assert scenario.file.run.settle == "1s"


def test_leaks_are_looked_for_where_the_scenario_does_not(session: Job) -> None:
    text = SESSION + '\n[[expect]]\nthat = "pools client leaked == 0"\n'
    scenario = cases(Job(text, session.path, 0), ["drop"], allocations=False)[0].job.load()
    assert [expect.that for expect in scenario.file.expect] == [
        "delivered == sent", "pools client leaked == 0", "pools server leaked == 0",
    ]  # fmt: skip


def test_what_fails_by_itself_is_not_explored(tmp_path: Path) -> None:
    file = plant(tmp_path, "broken", "")
    with pytest.raises(CampaignError, match=r"without any fault it fails already \(program server\.broken"):
        cases(Job(file.read_text(), str(file), 0))


def case(action: str) -> Case:
    return Case(action, "client HEAP nth=1", Job("", None, 0))


def record(*failed: str, ok: bool = False) -> Record:
    """A run in which these did not hold, each with what was found behind a colon."""
    texts = tuple(text.partition(":")[0] for text in failed)
    return Record(0, (), "passed" if ok else "failed", texts, failed)


def test_refused_is_only_what_was_told_and_did_not_leak() -> None:
    told = "program client.send ends well: failed with ENOMEM at 0.1 s"
    assert outcome(case(FAIL), record(ok=True)) == HELD
    assert outcome(case(FAIL), record("delivered == sent: no", told)) == REFUSED
    assert outcome(case("drop"), record(told)) == FAILED
    assert outcome(case(FAIL), record(told, "pools client leaked == 0: 1")) == FAILED
    assert outcome(case(FAIL), record("delivered == sent: no")) == FAILED
    assert outcome(case(FAIL), record("program client.send ends well: it runs")) == FAILED


def test_the_command_shows_a_table_and_reproductions_that_work(tmp_path: Path) -> None:
    plant(tmp_path, "twice", "")
    done = netstack(
        "explore", "planted.toml", "--fault", "duplicate", "--fault", "drop", "-j", "0", cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["duplicate", "client>server", "14", "13", "1", "program", "server.twice", "ends", "well"] in rows
    assert ["drop", "client>server", "14", "14"] in rows
    (command,) = re.findall(r"^    netstack (.*)$", done.stdout, re.MULTILINE)
    again = netstack(*shlex.split(command), cwd=tmp_path)
    assert again.returncode == 1
    assert "FAIL program server.twice ends well: failed with RuntimeError: 5 came twice" in again.stdout


def test_the_command_goes_on_where_it_was(tmp_path: Path, short: Job) -> None:
    command = ("explore", "short.toml", "--fault", "drop", "-j", "2", "--results", "r.sqlite")
    first = netstack(*command, cwd=tmp_path)
    second = netstack(*command, cwd=tmp_path)
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout == first.stdout
    assert "single faults, 0 failed" in first.stderr
    assert second.stderr == ""


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    plant(tmp_path, "broken", "")
    for arguments, message in (
        (("planted.toml",), "without any fault it fails already"),
        (("missing.toml",), "missing.toml: it cannot be read"),
        (("planted.toml", "--delay", "5"), "delay 5: '5' is no time: write 80ms"),
        (("planted.toml", "--timeout", "5"), "Invalid value for '--timeout': '5' has no unit"),
    ):
        done = netstack("explore", *arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
