"""CoDel: when it drops, by RFC 8289."""

from __future__ import annotations

import math

import pytest

from tap.clock import MS, SECOND, VirtualClock
from tap.impair.codel import CoDel
from tap.impair.units import ImpairmentError
from tests.tap.impair.rig import Rig, burst, tcp_frame


def overload(count: int, gap: int, ecn: bool = False, frame: bytes = bytes(100)) -> tuple[Rig, list[int]]:
    """Frames that take 0.1 ms every ``gap`` ns; when each was dropped or marked."""
    clock = VirtualClock()
    rig = Rig(CoDel(len(frame) * 8 * SECOND // (MS // 10), None, clock=clock, ecn=ecn), clock=clock)
    dropped: list[int] = []
    rig.direction.observer = lambda way, stage, frame, action, detail: dropped.append(clock.now())
    for number in range(count):
        rig.send(frame, number * gap)
    rig.run()
    return rig, dropped


def test_a_line_that_keeps_up_loses_nothing() -> None:
    rig, dropped = overload(5000, MS // 10)
    assert not dropped
    assert len(rig.arrived) == 5000


def test_a_burst_that_is_over_in_time_loses_nothing() -> None:
    rig, dropped = overload(900, 0)  # 90 ms of queue, less than the interval
    assert not dropped
    assert len(rig.arrived) == 900


def test_a_standing_queue_is_dropped_from_by_the_control_law() -> None:
    """Twice the rate: 5 ms of waiting are reached at 10 ms; 100 ms later the first drop, then
    interval/sqrt(n).
    """
    _, dropped = overload(12_000, MS // 20)
    first = dropped[0]
    assert first == pytest.approx(110 * MS, abs=0.3 * MS)
    due = first
    for number, at in enumerate(dropped[:40], 1):
        assert at == pytest.approx(due, abs=0.11 * MS)  # the next departure after it
        due += 100 * MS / math.sqrt(number)


def test_with_ecn_nothing_is_lost() -> None:
    rig, marked = overload(6000, MS // 20, ecn=True, frame=tcp_frame(tos=2))
    assert len(rig.arrived) == 6000
    assert sum(frame[15] & 3 == 3 for frame in rig.frames) == len(marked) > 3
    _, dropped = overload(6000, MS // 20, frame=tcp_frame(tos=2))
    assert marked[:3] == dropped[:3]


def test_its_limit() -> None:
    clock = VirtualClock()
    rig = Rig(CoDel(1_000_000, 2, clock=clock), clock=clock)
    burst(rig, 5, size=125)
    assert len(rig.arrived) == 3
    assert rig.notes == [("drop", "queue full, 2 packets")] * 2


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match=r"codel target \(ns\) 0 does not do"):
        CoDel(1000, clock=VirtualClock(), target=0)
