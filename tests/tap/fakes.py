"""Stand-ins for the tests of this folder: a stack with only the entrances that a host uses, and a link with a
real descriptor. Tests that are about frames and protocols use the real stack and a real TAP instead.
"""

from __future__ import annotations

import heapq
import socket
from collections.abc import Callable

from tap.link import Link


class FakeStack:
    """Keeps the frames it gets with their times, and runs timers that a test sets. ``on_frame`` is called
    with each.

    As the real one it insists that time never runs backwards and that timers run before anything else at a
    time.
    """

    def __init__(self, link: Link, now: int = 0) -> None:
        self.now = now
        self.frames: list[tuple[int, bytes]] = []
        self.rounds = 0  # calls of run_timers
        self.on_frame: Callable[[bytes], None] | None = None
        self.transmit = link.send
        self._timers: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, due: int, action: Callable[[], None]) -> None:
        """Set a timer: ``action`` at ``due`` ns of the stack's time."""
        heapq.heappush(self._timers, (due, len(self._timers), action))

    def receive(self, frame: bytes, now: int) -> None:
        assert now >= self.now
        self.now = now
        self.frames.append((now, frame))
        if self.on_frame is not None:
            self.on_frame(frame)

    def run_timers(self, now: int) -> None:
        assert now >= self.now
        self.now = now
        self.rounds += 1
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def next_deadline(self) -> int | None:
        return self._timers[0][0] if self._timers else None

    def no_deadline_before(self) -> int:
        return self._timers[0][0] if self._timers else 1 << 62


class SocketLink:
    """One end of a pair of Unix datagram sockets, as a link."""

    mtu = 1500

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self.reads = 0

    def send(self, frame: bytes) -> None:
        self.socket.send(frame)

    def receive(self) -> bytes | None:
        self.reads += 1
        try:
            return self.socket.recv(2000)
        except BlockingIOError:
            return None

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()


def socket_links() -> tuple[SocketLink, SocketLink]:
    """Two links joined by a pair of sockets."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for end in pair:
        end.setblocking(False)
    return SocketLink(pair[0]), SocketLink(pair[1])
