"""Real time and virtual time behind one interface: ``now``, ``call_at`` and ``wait``.

Waiting is all that differs: the real clock polls descriptors until the deadline, the virtual clock jumps to
the earliest event. Both run callbacks at a time, in the order of their times and, at the same time, of the
calls that asked for them. Times are int nanoseconds since the clock was made.
"""

from __future__ import annotations

import heapq
import select
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap.driver import Driver

MS = 1_000_000  # ns in a millisecond
SECOND = 1_000_000_000

_LONGEST_POLL_MS = 3_600_000  # poll takes a C int; waking up once an hour costs nothing


class Deadlock(RuntimeError):
    """Somebody waits for something that nothing can bring about any more."""


class Clock(ABC):
    """What both clocks share: callbacks that are to be run at a time."""

    virtual = False
    epoch = 0  # ns from 1970-01-01 UTC to this clock's zero: what a capture adds to its times

    def __init__(self) -> None:
        self.driver: Driver | None = None  # drives the hosts of this clock, once there is one
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    @abstractmethod
    def now(self) -> int:
        """ns since the clock was made."""

    @abstractmethod
    def wait(self, deadline: int | None, fds: Sequence[int] = ()) -> None:
        """Let time pass until ``deadline``, the next callback's time or a readable descriptor, whichever is
        first.

        Runs no callbacks: ``run_due`` does. Raises Deadlock when there is nothing to wait for.
        """

    def call_at(self, when: int, callback: Callable[[], None]) -> None:
        """Have ``run_due`` call ``callback`` once ``when`` has come (at its next run when that is past)."""
        heapq.heappush(self._events, (when, self._count, callback))
        self._count += 1

    def next_event(self) -> int | None:
        """The time of the earliest callback that has not run, or None."""
        return self._events[0][0] if self._events else None

    def run_due(self) -> None:
        """Run the callbacks that are due; one that these ask for has to wait for the next run."""
        events = self._events
        if not events:
            return
        now, asked = self.now(), self._count
        later = []
        try:
            while events and events[0][0] <= now:
                event = heapq.heappop(events)
                if event[1] < asked:
                    event[2]()
                else:
                    later.append(event)
        finally:  # one that raises loses none of the others
            for event in later:
                heapq.heappush(events, event)

    def _until(self, deadline: int | None) -> int | None:
        event = self.next_event()
        if deadline is None or (event is not None and event < deadline):
            return event
        return deadline


class RealClock(Clock):
    """Monotonic time; waiting is poll(2)."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.monotonic_ns()
        self.epoch = time.time_ns()

    def now(self) -> int:
        return time.monotonic_ns() - self._start

    def wait(self, deadline: int | None, fds: Sequence[int] = ()) -> None:
        until = self._until(deadline)
        if until is None and not fds:
            raise Deadlock("waiting for nothing: neither a deadline nor a descriptor")
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        # poll rounds a fraction of a millisecond up: it does not return before the time has come
        poll.poll(None if until is None else min(max(0, until - self.now()) / MS, _LONGEST_POLL_MS))


class VirtualClock(Clock):
    """Time that stands still while anybody computes and jumps when all wait, whatever the descriptors."""

    virtual = True

    def __init__(self, start: int = 0) -> None:
        super().__init__()
        self._now = start

    def now(self) -> int:
        return self._now

    def wait(self, deadline: int | None, fds: Sequence[int] = ()) -> None:
        until = self._until(deadline)
        if until is None:
            raise Deadlock("virtual time has no event to jump to")
        self._now = max(self._now, until)
