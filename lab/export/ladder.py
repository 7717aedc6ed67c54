"""A run as a ladder in plain text (``lab.ladder``)."""

from __future__ import annotations

from lab.export.sequence import DIED, lifelines, steps
from lab.ladder import LEFT, REMARK, RIGHT, Step, render
from lab.trace.reader import Trace


def ladder(trace: Trace, most: int | None = None) -> str:
    """The frames between the first two lifelines, with notes; the first ``most`` lines (None: all)."""
    found = steps(trace)
    left, right, *_ = [*lifelines(trace, found), "peer"]
    lines = []
    for step in found:
        if {step.source, step.target} == {left, right}:
            direction = RIGHT if step.source == left else LEFT
            lines.append(Step(step.time, direction, step.text, died=step.fate == DIED))
        elif not step.target and step.source in (left, right):
            lines.append(Step(step.time, REMARK, f"{step.source}: {step.text}"))
    shown = lines[:most]
    text = render(shown, left, right)
    if len(shown) == len(lines):
        return text
    return f"{text}\n           ... {len(lines) - len(shown)} more, the last at {lines[-1].time / 1e9:.4f} s"
