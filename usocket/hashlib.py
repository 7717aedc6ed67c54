"""MicroPython's ``hashlib``: sha256, sha1, md5, without ``hexdigest``; a digest can be taken once.

Source: micropython/micropython:extmod/modhashlib.c.
"""

from __future__ import annotations

import hashlib
from typing import Any

from usocket.stream import buffer_of

__all__ = ["md5", "sha1", "sha256"]


class _Hash:
    """A hash of bytes, or of a str."""

    __slots__ = ("_hash",)

    def __init__(self, data: Any = b"", /) -> None:
        self._hash: Any = hashlib.new(type(self).__name__, buffer_of(data), usedforsecurity=False)

    def update(self, data: Any, /) -> None:
        """Go on with more data."""
        self._open().update(buffer_of(data))

    def digest(self) -> bytes:
        """The hash. After it neither more data nor another digest is possible: ValueError."""
        found: bytes = self._open().digest()
        self._hash = None
        return found

    def _open(self) -> Any:
        if self._hash is None:
            raise ValueError("hash is final")
        return self._hash


class sha256(_Hash):
    """SHA-256, 32 bytes."""


class sha1(_Hash):
    """SHA-1, 20 bytes."""


class md5(_Hash):
    """MD5, 16 bytes."""
