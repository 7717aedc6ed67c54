"""Slots."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tap.clock import MS
from tap.impair.slots import Slots
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.rig import Rig, burst


def test_so_many_packets_a_slot() -> None:
    rig = Rig(Slots(10 * MS, packets=2, stream=stream(1, "x")))
    burst(rig, 5)
    # the first slot is open at 0; each full one opens the next 10 ms later
    assert [at // MS for at in rig.times] == [0, 0, 10, 10, 20]


def test_so_many_bytes_a_slot() -> None:
    rig = Rig(Slots(10 * MS, size=250, stream=stream(1, "x")))
    burst(rig, 5)
    assert [at // MS for at in rig.times] == [0, 0, 0, 10, 10]


def test_a_slot_that_is_over_counts_from_the_next_frame() -> None:
    stage = Slots(10 * MS, packets=1, stream=stream(1, "x"))
    rig = Rig(stage)
    for at in (5, 6, 40):
        rig.send(bytes(60), at * MS)
    rig.run()
    assert [at // MS for at in rig.times] == [15, 25, 50]
    assert rig.notes == [("delay", f"{wait * MS} ns") for wait in (10, 19, 10)]


def test_the_time_between_slots_scatters() -> None:
    rig = Rig(Slots(10 * MS, 20 * MS, 1, stream=stream(1, "x")))
    burst(rig, 2000)
    gaps = [b - a for a, b in pairwise(rig.times)]
    assert 10 * MS <= min(gaps) < 10.1 * MS
    assert 19.9 * MS < max(gaps) <= 20 * MS
    assert sum(gaps) / len(gaps) == pytest.approx(15 * MS, rel=0.02)


def test_slots_by_a_distribution() -> None:
    rig = Rig(Slots(50 * MS, packets=1, jitter=5 * MS, distribution="normal", stream=stream(1, "x")))
    burst(rig, 2000)
    gaps = [b - a for a, b in pairwise(rig.times)]
    assert sum(gaps) / len(gaps) == pytest.approx(50 * MS, rel=0.01)
    assert (sum((gap - 50 * MS) ** 2 for gap in gaps) / len(gaps)) ** 0.5 == pytest.approx(5 * MS, rel=0.06)


def test_how_many_wait() -> None:
    stage = Slots(10 * MS, packets=1, stream=stream(1, "x"))
    for _ in range(4):
        stage.handle(bytes(60), 1, lambda frame, at: None, lambda action, detail: None)
    assert [stage.queued(at * MS + 1) for at in (0, 10, 20, 40)] == [4, 3, 2, 0]


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match="slot maximum 1 ns is below its minimum 2 ns: exchange them"):
        Slots(2, 1, stream=stream(1, "x"))
    with pytest.raises(ImpairmentError, match="a slot has a maximum or a jitter: leave one out"):
        Slots(1, 2, jitter=1, stream=stream(1, "x"))
