"""Times at which something is so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.impair.schedule import Schedule
from tap.impair.units import ImpairmentError


def active(schedule: Schedule, until: int) -> str:
    return "".join(".x"[schedule.active(now)] for now in range(until))


def test_once_for_ever_and_again() -> None:
    assert active(Schedule(), 4) == "xxxx"
    assert active(Schedule(2), 6) == "..xxxx"
    assert active(Schedule(2, 3), 8) == "..xxx..."
    assert active(Schedule(1, 2, 5), 14) == ".xx...xx...xx."[:14]


@given(st.integers(0, 20), st.none() | st.integers(1, 9), st.none() | st.integers(1, 20), st.integers(-5, 60))
def test_the_next_change_is_the_first(start: int, lasting: int | None, every: int | None, now: int) -> None:
    if every is not None and (lasting is None or lasting >= every):
        return
    schedule = Schedule(start, lasting, every)
    change = schedule.next_change(now)
    later = range(now + 1, now + 60)
    first = next((at for at in later if schedule.active(at) != schedule.active(at - 1)), None)
    assert change == first


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match="what lasts 5 ns every 5 ns never ends: let it last less"):
        Schedule(0, 5, 5)
    with pytest.raises(ImpairmentError, match="never ends"):
        Schedule(0, None, 5)
    with pytest.raises(ImpairmentError, match=r"start \(ns\) -1"):
        Schedule(-1)
