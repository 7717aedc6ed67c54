"""The file of a run's trace. A full disk ends the file, and not the run."""

from __future__ import annotations

from os import PathLike

from lab.trace.writer import Record, line_of
from tap.wholefile import WholeFile


class TraceFile:
    """A sink of ``lab.trace.Recorder``. ``problem`` is why the file ends early, or None."""

    def __init__(self, path: str | PathLike[str]) -> None:
        """Raises TapError for a file that cannot be made."""
        self._file = WholeFile(path, "trace")

    @property
    def problem(self) -> str | None:
        """Why nothing more is written."""
        return self._file.problem

    def write(self, record: Record) -> None:
        """The header, or an event."""
        self._file.write(line_of(record).encode())

    def close(self) -> None:
        """There are no more."""
        self._file.close()
