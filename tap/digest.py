"""The digest of a run: one SHA-256 over every frame that a device sent or received, with its time, way and
interface, in their order. Two runs with the same digest were the same, whether or not one was captured.
"""

from __future__ import annotations

import hashlib
import struct

_PACKET = struct.Struct(">QHBI")  # time (ns), interface, direction, length


class Digest:
    """Takes frames as ``tap.capture.Capture`` does and keeps none; ``frames`` is how many they were."""

    def __init__(self) -> None:
        self.frames = 0
        self._hash = hashlib.sha256()
        self._interfaces = 0

    def interface(self, name: str, mac: bytes | None = None, comment: str = "") -> int:
        """Add an interface, of which the name counts; returns its number for ``packet``."""
        label = name.encode()
        self._hash.update(_PACKET.pack(0, self._interfaces, 0, len(label)) + label)
        self._interfaces += 1
        return self._interfaces - 1

    def packet(self, interface: int, time: int, frame: bytes, direction: int, comment: str = "") -> None:
        """Count a frame: ``time`` in ns, ``direction`` INBOUND or OUTBOUND. The comment does not count."""
        self.frames += 1
        self._hash.update(_PACKET.pack(time, interface, direction, len(frame)) + frame)

    def hexdigest(self) -> str:
        """The digest of all so far, as 64 digits."""
        return self._hash.hexdigest()
