"""The live view: every segment as one line with what the device thought about it.

A ``Narrator`` turns the stack's trace events into lines: each frame, and behind it the state changes, drops
and failures that it caused (or, for a retransmission, that caused it). ``Collapse`` leaves out the middle of
long transfers. ``Live`` is the trace hook: the stack only queues its events, a thread of its own prints them.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, cast

import click

from lab.segments import Reader
from netstack.errors import ERR_OK
from netstack.stats import Drop
from netstack.trace import (
    CongestionChange,
    Dropped,
    Event,
    FrameIn,
    FrameOut,
    PoolEvent,
    Retransmission,
    StateChange,
    WindowChange,
)

if TYPE_CHECKING:
    from lab.control.board import Board
    from tap.cable import AnyStage, Direction

HEAD = 8  # segments of a transfer that are shown before the rest is collapsed,
TAIL = 3  # and the last ones of it
QUEUE = 100_000  # events that may wait to be printed
PAUSE = 0.05  # s between two looks at the queue
SLOW_TICK = 0.5  # s: lwIP counts retransmission time-outs in these

LEGEND = "  seconds  → to the device, ← from it; sequence numbers from 0; behind ·: what the device thought"


@dataclass(slots=True)
class Line:
    """One line of the view. ``arrow`` is "" where the device thought without a frame. ``alarm``: something is
    wrong.
    """

    time: int
    arrow: str
    text: str
    thoughts: list[str] = field(default_factory=list)
    alarm: bool = False
    ordinary: bool = False  # nothing to linger at in the middle of a transfer
    length: int = 0
    died: bool = False  # the frame never arrived

    @property
    def remark(self) -> str:
        """What the device thought, coloured."""
        style = {"fg": "red", "bold": True} if self.alarm else {"fg": "yellow"}
        return click.style(", ".join(self.thoughts), **style)

    def render(self) -> str:
        """The line with its colours."""
        head = f"{self.time / 1e9:9.4f} {self.arrow or ' '} "
        text = click.style(self.text, fg="cyan" if self.arrow == "→" else None)
        thought = f" · {self.remark}" if self.thoughts else ""
        return click.style(head, dim=True) + text + thought


class FrameLost(NamedTuple):
    """A frame died on the link: a rule or an impairment that was injected (``lab.control``) took it."""

    time: int
    inbound: bool
    frame: bytes
    why: str


class Narrator:
    """Events in, lines out. A received frame and what the stack sends at the same time are a group: it is
    complete, and its lines come out, when something else happens.
    """

    def __init__(self, home: int) -> None:
        self._reader = Reader(home)
        self._group: list[Line] = []
        self._ahead: Line | None = None  # thoughts before the frame that they are about
        self._lost: FrameLost | None = None  # and its loss

    def feed(self, event: Event | FrameLost) -> list[Line]:
        """The lines that this event completes."""
        lost, self._lost = self._lost, None
        if lost is None:
            return self._fed(event)
        if isinstance(event, FrameOut) and event.frame is lost.frame:
            done = self._fed(event)
            self._mark_lost(lost)
            return done
        done = self._fed_lost(lost, "")  # later: it had been sent, and told
        return done + self._fed(event)

    def _mark_lost(self, lost: FrameLost) -> None:
        line = self._group[-1]
        line.died = line.alarm = True
        line.ordinary = False
        line.thoughts.append(f"lost: {lost.why}")

    def _fed_lost(self, lost: FrameLost, arrow: str) -> list[Line]:
        done = self._frame(lost.time, arrow, lost.frame, ERR_OK)
        self._mark_lost(lost)
        return done + self.frames()

    def _fed(self, event: Event | FrameLost) -> list[Line]:
        if isinstance(event, FrameLost):
            if event.inbound:
                return self._fed_lost(event, "→")
            self._lost = event
            return []
        if isinstance(event, FrameIn):
            return self._frame(event.time, "→", event.frame, ERR_OK)
        if isinstance(event, FrameOut):
            return self._frame(event.time, "←", event.frame, event.err)
        thought, alarm = _thought(event)
        if not thought:
            return []
        done: list[Line] = []
        group = self._group
        if isinstance(event, Retransmission) or not group or group[0].time != event.time:
            if self._ahead is not None and self._ahead.time != event.time:
                done = self.finish()
            if self._ahead is None:
                self._ahead = Line(event.time, "", "", ordinary=True)
            line = self._ahead
        else:
            line = group[0] if group[0].arrow == "→" else group[-1]
        line.thoughts.append(thought)
        line.alarm |= alarm
        line.ordinary &= isinstance(event, CongestionChange | WindowChange | PoolEvent)
        return done

    def _frame(self, time: int, arrow: str, frame: bytes, err: int) -> list[Line]:
        reading = self._reader.read(frame, arrow == "→")
        line = Line(time, arrow, reading.text, ordinary=reading.bulk, length=reading.length)
        done: list[Line] = []
        ahead = self._ahead
        if ahead is not None and arrow == "←" and ahead.time == time:
            line.thoughts, line.alarm = ahead.thoughts, ahead.alarm
            line.ordinary &= ahead.ordinary
            self._ahead = None
        if arrow == "→" or not self._group or self._group[0].time != time:
            done = self.finish()
        if err != ERR_OK:
            line.thoughts.append(f"the driver refused it ({err})")
            line.alarm, line.ordinary = True, False
        self._group.append(line)
        return done

    def frames(self) -> list[Line]:
        """The group that is still open, complete now; thoughts before a frame go on waiting for it."""
        done, self._group = self._group, []
        return done

    def finish(self) -> list[Line]:
        """All that is still open, complete now."""
        done = self.frames()
        if self._ahead is not None:
            done.append(self._ahead)
            self._ahead = None
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
        return f"{event.pool} has no room", True
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
        self._left_out: list[int] = [0, 0, 0]  # segments, their bytes to the device, from it
        self._alarms: Counter[str] = Counter()  # of those left out

    def feed(self, line: Line) -> list[str]:
        """What to print now."""
        if not line.ordinary:
            return [*self.finish(), line.render()]
        self._run += 1
        if self._run <= self._head:
            return [line.render()]
        if len(self._held) == self._held.maxlen:
            self._leave_out(self._held[0])
        self._held.append(line)
        return []

    def _leave_out(self, line: Line) -> None:
        if line.arrow:
            self._left_out[0] += 1
            self._left_out[1 if line.arrow == "→" else 2] += line.length
        if line.alarm:
            self._alarms.update(line.thoughts)

    def finish(self) -> list[str]:
        """The end of the run: what was left out, and the last ones."""
        shown = [line.render() for line in self._held]
        segments, inbound, outbound = self._left_out
        if segments:
            carried = " and ".join(
                f"{count:,} bytes {way}" for count, way in ((inbound, "in"), (outbound, "out")) if count
            )
            note = f"{segments:,} more segments with {carried or 'no data'}"
            for thought, times in self._alarms.items():
                note += f", {times} times {thought}"
            shown.insert(0, click.style(f"{'…':>11} {note}", dim=True))
        self._run = 0
        self._held.clear()
        self._left_out = [0, 0, 0]
        self._alarms.clear()
        return shown


class Live:
    """The trace hook of a device whose segments are printed, by a thread, while a ``with`` block lasts.

    Whatever else is written to standard output meanwhile is in order with them: what has happened is printed
    before it.
    """

    def __init__(self, home: int, *, collapse: bool) -> None:
        self._narrator = Narrator(home)
        self._collapse = Collapse() if collapse else None
        self._queue: deque[Event | FrameLost] = deque()
        self._lost = 0
        self._out = sys.stdout
        self._printing = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live view", daemon=True)

    def hear_of_losses(self, board: Board) -> None:
        """Have frames told that die on the link of ``board``, whose stack is watched."""
        from tap.cable import Judge

        device = board.device

        def noted(way: Direction, stage: AnyStage, frame: bytes, action: str, detail: str) -> None:
            if action == "drop":
                inbound = way.name == board.splice.directions[1]
                why = "a rule" if isinstance(stage, Judge) else detail or stage.name
                self(FrameLost(device.stack.now, inbound, frame, why))

        with device.host.lock:
            board.splice.listeners.append(noted)

    def __call__(self, event: Event | FrameLost) -> None:
        """Called by the stack: as little as possible."""
        if len(self._queue) < QUEUE:
            self._queue.append(event)
        else:
            self._lost += 1

    def _run(self) -> None:
        while not self._closing.wait(PAUSE):
            try:
                with self._printing:
                    idle = not self._queue
                    self._print_waiting()
                    if idle:  # for a while: all that belongs to a frame has come
                        self._print(self._narrator.finish())
            except BrokenPipeError:  # nobody reads any more; the main thread finds out, too
                return

    def _print_waiting(self) -> None:
        while self._queue:
            self._print(self._narrator.feed(self._queue.popleft()))
        if self._lost:
            lost, self._lost = self._lost, 0
            self._write(f"{'…':>11} {lost:,} events came too quickly to be shown")

    def _print(self, lines: Iterable[Line]) -> None:
        for line in lines:
            for text in self.shown(line) if self._collapse is None else self._collapse.feed(line):
                self._write(text)

    def shown(self, line: Line) -> list[str]:
        """What is printed for it."""
        return [line.render()]

    def _write(self, text: str) -> None:
        click.echo(text, file=self._out, color=False if "NO_COLOR" in os.environ else None)

    def flush(self) -> None:
        """Print everything that has happened until now."""
        with self._printing:
            self._print_waiting()
            self._print(self._narrator.frames())
            for text in self._collapse.finish() if self._collapse is not None else []:
                self._write(text)

    def __enter__(self) -> Live:
        sys.stdout = cast("TextIO", InOrder(self._out, self.flush))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        sys.stdout = self._out
        self.flush()
        self._print(self._narrator.finish())


class InOrder:
    """A text stream before each write to which ``first`` is called."""

    def __init__(self, stream: TextIO, first: Callable[[], object]) -> None:
        self._stream = stream
        self._first = first

    def write(self, text: str) -> int:
        if text:  # click finds out by writing nothing what kind of stream it has
            self._first()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
