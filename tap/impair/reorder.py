"""Reordering: a frame steps back behind the k frames that follow it.

netem reorders the other way round: everything is delayed and a chosen frame is not, so how far it jumps
depends on the traffic. Here the distance is a number, and a traffic that stops does not keep a frame for
ever.
"""

from __future__ import annotations

from fractions import Fraction

from tap.cable import Note, PassOn
from tap.clock import Clock
from tap.impair.correlation import correlated
from tap.impair.draws import draws
from tap.impair.units import threshold, whole
from tap.streams import Stream


class _Held:
    """A frame that waits for ``left`` others to pass."""

    __slots__ = ("frame", "left", "pass_on")

    def __init__(self, frame: bytes, left: int, pass_on: PassOn) -> None:
        self.frame = frame
        self.left = left
        self.pass_on = pass_on


class Holding:
    """Frames that are held until others have passed; true while there are any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: list[_Held] = []

    def __bool__(self) -> bool:
        return bool(self._held)

    def hold(self, frame: bytes, behind: int, patience: int, now: int, pass_on: PassOn) -> None:
        """Hold ``frame`` until ``behind`` others have passed, or ``patience`` ns have."""
        held = _Held(frame, behind, pass_on)
        self._held.append(held)
        self._clock.call_at(now + patience, lambda: self._give_up(held))

    def passed(self, now: int) -> None:
        """One frame has passed; those that waited for it follow, in their order."""
        ready = []
        for held in self._held:
            held.left -= 1
            if not held.left:
                ready.append(held)
        if ready:
            self._held = [held for held in self._held if held.left]
            for held in ready:
                held.pass_on(held.frame, now)

    def _give_up(self, held: _Held) -> None:
        if held in self._held:
            self._held.remove(held)
            held.pass_on(held.frame, self._clock.now())


class Reorder:
    """With probability ``rate`` a frame is held until ``behind`` later ones have passed, but for ``patience``
    ns at most. ``gap`` n: at most every n-th frame is chosen (1: each may be), and with rate 1 exactly every
    n-th.
    """

    def __init__(
        self,
        rate: float | Fraction,
        behind: int = 1,
        *,
        stream: Stream,
        clock: Clock,
        gap: int = 1,
        patience: int = 1_000_000_000,
        correlation: float | Fraction = 0,
        name: str = "reorder",
    ) -> None:
        self.name = name
        self.behind = whole(behind, "reorder behind", 1)
        self.patience = whole(patience, "reorder patience (ns)", 1)
        self._below = threshold(rate, "reorder rate")
        self._gap = whole(gap, "reorder gap", 1)
        self._draw = correlated(draws(stream), correlation)
        self._since = 0  # frames since the last that was chosen
        self._held = Holding(clock)

    def without_chance(self) -> None:
        """Nothing is left of it (``tap.verdicts``)."""

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        self._since += 1
        chosen = self._draw() < self._below  # one draw a frame, whatever the gap
        if chosen and self._since >= self._gap:
            self._since = 0
            note("reorder", f"{self.behind} behind")
            self._held.hold(frame, self.behind, self.patience, now, pass_on)
            return
        pass_on(frame, now)
        if self._held:
            self._held.passed(now)
