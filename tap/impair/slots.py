"""Slots: frames leave in bursts, as from a Wi-Fi or LTE scheduler or a power-saving modem
(netem's ``slot``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from tap.cable import Note, PassOn, Stage
from tap.impair.delay import Scatter
from tap.impair.draws import draws
from tap.impair.units import ImpairmentError, whole
from tap.streams import Stream


class Slots:
    """Frames wait for the next slot, which comes ``minimum`` .. ``maximum`` ns after the last (or ``minimum``
    +- ``jitter`` by ``distribution``, as in ``Delay``) and takes at most ``packets`` and ``size`` bytes (0:
    any). Those that always come after the same time need no stream.

    A slot that nobody used is over; the next one is counted from the frame that comes then, as in netem.
    """

    in_order = True

    def __init__(
        self,
        minimum: int,
        maximum: int | None = None,
        packets: int = 0,
        size: int = 0,
        *,
        stream: Stream | None = None,
        jitter: int = 0,
        distribution: str | Sequence[int] = "uniform",
        name: str = "slots",
    ) -> None:
        least = whole(minimum, "slot minimum (ns)")
        most = least if maximum is None else whole(maximum, "slot maximum (ns)")
        if most < least:
            raise ImpairmentError(f"slot maximum {most} ns is below its minimum {least} ns: exchange them")
        if jitter and most > least:
            raise ImpairmentError("a slot has a maximum or a jitter: leave one out")
        self.name = name
        self._least = least
        self._wait: Callable[[], int] | None = None  # the time to the next slot, when chance decides
        if whole(jitter, "slot jitter (ns)") or most > least:
            if stream is None:
                raise ImpairmentError("when a slot comes is a matter of chance: give the slots a stream")
            draw, width = draws(stream), most - least + 1
            scatter = Scatter(least, jitter, distribution, draw)
            self._wait = scatter.time if jitter else lambda: least + (width * draw() >> 32)
        self._packets, self._size = whole(packets, "slot packets"), whole(size, "slot bytes")
        self._next = 0  # when the slot is
        self._packets_left, self._size_left = self._packets, self._size
        self._leaving: deque[int] = deque()

    def queued(self, now: int) -> int:
        """Frames that wait at ``now``."""
        while self._leaving and self._leaving[0] <= now:
            self._leaving.popleft()
        return len(self._leaving)

    def without_chance(self) -> Stage:
        """Slots that always come after the least time (``tap.verdicts``)."""
        if self._wait is None:
            return self
        return Slots(self._least, packets=self._packets, size=self._size, name=self.name)

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self._next < now:
            self._new_slot(now)
        at = self._next
        self._packets_left -= 1
        self._size_left -= len(frame)
        if (self._packets and self._packets_left <= 0) or (self._size and self._size_left <= 0):
            self._new_slot(at)
        self.queued(now)
        self._leaving.append(at)
        note("delay", f"{at - now} ns")
        pass_on(frame, at)

    def _new_slot(self, now: int) -> None:
        self._next = now + (self._least if self._wait is None else self._wait())
        self._packets_left, self._size_left = self._packets, self._size
