"""A trace with what explanations look up: what caused an event, what came before, what a frame met."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

from lab.trace.reader import Trace
from lab.trace.writer import Record

DEFAULT_TICK = 500_000_000


class Run:
    """Looks things up in a trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.events = trace.events
        self.devices = trace.devices
        self.frames: dict[int, Record] = {}
        self.fates: dict[int, list[Record]] = defaultdict(list)  # frame -> wire and died
        self.frame_of: dict[int, Record] = {}  # segment-out -> frame-out
        self._kinds: dict[tuple[str, int | None, str], list[int]] = defaultdict(list)
        self._children: dict[int, list[int]] = defaultdict(list)
        for event in self.events:
            self._index(event)

    def add(self, event: Record) -> None:
        """One more event, of a run that goes on."""
        self.events.append(event)
        self._index(event)

    def _index(self, event: Record) -> None:
        kind = event["kind"]
        self._kinds[event["on"], event.get("conn"), kind].append(event["i"])
        if "by" in event:
            self._children[event["by"]].append(event["i"])
        if kind == "frame":
            self.frames[event["frame"]] = event
        elif kind in ("wire", "died"):
            self.fates[event["frame"]].append(event)
        elif kind == "frame-out" and "segment" in event:
            self.frame_of[event["segment"]] = event

    def cause(self, event: Record) -> Record | None:
        """The event during whose processing it happened."""
        return self.events[event["by"]] if "by" in event else None

    def chain(self, event: Record) -> Iterator[Record]:
        """Its cause, the cause of that, and so on."""
        found = self.cause(event)
        while found is not None:
            yield found
            found = self.cause(found)

    def within(self, event: Record, kind: str) -> Record | None:
        """The nearest of its causes that is of that kind."""
        return next((found for found in self.chain(event) if found["kind"] == kind), None)

    def last(self, event: Record, kind: str) -> Record | None:
        """The latest event of that kind before it, of the same connection on the same device."""
        ordinals = self._kinds.get((event["on"], event.get("conn"), kind), [])
        place = bisect_left(ordinals, event["i"])
        return self.events[ordinals[place - 1]] if place else None

    def next(self, event: Record, kind: str) -> Record | None:
        """The first event of that kind behind it, of the same connection on the same device."""
        ordinals = self._kinds.get((event["on"], event.get("conn"), kind), [])
        place = bisect_left(ordinals, event["i"] + 1)
        return self.events[ordinals[place]] if place < len(ordinals) else None

    def beside(self, event: Record, kind: str) -> list[Record]:
        """The events of that kind with the same cause, on the same device."""
        if "by" not in event:
            return []
        found = (self.events[i] for i in self._children[event["by"]])
        return [other for other in found if other["kind"] == kind and other["on"] == event["on"]]

    def beside_of(self, event: Record, kind: str) -> list[Record]:
        """The events of that kind which happened while ``event`` was processed."""
        return [self.events[i] for i in self._children[event["i"]] if self.events[i]["kind"] == kind]

    def all_of(self, on: str, conn: int | None, kind: str) -> list[Record]:
        """All events of that kind of a connection on a device."""
        return [self.events[i] for i in self._kinds.get((on, conn, kind), [])]

    def device(self, event: Record) -> Record:
        """The device it happened on; for a cable's direction, nothing."""
        return self.devices.get(event["on"], {})

    def slow_tick(self, event: Record) -> int:
        """The length of a slow tick there, ns."""
        tick = self.device(event).get("tick") or {}
        return int(tick.get("slow_ns", DEFAULT_TICK))
