"""The file of results: what is kept comes back, and nobody else's file is touched."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from lab.campaign import CampaignError, Job, Record, Store
from lab.campaign.job import DIED, FAILED, PASSED, code_version, scenario_hash
from tests.lab.campaign.planted import plant
from tests.lab.commands import netstack

JOB = Job("text", None, 17, ("a=1",))
RECORD = Record(
    17, ("a=1",), FAILED, ("delivered == sent",), ("delivered == sent: no",), None, "ab", 5, 6, 7, {"x": 1}
)


def record() -> Record:
    return replace(RECORD, code=code_version())


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    with Store(tmp_path / "r.sqlite") as store:
        store.add(JOB, record())
    with Store(tmp_path / "r.sqlite") as store:
        assert store.records([JOB, Job("text", None, 18, ("a=1",))]) == {JOB: record()}


def test_other_text_seed_overrides_or_code_have_results_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path / "r.sqlite") as store:
        store.add(JOB, record())
        for other in (replace(JOB, text="texts"), replace(JOB, seed=1), replace(JOB, overrides=())):
            assert store.records([other]) == {}
        monkeypatch.setattr("lab.campaign.store.code_version", lambda: "other")
        assert store.records([JOB]) == {}


def test_a_script_beside_the_scenario_is_part_of_it(tmp_path: Path) -> None:
    path = str(tmp_path / "a.toml")
    before = scenario_hash("text", path)
    (tmp_path / "client.py").write_text("print(1)")
    with_script = scenario_hash("text", path)
    (tmp_path / "client.py").write_text("print(2)")
    assert len({before, with_script, scenario_hash("text", path)}) == 3
    (tmp_path / "unrelated.toml").write_text("x = 1")
    (tmp_path / "client.py").write_text("print(1)")
    assert scenario_hash("text", path) == with_script


def test_a_run_that_took_too_long_is_no_result(tmp_path: Path) -> None:
    with Store(tmp_path / "r.sqlite") as store:
        store.add(JOB, replace(record(), status=FAILED, error="OutOfTime: 1 s of real time are over"))
        assert store.records([JOB]) == {}
        assert [row["status"] for row in store.rows()] == [FAILED]


def test_the_json_lines_take_nobodys_place(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"r\.jsonl is where the JSON lines go: name it r\.sqlite"):
        Store(tmp_path / "r.jsonl")
    (tmp_path / "r.jsonl").write_text("a journal, say")
    with pytest.raises(CampaignError, match=r"r\.jsonl is there and would be overwritten: name another"):
        Store(tmp_path / "r.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]
    assert (tmp_path / "r.jsonl").read_text() == "a journal, say"


def test_a_full_disk_is_one_line_and_what_was_done_is_kept(tmp_path: Path) -> None:
    """What the kernel says when a file may not grow; it goes on when there is room again."""
    plant(tmp_path, "pair", "")
    command = ("scenario", "planted.toml", "--seeds", "60", "-j", "1", "--results", "r.sqlite")
    small = ("sh", "-c", 'ulimit -f 128; exec "$@"', "sh")  # blocks of 512 bytes
    done = netstack(*command, cwd=tmp_path, launcher=small)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("r.sqlite cannot be written (")
    assert done.stderr.endswith("): free some space; the same command goes on where it was\n")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.new"))
    again = netstack(*command, cwd=tmp_path)
    assert again.returncode == 0
    assert int(again.stderr.split()[0]) > 0, "runs that were kept"
    assert "of 60 runs are in r.sqlite already" in again.stderr


def test_a_run_whose_worker_died_is_no_result(tmp_path: Path) -> None:
    with Store(tmp_path / "r.sqlite") as store:
        store.add(JOB, replace(record(), status=DIED))
        assert store.records([JOB]) == {}
        assert [row["status"] for row in store.rows()] == [DIED]
        store.add(JOB, replace(record(), status=PASSED))
        assert store.records([JOB])[JOB].status == PASSED
        assert [row["status"] for row in store.rows()] == [PASSED]


def test_json_lines_grow_and_are_in_order_at_the_end(tmp_path: Path) -> None:
    lines = tmp_path / "r.jsonl"
    with Store(tmp_path / "r.sqlite") as store:
        for seed in (30, 10, 20):
            store.add(replace(JOB, seed=seed), replace(record(), seed=seed))
            assert json.loads(lines.read_text().splitlines()[-1])["seed"] == seed
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [row["seed"] for row in rows] == [10, 20, 30]
    assert rows[0]["reproduce"] == "netstack scenario FILE --seed 10 --set a=1"
    assert rows[0]["counters"] == {"x": 1}


def test_half_a_line_of_a_killed_campaign_does_no_harm(tmp_path: Path) -> None:
    with Store(tmp_path / "r.sqlite") as store:
        store.add(JOB, record())
    with (tmp_path / "r.jsonl").open("a") as file:
        file.write('{"scenario": "ab')
    with Store(tmp_path / "r.sqlite") as store:
        store.add(replace(JOB, seed=18), replace(record(), seed=18))
    assert [json.loads(line)["seed"] for line in (tmp_path / "r.jsonl").read_text().splitlines()] == [17, 18]


def test_two_campaigns_do_not_share_a_file(tmp_path: Path) -> None:
    with (
        Store(tmp_path / "r.sqlite"),
        pytest.raises(CampaignError, match=r"in use by another campaign: wait"),
    ):
        Store(tmp_path / "r.sqlite")
    Store(tmp_path / "r.sqlite").close()


def test_a_reader_is_not_kept_out_meanwhile(tmp_path: Path) -> None:
    with Store(tmp_path / "r.sqlite") as store:
        store.add(JOB, record())
        base = sqlite3.connect(tmp_path / "r.sqlite")
        assert base.execute("SELECT seed, status FROM runs").fetchall() == [(17, "failed")]
        base.close()


@pytest.mark.parametrize("content", [b"no database, but long enough to look like none" * 20, None])
def test_files_of_others_are_left_alone(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "r.sqlite"
    if content is None:
        base = sqlite3.connect(file)
        base.execute("CREATE TABLE mine (x)")
        base.close()
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(CampaignError, match=r"r\.sqlite is no file of results .*: name another"):
        Store(file)
    assert file.read_bytes() == before
    assert not (tmp_path / "r.jsonl").exists()


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"cannot be written \(No such file or directory\): name another"):
        Store(tmp_path / "nowhere" / "r.sqlite")


def test_without_a_file_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store() as store:
        store.add(JOB, record())
        assert store.records([JOB]) == {JOB: record()}
    assert list(tmp_path.iterdir()) == []


def test_a_seed_beyond_sqlite_is_refused(tmp_path: Path) -> None:
    with Store() as store, pytest.raises(CampaignError, match="take a smaller one"):
        store.add(replace(JOB, seed=2**63), record())
