"""Programs and lwIP go by a clock that is wrong."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import MS, SECOND
from tap.devicefault.clocks import ClockFault, ClockStep, TickWrap
from tap.devicefault.fault import DeviceFaultError
from tests.tap.devicefault.rig import SERVER, added, errno_of, pattern, rig, sends
from usocket import time
from usocket.errno import ETIMEDOUT


def naps() -> tuple[int, int]:
    """Ticks that a sleep of 10 s took, and of a time-out of 5 s."""
    begun = time.ticks_ms()
    time.sleep(10)
    slept = time.ticks_diff(time.ticks_ms(), begun)
    sock = usocket.socket()
    sock.bind(("", 9))
    sock.listen(1)
    sock.settimeout(5)
    with pytest.raises(OSError) as caught:
        sock.accept()
    assert caught.value.errno == ETIMEDOUT
    sock.close()
    return slept, time.ticks_diff(time.ticks_ms(), begun) - slept


@pytest.mark.parametrize(("drift", "lasted"), [("100000ppm", 13_636), ("-100000ppm", 16_666)])
def test_all_of_the_device_drifts_but_its_program_sees_nothing(drift: str, lasted: int) -> None:
    with rig() as made:
        added(made.client, f"clock drift={drift}")
        assert made.run(naps) == (10_000, 5_000)
        assert made.now // MS == lasted
        assert made.run(naps, made.server) == (10_000, 5_000)
        assert made.now // MS == lasted + 15_000


def test_lwips_timers_drift_with_it() -> None:
    """Retransmissions of a SYN that nobody answers, by a clock that is twice as fast."""
    with rig() as made:
        made.cable.pull()

        def connect() -> None:
            usocket.socket().connect((SERVER, 1))

        errno_of(made.run(connect))
        right = made.now
        added(made.client, "clock drift=1000000ppm")
        errno_of(made.run(connect))
        assert abs((made.now - right) * 2 - right) < 500 * MS
        made.cable.plug()


def test_ticks_come_late_by_chance() -> None:
    with rig(seed=3) as made:
        added(made.client, "clock tick=100ms jitter=50ms")

        def nap() -> list[int]:
            found = []
            for _ in range(20):
                time.sleep_ms(250)
                found.append(time.ticks_ms())
            return found

        found = made.run(nap)
        assert all(ticks % 100 == 0 for ticks in found)
        assert found[-1] == 20 * 300
        assert 0 < made.now % (100 * MS) <= 50 * MS
        made.serve()
        made.run(sends(4000))
        made.advance(30 * SECOND)
        assert made.received == pattern(4000)


def test_a_step_ahead_ends_what_waits() -> None:
    with rig() as made:
        made.net.clock.call_at(2 * SECOND, lambda: made.client.faults.add("clock-step by=5s"))
        assert made.run(naps) == (10_000, 5_000)
        assert made.now == 10 * SECOND


def test_a_step_back_holds_everything_up() -> None:
    with rig() as made:
        made.net.clock.call_at(2 * SECOND, lambda: made.client.faults.add("clock-step by=-3s"))
        assert made.run(naps) == (10_000, 5_000)
        assert made.now == 18 * SECOND
        made.serve()
        made.run(sends(4000))
        made.advance(30 * SECOND)
        assert made.received == pattern(4000)


def test_a_step_of_the_day() -> None:
    with rig() as made, made.client.use():
        before = time.time()
        added(made.client, "clock-step by=3600s of=day")
        assert time.time() == before + 3600
        assert time.ticks_ms() == 0


def test_the_counter_wraps() -> None:
    with rig(profile="esp32-idf") as made:
        added(made.client, "tick-wrap before=5s")
        assert made.client.stack.core.sys_now() == (1 << 32) - 5000

        def watch() -> tuple[int, int]:
            before = time.ticks_ms()
            time.sleep(6)
            return before, time.ticks_ms()

        assert made.run(watch) == ((1 << 30) - 5000, 1000)
        assert made.client.stack.core.sys_now() == 1000
        made.client.power_cycle()
        assert made.client.stack.core.sys_now() == (1 << 32) - 5000
        made.serve()
        made.run(sends(4000, lambda sock: time.sleep(6)))
        made.advance(10 * SECOND)
        assert made.received == pattern(4000)


def test_a_device_with_a_wrong_clock_sleeps_as_well() -> None:
    with rig() as made:
        for text in ("clock drift=50ppm", "clock tick=10ms jitter=9ms"):
            added(made.client, text)
        made.advance(SECOND)
        steps = made.net.scheduler.steps
        made.advance(3600 * SECOND)
        assert made.net.scheduler.steps - steps < 5


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "this clock is right"),
        ({"drift": -900_000}, "a drift of -900000 ppm is none"),
        ({"tick": 0}, "a tick of no time"),
        ({"tick": 5, "jitter": 5}, "jitter is that of ticks and less than one"),
        ({"drift": 5, "jitter": 5}, "jitter is that of ticks"),
        ({"tick": 5, "jitter": 4}, "jitter needs a stream"),
    ],
)
def test_mistakes(values: dict[str, int], says: str) -> None:
    with rig() as made:
        with pytest.raises(DeviceFaultError, match=says):
            ClockFault(made.client, **values)
        with pytest.raises(DeviceFaultError, match="take tick or day"):
            ClockStep(made.client, 5, "wall")
        with pytest.raises(DeviceFaultError, match="give before=10s"):
            TickWrap(made.client, 0)


def test_a_step_beyond_the_counter_is_refused() -> None:
    with rig() as bench, pytest.raises(DeviceFaultError, match="tick clock wraps after 4294967296 ms"):
        ClockStep(bench.server, 2**32 * MS)
