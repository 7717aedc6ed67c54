"""netem itself: one stage that treats a frame as the kernel's queueing discipline does, in its order.

Linux 6.18, net/sched/sch_netem.c: duplication, loss (which takes the copy rather than the frame), corruption,
limit, then either the head of the queue (reordering) or a delay, and with a rate the time since the frame
before. What the kernel leaves to unseeded numbers (the corrupted bit, the filter's first value) is the
stream's here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush

from tap.cable import Note, PassOn, Stage
from tap.clock import SECOND
from tap.impair.correlation import netem_filter
from tap.impair.corrupt import flip
from tap.impair.delay import Scatter
from tap.impair.draws import Draw
from tap.impair.ecn import mark_ce
from tap.impair.loss import LossStage
from tap.impair.slots import Slots
from tap.impair.units import threshold


@dataclass(slots=True)
class Chance:
    """A probability and netem's correlation of its draws."""

    rate: Fraction = Fraction(0)
    correlation: Fraction = Fraction(0)

    def decider(self, draw: Draw) -> tuple[Draw, int]:
        """A draw, and what it has to be below."""
        return netem_filter(draw, self.correlation) if self.correlation else draw, threshold(self.rate)


@dataclass(slots=True)
class Line:
    """netem's ``rate``: bit/s, and how a packet's length is counted (bytes)."""

    rate: int
    overhead: int = 0
    cell: int = 0
    cell_overhead: int = 0

    def time(self, size: int) -> int:
        """ns that a frame of ``size`` bytes takes."""
        size = max(0, size + self.overhead)
        if self.cell:
            size = -(-size // self.cell) * max(0, self.cell + self.cell_overhead)
        return size * 8 * SECOND // self.rate


class Netem:
    """Built by ``tap.impair.netem``, whose ``Settings`` give all parts; None or a rate of 0
    leaves one out.
    """

    def __init__(
        self,
        *,
        limit: int,
        delay: int,
        scatter: Scatter | None,
        loss: LossStage | None,
        ecn: bool,
        duplicate: tuple[Draw, int],
        corrupt: tuple[Draw, int],
        bits: Draw,
        reorder: tuple[Draw, int],
        gap: int,
        line: Line | None,
        slots: Slots | None,
        name: str,
    ) -> None:
        self.name = name
        self._limit = limit
        self._delay = delay
        self._scatter = scatter
        self._loss = loss
        self._ecn = ecn
        self._duplicate_draw, self._duplicate = duplicate
        self._corrupt_draw, self._corrupt = corrupt
        self._bits = bits
        self._reorder_draw, self._reorder = reorder
        self._gap = gap
        self._since = 0  # frames since the last reordered one
        self._line = line
        self._slots = slots
        self.in_order = line is not None
        self._leaving: list[int] = []  # heap of the times at which frames leave; some may be past
        self._last = 0  # the latest of them

    def without_chance(self) -> Stage:
        """Its delay, its line and its limit (``tap.verdicts``)."""
        never = self._bits, 0
        if not (self._scatter or self._loss or self._duplicate or self._corrupt or self._reorder):
            return self
        return Netem(
            limit=self._limit, delay=self._delay, scatter=None, loss=None, ecn=False, duplicate=never,
            corrupt=never, bits=self._bits, reorder=never, gap=0, line=self._line, slots=None, name=self.name,
        )  # fmt: skip

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        twice = self._duplicate and self._duplicate_draw() < self._duplicate
        self._enqueue(frame, now, pass_on, note, bool(twice))

    def _enqueue(self, frame: bytes, now: int, pass_on: PassOn, note: Note, twice: bool) -> None:
        if self._loss is not None and self._loss.lost():
            marked = mark_ce(frame) if self._ecn else None
            if marked is not None:
                note("mark", "ce")
                frame = marked
            elif twice:
                twice = False  # the copy is what is lost
            else:
                note("drop", self._loss.name)
                return
        original = frame
        if self._corrupt and self._corrupt_draw() < self._corrupt and frame:
            changed = bytearray(frame)
            note("corrupt", flip(changed, self._bits))
            frame = bytes(changed)
        if len(self._leaving) + (0 if self._slots is None else self._slots.queued(now)) >= self._limit:
            if self._is_full(now):
                note("drop", f"queue full, {self._limit} packets")
                return
        if twice:
            note("duplicate", "1 x")
            self._enqueue(original, now, pass_on, note, False)
        if self._gap and self._since >= self._gap - 1 and self._reorder_draw() < self._reorder:
            self._since = 0
            note("reorder", "first")
            pass_on(frame, now)
            return
        self._since += 1
        at = self._departure(len(frame), now)
        heappush(self._leaving, at)
        note("delay", f"{at - now} ns")
        pass_on(frame, at)

    def _departure(self, size: int, now: int) -> int:
        """When the frame leaves: a line's frames one after another, else each by its own delay."""
        delay = self._delay if self._scatter is None else self._scatter.time()
        at = now + delay
        if self._line is not None:
            if self._last > now:
                at = max(at, self._last)
            at += self._line.time(size)
        if at > self._last:
            self._last = at
        return at

    def _is_full(self, now: int) -> bool:
        leaving = self._leaving
        while leaving and leaving[0] <= now:
            heappop(leaving)
        return len(leaving) + (0 if self._slots is None else self._slots.queued(now)) >= self._limit


def scatter(
    mean: int, jitter: int, distribution: str | Sequence[int], correlation: Fraction, draw: Draw
) -> Scatter:
    """netem's delay: its filter, its tables."""
    return Scatter(mean, jitter, distribution, netem_filter(draw, correlation) if correlation else draw)
