"""Links recorded by mahimahi: a trace says in which milliseconds 1504 bytes can go (Netravali et al.,
"Mahimahi: accurate record-and-replay for HTTP", 2015; its program mm-link).

A packet counts 4 bytes more than its IP length, as in mahimahi's TUN. What an opportunity has left carries
the next waiting packet, or its beginning; an opportunity while nothing waits is lost. After its end the trace
begins anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from tap.clock import MS
from tap.impair.rate import Rate
from tap.impair.units import ImpairmentError

OPPORTUNITY = 1504  # bytes
_HEADERS = 10  # Ethernet's 14 less the TUN's 4


def parse_trace(text: str, where: str = "trace") -> tuple[int, ...]:
    """The times (ms) of a trace: one whole number a line, none smaller than the one before, the
    last above 0.
    """
    times: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.strip()
        if not (word.isascii() and word.isdigit()) or len(word) > 15:
            raise ImpairmentError(f"{where}:{number}: {word[:40]!r} is no whole number of milliseconds")
        if times and int(word) < times[-1]:
            raise ImpairmentError(f"{where}:{number}: {word} comes after {times[-1]}: sort the times")
        times.append(int(word))
    if not times or not times[-1]:
        raise ImpairmentError(f"{where}: no time above 0: a trace needs at least one")
    return tuple(times)


class Opportunities:
    """A ``Service`` (``tap.impair.rate``) by the times of a trace, which begins at ``start`` ns
    of the clock.
    """

    def __init__(self, times: Sequence[int], start: int = 0) -> None:
        if not times or times[-1] <= 0 or any(a > b for a, b in pairwise(times)):
            raise ImpairmentError("a trace needs sorted times, the last above 0: parse_trace reads one")
        self._times = [time * MS for time in times]
        self._start = start
        self._index = -1  # of the opportunity in use, counted on from round to round
        self._at = start  # its time
        self._left = 0  # bytes it still carries

    def finish(self, start: int, size: int, waited: bool) -> int:
        if not waited:
            self._left = 0
            self._index = max(self._index, self._first_after(start) - 1)
        size = max(1, size - _HEADERS)
        while size > self._left:
            size -= self._left
            self._left = OPPORTUNITY
            self._index += 1
            rounds, index = divmod(self._index, len(self._times))
            self._at = self._start + rounds * self._times[-1] + self._times[index]
        self._left -= size
        return self._at

    def _first_after(self, time: int) -> int:
        rounds, rest = divmod(max(0, time - self._start), self._times[-1])
        return rounds * len(self._times) + bisect_right(self._times, rest)


class Mahimahi(Rate):
    """Frames leave at the opportunities of a trace (times in ms); at most ``limit_packets`` and
    ``limit_bytes`` wait (None: any number), what comes then is lost. The trace begins at ``start`` ns.

    For other disciplines give ``Opportunities(times)`` to ``DropHead`` or ``CoDel`` as their rate.
    """

    def __init__(
        self,
        trace: Sequence[int],
        limit_packets: int | None = None,
        limit_bytes: int | None = None,
        *,
        start: int = 0,
        name: str = "mahimahi",
    ) -> None:
        super().__init__(Opportunities(trace, start), limit_packets, limit_bytes, name=name)
