"""Where two runs begin to differ, as somebody at the wire sees it.

Two runs are compared frame by frame: who sent what (with relative sequence numbers, so that other initial
numbers and IP identifiers are no difference), when, and whether it died under way. The first that is not
the same in both is where to look; what comes later follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

from lab.report.data import RunData


class Step(NamedTuple):
    """Something that an observer sees. ``i`` is the ordinal of the event that tells it, ``time`` ns."""

    i: int
    time: int
    who: str
    what: str


def steps(run: RunData) -> Iterator[Step]:
    """Frames that were sent, or died under way."""
    infos: dict[object, str] = {}
    for event in run.events:
        told: dict[str, Any] = dict(event)
        kind = told["kind"]
        if kind == "frame":
            infos[told["frame"]] = told["info"]
        elif kind == "frame-out":
            yield Step(told["i"], told["t"], told["on"], f"sends {infos.get(told['frame'], 'a frame')}")
        elif kind == "died":
            yield Step(
                told["i"],
                told["t"],
                told["on"],
                f"loses {infos.get(told['frame'], 'a frame')} ({told['rule']})",
            )


def first_difference(one: RunData, other: RunData) -> dict[str, object] | None:
    """``{"at": ordinals, "times": ns, "text"}`` of the first step that is not alike in both (null in the
    run that has ended before), or None when there is no such step.
    """
    for ours, theirs in zip_longest(steps(one), steps(other)):
        if ours is None or theirs is None or ours[1:] != theirs[1:]:
            return {
                "at": [step.i if step else None for step in (ours, theirs)],
                "times": [step.time if step else None for step in (ours, theirs)],
                "text": _text(one, ours, other, theirs),
            }
    return None


def _text(one: RunData, ours: Step | None, other: RunData, theirs: Step | None) -> str:
    """In words: only the time where that is all."""
    if ours and theirs and ours[2:] == theirs[2:]:
        return (
            f"{ours.who} {ours.what} at {_seconds(ours.time)} in {one.label}, "
            f"at {_seconds(theirs.time)} in {other.label}"
        )
    return f"{_side(one, ours)}; {_side(other, theirs)}"


def _side(run: RunData, step: Step | None) -> str:
    if step is None:
        return f"{run.label}: nothing more happens"
    return f"{run.label}: at {_seconds(step.time)} {step.who} {step.what}"


def _seconds(time: int) -> str:
    """A point of time as the page writes it; finer where milliseconds hide something."""
    decimals = 4 if time % 100_000 == 0 else 6 if time % 1000 == 0 else 9
    return f"{time / 1e9:.{decimals}f} s"
