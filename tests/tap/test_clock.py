"""Real and virtual time."""

from __future__ import annotations

import os
import time

import pytest

from tap.clock import MS, SECOND, Clock, Deadlock, RealClock, VirtualClock


def test_virtual_time_stands_still_and_jumps_to_the_earliest() -> None:
    clock = VirtualClock()
    assert clock.now() == clock.now() == 0
    clock.call_at(30 * MS, lambda: None)
    clock.wait(50 * MS)
    assert clock.now() == 30 * MS
    clock.run_due()
    clock.wait(50 * MS)
    assert clock.now() == 50 * MS


def test_virtual_time_never_runs_backwards() -> None:
    clock = VirtualClock(start=SECOND)
    clock.wait(5)
    assert clock.now() == SECOND


@pytest.mark.parametrize("clock", [RealClock(), VirtualClock()], ids=["real", "virtual"])
def test_waiting_for_nothing_is_an_error(clock: Clock) -> None:
    with pytest.raises(Deadlock):
        clock.wait(None)


def test_callbacks_run_in_the_order_of_their_times_then_of_the_calls() -> None:
    clock = VirtualClock()
    ran: list[str] = []
    for when, name in ((2, "c"), (1, "a"), (2, "d"), (1, "b"), (3, "later")):
        clock.call_at(when, lambda name=name: ran.append(name))
    clock.wait(2)
    clock.run_due()
    assert (clock.now(), ran) == (1, ["a", "b"])
    clock.wait(2)
    clock.run_due()
    assert ran == ["a", "b", "c", "d"]
    assert clock.next_event() == 3


def test_a_callback_asked_for_by_a_callback_waits_for_the_next_run() -> None:
    clock = VirtualClock()
    ran: list[int] = []

    def again() -> None:
        ran.append(clock.now())
        clock.call_at(clock.now(), again)

    clock.call_at(0, again)
    clock.run_due()
    assert ran == [0]
    assert clock.next_event() == 0
    clock.run_due()
    assert ran == [0, 0]


def test_one_that_raises_loses_none_of_the_others() -> None:
    clock = VirtualClock()
    ran: list[str] = []

    def fails() -> None:
        raise RuntimeError

    clock.call_at(0, lambda: clock.call_at(0, lambda: ran.append("asked for by the first")))
    clock.call_at(0, lambda: clock.call_at(-1, lambda: ran.append("asked for to be first")))
    clock.call_at(0, lambda: ran.append("before"))
    clock.call_at(0, fails)
    clock.call_at(0, lambda: ran.append("after"))
    with pytest.raises(RuntimeError):
        clock.run_due()
    assert ran == ["before"]
    clock.run_due()
    assert ran == ["before", "asked for to be first", "after", "asked for by the first"]
    assert clock.next_event() is None


def test_real_time_waits_until_the_deadline_and_never_less() -> None:
    clock = RealClock()
    for _ in range(20):
        deadline = clock.now() + MS // 3
        clock.wait(deadline)
        assert clock.now() >= deadline


def test_real_time_waits_for_the_next_callback() -> None:
    clock = RealClock()
    clock.call_at(clock.now() + 20 * MS, lambda: None)
    clock.wait(clock.now() + 10 * SECOND)
    assert 20 * MS <= clock.now() < 5 * SECOND


def test_a_readable_descriptor_ends_the_wait() -> None:
    clock = RealClock()
    reading, writing = os.pipe()
    os.write(writing, b"x")
    clock.wait(None, [reading])
    assert clock.now() < 5 * SECOND
    os.close(reading)
    os.close(writing)


def test_epoch_is_the_wall_clock_at_zero() -> None:
    clock = RealClock()
    assert abs(clock.epoch + clock.now() - time.time_ns()) < SECOND
    assert VirtualClock().epoch == 0
