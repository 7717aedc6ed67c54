"""A blackhole."""

from __future__ import annotations

from tap.clock import MS
from tap.impair.blackhole import Blackhole
from tests.tap.impair.rig import Rig, burst, order


def test_always_and_at_times() -> None:
    rig = Rig(Blackhole())
    burst(rig, 3)
    assert rig.arrived == []
    assert rig.notes == [("drop", "blackhole")] * 3
    rig = Rig(Blackhole(2 * MS, 2 * MS, 5 * MS))
    burst(rig, 10, gap=MS)
    assert order(rig.frames) == [0, 1, 4, 5, 6, 9]


def test_opened_and_closed_by_hand() -> None:
    stage = Blackhole(0, 3 * MS)
    rig = Rig(stage)
    rig.clock.call_at(2 * MS, stage.close)
    rig.clock.call_at(5 * MS, stage.open)
    burst(rig, 8, gap=MS)
    assert order(rig.frames) == [2, 3, 4]
