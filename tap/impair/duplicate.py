"""Duplication."""

from __future__ import annotations

from fractions import Fraction

from tap.cable import Note, PassOn
from tap.impair.correlation import correlated
from tap.impair.draws import draws
from tap.impair.units import ImpairmentError, threshold, whole
from tap.streams import Stream

MOST = 1000  # copies


class Duplicate:
    """With probability ``rate`` a frame is followed by ``copies`` copies, each ``spacing`` ns
    after the last.
    """

    def __init__(
        self,
        rate: float | Fraction,
        copies: int = 1,
        *,
        stream: Stream,
        spacing: int = 0,
        correlation: float | Fraction = 0,
        name: str = "duplicate",
    ) -> None:
        self.name = name
        self._below = threshold(rate, "duplicate rate")
        self._copies = whole(copies, "duplicate copies", 1)
        if copies > MOST:
            raise ImpairmentError(f"duplicate copies {copies} are a flood: give {MOST} at most")
        self._spacing = whole(spacing, "duplicate spacing (ns)")
        self._draw = correlated(draws(stream), correlation)

    def without_chance(self) -> None:
        """Nothing is left of it (``tap.verdicts``)."""

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        twice = self._draw() < self._below
        if twice:
            note("duplicate", f"{self._copies} x")
        pass_on(frame, now)
        if twice:
            for copy in range(1, self._copies + 1):
                pass_on(frame, now + copy * self._spacing)
