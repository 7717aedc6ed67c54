"""A run of a lesson's scenario, and how measures look things up in its trace (docs/trace.md)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.explain import Explainer
from lab.scenario import Result, load, run
from lab.trace.reader import Trace, read
from lab.trace.writer import Record


class Played:
    """What came of one run."""

    def __init__(self, trace: Trace, result: Result) -> None:
        self.trace = trace
        self.result = result

    @cached_property
    def explainer(self) -> Explainer:
        """Explains its events."""
        return Explainer(self.trace)

    def all(self, kind: str, on: str | None = None, **fields: object) -> list[Record]:
        """The events of that kind, on that device, that have these values in these fields; a value may be a
        function that says whether it fits.
        """
        return [
            event
            for event in self.trace.events
            if event["kind"] == kind
            and on in (None, event["on"])
            and all(_fits(event.get(name), value) for name, value in fields.items())
        ]

    def one(self, kind: str, on: str | None = None, n: int = 1, **fields: object) -> Record | None:
        """The ``n``-th of them (-1 the last), or None when there are not so many."""
        found = self.all(kind, on, **fields)
        place = n - 1 if n > 0 else n
        return found[place] if -len(found) <= place < len(found) else None

    def time(self, kind: str, on: str | None = None, n: int = 1, **fields: object) -> int | None:
        """When that was, ns."""
        return at(self.one(kind, on, n, **fields))

    def value(self, field: str, kind: str, on: str | None = None, n: int = 1, **fields: object) -> int | None:
        """A number that it has."""
        event = self.one(kind, on, n, **fields)
        found = None if event is None else event.get(field)
        return None if found is None else int(found)

    def count(self, kind: str, on: str | None = None, **fields: object) -> int:
        """How many there are."""
        return len(self.all(kind, on, **fields))

    def gap(self, begin: int | Record | None, end: int | Record | None) -> int | None:
        """The time from one event (or ns) to another; None when one of them is missing."""
        first, last = at(begin), at(end)
        return None if first is None or last is None else last - first

    def info(self, frame: int) -> Record:
        """The event that shows a frame (by its id) for the first time."""
        return self.explainer.run.frames[frame]

    def cause(self, frame: int) -> str:
        """Why a segment with that frame was sent (the causes of docs/trace.md); "" for anything else."""
        sent = self._sent.get(frame)
        return "" if sent is None else str(self.trace.events[sent]["cause"])

    @cached_property
    def _sent(self) -> dict[int, int]:
        """Frame -> the segment-out event that made it."""
        return {event["frame"]: event["segment"] for event in self.all("frame-out") if "segment" in event}

    def frames(self, way: str, **tcp: object) -> list[Record]:
        """The frames of a direction in the order in which they were sent: their ``wire`` and ``died`` events,
        those whose TCP headers have these values.
        """
        found = [event for kind in ("wire", "died") for event in self.all(kind, way) if self._has(event, tcp)]
        return sorted(found, key=lambda event: (event["sent"], event["frame"]))

    def sent(self, way: str, n: int = 1, **tcp: object) -> int | None:
        """When the ``n``-th of them entered the direction, ns."""
        found = self.frames(way, **tcp)
        return found[n - 1]["sent"] if len(found) >= n else None

    def _has(self, event: Record, tcp: dict[str, object]) -> bool:
        header = self.info(event["frame"]).get("tcp")
        if header is None:
            return not tcp
        return all(_fits(header.get(name), value) for name, value in tcp.items())


def at(moment: int | Record | None) -> int | None:
    """When an event was; a time is one itself."""
    return moment["t"] if isinstance(moment, dict) else moment


def whole_ms(time: int | None) -> int | None:
    """A time, rounded to milliseconds."""
    return None if time is None else round(time, -6)


def _fits(found: object, wanted: object) -> bool:
    return bool(wanted(found)) if callable(wanted) else found == wanted


def play(scenario: Path, overrides: Iterable[str] = (), seed: int | None = None) -> Played:
    """Run a scenario with ``--set`` changes. Raises ScenarioError."""
    loaded = load(scenario, overrides=overrides)
    with TemporaryDirectory() as folder:
        target = Path(folder) / "run.jsonl"
        result = run(loaded, seed=seed, trace=target)
        return Played(read(target), result)
