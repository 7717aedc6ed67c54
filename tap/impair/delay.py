"""Delay with jitter of any distribution, correlated without losing it, in or out of order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from tap.cable import Note, PassOn, Stage
from tap.impair.correlation import correlated
from tap.impair.distribution import SCALE, checked, table
from tap.impair.draws import Draw, draws
from tap.impair.units import ImpairmentError, whole
from tap.streams import Stream


class Scatter:
    """Times (ns) around ``mean`` that scatter by ``jitter``: uniform within +- jitter, otherwise by a table
    of ``tap.impair.distribution`` in which the jitter is the standard deviation.
    """

    def __init__(self, mean: int, jitter: int, distribution: str | Sequence[int], draw: Draw) -> None:
        if isinstance(distribution, str):
            quantiles = () if distribution == "uniform" else table(distribution)
        else:
            quantiles = checked(distribution)
        times = _by_table(mean, jitter, quantiles, draw) if quantiles else _uniform(mean, jitter, draw)
        self.time: Callable[[], int] = times.__next__  # the next time, never below 0


def _uniform(mean: int, jitter: int, draw: Draw) -> Iterator[int]:
    least, width = mean - jitter, 2 * jitter + 1
    while True:
        time = least + (width * draw() >> 32)
        yield time if time > 0 else 0


def _by_table(mean: int, jitter: int, quantiles: tuple[int, ...], draw: Draw) -> Iterator[int]:
    entries = len(quantiles)
    while True:
        time = mean + (jitter * quantiles[draw() * entries >> 32] + SCALE // 2) // SCALE
        yield time if time > 0 else 0


class Delay:
    """Each frame arrives ``delay`` ns later, +- ``jitter`` ns by ``distribution`` (uniform, normal, pareto,
    paretonormal, or a table). ``correlation`` (0 .. 1) makes neighbours' delays alike without changing how
    they are distributed; ``how="netem"`` does it as netem does, which shrinks the jitter.

    A frame overtakes another when the jitter says so (as in netem), unless ``in_order``. A delay below 0 is
    0.
    """

    def __init__(
        self,
        delay: int,
        jitter: int = 0,
        distribution: str | Sequence[int] = "uniform",
        *,
        stream: Stream | None = None,
        correlation: float | Fraction = 0,
        how: str = "keep",
        in_order: bool = False,
        name: str = "delay",
    ) -> None:
        self.name = name
        self._delay = whole(delay, "delay (ns)")
        self._time: Callable[[], int] | None = None
        self.in_order = in_order
        self._last = 0
        if whole(jitter, "jitter (ns)"):
            if stream is None:
                raise ImpairmentError("jitter is a matter of chance: give the delay a stream")
            self._time = Scatter(
                delay, jitter, distribution, correlated(draws(stream), correlation, how)
            ).time

    def without_chance(self) -> Stage:
        """The delay without its jitter (``tap.verdicts``)."""
        return self if self._time is None else Delay(self._delay, name=self.name)

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        took = self._delay if self._time is None else self._time()
        at = now + took
        if self.in_order:
            if at < self._last:
                at = self._last
                took = at - now
            self._last = at
        note("delay", f"{took} ns")
        pass_on(frame, at)
