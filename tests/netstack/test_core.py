"""What the layers share: the clock, random numbers, drops, and where events go (``core``)."""

from __future__ import annotations

import pytest

from netstack.core import MS, Core, splitmix32
from netstack.profiles import named
from netstack.stack import PBUF_POOL_EMPTY
from netstack.trace import Done, Dropped, Event, PoolEvent, TimerFired


def core(clock_start: int = 0) -> Core:
    return Core(named("lwip-default"), splitmix32(0), clock_start)


def test_time_is_ns_and_also_whole_milliseconds() -> None:
    shared = core()
    assert (shared.now, shared.ms) == (0, 0)
    for now, ms in ((1, 0), (MS - 1, 0), (MS, 1), (MS, 1), (1_999_999, 1), (10**18 + 1, 10**12)):
        shared.set_now(now)
        assert (shared.now, shared.ms) == (now, ms)


def test_time_never_runs_backwards() -> None:
    shared = core()
    shared.set_now(5)
    with pytest.raises(AssertionError, match="time runs backwards"):
        shared.set_now(4)


def test_lwips_clock_starts_where_it_is_told_and_wraps() -> None:
    shared = core(clock_start=0xFFFFFFFE)
    seen = []
    for ms in range(4):
        shared.set_now(ms * MS)
        seen.append(shared.sys_now())
    assert seen == [0xFFFFFFFE, 0xFFFFFFFF, 0, 1]


@pytest.mark.parametrize(
    ("seed", "words"),
    [  # the upper halves of what the reference implementation of SplitMix64 gives (prng.di.unimi.it)
        (0, [0xE220A839, 0x6E789E6A, 0x06C45D18, 0xF88BB8A8]),
        (1234567, [6457827717110365317 >> 32, 3203168211198807973 >> 32, 9817491932198370423 >> 32]),
    ],
)
def test_random_numbers_are_those_of_splitmix64(seed: int, words: list[int]) -> None:
    draw = splitmix32(seed)
    assert [draw() for _ in words] == words


def test_a_seed_counts_modulo_two_to_the_64_and_streams_are_apart() -> None:
    one, same, other = splitmix32(7), splitmix32(7 + (1 << 64)), splitmix32(8)
    first = [one() for _ in range(5)]
    assert first == [same() for _ in range(5)]
    assert first != [other() for _ in range(5)]


def test_random_numbers_use_all_32_bits() -> None:
    draw = splitmix32(1)
    ones = zeros = 0
    for _ in range(100):
        word = draw()
        assert 0 <= word <= 0xFFFFFFFF
        ones |= word
        zeros |= ~word
    assert ones & 0xFFFFFFFF == zeros & 0xFFFFFFFF == 0xFFFFFFFF


def test_a_drop_is_counted_and_told() -> None:
    shared = core()
    events: list[Event] = []
    shared.drop(PBUF_POOL_EMPTY)
    shared.set_trace(events.append)
    shared.set_now(3 * MS)
    shared.drop(PBUF_POOL_EMPTY)
    assert shared.stats.drops == {"pbuf_pool": 2}
    assert shared.stats.link.drop == shared.stats.link.memerr == 2
    assert events == [Dropped(3 * MS, "pbuf_pool")]


def test_pools_and_timers_tell_what_they_do_with_the_time() -> None:
    shared = core()
    events: list[Event] = []
    timer = shared.timers.oneshot("tcp", 250, lambda: None)
    shared.timers.arm(timer, 0)
    shared.set_trace(events.append)
    shared.set_now(250 * MS)
    shared.timers.run(shared.ms)
    shared.mem.tcp_pcb.take()
    for _ in range(5):
        shared.mem.udp_pcb.take()
    shared.mem.udp_pcb.give()
    shared.mem.heap.free(shared.mem.heap.malloc(100))
    assert events == [
        TimerFired(250 * MS, "tcp"),
        Done(250 * MS),
        PoolEvent(250 * MS, "TCP_PCB", True, 1),
        *(PoolEvent(250 * MS, "UDP_PCB", True, used) for used in range(1, 5)),
        PoolEvent(250 * MS, "UDP_PCB", False, 4),
        PoolEvent(250 * MS, "UDP_PCB", True, 3),
        PoolEvent(250 * MS, "HEAP", True, 108),
        PoolEvent(250 * MS, "HEAP", True, 0),
    ]


def test_without_a_hook_nobody_is_told() -> None:
    shared = core()
    events: list[Event] = []
    shared.set_trace(events.append)
    shared.set_trace(None)
    assert shared.trace is None
    assert shared.timers.on_fire is None
    assert all(pool.observer is None for pool in shared.mem.pools())
    assert shared.mem.heap.observer is None
    shared.drop(PBUF_POOL_EMPTY)
    shared.mem.tcp_pcb.take()
    assert events == []


def test_the_port_of_a_profile_decides_how_often_timers_are_looked_at() -> None:
    profile = named("lwip-default").replace(poll_interval_ms=64, check=False)
    assert Core(profile, splitmix32(0), 0).timers.quantum == 64
    assert core().timers.quantum == 1
