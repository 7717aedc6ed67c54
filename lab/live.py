"""The live view: every segment as one line with what the device thought about it.

A ``Narrator`` turns the stack's trace events into lines: each frame, and behind it the state changes, drops and failures that
it caused (or, for a retransmission, that caused it). ``Collapse`` leaves out the middle of long transfers. ``Live`` is the trace
hook: the stack only queues its events, a thread of its own prints them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType

import click

from lab.segments import Reader
from netstack.errors import ERR_OK
from netstack.stats import Drop
from netstack.trace import (
    CongestionChange,
    Dropped,
    Event,
    Flow,
    FrameIn,
    FrameOut,
    PoolEvent,
    Retransmission,
    StateChange,
    WindowChange,
)

HEAD = 8  # segments of a transfer that are shown before the rest is collapsed,
TAIL = 3  # and the last ones of it
QUEUE = 100_000  # events that may wait to be printed
PAUSE = 0.05  # s between two looks at the queue
SLOW_TICK = 0.5  # s: lwIP counts retransmission time-outs in these

LEGEND = "  seconds  → to the device, ← from it; sequence numbers from 0; behind ·: what the device thought"


@dataclass(slots=True)
class Line:
    """One line of the view. ``arrow`` is "" where the device thought without a frame. ``alarm``: something went wrong."""

    time: int
    arrow: str
    text: str
    thoughts: list[str] = field(default_factory=list)
    alarm: bool = False
    ordinary: bool = False  # a segment from the middle of a transfer
    length: int = 0

    def render(self) -> str:
        """The line with its colours."""
        head = f"{self.time / 1e9:9.4f} {self.arrow or ' '} "
        text = click.style(self.text, fg="cyan" if self.arrow == "→" else None)
        thought = ""
        if self.thoughts:
            style = {"fg": "red", "bold": True} if self.alarm else {"fg": "yellow"}
            thought = click.style(f" · {', '.join(self.thoughts)}", **style)  # type: ignore[arg-type]
        return click.style(head, dim=True) + text + thought


class Narrator:
    """Events in, lines out: a line is complete when the next one begins."""

    def __init__(self, home: int) -> None:
        self._reader = Reader(home)
        self._line: Line | None = None  # the frame whose thoughts are still coming
        self._flow: Flow | None = None  # its connection
        self._ahead: Line | None = None  # thoughts before the frame that they are about

    def feed(self, event: Event) -> list[Line]:
        """The lines that this event completes."""
        if isinstance(event, FrameIn):
            return self._frame(event.time, "→", event.frame, ERR_OK)
        if isinstance(event, FrameOut):
            return self._frame(event.time, "←", event.frame, event.err)
        thought, alarm = _thought(event)
        if not thought:
            return []
        done: list[Line] = []
        if isinstance(event, Retransmission) or self._line is None or self._line.time != event.time:
            if self._ahead is not None and self._ahead.time != event.time:
                done = self.finish()
            if self._ahead is None:
                self._ahead = Line(event.time, "", "")
            line = self._ahead
        else:
            line = self._line
        line.thoughts.append(thought)
        line.alarm |= alarm
        line.ordinary &= isinstance(event, CongestionChange | WindowChange)
        return done

    def _frame(self, time: int, arrow: str, frame: bytes, err: int) -> list[Line]:
        ahead, self._ahead = self._ahead, None
        taken = ahead is not None and arrow == "←" and ahead.time == time
        done = [line for line in (self._line, None if taken else ahead) if line is not None]
        reading = self._reader.read(frame, arrow == "→")
        self._line = Line(time, arrow, reading.text, ordinary=reading.bulk, length=reading.length)
        if taken and ahead is not None:
            self._line.thoughts, self._line.alarm = ahead.thoughts, ahead.alarm
            self._line.ordinary = False
        if err != ERR_OK:
            self._line.thoughts.append(f"the driver refused it ({err})")
            self._line.alarm, self._line.ordinary = True, False
        return done

    def finish(self) -> list[Line]:
        """What is still open, complete now."""
        done = [line for line in (self._line, self._ahead) if line is not None]
        self._line = self._ahead = None
        return done


def _thought(event: Event) -> tuple[str, bool]:
    """What the device thought, in words ("" where it is not worth any), and whether that is an alarm."""
    if isinstance(event, StateChange):
        return f"{event.old} → {event.new}", False
    if isinstance(event, Dropped):
        return f"dropped: {Drop.all[event.reason].meaning}", True
    if isinstance(event, Retransmission):
        return f"again ({event.cause}), next time-out {event.rto * SLOW_TICK:g} s", True
    if isinstance(event, PoolEvent) and not event.ok:
        return f"{event.pool} is used up", True
    if isinstance(event, CongestionChange):
        return f"cwnd {event.cwnd}", False
    if isinstance(event, WindowChange) and event.value == 0:
        return f"{event.which} is 0", False
    return "", False


class Collapse:
    """Lines in, lines to print out: of a long run of ordinary segments only the first and the last few."""

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._head = head
        self._run = 0  # ordinary lines in a row
        self._held: deque[Line] = deque(maxlen=tail)
        self._left_out = 0
        self._bytes = {"→": 0, "←": 0}

    def feed(self, line: Line) -> list[str]:
        """What to print now."""
        if not line.ordinary:
            return [*self.finish(), line.render()]
        self._run += 1
        if self._run <= self._head:
            return [line.render()]
        if len(self._held) == self._held.maxlen:
            gone = self._held[0]
            self._left_out += 1
            self._bytes[gone.arrow] += gone.length
        self._held.append(line)
        return []

    def finish(self) -> list[str]:
        """The end of the run: how many were left out, and the last ones."""
        shown = [line.render() for line in self._held]
        if self._left_out:
            carried = " and ".join(
                f"{count:,} bytes {way}" for way, count in self._bytes.items() if count
            )
            note = f"{self._left_out:,} segments like these with {carried or 'no data'}"
            shown.insert(0, click.style(f"{'…':>11} {note}", dim=True))
        self._run = self._left_out = 0
        self._bytes = {"→": 0, "←": 0}
        self._held.clear()
        return shown


class Live:
    """The trace hook of a device whose segments are printed by a thread until ``close``."""

    def __init__(self, home: int, *, collapse: bool, write: Callable[[str], object] = click.echo) -> None:
        self._narrator = Narrator(home)
        self._collapse = Collapse() if collapse else None
        self._write = write
        self._queue: deque[Event] = deque()
        self._lost = 0
        self._printing = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live view", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Called by the stack: as little as possible."""
        if len(self._queue) < QUEUE:
            self._queue.append(event)
        else:
            self._lost += 1

    def _run(self) -> None:
        while not self._closing.wait(PAUSE):
            self._print_waiting()

    def _print_waiting(self) -> None:
        with self._printing:
            idle = not self._queue
            while self._queue:
                self._print(self._narrator.feed(self._queue.popleft()))
            if idle:
                self._print(self._narrator.finish())
            if self._lost:
                lost, self._lost = self._lost, 0
                self._write(f"{'…':>11} {lost:,} events came too quickly to be shown")

    def _print(self, lines: Iterable[Line]) -> None:
        for line in lines:
            for text in [line.render()] if self._collapse is None else self._collapse.feed(line):
                self._write(text)

    def flush(self) -> None:
        """Print everything that has happened until now."""
        self._print_waiting()
        with self._printing:
            self._print(self._narrator.finish())
            for text in self._collapse.finish() if self._collapse is not None else []:
                self._write(text)

    def close(self) -> None:
        """Print the rest and end the thread."""
        self._closing.set()
        self._thread.join()
        self.flush()

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
