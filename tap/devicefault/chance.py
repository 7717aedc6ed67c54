"""What chance did in a fault, as it is written into the journal and played again.

Of a fault that chooses with ``p`` its hits are noted, each with its ordinal; of one that draws once, as for
jitter, the number. ``Noted`` is the stream of a run that happens, ``Played`` that of one that is played.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tap.devicefault.fault import Note
from tap.streams import Stream

DREW = "draw"  # the action of a number in the journal

_ORDINAL = re.compile(r", (?:allocation|call|frame) (\d+)$")  # how notes say which of many was hit


class Noted(Stream):
    """Draws, and notes each whole number (not what a ``Chooser`` asks for every time)."""

    __slots__ = ("_note",)

    def __init__(self, stream: Stream, note: Note) -> None:
        super().__init__(stream.state)
        self._note = note

    def u64(self) -> int:
        number = super().u64()
        self._note(DREW, str(number))
        return number

    def u32(self) -> int:
        return super().u64() >> 32


class Played(Stream):
    """Draws nothing: gives the numbers, and knows the ``hits``, of a journal's lines."""

    __slots__ = ("_numbers", "hits")

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        super().__init__(0)
        drawn = []
        self.hits = set()
        for line in lines:
            if line["action"] == DREW:
                drawn.append(int(line["detail"]))
            elif found := _ORDINAL.search(line["detail"]):
                self.hits.add(int(found[1]))
        self._numbers = iter(drawn)

    def u64(self) -> int:
        return next(self._numbers, 0)
