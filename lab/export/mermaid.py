"""A run as a sequence diagram in Mermaid's text, for pages that draw it (GitHub, GitLab, docs).

Arrows have the time at which the frame was sent; one that died has a cross at its point. A diagram is no
place for thousands of frames: it is cut after ``most`` arrows, or before Mermaid's limit for the text, and
its last note says what is missing.

Syntax: mermaid.js.org, "Sequence diagrams". A text cannot have ``;`` and ``#`` as they are: Mermaid's entity
codes (``#59;``) stand for them.
"""

from __future__ import annotations

import textwrap

from lab.explain.words import plural
from lab.export.sequence import ARRIVED, DIED, UNDER_WAY, Step, lifelines, steps
from lab.trace.reader import Trace

MOST = 60  # arrows
MOST_CHARACTERS = 45_000  # Mermaid refuses texts of more than 50,000
WIDTH = 46  # columns of a note
ARROWS = {ARRIVED: "->>", DIED: "-x", UNDER_WAY: "-)"}

_ENTITIES = str.maketrans({"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "\n": " "})


def diagram(trace: Trace, most: int = MOST, begin: int = 0) -> str:
    """The text of the diagram. ``begin``: what was before this time (ns) is left out."""
    found = steps(trace)
    names = {name: f"p{number}" for number, name in enumerate(lifelines(trace, found))}
    lines = ["sequenceDiagram", f"    title {_text(str(trace.header['title']) or 'run')}"]
    lines += [f"    participant {key} as {_text(name)}" for name, key in names.items()]
    all_of_them = ",".join(dict.fromkeys(("p0", f"p{len(names) - 1}")))
    before = sum(1 for step in found if step.time < begin and step.target)
    if before:
        left = f"{plural(before, 'frame')} before {_seconds(begin)} s left out"
        lines.append(f"    Note over {all_of_them}: {left}")
    shown = [step for step in found if step.time >= begin]
    size, arrows = sum(map(len, lines)), 0
    for place, step in enumerate(shown):
        line = _line(step, names)
        if (step.target and arrows == most) or size + len(line) > MOST_CHARACTERS:
            lines.append(f"    Note over {all_of_them}: {_rest(shown[place:])}")
            break
        lines.append(line)
        size += len(line) + 1
        arrows += bool(step.target)
    return "\n".join(lines) + "\n"


def _rest(left: list[Step]) -> str:
    """What was cut off."""
    frames = sum(1 for step in left if step.target)
    notes = len(left) - frames
    parts = [plural(count, f"more {what}") for count, what in ((frames, "frame"), (notes, "note")) if count]
    return f"{' and '.join(parts)} left out, the last at {_seconds(left[-1].time)} s"


def _line(step: Step, names: dict[str, str]) -> str:
    if step.target:
        text = f"{_seconds(step.time)} {_text(step.text)}"
        return f"    {names[step.source]}{ARROWS[step.fate]}{names[step.target]}: {text}"
    text = "<br/>".join(_text(part) for part in textwrap.wrap(step.text, WIDTH))
    return f"    Note over {names[step.source]}: {text}"


def _text(text: str) -> str:
    return text.translate(_ENTITIES)


def _seconds(time: int) -> str:
    return f"{time / 1e9:.4f}"
