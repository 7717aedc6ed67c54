"""Which of the things that happen one after the other a fault hits."""

from __future__ import annotations

from fractions import Fraction

from tap.devicefault.chance import Played
from tap.devicefault.fault import DeviceFaultError
from tap.impair.units import threshold
from tap.streams import Stream


class Chooser:
    """Hits the ``nth`` (1 is the next; ``persistent``: and all after it), each ``every``-th, or each with
    probability ``p``; none of these: all. At most ``times`` (None: any).
    """

    def __init__(
        self,
        nth: int | None = None,
        every: int | None = None,
        p: Fraction | float | None = None,
        times: int | None = None,
        persistent: bool = False,
        *,
        stream: Stream | None = None,
    ) -> None:
        given = [name for name, value in (("nth", nth), ("every", every), ("p", p)) if value is not None]
        if len(given) > 1:
            raise DeviceFaultError(f"{' and '.join(given)} exclude each other: give one of them")
        if persistent and nth is None:
            raise DeviceFaultError("persistent goes with nth: that one and all after it")
        for name, value in (("nth", nth), ("every", every), ("times", times)):
            if value is not None and value < 1:
                raise DeviceFaultError(f"{name} {value} does not do: give 1 or more")
        if p is not None and stream is None:
            raise DeviceFaultError("p needs a stream of random numbers")
        self._nth, self._every, self._times = nth, every, times
        self._below = None if p is None else threshold(p)
        self._persistent = persistent
        self._stream = stream
        self.seen = 0  # how many came by
        self.hits = 0

    def hit(self) -> bool:
        """One more comes by: whether it is hit."""
        self.seen += 1
        if self._times is not None and self.hits >= self._times:
            return False
        if self._nth is not None:
            chosen = self.seen >= self._nth if self._persistent else self.seen == self._nth
        elif self._every is not None:
            chosen = self.seen % self._every == 0
        elif isinstance(self._stream, Played) and self._below is not None:
            chosen = self.seen in self._stream.hits
        elif self._below is not None and self._stream is not None:
            chosen = self._stream.u32() < self._below
        else:
            chosen = True
        self.hits += chosen
        return chosen
