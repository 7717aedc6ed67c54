"""A slow CPU, and one that stands still."""

from __future__ import annotations

import pytest

import usocket
from tap.clock import MS, SECOND
from tap.devicefault.cpu import Cpu, CpuStall
from tap.devicefault.fault import DeviceFaultError
from tests.tap.devicefault.rig import SERVER, added, errno_of, pattern, rig, sends
from usocket import time
from usocket.errno import ETIMEDOUT

US = 1000


def exchange() -> int:
    """The ns that a datagram and its answer take."""
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.sendto(b"for ARP", (SERVER, 7))
    sock.recvfrom(100)
    time.sleep(1)
    begun = time.ticks_us()
    sock.sendto(b"x" * 100, (SERVER, 7))
    sock.recvfrom(100)
    took = time.ticks_diff(time.ticks_us(), begun)
    sock.close()
    return took * US


def answer() -> None:
    sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
    sock.bind(("", 7))
    while True:
        data, address = sock.recvfrom(100)
        sock.sendto(data, address)


def test_each_frame_costs_its_time() -> None:
    with rig() as made:
        made.start(answer, made.server, daemon=True)
        assert made.run(exchange) == 2 * MS
        fault = added(made.server, "cpu frame=300us byte=1us")
        cost = 300 * US + 142 * US
        # a program that has got a frame goes on when the CPU has done with it, and the answer costs as much
        assert made.run(exchange) == 2 * MS + 2 * cost
        assert isinstance(fault, Cpu)
        assert fault.worked == 2 * cost + 2 * (300 * US + 49 * US)
        made.server.faults.remove(fault)
        assert made.run(exchange) == 2 * MS
        assert made.actions == ["slow", "end"]


def test_frames_wait_in_the_ring_and_a_slow_cpu_is_the_bottleneck() -> None:
    with rig() as made:
        made.serve()
        added(made.server, "cpu frame=5ms")
        begun = made.now
        made.run(sends(16_000))
        made.advance(10 * SECOND)
        assert made.received == pattern(16_000)
        assert made.now - begun > 20 * 5 * MS
    with rig() as made:
        made.serve()
        for text in ("cpu frame=5ms", "rx-ring size=2"):
            added(made.server, text)
        made.run(sends(16_000))
        made.advance(200 * SECOND)
        assert made.received == pattern(16_000)
        assert "drop" in made.actions


def test_while_it_stands_still_nothing_happens_and_then_all() -> None:
    with rig() as made:
        made.start(answer, made.server, daemon=True)
        ticks: list[int] = []

        def tick() -> None:
            for _ in range(10):
                time.sleep_ms(100)
                ticks.append(made.now // MS)

        made.start(tick, made.server)
        made.net.clock.call_at(950 * MS, lambda: made.server.faults.add("cpu-stall length=400ms"))
        took = made.run(exchange)
        assert 340 * MS < took < 360 * MS
        assert ticks[-2:] == [900, 1350]
        assert made.server.clock.now() == made.now


def test_stalls_come_again_by_chance_and_cost_nothing_while_nothing_happens() -> None:
    with rig() as made:
        made.serve()
        added(made.server, "cpu-stall length=20ms longest=400ms every=1s")
        made.run(sends(30_000))
        made.advance(30 * SECOND)
        assert made.received == pattern(30_000)
        made.advance(200 * SECOND)
        steps = made.net.scheduler.steps
        made.advance(3600 * SECOND)
        assert made.net.scheduler.steps - steps < 5


def test_time_outs_are_over_late() -> None:
    with rig() as made:

        def wait() -> None:
            sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
            sock.bind(("", 9))
            sock.settimeout(1)
            sock.recv(10)

        added(made.client, "cpu-stall length=3s")
        assert errno_of(made.run(wait)) == ETIMEDOUT
        assert made.now == 3 * SECOND


def test_mistakes() -> None:
    with rig() as made:
        for cpu, says in (
            (lambda: Cpu(made.client), "this CPU takes no time"),
            (lambda: CpuStall(made.client, 0), "no stall lasts"),
            (lambda: CpuStall(made.client, 5, 4), "no stall lasts"),
            (lambda: CpuStall(made.client, 5, every=5), "give a longer every"),
            (lambda: CpuStall(made.client, 5, 9), "longest needs a stream"),
        ):
            with pytest.raises(DeviceFaultError, match=says):
                cpu()
