"""The journal of a run: everything that was done to a frame or inside a device, as JSON lines.

    {"journal": 1, "seed": 1, ...}
    {"t": 5000000, "dir": "client>server", "frame": "client>server kind=data n=3 seq=1073 xmit=1 conn=1",
     "stage": "loss", "action": "drop", "detail": "loss", "out": []}
    {"t": 7000000, "device": "client", "fault": "pool-fail pool=TCP_SEG nth=17", "action": "fail",
     "detail": "nth=17"}
    {"t": 90000000, "digest": "...", "frames": 212}

The first line says what was run, the last one how it ended; between them are verdicts (``tap.verdicts``) and
device faults in their order. Each line is written whole and at once, so after kill -9 all but perhaps the
last line can be read. Times are the clock's ns. ``read`` gives back what it takes to play the run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

from tap.verdicts import Verdict
from tap.wholefile import WholeFile

VERSION = 1

Line = dict[str, Any]


class JournalError(ValueError):
    """A journal that cannot be read: one line with file, line and mend."""


class Journal:
    """A journal that is being written. ``header`` is what its first line says besides the version: seed,
    scenario, whatever JSON can hold.
    """

    def __init__(self, path: str | PathLike[str], header: Mapping[str, object]) -> None:
        """Make the file, or empty it. Raises TapError, and TypeError for a header that is not JSON."""
        first = _line({"journal": VERSION, **header})
        self._file = WholeFile(path, "journal")
        self._file.write(first)

    @property
    def problem(self) -> str | None:
        """Why nothing more is written (disk full), or None."""
        return self._file.problem

    def write(self, line: Line) -> None:
        """Add a line, now; nothing after ``close`` or a problem."""
        self._file.write(_line(line))

    def close(self) -> None:
        """Write nothing more; twice is as good as once."""
        self._file.close()


def _line(fields: Line) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


@dataclass
class Recorded:
    """What a journal says: its ``header``; ``verdicts``, which are the lines that ``Network(verdicts=...)``
    plays, device faults among them; ``end``, None when the run did not come to one; ``cut``: the last line
    was not whole and is left out.
    """

    header: Line
    verdicts: list[Line] = field(default_factory=list)
    end: Line | None = None
    cut: bool = False

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.header["seed"])


def read(path: str | PathLike[str]) -> Recorded:
    """Read the journal ``path``. Raises JournalError."""
    try:
        with open(path, "rb") as file:
            *lines, rest = file.read().split(b"\n")
    except OSError as error:
        raise JournalError(f"{path}: cannot be read ({error.strerror}): give the file of a run") from None
    if not lines:
        raise JournalError(f"{path}: no whole line is in it: give the journal of a run")
    recorded = Recorded(_header(str(path), lines[0]), cut=bool(rest))
    for number, line in enumerate(lines[1:], 2):
        where = f"{path}:{number}"
        fields = _fields(where, line)
        if recorded.end is not None:
            raise JournalError(f"{where}: a line after the end of the run: take one journal for one run")
        if "digest" in fields:
            recorded.end = _checked(where, fields, {"t": int, "digest": str, "frames": int})
        elif "device" in fields:
            recorded.verdicts.append(_checked(where, fields, DEVICE))
        else:
            recorded.verdicts.append(_verdict(where, _checked(where, fields, VERDICT)))
    return recorded


VERDICT: dict[str, type] = {
    "t": int, "dir": str, "frame": str, "stage": str, "action": str, "detail": str,
}  # fmt: skip
DEVICE: dict[str, type] = {"t": int, "device": str, "fault": str, "action": str, "detail": str}
_TYPES = {int: "a whole number", str: "a text"}


def _header(path: str, line: bytes) -> Line:
    where = f"{path}:1"
    fields = _fields(where, line)
    if "journal" not in fields:
        raise JournalError(f'{where}: no {{"journal": {VERSION}, ...}}: give the journal of a run')
    if fields["journal"] != VERSION:
        raise JournalError(
            f"{where}: journal version {fields['journal']!r} is not {VERSION}: "
            "read it with the release that wrote it"
        )
    return _checked(where, fields, {"seed": int})


def _fields(where: str, line: bytes) -> Line:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = str(error).partition(":")[0]
        raise JournalError(f"{where}: not JSON ({reason}): restore the line, or take it out") from None
    if not isinstance(fields, dict):
        raise JournalError(f"{where}: {line[:40].decode(errors='replace')!r} is no object: take the line out")
    return fields


def _checked(where: str, fields: Line, expected: Mapping[str, type]) -> Line:
    """``fields`` if those that are expected are there."""
    for name, kind in expected.items():
        value = fields.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            what = f"has no {name!r}" if name not in fields else f"has {name!r} {value!r}"
            raise JournalError(f"{where}: {what}, which is {_TYPES[kind]}: restore the line, or take it out")
    return fields


def _verdict(where: str, fields: Line) -> Line:
    try:
        Verdict.of(fields)
    except ValueError as error:
        raise JournalError(f"{where}: {error}: restore the line, or take it out") from None
    return fields
