"""A line of limited rate with a queue before it that turns away what does not fit (droptail).

Which frame goes when is decided when it comes, so this needs no clock; ``drophead`` and ``codel`` do.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from tap.cable import Note, PassOn
from tap.clock import SECOND
from tap.impair.units import ImpairmentError, whole


class Service(Protocol):
    """How long a line needs for a frame."""

    def finish(self, start: int, size: int, waited: bool) -> int:
        """When the last of ``size`` bytes is out (ns), if the frame is next at ``start``; ``waited``: it was
        there when the one before it was out. Frames come in their order.
        """


class Bitrate:
    """A constant rate in bit/s; each frame takes ``overhead`` bytes more than it has (preamble, FCS and gap
    of Ethernet: 24).
    """

    def __init__(self, rate: int, overhead: int = 0) -> None:
        if whole(rate, "rate (bit/s)") == 0:
            raise ImpairmentError("a rate of 0 bit/s carries nothing: give more, or take a blackhole")
        whole(overhead, "overhead (bytes)", -100)
        self._rate = rate
        self._overhead = overhead

    def finish(self, start: int, size: int, waited: bool) -> int:
        return start + max(0, size + self._overhead) * 8 * SECOND // self._rate


class Limits:
    """What a queue holds: ``packets`` and ``bytes`` (None: any); the frame on the line is not in it."""

    __slots__ = ("bytes", "packets")

    def __init__(self, packets: int | None, size: int | None) -> None:
        self.packets = None if packets is None else whole(packets, "limit (packets)")
        self.bytes = None if size is None else whole(size, "limit (bytes)")

    def exceeded(self, packets: int, size: int) -> str | None:
        """Which limit so many packets of together ``size`` bytes are over, for the journal."""
        if self.packets is not None and packets > self.packets:
            return f"queue full, {self.packets} packets"
        if self.bytes is not None and size > self.bytes:
            return f"queue full, {self.bytes} bytes"
        return None


class Rate:
    """Frames leave at ``rate`` bit/s (or by another ``Service``) one after another; at most ``limit_packets``
    and ``limit_bytes`` wait (None: any number), what comes then is lost.
    """

    def __init__(
        self,
        rate: int | Service,
        limit_packets: int | None = None,
        limit_bytes: int | None = None,
        *,
        overhead: int = 0,
        name: str = "rate",
    ) -> None:
        self.name = name
        self._finish = (Bitrate(rate, overhead) if isinstance(rate, int) else rate).finish
        self._limits = Limits(limit_packets, limit_bytes)
        self._free = 0  # when the line is
        self._waiting: deque[tuple[int, int]] = deque()  # when the line takes it, bytes
        self._bytes = 0

    def queued(self, now: int) -> tuple[int, int]:
        """Packets and bytes that wait at ``now``."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            self._bytes -= waiting.popleft()[1]
        return len(waiting), self._bytes

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        start, size = self._free, len(frame)
        waits = start > now
        if waits:
            packets, held = self.queued(now)
            full = self._limits.exceeded(packets + 1, held + size)
            if full is not None:
                note("drop", full)
                return
            self._waiting.append((start, size))
            self._bytes += size
        else:
            start = now
        self._free = finish = self._finish(start, size, waits)
        pass_on(frame, finish)
