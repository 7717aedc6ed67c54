"""CoDel: a queue that loses (or marks) frames when they wait too long for too long (RFC 8289)."""

from __future__ import annotations

from math import isqrt

from tap.clock import MS, Clock
from tap.impair.ecn import mark_ce
from tap.impair.queue import Queue, Waiting
from tap.impair.rate import Service
from tap.impair.units import whole


class CoDel(Queue):
    """Frames leave at ``rate`` bit/s. When each has waited for ``target`` ns or more during ``interval`` ns,
    one is lost, and more and more often while that goes on. ``limit_packets`` and ``limit_bytes`` as in
    ``Rate``. ``ecn``: packets that can be are marked and not lost.
    """

    def __init__(
        self,
        rate: int | Service,
        limit_packets: int | None = 1000,
        limit_bytes: int | None = None,
        *,
        clock: Clock,
        target: int = 5 * MS,
        interval: int = 100 * MS,
        ecn: bool = False,
        overhead: int = 0,
        name: str = "codel",
    ) -> None:
        super().__init__(rate, limit_packets, limit_bytes, overhead, clock, name)
        self._target = whole(target, "codel target (ns)", 1)
        self._interval = whole(interval, "codel interval (ns)", 1)
        self._ecn = ecn
        self._longest = 0  # bytes of the longest frame so far: less than that in the queue is no queue
        self._above_until: int | None = None  # RFC 8289: first_above_time
        self._dropping = False
        self._drop_next = 0
        self._count = self._last_count = 0

    def admit(self, frame: bytes) -> str | None:
        return self.limits.exceeded(len(self.waiting) + 1, self.bytes + len(frame))

    def take(self, now: int) -> Waiting | None:
        """RFC 8289, 5.5."""
        first, late = self._look(now)
        if self._dropping:
            if not late:
                self._dropping = False
            while first is not None and self._dropping and now >= self._drop_next:
                self._count += 1
                kept = self._lose(first)
                if kept:
                    self._drop_next = self._after(self._drop_next)
                    break
                first, late = self._look(now)
                if late:
                    self._drop_next = self._after(self._drop_next)
                else:
                    self._dropping = False
        elif late and first is not None:
            if not self._lose(first):
                first, _ = self._look(now)
            self._dropping = True
            delta = self._count - self._last_count
            recent = now - self._drop_next < 16 * self._interval
            self._count = delta if delta > 1 and recent else 1
            self._drop_next = self._after(now)
            self._last_count = self._count
        return first

    def _look(self, now: int) -> tuple[Waiting | None, bool]:
        """The next frame, and whether frames have been waiting too long for too long."""
        if not self.waiting:
            self._above_until = None
            return None, False
        first = self.pop()
        self._longest = max(self._longest, len(first.frame))
        if now - first.since < self._target or self.bytes <= self._longest:
            self._above_until = None
        elif self._above_until is None:
            self._above_until = now + self._interval
        elif now >= self._above_until:
            return first, True
        return first, False

    def _lose(self, packet: Waiting) -> bool:
        """Drop or mark; whether the packet is still there."""
        marked = mark_ce(packet.frame) if self._ecn else None
        if marked is None:
            packet.note("drop", self.name)
            return False
        packet.note("mark", "ce")
        packet.frame = marked
        return True

    def _after(self, time: int) -> int:
        """The control law: the next time is ``interval`` / sqrt(count) later."""
        return time + isqrt(self._interval**2 // self._count)
