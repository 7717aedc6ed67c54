"""A leak takes until nothing is left, costs nothing while it waits, and gives all back at its end."""

from __future__ import annotations

import pytest

from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.leak import Leak
from tests.tap.devicefault.rig import added, pattern, rig, sends


def test_it_takes_at_its_rate_until_a_limit() -> None:
    with rig() as made:
        fault = added(made.client, "leak pool=HEAP size=100 every=1s until=400")
        made.advance(2500 * MS)
        assert made.client.stack.mem.heap.used == 2 * 108
        made.advance(100 * SECOND)
        assert made.client.stack.mem.heap.used == 4 * 108
        assert [when for when, action, _ in made.story] == [number * SECOND for number in (1, 2, 3, 4)]
        assert made.net.clock.next_event() is None
        made.client.faults.remove(fault)
        assert made.client.stack.mem.heap.used == 0


def test_when_nothing_is_left_it_waits_for_the_next_who_wants_some() -> None:
    with rig() as made:
        made.serve()
        made.run(sends(1000))
        fault = added(made.server, "leak pool=PBUF_POOL size=1 every=10ms")
        assert isinstance(fault, Leak)
        made.advance(5 * SECOND)
        pool = made.server.stack.mem.pbuf_pool
        assert pool.used == fault.leaked == pool.size
        steps = made.net.scheduler.steps
        made.advance(3600 * SECOND)
        assert made.net.scheduler.steps - steps < 1000  # an event each 10 ms would be 360,000
        program = made.start(sends(1000))
        made.advance(5 * SECOND)
        assert not program.finished
        made.server.faults.remove(fault)
        made.advance(60 * SECOND)
        assert made.received == 2 * pattern(1000)


def test_a_reset_brings_it_back() -> None:
    with rig() as made:
        fault = added(made.client, "leak pool=TCP_SEG every=1s")
        assert isinstance(fault, Leak)
        made.advance(3 * SECOND)
        old = made.client.stack.mem.tcp_seg
        made.client.power_cycle()
        assert old.used == fault.leaked == 0
        made.advance(2 * SECOND)
        assert made.client.stack.mem.tcp_seg.used == 2


def test_mistakes() -> None:
    with rig() as made, pytest.raises(DeviceFaultError, match="give every=1s size=100"):
        Leak(made.client, "HEAP", 0)
