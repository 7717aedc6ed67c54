"""An in-memory cable: two link ends, full duplex, with an optional fixed delay.

Frames are delivered by the clock's ``call_at``, also without delay: a frame never arrives inside the ``send``
that sent it, so no stack is entered twice. In virtual time two hosts on a wire run bit for bit the same each
time.
"""

from __future__ import annotations

from collections import deque

from tap.clock import Clock

QUEUE_FRAMES = 1000  # as Linux's txqueuelen: what nobody receives is lost then


class WireEnd:
    """One end of a wire: a link. ``peer`` is the other end."""

    peer: WireEnd

    def __init__(self, clock: Clock, delay: int, mtu: int) -> None:
        self.mtu = mtu
        self.dropped = 0  # frames that this end lost: queue full, or end closed
        self._clock = clock
        self._delay = delay
        self._inbox: deque[bytes] = deque()
        self._closed = False

    def send(self, frame: bytes) -> None:
        if self._closed:
            self.dropped += 1
            return
        peer = self.peer
        self._clock.call_at(self._clock.now() + self._delay, lambda: peer.deliver(frame))

    def deliver(self, frame: bytes) -> None:
        """A frame has come to this end of the wire (called by the clock)."""
        if self._closed or len(self._inbox) >= QUEUE_FRAMES:
            self.dropped += 1
        else:
            self._inbox.append(frame)

    def receive(self) -> bytes | None:
        return self._inbox.popleft() if self._inbox else None

    def fileno(self) -> None:
        return None

    def close(self) -> None:
        self._closed = True
        self._inbox.clear()


def wire(clock: Clock, *, delay: int = 0, mtu: int = 1500) -> tuple[WireEnd, WireEnd]:
    """A new wire: its two ends. ``delay`` is one way, in ns."""
    one, other = WireEnd(clock, delay, mtu), WireEnd(clock, delay, mtu)
    one.peer, other.peer = other, one
    return one, other
