"""How quick a network in virtual time is: two full stacks, a program on each, bulk data between them.

    python benchmarks/virtual.py [--megabytes N] [--repeat N] [--profile NAME]

bulk            on a wire that takes no time: data segments a second of CPU time, best and median
1 Mbit/s line   the same through a rate and a delay: virtual time over CPU time
idle            1,000 devices on a switch for an hour: the CPU time of that hour
none, one       what a stage costs: µs a frame through a cable without a stage and with one that does nothing

A segment here is everything: written by a program, sent, received, acknowledged, read by a program. What the
stacks alone need for that is measured by packet_path.py. The loop of plain Python beside it compares
machines.
"""

from __future__ import annotations

import argparse
import statistics
import time
from time import thread_time_ns as cpu_ns

import usocket
from netstack.profiles import named
from tap.cable import Direction, Note, PassOn, Port
from tap.clock import MS, SECOND, VirtualClock
from usocket.emulation import Network

PORT = 5001


def transfer(profile: str, size: int, rate: int | None, delay: int) -> tuple[int, int, int]:
    """Send ``size`` bytes: (CPU ns, virtual ns, data segments received)."""
    chosen = named(profile)
    got = 0

    def sink() -> None:
        nonlocal got
        listener = usocket.socket()
        listener.bind(("", PORT))
        listener.listen(1)
        connection, _ = listener.accept()
        buffer = bytearray(chosen.tcp_wnd)
        while count := connection.readinto(buffer):
            got += count
        connection.close()
        listener.close()

    def source() -> None:
        sock = usocket.socket()
        sock.connect(("10.0.0.1", PORT))
        piece = bytes(chosen.tcp_snd_buf)
        for _ in range(size // len(piece)):
            sock.sendall(piece)
        sock.close()

    with Network(1) as net:
        server = net.device("server", chosen, address="10.0.0.1/24")
        client = net.device("client", chosen, address="10.0.0.2/24")
        net.cable(server, client, rate=rate, delay=delay)
        net.program(sink, on=server)
        net.program(source, on=client)
        start = cpu_ns()
        net.run()
        elapsed = cpu_ns() - start
        assert got == size // chosen.tcp_snd_buf * chosen.tcp_snd_buf
        return elapsed, net.clock.now(), server.stack.stats.tcp.recv


def idle_hour(devices: int) -> float:
    """CPU ms of an hour in which nothing happens."""
    with Network(1) as net:
        switch = net.switch("switch")
        for number in range(devices):
            address = f"10.0.{number >> 8}.{number & 255}/16"
            net.cable(net.device(f"d{number}", address="10.0.250.1/16" if not number else address), switch)
        net.run(until=2 * SECOND)
        start = cpu_ns()
        net.run(until=3602 * SECOND)
        return (cpu_ns() - start) / 1e6


class Nothing:
    """A stage that passes on."""

    name = "nothing"

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        pass_on(frame, now)


def per_frame(stages: int, count: int = 200_000) -> float:
    """µs a frame through a direction."""
    direction = Direction("a>b", VirtualClock(), Port("b", handler=lambda frame: None))
    for _ in range(stages):
        direction.add(Nothing())
    frame = bytes(1514)
    start = cpu_ns()
    for _ in range(count):
        direction.send(frame)
    return (cpu_ns() - start) / count / 1000


def additions() -> float:
    """µs of a hundred additions."""
    start = cpu_ns()
    for _ in range(20_000):
        total = 0
        for number in range(100):
            total += number
    return (cpu_ns() - start) / 20_000 / 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="virtual time: segments a second, times real time")
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--profile", default="full")
    chosen = parser.parse_args()
    size = int(chosen.megabytes * 1_000_000)
    print(f"profile {chosen.profile}, {chosen.megabytes:g} MB, {chosen.repeat} times")
    speeds, factors = [], []
    for _ in range(chosen.repeat):
        elapsed, _, segments = transfer(chosen.profile, size, None, 0)
        speeds.append(segments * 1e9 / elapsed)
    for _ in range(chosen.repeat):
        elapsed, virtual, _ = transfer(chosen.profile, size, 1_000_000, 5 * MS)
        factors.append(virtual / elapsed)
    print(f"bulk           {max(speeds):10,.0f} {statistics.median(speeds):10,.0f} segments/s")
    print(f"1 Mbit/s line  {max(factors):10,.0f} {statistics.median(factors):10,.0f} x real time")
    begun = time.perf_counter()
    print(f"idle hour      {idle_hour(1000):10.2f}            ms, 1000 devices", end="")
    print(f" (with making them {time.perf_counter() - begun:.1f} s)")
    print(f"a frame        {per_frame(0):10.2f} {per_frame(1):10.2f} µs without, with a stage")
    print(f"100 additions  {additions():10.2f}            µs")


if __name__ == "__main__":
    main()
