"""A run as a sequence of arrows and notes: what a sequence diagram and a ladder in text are drawn from.

Frames are arrows, in the order in which they entered the wire. Notes say why something was sent that does not
go without saying, why something was not sent, what was thrown away, and what killed a frame under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lab.explain import Explainer
from lab.explain.story import ORDINARY_CAUSES
from lab.trace.reader import Trace
from lab.trace.writer import Record

PEER = "peer"  # who is at the other end where no cable was recorded
ARRIVED, DIED, UNDER_WAY = "arrived", "died", "under way"

PLAIN_CAUSES = ORDINARY_CAUSES | {"connect", "syn-ack", "handshake", "fin", "fin-with-data", "fin-received"}
TOLD_HELD = frozenset(
    "window nagle snd-buf snd-queuelen tcp-seg heap no-route no-memory driver arp-replaced arp-gave-up "
    "ack-behind-nagle ack-forgotten close-pending challenge-limit".split()
)


class Step(NamedTuple):
    """An arrow from ``source`` to ``target``, or (no target) a note beside ``source``. ``time``: ns; ``rank``
    orders what happens at one time. ``fate``: what became of the frame.
    """

    time: int
    rank: tuple[int, int]
    source: str
    text: str
    target: str = ""
    fate: str = ARRIVED


def steps(trace: Trace) -> list[Step]:
    """The arrows and notes of a run in their order."""
    explainer = Explainer(trace)
    return list(_fresh(sorted(_steps(explainer), key=lambda step: (step.time, step.rank))))


def lifelines(trace: Trace, steps: Iterable[Step]) -> list[str]:
    """Who takes part, in the order of the cables."""
    used = {name for step in steps for name in (step.source, step.target) if name}
    devices = trace.devices
    known = [node(devices, end) for cable in trace.header["cables"] for end in cable["ends"]]
    known += [*devices, *sorted(used)]
    return [name for name in dict.fromkeys(known) if name in used or not used] or [PEER]


def node(devices: dict[str, Record], end: str) -> str:
    """Whose end of a cable it is: all ports of a switch or a router are one lifeline."""
    return end if end in devices else end.rpartition(".")[0] or end


def _fresh(steps: list[Step]) -> Iterator[Step]:
    """Without notes that say the same as the one before them on that lifeline."""
    said: dict[str, str] = {}
    for step in steps:
        if step.target or said.get(step.source) != step.text:
            yield step
        if not step.target:
            said[step.source] = step.text


def _steps(explainer: Explainer) -> Iterator[Step]:
    cables = bool(explainer.run.trace.header["cables"])
    for event in explainer.run.events:
        kind = event["kind"]
        if kind in ("wire", "died"):
            yield from _on_cable(explainer, event)
        elif kind in ("frame-out", "frame-in") and not cables and not event.get("err"):
            text, rank = explainer.run.frames[event["frame"]]["info"], (event["i"], 0)
            ends = (event["on"], PEER) if kind == "frame-out" else (PEER, event["on"])
            yield Step(event["t"], rank, ends[0], text, ends[1])
        elif _is_told(event):
            yield Step(event["t"], (event["i"], 0), event["on"], _why(explainer, event))


def _on_cable(explainer: Explainer, event: Record) -> Iterator[Step]:
    frame = explainer.run.frames[event["frame"]]
    source, _, target = (node(explainer.run.devices, end) for end in event["on"].partition(">"))
    rank = (frame["i"], event["i"])
    if event["kind"] == "died":
        yield Step(event["sent"], rank, source, frame["info"], target, DIED)
        detail = f", {event['detail']}" if event["detail"] not in ("", event["rule"]) else ""
        yield Step(event["sent"], rank, target, f"never arrived: {event['rule']}{detail}")
        return
    changed = "" if "as" not in event else f" (arrived as {explainer.run.frames[event['as']]['info']})"
    fate = UNDER_WAY if event["arrived"] is None else ARRIVED
    yield Step(event["sent"], rank, source, frame["info"] + changed, target, fate)


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
