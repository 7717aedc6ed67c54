"""Random numbers in bulk: 32-bit draws of a stream at a fourteenth of a draw's price.

SplitMix64 in Python costs as much as a whole stage may. So a stream's 64-bit numbers key SHAKE-128 (FIPS
202), which fills a block of 256 draws at once: uniform, independent, and the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import shake_128
from struct import Struct

from tap.streams import Stream

Draw = Callable[[], int]  # uniform in 0 .. 2**32 - 1

_BLOCK = Struct("<256I")


def draws(stream: Stream) -> Draw:
    """The draws of ``stream``, which this takes over: nobody else may draw from it."""
    return _numbers(stream).__next__


def _numbers(stream: Stream) -> Iterator[int]:
    while True:
        yield from _BLOCK.unpack(shake_128(stream.u64().to_bytes(8, "big")).digest(_BLOCK.size))
