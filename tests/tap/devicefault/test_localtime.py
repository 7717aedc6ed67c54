"""The arithmetic of clocks that are wrong: what they show, and when they show it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.clock import MS, SECOND, VirtualClock
from tap.devicefault.localtime import Drift, LocalClock, Mapping, Pauses, Ticks, by_chance
from tap.streams import stream

START = 5 * SECOND
DRAWN = stream(1, "jitter")

MAPPINGS: list[Mapping] = [
    Drift(300, START),
    Drift(-120_000, START),
    Drift(1_000_000, START),
    Ticks(10 * MS, by_chance(0, 0, None), START),
    Ticks(10 * MS, by_chance(0, 9 * MS, DRAWN), START),
    Pauses(by_chance(20 * MS, 400 * MS, DRAWN), SECOND, START),
    Pauses(by_chance(20 * MS, 20 * MS, None), None, START),
]


@given(st.sampled_from(MAPPINGS), st.integers(START, START + 100 * SECOND), st.integers(0, 2 * SECOND))
def test_each_is_monotone_and_reached_is_the_first_time(mapping: Mapping, time: int, more: int) -> None:
    assert mapping.shown(time) <= mapping.shown(time + more)
    wanted = mapping.shown(time)
    first = mapping.reached(wanted)
    assert mapping.shown(first) >= wanted
    assert mapping.shown(first - 1) < wanted
    assert first <= time
    between = mapping.reached(wanted + more)
    assert mapping.shown(between) >= wanted + more
    assert mapping.shown(between - 1) < wanted + more


def test_chance_is_the_same_each_time() -> None:
    late = by_chance(3, 9, stream(7, "x"))
    again = by_chance(3, 9, stream(7, "x"))
    drawn = [late(number) for number in range(1000)]
    assert drawn == [again(number) for number in reversed(range(1000))][::-1]
    assert set(drawn) == set(range(3, 10))


def test_a_clock_never_goes_back_and_does_not_jump_when_it_changes() -> None:
    true = VirtualClock(START)
    clock = LocalClock(true)
    drift = Drift(100_000, START)
    clock.add(drift)
    true.wait(START + SECOND)
    assert clock.now() == START + 1100 * MS
    clock.remove(drift)
    assert clock.now() == START + 1100 * MS
    true.wait(START + 2 * SECOND)
    assert clock.now() == START + 2100 * MS
    clock.set_ahead(-SECOND)
    assert clock.now() == START + 2100 * MS
    assert clock.true_time(START + 2100 * MS) == true.now()
    assert clock.true_time(START + 2101 * MS) == true.now() + 1001 * MS
    true.wait(START + 3 * SECOND)
    assert clock.now() == START + 2100 * MS
    clock.set_ahead(5 * SECOND)
    assert clock.now() == START + 7100 * MS


def test_a_pause_that_is_taken_out_jumps() -> None:
    true = VirtualClock(START)
    clock = LocalClock(true)
    pause = Pauses(by_chance(SECOND, SECOND, None), None, START)
    clock.add(pause)
    true.wait(START + 500 * MS)
    assert clock.now() == START
    clock.remove(pause, jumps=True)
    assert clock.now() == START + 500 * MS


def test_it_calls_at_its_own_times() -> None:
    true = VirtualClock()
    clock = LocalClock(true)
    clock.add(Drift(1_000_000, 0))  # twice as fast
    seen: list[int] = []
    clock.call_at(2 * SECOND, lambda: seen.append(true.now()))
    assert clock.next_event() == SECOND
    clock.wait(4 * SECOND)
    assert true.now() == SECOND
    clock.run_due()
    assert seen == [SECOND]
    assert (clock.virtual, clock.epoch) == (True, 0)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_time_very_far_away_is_no_trouble(mapping: Mapping) -> None:
    far = 1 << 90
    assert mapping.shown(mapping.reached(far)) >= far
