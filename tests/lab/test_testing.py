"""The hypothesis strategies: all that they make is valid, and what they find is shrunk to the smallest."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from lab import testing
from lab.scenario import load, run
from lab.scenario.model import Fault
from netstack.profiles import named
from netstack.stack import Stack
from tests.lab.commands import ENVIRONMENT, ROOT

BENCH = """
[device.client]
address = "10.0.0.2/24"

[device.server]
address = "10.0.0.1/24"

[link.wire]
between = ["client", "server"]

[[program]]
on = "server"
run = "receive port=5000"

[[program]]
on = "client"
run = "send bytes=2000 to=server:5000"
"""

few = settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])


@given(testing.frames(damaged=False))
def test_frames_that_are_not_damaged_are_right_for_scapy(frame: bytes) -> None:
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.l2 import ARP, Ether

    packet = Ether(frame)
    assert ARP in packet or IP in packet
    if IP in packet:
        rebuilt = Ether(frame)
        for layer in (IP, TCP, UDP, ICMP):
            if layer in rebuilt:
                del rebuilt[layer].chksum
        again = Ether(bytes(rebuilt))
        for layer in (IP, TCP, ICMP):
            if layer in packet and layer in again:
                assert packet[layer].chksum == again[layer].chksum
        if UDP in packet:
            assert packet[UDP].chksum in (0, again[UDP].chksum)


@given(st.lists(testing.frames(), max_size=20))
def test_a_stack_takes_whatever_frames_come_and_leaks_nothing(frames: list[bytes]) -> None:
    stack = Stack(
        named("micropython"), mac=testing.MACS[0], ip=testing.SERVER, netmask=0xFFFFFF00,
        transmit=lambda frame: 0,
    )  # fmt: skip
    stack.netif.set_up(True)
    stack.netif.set_link(True)
    for number, frame in enumerate(frames):
        assert 14 <= len(frame) <= 1514
        stack.receive(frame, number * 1_000_000)
    stack.run_timers(3_600_000_000_000)
    assert stack.mem.pbuf_pool.used == 0


@given(testing.fault_plans())
def test_every_plan_is_a_part_of_a_valid_scenario(plan: list[Fault]) -> None:
    scenario = load(BENCH + testing.as_toml(plan), "bench.toml")
    assert scenario.file.fault == plan


@few
@given(testing.fault_plans(sorts=["device"], max_size=4))
def test_faults_of_devices_end_and_leave_no_memory_behind(plan: list[Fault]) -> None:
    checks = "".join(f'\n[[expect]]\nthat = "pools {name} leaked == 0"\n' for name in testing.DEVICES)
    result = run(load(BENCH + testing.as_toml(plan) + checks, "bench.toml"))
    assert result.error is None
    assert [detail for text, holds, detail in result.expectations if "pools" in text and not holds] == []


@few
@given(testing.scenarios(max_bytes=6000))
def test_what_is_sent_arrives_whatever_the_faults(text: str) -> None:
    result = run(load(text, "scenario.toml"))
    assert result.ok, result.failed


def test_what_fails_is_shrunk_to_the_one_fault_that_matters() -> None:
    plan = find(testing.fault_plans(), lambda plan: any("drop" in fault.do for fault in plan))
    assert plan == [Fault(do="drop", on="client>server kind=syn n=1")]


def test_the_smallest_plan_is_none_and_the_smallest_scenario_says_least() -> None:
    assert find(testing.fault_plans(), lambda plan: True) == []
    text = find(testing.scenarios(), lambda text: True)
    assert "fault" not in text
    assert "send bytes=1 " in text
    assert 'delay = "1ms"' in text


def test_a_run_that_fails_is_shrunk_by_hypothesis_too() -> None:
    """Planted: the run is too slow when the SYN-ACK is lost."""

    def is_slow(plan: list[Fault]) -> bool:
        text = BENCH + testing.as_toml(plan) + '\n[[expect]]\nthat = "result client.send.took in 0s..1s"\n'
        return bool(run(load(text, "bench.toml")).failed)

    plan = find(
        testing.fault_plans(sorts=["rule"], ways=["server>client"]),
        is_slow,
        settings=settings(max_examples=200),
    )
    assert len(plan) == 1
    assert plan[0].on is not None
    assert plan[0].on.endswith("n=1")


def test_sorts_that_nobody_knows_are_refused() -> None:
    with pytest.raises(ValueError, match="no sort of faults is called weather: give rule, impairment"):
        testing.fault_plans(sorts=["weather"])
    with pytest.raises(ValueError, match="no sort of faults is called nothing"):
        testing.fault_plans(sorts=[])


def test_importing_it_does_not_import_hypothesis() -> None:
    code = "import sys, lab.testing; print('hypothesis' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/testing.md, with fewer examples each."""
    (tmp_path / "my-network.toml").write_text(BENCH)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for code in re.findall(
        r"^```python\n(.*?)^```", page.partition("## Strategies")[2], re.DOTALL | re.MULTILINE
    )[:2]:
        exec(code, names)
    tests = [names[name] for name in ("test_everything_arrives", "test_my_protocol_bears_it")]
    for test in tests:
        settings(few, max_examples=8)(test)()
