"""A maximum size that nobody announces: the hole that path MTU discovery falls into (RFC 2923, 2.1)."""

from __future__ import annotations

from tap.cable import Note, PassOn
from tap.impair.units import whole

HEADER = 14  # Ethernet's


class Mtu:
    """Frames with an IP packet of over ``mtu`` bytes are lost, without a word to the sender."""

    def __init__(self, mtu: int, *, name: str = "mtu") -> None:
        self.name = name
        self._longest = whole(mtu, "mtu (bytes)", 28) + HEADER

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if len(frame) > self._longest:
            note("drop", f"{len(frame) - HEADER} bytes, mtu {self._longest - HEADER}")
        else:
            pass_on(frame, now)
