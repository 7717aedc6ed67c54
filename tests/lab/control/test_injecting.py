"""``netstack inject``: rules, impairments and device faults in a running device, on a real TAP."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.control.errors import ControlError
from lab.control.injection import FAULT, IMPAIRMENT, NETEM, RULE, kind_of
from tests.lab.control.running import Machine

IP = "10.93.3.2"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """With a device that serves HTTP."""
    machine = Machine(tmp_path_factory.mktemp("inject"))
    with machine.up("examples/http_server.py", "--ip", f"{IP}/24", listening=True):
        yield machine


def download(machine: Machine) -> str:
    """Status and size of a download."""
    url = f"http://{IP}/download"
    return machine.linux("curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", url)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("drop kind=data n=3", RULE),
        ("delay 200ms kind=syn-ack", RULE),
        ("delay 200ms", RULE),
        ("delay delay=80ms jitter=20ms", IMPAIRMENT),
        ("duplicate copies=1 kind=ack every=3", RULE),
        ("duplicate copies=2", RULE),
        ("duplicate rate=1%", IMPAIRMENT),
        ("corrupt field=tcp.checksum kind=syn-ack", RULE),
        ("corrupt rate=1% unit=bit", IMPAIRMENT),
        ("reorder behind=2 kind=data n=5", RULE),
        ("reorder rate=1% behind=2", IMPAIRMENT),
        ("loss rate=1%", IMPAIRMENT),
        ("netem delay 80ms", NETEM),
        ("pool-fail pool=TCP_SEG nth=17", FAULT),
    ],
)
def test_the_first_word_says_what_a_text_is(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is nothing to inject: write 'drop kind=data n=3'"),
        ("los rate=1%", "there is no 'los': did you mean loss?"),
    ],
)
def test_what_is_nothing(text: str, told: str) -> None:
    with pytest.raises(ControlError, match=re.escape(told)):
        kind_of(text)


@pytest.mark.tap
@pytest.mark.needs("curl", "ping")
class TestOnATap:
    def test_a_rule_drops_and_curl_survives_by_retransmission(self, machine: Machine) -> None:
        before = machine.json("stats")["protocols"]["tcp"]["xmit"]
        assert machine.said("inject", "device>linux drop kind=data n=3").split()[:2] == ["1", "device>linux"]
        assert download(machine) == "200 1000000"
        (one,) = machine.json("inject", "--list")
        assert one == {
            "number": 1,
            "text": "device>linux drop kind=data n=3",
            "kind": "rule",
            "done": {"device>linux": {"hits": 1}},
        }
        assert machine.json("stats")["protocols"]["tcp"]["xmit"] >= before + 1250
        assert machine.said("inject", "--remove", "1").split("  ")[-1].strip() == "device>linux: 1 hits"
        assert machine.said("inject") == "nothing is injected\n"
        assert download(machine) == "200 1000000"

    def test_both_directions_without_a_word(self, machine: Machine) -> None:
        number = machine.json("inject", "drop kind=echo n=2")[0]["number"]
        sent = machine.call("exec", "--", "ping", "-c", "3", "-i", "0.1", "-W", "1", IP)
        assert "3 packets transmitted, 2 received" in sent.stdout
        (one,) = machine.json("inject")
        assert one["done"] == {"device>linux": {"hits": 0}, "linux>device": {"hits": 1}}
        machine.said("inject", "--remove", str(number))

    def test_delay_is_added_and_taken_away(self, machine: Machine) -> None:
        def milliseconds() -> float:
            found = re.search(r"time=([\d.]+) ms", machine.linux("ping", "-c", "1", "-W", "5", IP))
            assert found
            return float(found[1])

        for text in ("delay delay=60ms", "netem delay 60ms", "delay 60ms kind=echo"):
            (one,) = machine.json("inject", text)
            ways = 1 if "kind" in text else 2
            assert 60 * ways <= milliseconds() < 60 * ways + 60
            machine.said("inject", "--remove", str(one["number"]))
        assert min(milliseconds() for _ in range(3)) < 30

    def test_loss_is_counted(self, machine: Machine) -> None:
        (one,) = machine.json("inject", "linux>device loss rate=30%")
        done = machine.call("exec", "--", "ping", "-c", "60", "-i", "0.01", "-W", "1", IP)
        received = int(re.search(r"(\d+) received", done.stdout)[1])  # type: ignore[index]
        (found,) = machine.json("inject", "--list")
        assert found["done"] == {"linux>device": {"drop": 60 - received}}
        assert 5 <= 60 - received <= 35
        machine.said("inject", "--remove", str(one["number"]))

    def test_what_was_on_its_way_arrives_after_the_end(self, machine: Machine) -> None:
        (one,) = machine.json("inject", "linux>device delay delay=1500ms")
        pinging = threading.Thread(
            target=lambda: outcomes.append(machine.linux("ping", "-c", "1", "-W", "9", IP))
        )
        outcomes: list[str] = []
        pinging.start()
        for _ in range(100):
            (found,) = machine.json("inject", "--list")
            if found["done"]["linux>device"]:
                break
        machine.said("inject", "--remove", str(one["number"]))
        pinging.join()
        assert "1 received" in outcomes[0]

    def test_a_rule_that_asks_for_the_state_of_the_device(self, machine: Machine) -> None:
        text = "linux>device drop kind=fin state=device:FIN_WAIT_1,FIN_WAIT_2 n=1"
        (one,) = machine.json("inject", text)
        assert machine.linux("curl", "-s", f"http://{IP}/").startswith("<!DOCTYPE html>")
        for _ in range(100):
            (found,) = machine.json("inject")
            if found["done"]["linux>device"]["hits"]:
                break
        assert found["done"] == {"linux>device": {"hits": 1}}
        machine.said("inject", "--remove", str(one["number"]))

    def test_faults_in_the_device(self, machine: Machine) -> None:
        (one,) = machine.json("inject", "pool-fail pool=TCP_SEG every=40")
        before = {use["name"]: use["failed"] for use in machine.json("pools")}
        assert download(machine) == "200 1000000"
        (found,) = machine.json("inject")
        fails = found["done"]["device"]["fail"]
        assert fails >= 10
        after = {use["name"]: use["failed"] for use in machine.json("pools")}
        assert after["TCP_SEG"] == before["TCP_SEG"] + fails
        machine.said("inject", "--remove", str(one["number"]))
        (one,) = machine.json("inject", "tx-refuse every=2")
        done = machine.call("exec", "--", "ping", "-c", "4", "-i", "0.1", "-W", "1", IP)
        assert "4 packets transmitted, 2 received" in done.stdout
        machine.said("inject", "--remove", str(one["number"]))
        assert "2 received" in machine.linux("ping", "-c", "2", "-i", "0.1", "-W", "5", IP)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("drop kidn=data", "rule, column 6: 'kidn' is no word of drop: did you mean kind?"),
            (
                "drop kind=data x>y",
                "there is no direction x>y: write device>linux or linux>device, or none for both",
            ),
            ("loss rate=200%", "loss rate: "),
            ("netem dely 3ms", "netem"),
            ("pool-fail pool=TCP_SEGS", "pool-fail"),
            ("drop state=other:ESTABLISHED", "rule: state: no device is called other: there is device"),
        ],
    )
    def test_mistakes_get_one_line_and_change_nothing(self, machine: Machine, text: str, told: str) -> None:
        assert machine.refused("inject", text).startswith(f"netstack: {told}")
        assert machine.said("inject") == "nothing is injected\n"

    def test_what_is_not_there_cannot_be_removed(self, machine: Machine) -> None:
        told = machine.refused("inject", "--remove", "99")
        assert told == "netstack: there is no injection 99: there are none (netstack inject --list)"
        told = machine.refused("inject", "--remove", "1", "drop")
        assert "TEXT, --list and --remove: give one" in told


@pytest.mark.tap
@pytest.mark.needs("ping")
def test_a_reboot_in_real_time(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    with machine.up("--ip", f"{IP}/24") as up:
        assert "1 received" in machine.linux("ping", "-c", "1", "-W", "5", IP)
        machine.said("inject", "reboot mode=cold down=300ms")
        done = machine.call("exec", "--", "ping", "-c", "1", "-W", "9", IP)
        assert done.returncode in (0, 1)
        assert "1 received" in machine.linux("ping", "-c", "1", "-W", "9", IP)
        assert up.ctrl_c() == 0
    assert "Traceback" not in up.log
