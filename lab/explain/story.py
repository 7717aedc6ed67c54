"""A readable story of a run: what matters of it in order, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lab.explain.engine import Explainer
from lab.explain.words import plural
from lab.trace.writer import Record

# What belongs into a story. The rest is bookkeeping, or told by these.
TOLD = frozenset(
    "segment-out died drop state held timer-fired verdict boot reassembly arp api segment-in end".split()
)
DULL_HELD = frozenset({"small-update", "delayed-ack", "cwnd"})
DULL_CALLS = frozenset({"tcp_output", "tcp_recved", "tcp_new"})
DULL_ARP = frozenset({"learned", "updated", "refreshed", "expired"})
PLAIN_VERDICTS = frozenset({"in-order", "ack-only", "handshake", "listen", "time-wait"})
ORDINARY_CAUSES = frozenset({"data", "second-segment", "window-update", "delayed-ack"})
MOST_ALIKE = 2  # lines about ordinary data and ACKs in a row, before the rest of the row is summed up
HEADING = "  seconds  event  who"


def story(explainer: Explainer, events: Iterable[Record]) -> Iterator[str]:
    """Lines; long rows of ordinary segments are summed up."""
    yield HEADING
    row: list[Record] = []
    for event in events:
        if not _is_told(event):
            continue
        if _is_ordinary(event):
            row.append(event)
            if len(row) <= MOST_ALIKE:
                yield line(explainer, event)
            continue
        yield from _sum_up(row)
        row.clear()
        yield line(explainer, event)
    yield from _sum_up(row)


def line(explainer: Explainer, event: Record) -> str:
    """One event as a line: time, ordinal, device, explanation."""
    return (
        f"{event['t'] / 1e9:9.4f} {event['i']:6}  {event['on'] or 'run'}: {explainer.explain(event).line()}"
    )


def _is_told(event: Record) -> bool:
    kind: str = event["kind"]
    if kind not in TOLD:
        return False
    if kind == "held":
        return event["why"] not in DULL_HELD
    if kind == "api":
        return event["call"] not in DULL_CALLS or event.get("result") not in ("ERR_OK", None, True)
    if kind == "arp":
        return event["what"] not in DULL_ARP
    if kind == "segment-in":
        return event["verdict"] not in PLAIN_VERDICTS
    if kind == "timer-fired":
        return event["action"] not in ("retransmit", "probe", "split", "ack")  # the segment tells
    if kind == "verdict":
        return bool(event["action"] != "delay")
    return True


def _is_ordinary(event: Record) -> bool:
    """Nothing to linger at in the middle of a transfer."""
    if event["kind"] == "api":
        return bool(event["call"] == "tcp_write" and event.get("result") == "ERR_OK")
    return bool(event["kind"] == "segment-out" and event["cause"] in ORDINARY_CAUSES)


def _sum_up(row: list[Record]) -> Iterator[str]:
    rest = row[MOST_ALIKE:]
    if not rest:
        return
    data = [event for event in rest if event.get("cause") == "data"]
    acks = len([event for event in rest if event["kind"] == "segment-out"]) - len(data)
    parts = []
    if data:
        size = plural(sum(event["len"] for event in data), "byte")
        parts.append(f"{plural(len(data), 'more segment')} with {size}")
    if acks:
        parts.append(plural(acks, "more ACK"))
    if parts:
        yield f"{'':18}... {' and '.join(parts)}, up to {rest[-1]['t'] / 1e9:.4f} s"
