"""Places in a frame as rules write them: ``54``, ``-1`` (the last), ``tcp+13``, ``payload+0``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tap.impair.fields import layers
from tap.rules.errors import RuleError, instead

LAYERS = ("eth", "arp", "ip", "tcp", "udp", "icmp", "payload")
_POSITION = re.compile(r"(?P<offset>-?\d{1,6})|(?P<layer>[a-z]+)(?:\+(?P<more>\d{1,6}))?")


@dataclass(frozen=True, slots=True)
class Position:
    """A byte or bit of a frame: ``offset`` from the start of ``layer`` ("": of the frame; below 0: from its
    end).
    """

    offset: int
    layer: str = ""

    def find(self, frame: bytes | bytearray, scale: int = 1) -> int | None:
        """Where it is, in bytes (``scale`` 1) or bits (8); None when the frame has no such place."""
        start: int | None = 0
        if self.layer:
            start = layers(frame).get(self.layer)
        elif self.offset < 0:
            start = len(frame)
        if start is None or not 0 <= (at := start * scale + self.offset) < len(frame) * scale:
            return None
        return at

    def __str__(self) -> str:
        return f"{self.layer}+{self.offset}" if self.layer else str(self.offset)


def position(value: Position | int | str) -> Position:
    """A position as rules write it: 54, -1, payload+3, tcp+13. Raises RuleError."""
    if isinstance(value, Position):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Position(value)
    found = _POSITION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise RuleError(f"{value!r} is no place in a frame: write 54, -1, tcp+13 or payload+0")
    if found["layer"] and found["layer"] not in LAYERS:
        raise RuleError(f"there is no layer {found['layer']!r}: {instead(found['layer'], LAYERS)}")
    return Position(int(found["offset"] or found["more"] or 0), found["layer"] or "")
