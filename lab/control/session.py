"""One page that watches a device: from the events of the stack to the lines of its trace.

The stack only puts its events into a queue; whoever serves the page takes them out, records them and has them
explained. The queue is bounded: when the page, or the browser, is too slow, events are left out and counted.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from lab.control.board import Board
from lab.control.recording import recorder_of
from lab.explain import Explainer
from lab.report.load import SILENT, text
from lab.trace import Trace
from lab.trace.cables import CableTap
from lab.trace.devices import DeviceTap
from lab.trace.writer import Record
from netstack.trace import Event
from tap.clock import Clock
from tap.passage import Passage, Visit

QUEUE = 50_000  # events that may wait
AT_ONCE = 500  # that are taken out in one go
LEFT_OUT = "left-out"  # the kind of the line that counts what the queue had no room for
MOST = 200_000  # lines that a page gets, and this process keeps for explanations


class Moment(Clock):
    """A clock that shows when the event happened that is being recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0

    def now(self) -> int:
        return self.time

    def wait(self, deadline: int | None, fds: Any = ()) -> None:
        raise NotImplementedError("nobody waits for it")


class Lines:
    """Where the recorder writes: the header, and the lines since the last ``take``, with what explains
    them.
    """

    def __init__(self) -> None:
        self._new: list[Record] = []
        self._told: list[Record] = []
        self._explainer: Explainer | None = None

    def write(self, record: Record) -> None:
        if self._explainer is None:
            self._explainer = Explainer(Trace(record, []))
            self._told.append(record)
            return
        self._explainer.run.add(record)
        self._new.append(record)

    def close(self) -> None:
        """Nothing to do."""

    @property
    def count(self) -> int:
        """How many events there were."""
        return 0 if self._explainer is None else len(self._explainer.run.events)

    def take(self) -> Iterator[Record]:
        """The lines that have come; while these are taken no others may come."""
        told, self._told = self._told, []
        yield from told
        new, self._new = self._new, []
        for event in new:
            assert self._explainer is not None
            if event["kind"] in SILENT or event["kind"] == LEFT_OUT:
                yield event
            else:
                yield event | text(self._explainer.explain(event))._asdict()


class Session:
    """Watches ``board`` within a ``with`` block; ``take`` is called by one thread, again and again."""

    def __init__(self, board: Board, most_waiting: int = QUEUE) -> None:
        device = board.device
        self._board = board
        self._clock = device.clock
        self._queue: deque[tuple[int, Callable[..., None], tuple[Any, ...]]] = deque()
        self._most_waiting = most_waiting
        self._missed = 0
        self._moment = Moment()
        self._lines = Lines()
        self._recorder, header = recorder_of(board, self._lines)
        self._stack = DeviceTap(self._recorder, header, self._moment.now, device.host.boot)
        self._cable = CableTap(self._recorder, self._moment)

    def __enter__(self) -> Session:
        board = self._board
        with board.device.host.lock:
            board.hooks.add(self)
            board.splice.watch(self)
        return self

    def __exit__(self, *_: object) -> None:
        board = self._board
        if board.device.is_open:
            with board.device.host.lock:
                board.splice.unwatch(self)
                board.hooks.remove(self)

    # From the device, with its lock: as little as possible

    def _put(self, call: Callable[..., None], *what: Any) -> None:
        if len(self._queue) < self._most_waiting:
            self._queue.append((self._clock.now(), call, what))
        else:
            self._missed += 1

    def __call__(self, event: Event) -> None:
        self._put(self._stack, event)

    def entered(self, passage: Passage) -> None:
        self._put(self._cable.entered, passage)

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        self._put(self._cable.noted, visit, rule, action, detail)

    def handled(self, visit: Visit) -> None:
        """Nothing that is told."""

    def passed(self, visit: Visit, frame: bytes, at: int) -> None:
        """Nothing that is told."""

    def arrived(self, passage: Passage, frame: bytes) -> None:
        self._put(self._cable.arrived, passage, frame)

    # For the page

    def take(self) -> str | None:
        """What has happened, up to AT_ONCE events, as a JSON array of lines; None when nothing has."""
        for _ in range(min(len(self._queue), AT_ONCE)):
            self._moment.time, call, what = self._queue.popleft()
            call(*what)
            _make_room()
        if self._missed and not self._queue:
            missed, self._missed = self._missed, 0
            self._stack.end()  # what was under way is told no further
            self._recorder.record(self._moment.time, "", LEFT_OUT, {"events": missed})
        lines = []
        for line in self._lines.take():
            lines.append(json.dumps(line, separators=(",", ":")))
            _make_room()
        return f"[{','.join(lines)}]" if lines else None

    @property
    def full(self) -> bool:
        """Whether the page has got as many lines as it may."""
        return self._lines.count >= MOST


def _make_room() -> None:
    """Let the device's thread run if it wants to: the interpreter's lock would keep it waiting for 5 ms."""
    time.sleep(0)
