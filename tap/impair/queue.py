"""A queue before a line whose discipline decides when a frame's turn comes, so that it needs the clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque

from tap.cable import Note, PassOn
from tap.clock import Clock
from tap.impair.rate import Bitrate, Limits, Service


class Waiting:
    """A frame in the queue, ``since`` ns of the clock."""

    __slots__ = ("frame", "note", "pass_on", "since")

    def __init__(self, frame: bytes, since: int, pass_on: PassOn, note: Note) -> None:
        self.frame = frame
        self.since = since
        self.pass_on = pass_on
        self.note = note


class Queue(ABC):
    """The queue and the line; a discipline says who comes in and who is next."""

    def __init__(
        self,
        rate: int | Service,
        limit_packets: int | None,
        limit_bytes: int | None,
        overhead: int,
        clock: Clock,
        name: str,
    ) -> None:
        self.name = name
        self.limits = Limits(limit_packets, limit_bytes)
        self.waiting: deque[Waiting] = deque()
        self.bytes = 0  # of those that wait
        self._service = Bitrate(rate, overhead) if isinstance(rate, int) else rate
        self._clock = clock
        self._busy = False

    @abstractmethod
    def admit(self, frame: bytes) -> str | None:
        """Why ``frame`` cannot come in, or None; may make room for it. Asked only while the line is busy."""

    @abstractmethod
    def take(self, now: int) -> Waiting | None:
        """Who is next at ``now``; None when nobody is left."""

    def pop(self) -> Waiting:
        """The first of those that wait, out of the queue."""
        first = self.waiting.popleft()
        self.bytes -= len(first.frame)
        return first

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self._busy:
            refused = self.admit(frame)
            if refused is not None:
                note("drop", refused)
                return
        self.waiting.append(Waiting(frame, now, pass_on, note))
        self.bytes += len(frame)
        if not self._busy:
            self._send(now, False)

    def _send(self, now: int, waited: bool) -> None:
        """The line is free at ``now``: the next one, please."""
        following = self.take(now)
        self._busy = following is not None
        if following is not None:
            finish = self._service.finish(now, len(following.frame), waited)
            following.pass_on(following.frame, finish)
            self._clock.call_at(finish, lambda: self._send(finish, True))
