"""Where the lines of a trace go: a file, each line flushed whole, or memory."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

Record = dict[str, Any]

SCHEMA, VERSION = "netstack-trace", 1


def line_of(record: Record) -> str:
    """A header or an event as one line."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n"


class Sink(Protocol):
    """Takes the header, then the events in their order."""

    def write(self, record: Record) -> None:
        """One of them."""

    def close(self) -> None:
        """There are no more."""


class FileSink:
    """Writes a file; what is in it can be read while it grows. Raises OSError."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self._file = Path(path).open("w", encoding="utf-8", newline="\n")  # noqa: SIM115 -- close closes it

    def write(self, record: Record) -> None:
        self._file.write(line_of(record))
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class MemorySink:
    """Keeps header and events."""

    def __init__(self) -> None:
        self.header: Record = {}
        self.events: list[Record] = []

    def write(self, record: Record) -> None:
        if "schema" in record:
            self.header = record
        else:
            self.events.append(record)

    def close(self) -> None:
        """Nothing to do."""
