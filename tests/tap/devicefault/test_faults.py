"""``device.faults``: adding, removing, and what the journal hears."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import SECOND, VirtualClock
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.localtime import LocalClock
from tap.devicefault.pools import PoolFail
from tap.wire import wire
from tests.tap.devicefault.rig import added, rig
from usocket import Device


def test_add_and_remove() -> None:
    with rig() as made:
        faults = made.client.faults
        first = faults.add("pool-fail  pool=UDP_PCB nth=1")
        second = faults.add("cpu frame=1us", name="slow")
        assert [fault.name for fault in faults] == ["pool-fail pool=UDP_PCB nth=1", "slow"]
        assert first in faults
        faults.remove(first)
        faults.remove(first)
        assert list(faults) == [second]
        second.stop()
        assert len(faults) == 0


def test_within_with() -> None:
    with rig() as made:
        with made.client.faults.add("pool-fail pool=UDP_PCB") as fault:
            assert fault.running
            assert not made.client.stack.mem.udp_pcb.take()
        assert not fault.running
        assert len(made.client.faults) == 0
        assert made.client.stack.mem.udp_pcb.gates == ()


def test_a_fault_made_by_hand() -> None:
    with rig() as made:
        fault = PoolFail(made.client, "UDP_PCB", nth=1)
        assert made.client.faults.add(fault, name="mine") is fault
        assert made.client.faults.add(fault) is fault
        assert len(made.client.faults) == 1
        assert not made.client.stack.mem.udp_pcb.take()
        assert made.actions == ["fail"]


def test_mistakes_add_nothing() -> None:
    with rig() as made:
        with pytest.raises(DeviceFaultError, match="did you mean pool-fail"):
            made.client.faults.add("pol-fail pool=HEAP")
        assert len(made.client.faults) == 0


def test_two_of_a_text_draw_independently_and_runs_repeat() -> None:
    def drawn() -> list[list[bool]]:
        with rig() as made:
            found = []
            for _ in range(2):
                with made.client.faults.add("pool-fail pool=RAW_PCB p=50%"):
                    takes = [made.client.stack.mem.raw_pcb.take() for _ in range(4)]
                    made.client.stack.mem.raw_pcb.give(sum(takes))
                    found.append(takes)
            return found

    first = drawn()
    assert first[0] != first[1]
    assert drawn() == first


def test_before_the_device_is_open_it_waits() -> None:
    clock = VirtualClock()
    one, _ = wire(clock)
    device = Device(address="10.0.0.1/24", link=one, clock=clock)
    for text in ("pool-fail pool=UDP_PCB", "clock drift=100ppm", "rx-ring size=4"):
        device.faults.add(text)
    assert not any(fault.running for fault in device.faults)
    with device:
        assert all(fault.running for fault in device.faults)
        with pytest.raises(OSError):
            device.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        assert isinstance(device.clock, LocalClock)
    assert len(device.faults) == 0
    assert device.clock is clock
    assert device.stack.mem.udp_pcb.gates == ()


def test_closing_a_device_is_not_hindered_by_its_faults() -> None:
    with rig() as made:
        leak = "leak pool=HEAP every=1s size=50"
        for text in ("cpu-stall length=100s", "tx-refuse", leak, "clock-step by=9s"):
            added(made.client, text)
        made.advance(2 * SECOND)
        assert made.client.stack.mem.heap.used > 0
        made.client.close()
        assert made.client.stack.mem.heap.used == 0
        made.client.open()
        assert made.client.clock is made.net.clock
