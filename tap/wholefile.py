"""A file that grows by whole pieces, each in the kernel's hands before the next thing happens: what
a process that is killed leaves behind can be read.

A recording never disturbs what it records: when a write fails (disk full), the file is cut after its last
whole piece, ``problem`` says why, and nothing more is written.
"""

from __future__ import annotations

from contextlib import suppress
from os import PathLike

from tap.link import TapError


class WholeFile:
    """A file, or a FIFO, that is being written; ``kind`` names it in messages (capture, journal).

    ``size`` is what was written so far, ``problem`` why nothing more is, or None.
    """

    def __init__(self, path: str | PathLike[str], kind: str) -> None:
        """Make the file, or empty it. Raises TapError."""
        self.size = 0
        self.problem: str | None = None
        self._name = f"{kind} {path}"
        try:
            self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - close() does
        except OSError as error:
            problem = f"{self._name} cannot be written ({error.strerror})"
            raise TapError(f"{problem}: give another file", error.errno) from None

    def write(self, piece: bytes) -> None:
        """Write a piece, now. After ``close`` and after a ``problem`` nothing happens."""
        if self.problem is not None or self._file.closed:
            return
        rest = piece
        try:
            while rest:  # a disk that fills up, or a pipe, may take a part
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            problem = f"{self._name} ends early ({error.strerror})"
            self.problem = f"{problem}: free some space, or give another file"
            with suppress(OSError):  # a FIFO
                self._file.truncate(self.size)
            return
        self.size += len(piece)

    def close(self) -> None:
        """Write nothing more; twice is as good as once."""
        self._file.close()
