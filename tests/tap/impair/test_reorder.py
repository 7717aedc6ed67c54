"""Reordering by k frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.clock import MS, SECOND, VirtualClock
from tap.impair.reorder import Reorder
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.rig import Rig, burst, order


def rig(rate: float, behind: int = 1, seed: int = 1, gap: int = 1, patience: int = SECOND) -> Rig:
    clock = VirtualClock()
    stage = Reorder(rate, behind, stream=stream(seed, "x"), clock=clock, gap=gap, patience=patience)
    return Rig(stage, clock=clock)


def test_every_fourth_frame_steps_back_behind_two() -> None:
    found = rig(1, behind=2, gap=4)
    burst(found, 10, gap=MS)
    assert order(found.frames) == [0, 1, 2, 4, 5, 3, 6, 8, 9, 7]
    assert found.notes == [("reorder", "2 behind")] * 2


@pytest.mark.parametrize("behind", [1, 3])
def test_rate_and_distance_of_a_random_reordering(behind: int) -> None:
    found = rig(0.02, behind=behind)
    burst(found, 20_000, gap=MS)
    arrived = order(found.frames)
    assert sorted(arrived) == list(range(20_000))
    late = [at for at, number in enumerate(arrived) if any(n > number for n in arrived[max(0, at - 20) : at])]
    assert len(late) == len(found.notes)
    assert len(late) / 20_000 == pytest.approx(0.02, abs=0.005)  # 5 standard deviations
    distances = [sum(n > arrived[at] for n in arrived[max(0, at - 20) : at]) for at in late]
    assert distances.count(behind) / len(distances) > 0.85  # the others were held with a neighbour


def test_when_nothing_follows_patience_ends() -> None:
    found = rig(1, behind=3, patience=50 * MS)
    burst(found, 2, gap=MS)
    assert found.arrived == [(50 * MS, found.frames[0]), (51 * MS, found.frames[1])]


@given(st.floats(0, 1), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32))
def test_no_frame_is_lost_or_doubled(rate: float, behind: int, gap: int, seed: int) -> None:
    found = rig(rate, behind, seed, gap)
    burst(found, 40, gap=MS)
    assert sorted(order(found.frames)) == list(range(40))


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match="reorder behind 0 does not do: give a whole number, 1 or more"):
        rig(1, behind=0)
    with pytest.raises(ImpairmentError, match="reorder rate 2 is not between 0 and 1"):
        rig(2)
