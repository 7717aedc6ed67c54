"""Pools and the heap that refuse: lwIP copes, nothing is lost that a board would not lose, all comes back."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.pools import POOLS, PoolFail, memory_of
from tests.tap.devicefault.rig import added, pattern, rig, sends

SIZE = 6000


@pytest.mark.parametrize("pool", ["TCP_SEG", "HEAP", "PBUF_POOL", "TCP_PCB"])
@pytest.mark.parametrize("where", ["client", "server"])
def test_each_allocation_of_a_session_may_fail_once(pool: str, where: str) -> None:
    """As SQLite's OOM loop: the first fails, then the second, ... until the session needs none more."""
    nth = 0
    while True:
        nth += 1
        with rig() as made:
            made.serve()
            fault = added(made.net.find(where), f"pool-fail pool={pool} nth={nth}")  # type: ignore[arg-type]
            result = made.run(sends(SIZE))
            made.advance(30 * SECOND)
            if not made.client.oddities and not isinstance(result, OSError):
                assert made.received == pattern(SIZE)
            if not fault.counts:
                break
            assert fault.counts == {"fail": 1}
    assert nth > 1


def test_a_part_of_all_fails_and_all_arrives() -> None:
    with rig() as made:
        made.serve()
        fault = added(made.server, "pool-fail pool=PBUF_POOL p=20%")
        assert made.run(sends(20_000)) == 20_000
        made.advance(60 * SECOND)
        assert made.received == pattern(20_000)
        assert fault.counts["fail"] > 3
        assert made.server.stack.mem.pbuf_pool.err == fault.counts["fail"]


def test_below_a_threshold_the_heap_is_empty() -> None:
    with rig() as made:
        made.serve()
        fault = added(made.client, "heap-fail below=5000")
        made.run(sends(3000))
        assert fault.counts["fail"]
        assert made.client.stack.mem.heap.max <= made.client.stack.mem.heap.size - 5000 + 100


def test_a_cap_is_a_smaller_pool() -> None:
    with rig() as made:
        made.serve()
        added(made.server, "pool-cap pool=PBUF_POOL size=2")
        made.run(sends(8000))
        made.advance(60 * SECOND)
        assert made.received == pattern(8000)
        assert made.server.stack.mem.pbuf_pool.max <= 2


def test_a_cap_of_the_heap() -> None:
    with rig() as made:
        made.serve()
        added(made.client, "pool-cap pool=HEAP size=3000")
        made.run(sends(2000))
        assert 0 < made.client.stack.mem.heap.max <= 3000


def test_two_faults_at_one_pool_both_ask() -> None:
    with rig() as made:
        first, second = added(made.client, "pool-fail pool=UDP_PCB nth=1"), added(
            made.client, "pool-fail pool=UDP_PCB nth=2"
        )

        def work() -> list[str]:
            found = []
            for _ in range(3):
                try:
                    usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM).close()
                    found.append("made")
                except OSError as error:
                    found.append(str(error.args[0]))
            return found

        assert made.run(work) == ["12", "12", "made"]
        assert first.counts == second.counts == {"fail": 1}
        made.client.faults.remove(first)
        made.client.faults.remove(second)
        assert made.client.stack.mem.udp_pcb.gates == ()
        assert made.client.stack.mem.udp_pcb.limit == made.client.stack.mem.udp_pcb.size


def test_it_outlives_a_reset() -> None:
    with rig() as made:
        fault = added(made.client, "pool-fail pool=UDP_PCB")
        before = made.client.stack.mem.udp_pcb
        made.client.power_cycle()
        assert before.gates == ()
        assert not made.client.stack.mem.udp_pcb.take()
        assert made.story[-1] == (0, "fail", "UDP_PCB: 1 wanted, 0 of 4 in use, allocation 1")
        fault.stop()
        assert made.client.stack.mem.udp_pcb.take()
        made.client.stack.mem.udp_pcb.give()


def test_it_can_be_removed_while_it_runs() -> None:
    with rig() as made:
        made.serve()
        fault = added(made.server, "pool-fail pool=PBUF_POOL")
        made.net.clock.call_at(5 * SECOND, lambda: made.server.faults.remove(fault))
        made.run(sends(3000))
        made.advance(30 * SECOND)
        assert made.received == pattern(3000)
        assert made.now > 5 * SECOND
        assert all(time <= 5 * SECOND + MS for time, _, _ in made.story)


def test_all_pools_have_a_name() -> None:
    with rig() as made:
        assert tuple(memory_of(made.client.stack.mem)) == POOLS
        with pytest.raises(DeviceFaultError, match="there is no pool TCP"):
            PoolFail(made.client, "TCP")
