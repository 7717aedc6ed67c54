"""The frames of a run: what statements count and measure, and how often faults act on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap.records import Silent

if TYPE_CHECKING:
    from tap.passage import Passage, Visit
    from tap.rules.coordinate import Coordinate

Meets = Callable[["Passage"], bool]


@dataclass(slots=True)
class Seen:
    """A frame that a statement is about: when it was sent, in ns."""

    time: int
    coordinate: Coordinate


class Frames(Silent):
    """A recorder (``tap.passage.Recorder``) of all directions. ``hits`` counts the acts of faults by their
    names, which are those of their stages and rules.
    """

    def __init__(self, faults: list[str]) -> None:
        self.hits = dict.fromkeys(faults, 0)
        self._watches: dict[str, list[tuple[Meets, list[Seen]]]] = {}  # by direction

    def watch(self, direction: str, meets: Meets) -> list[Seen]:
        """A list that gets every frame that enters the direction and ``meets`` the condition."""
        seen: list[Seen] = []
        self._watches.setdefault(direction, []).append((meets, seen))
        return seen

    def entered(self, passage: Passage) -> None:
        for meets, seen in self._watches.get(passage.direction.name, ()):
            if meets(passage):
                seen.append(Seen(passage.at, passage.coordinate))

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        self.hit(rule or visit.stage.name)

    def hit(self, fault: str) -> None:
        """A fault has acted, if it is one of the scenario's."""
        if fault in self.hits:
            self.hits[fault] += 1
