"""Questions about a run: what happened at a time, why a segment was sent, what became of an event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.explain.engine import Explainer
from lab.explain.story import HEADING, line, story
from lab.explain.words import seconds
from lab.trace.reader import TraceError
from lab.trace.writer import Record

_BOOKKEEPING = frozenset({"pool", "frame", "tcb", "window", "timer"})


@dataclass(frozen=True)
class Question:
    """``at``: ns; ``segment``: a relative sequence number; ``event``: an ordinal; ``device``: a name."""

    at: int | None = None
    segment: int | None = None
    device: str | None = None
    event: int | None = None


def answer(explainer: Explainer, question: Question) -> Iterator[str]:
    """The lines of the answer. Raises TraceError when the question is about nothing in the trace."""
    run = explainer.run
    if question.device is not None and question.device not in run.devices:
        names = ", ".join(run.devices) or "none"
        raise TraceError(f"there is no device {question.device} in this run: there are {names}")
    if question.event is not None:
        return _of_event(explainer, question.event)
    events = [event for event in run.events if question.device in (None, event["on"])]
    if question.segment is not None:
        return _of_segment(explainer, events, question)
    if question.at is not None:
        return _of_time(explainer, events, question.at)
    return story(explainer, events)


def _of_event(explainer: Explainer, ordinal: int) -> Iterator[str]:
    events = explainer.run.events
    if not 0 <= ordinal < len(events):
        raise TraceError(f"there is no event {ordinal} in this run: there are 0 to {len(events) - 1}")
    event = events[ordinal]
    yield HEADING
    yield line(explainer, event)
    for cause in explainer.run.chain(event):
        yield f"  because {line(explainer, cause).strip()}"


def _of_segment(explainer: Explainer, events: list[Record], question: Question) -> Iterator[str]:
    """Every transmission of the segment with that number, what became of its frame, and what held it up."""
    found = []
    for event in events:
        if question.at is not None and event["t"] > question.at:
            break
        if event["kind"] in ("segment-out", "held", "retransmit", "segment-in", "rtt") and _holds(
            event, question
        ):
            found.append(event)
    if not any(event["kind"] in ("segment-out", "held") for event in found):
        raise TraceError(
            f"no segment with number {question.segment} was sent in this run: numbers count from each "
            "side's SYN (0)"
        )
    yield HEADING
    for event in found:
        if event["kind"] == "retransmit":
            continue
        yield line(explainer, event)
        for fate in _fates(explainer, event):
            yield f"{'':18}{fate}"


def _holds(event: Record, question: Question) -> bool:
    """Whether it is about the segment that carries the number."""
    seq, number = event.get("seq"), question.segment
    if seq is None or number is None:
        return False
    length = event.get("len", 0) or int(bool({"S", "F"} & set(event.get("flags", ""))))
    if event["kind"] == "rtt":
        return bool(seq == number)
    return bool(seq <= number < seq + length)


def _fates(explainer: Explainer, event: Record) -> Iterator[str]:
    """What became of the frame of a segment that was sent."""
    sent = explainer.run.frame_of.get(event["i"])
    if sent is None:
        return
    if sent["t"] != event["t"]:
        yield f"on the wire at {seconds(sent['t'])}"
    for fate in explainer.run.fates.get(sent["frame"], []):
        yield explainer.explain(fate).line()


def _of_time(explainer: Explainer, events: list[Record], at: int) -> Iterator[str]:
    """What happened at that time; when nothing did, what was waited for."""
    there = [event for event in events if event["t"] == at and event["kind"] not in _BOOKKEEPING]
    yield HEADING
    if there:
        for event in there:
            yield line(explainer, event)
        return
    before = [event for event in events if event["t"] < at]
    after = next((event for event in events if event["t"] > at and event["kind"] not in _BOOKKEEPING), None)
    yield f"nothing happened at {seconds(at)}"
    yield from _waiting(explainer, before, at)
    if after is not None:
        yield f"next, {line(explainer, after).strip()}"


def _waiting(explainer: Explainer, before: list[Record], at: int) -> Iterator[str]:
    """Why nothing is sent at a time: what is held, which timers run."""
    held: dict[tuple[str, object], Record] = {}
    timers: dict[tuple[str, object, str], Record] = {}
    for event in before:
        key = (event["on"], event.get("conn"))
        if event["kind"] == "held":
            held[key] = event
        elif event["kind"] == "segment-out":
            held.pop(key, None)
        elif event["kind"] == "frame-out" and "segment" in event:  # it may have waited for ARP
            held.pop((event["on"], explainer.run.events[event["segment"]]["conn"]), None)
        elif event["kind"] == "timer-armed":
            timers[*key, event["timer"]] = event
        elif event["kind"] in ("timer-stopped", "timer-fired"):
            timers.pop((*key, event["timer"]), None)
        elif event["kind"] == "boot":
            held = {k: v for k, v in held.items() if k[0] != event["on"]}
            timers = {k: v for k, v in timers.items() if k[0] != event["on"]}
    for event in held.values():
        yield f"waiting since {line(explainer, event).strip()}"
    for event in timers.values():
        if event["due"] >= at:
            yield f"armed at {line(explainer, event).strip()}"
