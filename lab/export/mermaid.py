"""A run as a sequence diagram in Mermaid's text, for pages that draw it (GitHub, GitLab, docs).

Frames are arrows, in the order in which they entered the wire, with that time; a frame that died has a cross
at its point and a note with what killed it; notes say why something was sent that does not go without saying,
why something was not sent, and what was thrown away. A diagram is no place for thousands of frames: it is cut
after ``most`` arrows, or before Mermaid's limit for the text, and its last note says what is missing.

Syntax: mermaid.js.org, "Sequence diagrams". A text cannot have ``;`` and ``#`` as they are: Mermaid's entity
codes (``#59;``) stand for them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from lab.explain import Explainer
from lab.explain.story import ORDINARY_CAUSES
from lab.explain.words import plural
from lab.trace.reader import Trace
from lab.trace.writer import Record

MOST = 60  # arrows
MOST_CHARACTERS = 45_000  # Mermaid refuses texts of more than 50,000
WIDTH = 46  # columns of a note
PEER = "peer"

PLAIN_CAUSES = ORDINARY_CAUSES | {"connect", "syn-ack", "handshake", "fin", "fin-with-data", "fin-received"}
TOLD_HELD = frozenset(
    "window nagle snd-buf snd-queuelen tcp-seg heap no-route no-memory driver arp-replaced arp-gave-up "
    "ack-behind-nagle ack-forgotten close-pending challenge-limit".split()
)
_ENTITIES = str.maketrans({"#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "\n": " "})


class Step(NamedTuple):
    """An arrow (``target`` is given) or a note beside ``source``. ``time``: ns; ``rank`` orders what happens
    at one time. ``head``: Mermaid's arrow.
    """

    time: int
    rank: tuple[int, int]
    source: str
    text: str
    target: str = ""
    head: str = "->>"


def diagram(trace: Trace, most: int = MOST, begin: int = 0) -> str:
    """The text of the diagram. ``begin``: what was before this time (ns) is left out."""
    steps = sorted(_steps(trace), key=lambda step: (step.time, step.rank))
    names = _participants(trace, steps)
    lines = ["sequenceDiagram", f"    title {_text(str(trace.header['title']) or 'run')}"]
    lines += [f"    participant {key} as {_text(name)}" for name, key in names.items()]
    ends = ",".join(dict.fromkeys((next(iter(names.values())), [*names.values()][-1])))
    before = sum(1 for step in steps if step.time < begin and step.target)
    if before:
        lines.append(f"    Note over {ends}: {plural(before, 'frame')} before {_seconds(begin)} s left out")
    shown = [step for step in steps if step.time >= begin]
    size, arrows = sum(map(len, lines)), 0
    for place, step in enumerate(shown):
        line = _line(step, names)
        if (step.target and arrows == most) or size + len(line) > MOST_CHARACTERS:
            lines.append(f"    Note over {ends}: {_rest(shown[place:])}")
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


def _participants(trace: Trace, steps: list[Step]) -> dict[str, str]:
    """Who has a lifeline, in the order of the cables: name -> the word that stands for it."""
    used = {name for step in steps for name in (step.source, step.target) if name}
    known = [_node(trace, end) for cable in trace.header["cables"] for end in cable["ends"]]
    known += [*trace.devices, *sorted(used)]
    names = [name for name in dict.fromkeys(known) if name in used or not used]
    return {name: f"p{number}" for number, name in enumerate(names or [PEER])}


def _node(trace: Trace, end: str) -> str:
    """Whose end of a cable it is: all ports of a switch or a router are one lifeline."""
    return end if end in trace.devices else end.rpartition(".")[0] or end


def _line(step: Step, names: dict[str, str]) -> str:
    if step.target:
        text = f"{_seconds(step.time)} {_text(step.text)}"
        return f"    {names[step.source]}{step.head}{names[step.target]}: {text}"
    text = "<br/>".join(_text(part) for part in textwrap.wrap(step.text, WIDTH))
    return f"    Note over {names[step.source]}: {text}"


def _text(text: str) -> str:
    return text.translate(_ENTITIES)


def _seconds(time: int) -> str:
    return f"{time / 1e9:.4f}"


# What happens


def _steps(trace: Trace) -> Iterator[Step]:
    explainer = Explainer(trace)
    cables = bool(trace.header["cables"])
    for event in explainer.run.events:
        kind = event["kind"]
        if kind in ("wire", "died"):
            yield from _on_cable(trace, explainer, event)
        elif kind in ("frame-out", "frame-in") and not cables and not event.get("err"):
            text, rank = explainer.run.frames[event["frame"]]["info"], (event["i"], 0)
            ends = (event["on"], PEER) if kind == "frame-out" else (PEER, event["on"])
            yield Step(event["t"], rank, ends[0], text, ends[1])
        elif _is_told(event):
            yield Step(event["t"], (event["i"], 0), event["on"], _why(explainer, event))


def _on_cable(trace: Trace, explainer: Explainer, event: Record) -> Iterator[Step]:
    frame = explainer.run.frames[event["frame"]]
    source, _, target = (_node(trace, end) for end in event["on"].partition(">"))
    rank = (frame["i"], event["i"])
    if event["kind"] == "died":
        yield Step(event["sent"], rank, source, frame["info"], target, "-x")
        detail = f", {event['detail']}" if event["detail"] not in ("", event["rule"]) else ""
        yield Step(event["sent"], rank, target, f"never arrived: {event['rule']}{detail}")
        return
    changed = "" if "as" not in event else f" (arrived as {explainer.run.frames[event['as']]['info']})"
    head = "-)" if event["arrived"] is None else "->>"
    yield Step(event["sent"], rank, source, frame["info"] + changed, target, head)


def _is_told(event: Record) -> bool:
    kind = event["kind"]
    if kind == "segment-out":
        return bool(event["cause"] not in PLAIN_CAUSES)
    if kind == "held":
        return event["why"] in TOLD_HELD
    if kind == "timer-fired":
        return event["action"] in ("give-up", "discard", "remove")
    return bool(kind == "drop" or (kind == "boot" and event["again"]))


def _why(explainer: Explainer, event: Record) -> str:
    why = explainer.explain(event)
    sources = "; ".join(filter(None, (why.rfc, why.lwip)))
    return f"{why.text} ({sources})" if sources else why.text
