"""Truncation: the end of a frame is missing, as after a DMA descriptor that is too small."""

from __future__ import annotations

from fractions import Fraction

from tap.cable import Note, PassOn
from tap.impair.correlation import correlated
from tap.impair.draws import draws
from tap.impair.units import threshold, whole
from tap.streams import Stream

HEADER = 14  # Ethernet's; a frame keeps it


class Truncate:
    """With probability ``rate`` only the first ``keep`` bytes of a frame arrive; without ``keep`` (None) a
    random number, from the Ethernet header alone to all but one.
    """

    def __init__(
        self,
        rate: float | Fraction,
        keep: int | None = None,
        *,
        stream: Stream,
        correlation: float | Fraction = 0,
        name: str = "truncate",
    ) -> None:
        self.name = name
        self._below = threshold(rate, "truncate rate")
        self._keep = None if keep is None else whole(keep, "truncate keep (bytes)", HEADER)
        self._draw = draws(stream)
        self._choose = correlated(self._draw, correlation)

    def without_chance(self) -> None:
        """Nothing is left of it (``tap.verdicts``)."""

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self._choose() < self._below and len(frame) > HEADER:
            keep = self._keep
            if keep is None:
                keep = HEADER + (self._draw() * (len(frame) - HEADER) >> 32)
            if keep < len(frame):
                note("truncate", f"{keep} of {len(frame)} bytes")
                frame = frame[:keep]
        pass_on(frame, now)
