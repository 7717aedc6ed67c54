"""What happens to a frame on its way through a direction of a cable that somebody watches.

A plain direction hands on bytes. One with rules (``tap.rules``) or a recorder (a journal, a capture, a trace)
gives each frame that enters a coordinate, and with that a ``Passage``; what one stage does to one frame is a
``Visit``. A recorder hears of both. It only listens: with it a run is the same as without.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tap.cable import AnyStage, Direction
    from tap.rules.coordinate import Coordinate

Onward = Callable[[bytes, "Passage"], None]


class Passage:
    """A frame's way through ``direction``: as it entered, at ``at`` (clock's ns), and its coordinate.

    Copies that stages make share it; a frame that a rule injects has one of its own, of kind ``injected``.
    """

    __slots__ = ("at", "coordinate", "direction", "frame", "visited")

    def __init__(self, direction: Direction, coordinate: Coordinate, frame: bytes, at: int) -> None:
        self.direction = direction
        self.coordinate = coordinate
        self.frame = frame
        self.at = at
        self.visited: list[AnyStage] = []  # the stages so far, one as often as copies came to it


class Recorder(Protocol):
    """Who watches a direction (``Direction.recorder``). All times are the clock's ns."""

    def entered(self, passage: Passage) -> None:
        """A frame has entered."""

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        """The visited stage said what it does to the frame; ``rule`` is the name or text of the rule that
        wants it, "" when the stage is none of rules. Also after ``handled``: a queue drops its oldest.
        """

    def handled(self, visit: Visit) -> None:
        """The stage is done with the frame for now: ``visit.notes`` has what it said and ``visit.out`` what
        it handed on. No notes and just (visit.at, visit.frame): it let the frame pass.
        """

    def passed(self, visit: Visit, frame: bytes, at: int) -> None:
        """After ``handled`` the stage handed on a frame that it had kept."""

    def arrived(self, passage: Passage, frame: bytes) -> None:
        """A frame comes out at the far end, now."""


class Visit:
    """One frame at one stage: ``frame`` as it came, at ``at``; ``copy`` 1 for the first of the passage that
    comes to the stage, 2 for the next, ...; ``notes`` (rule, action, detail), ``out`` (at, frame) what was
    handed on, ``injected`` (direction, at, frame) what a rule sent besides.
    """

    __slots__ = ("_onward", "at", "copy", "frame", "injected", "notes", "out", "passage", "returned", "stage")

    def __init__(self, passage: Passage, stage: AnyStage, frame: bytes, at: int, onward: Onward) -> None:
        self.passage = passage
        self.stage = stage
        self.frame = frame
        self.at = at
        passage.visited.append(stage)
        self.copy = passage.visited.count(stage)
        self.notes: list[tuple[str, str, str]] = []
        self.out: list[tuple[int, bytes]] = []
        self.injected: list[tuple[str, int, bytes]] = []
        self.returned = False
        self._onward = onward

    def note(self, action: str, detail: str, rule: str = "") -> None:
        """The stage's note."""
        self.notes.append((rule, action, detail))
        direction = self.passage.direction
        if direction.observer is not None:
            direction.observer(direction, self.stage, self.frame, action, detail)
        if direction.recorder is not None:
            direction.recorder.noted(self, rule, action, detail)

    def pass_on(self, frame: bytes, at: int) -> None:
        """Hand ``frame`` on at ``at``, or now when that is past."""
        passage = self.passage
        direction = passage.direction
        self.out.append((at, frame))
        if self.returned and direction.recorder is not None:
            direction.recorder.passed(self, frame, at)
        if at > direction.clock.now():
            direction.clock.call_at(at, partial(self._onward, frame, passage))
        else:
            self._onward(frame, passage)

    def end(self) -> None:
        """The stage's ``handle`` has returned."""
        self.returned = True
        recorder = self.passage.direction.recorder
        if recorder is not None:
            recorder.handled(self)
