"""Reads a trace and checks it; what is wrong is one line that names file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from lab.trace.schema import wrong_event, wrong_header
from lab.trace.writer import Record


class TraceError(ValueError):
    """A run cannot be read: one line with place and mend."""


@dataclass
class Trace:
    """A run: the header and its events in causal order."""

    header: Record
    events: list[Record] = field(default_factory=list)

    @property
    def devices(self) -> dict[str, Record]:
        """The devices by name."""
        found = {device["name"]: device for device in self.header["devices"]}
        for event in self.events:
            if event["kind"] == "device":
                found[event["on"]] = event
        return found


def read(path: str | PathLike[str]) -> Trace:
    """The trace in a file, up to its last whole line. Raises TraceError, OSError."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TraceError(f"{path}: not a text in UTF-8 (byte {error.start}): this is no trace") from None
    lines = text.split("\n")
    lines.pop()  # behind the last whole line: nothing, or one that is still being written
    return parse(lines, str(path))


def parse(lines: Iterable[str], name: str) -> Trace:
    """The trace in these lines. Raises TraceError."""
    trace: Trace | None = None
    for number, line in enumerate(lines, 1):
        try:
            record: Any = json.loads(line)
        except ValueError:
            raise TraceError(f"{name}:{number}: not JSON: a trace has one object a line") from None
        problem = wrong_header(record) if trace is None else wrong_event(record, len(trace.events))
        if problem is not None:
            raise TraceError(f"{name}:{number}: {problem}")
        if trace is None:
            trace = Trace(record)
        else:
            trace.events.append(record)
    if trace is None:
        raise TraceError(f"{name}: empty: a trace begins with its header")
    return trace
