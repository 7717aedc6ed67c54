"""What all faults have in common."""

from __future__ import annotations

import pytest

from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFault
from tap.devicefault.pools import PoolFail
from tests.tap.devicefault.rig import Rig, rig


class Ticking(DeviceFault):
    """Notes each second."""

    def _begin(self) -> None:
        self._tick()

    def _tick(self) -> None:
        self.note("tick", str(self.now))
        self.at(self.now + SECOND, self._tick)


def test_it_begins_and_ends_once() -> None:
    with rig() as made:
        said: list[tuple[str, str]] = []
        fault = Ticking(made.client, "ticking", lambda action, detail: said.append((action, detail)))
        assert not fault.running
        with fault:
            fault.start()
            made.advance(2500 * MS)
            assert "on" in repr(fault)
        fault.stop()
        made.advance(10 * SECOND)
        assert said == [("tick", "0"), ("tick", "1000000000"), ("tick", "2000000000")]
        assert fault.counts == {"tick": 3}


def test_what_an_earlier_run_has_planned_does_not_happen_in_a_later_one() -> None:
    with rig() as made:
        fault = Ticking(made.client, "ticking")
        with fault:
            made.advance(500 * MS)
        with fault:
            made.advance(2700 * MS)
        assert fault.counts == {"tick": 4}  # at 0, and at 0.5, 1.5 and 2.5 s


def test_a_fault_of_no_kind_is_none() -> None:
    with rig() as made, pytest.raises(NotImplementedError):
        DeviceFault(made.client, "nothing").start()


def test_it_cannot_begin_in_a_device_that_is_not_open() -> None:
    made = Rig()
    with made.net:
        made.client.close()
        fault = PoolFail(made.client, "HEAP")
        fault.start()
        assert not fault.running
        fault.stop()
