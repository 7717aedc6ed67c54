"""The ladder of a run, drawn from its trace, with what the stacks were thinking beside the frames."""

from __future__ import annotations

from collections.abc import Iterator

from lab.ladder import LEFT, REMARK, RIGHT, FrameText, Step, render
from lab.lessons.played import Played
from lab.trace.writer import Record

# Beside a frame: why it was sent, where that does not go without saying.
NOTES = {
    "rto": "time-out",
    "fast": "fast retransmit",
    "persist-probe": "probe of the closed window",
    "persist-split": "what fits into the small window",
    "keepalive": "keep-alive",
    "dup-syn": "the SYN came again",
    "delayed-ack": "delayed ACK: the fast tick",
    "second-segment": "second segment since the last ACK",
    "out-of-order": "at once: out of order",
    "old-segment": "at once: seen before",
    "outside-window": "at once: outside the window",
    "hole-filled": "at once: the hole is filled",
    "window-update": "the program has read",
    "challenge-syn": "challenge",
    "challenge-rst": "challenge",
    "challenge-ack": "challenge",
}


def ladder(
    played: Played,
    *,
    begin: int = 0,
    end: int | None = None,
    cable: str = "",
    arp: bool = False,
    calls: bool = False,
    states: bool = False,
    most: int | None = None,
) -> str:
    """The frames of a cable (the first unless named) that were sent from ``begin`` to ``end`` (ns).

    ``arp``: also ARP; ``calls``: remarks for what programs did; ``states``: for changes of state; ``most``:
    how many lines.
    """
    cables = {one["name"]: one["ends"] for one in played.trace.header["cables"]}
    left, right = cables[cable or next(iter(cables))]
    moments = sorted(_moments(played, left, right, calls, states), key=lambda moment: moment[:2])
    reader = FrameText(0)
    steps = []
    for time, _, direction, event in moments:
        if not direction:
            steps.append(Step(time, REMARK, _remark(event)))
            continue
        shown = played.info(event["as"] if "as" in event else event["frame"])  # as it came out
        text = reader.read(bytes.fromhex(shown["hex"]), direction)
        if arp or "arp" not in shown:
            died = event["kind"] == "died"
            steps.append(Step(time, direction, text, _note(played, event), died))
    chosen = [step for step in steps if begin <= step.time and (end is None or step.time <= end)]
    cut = [] if most is None else chosen[most:]
    text = render(chosen[:most], left, right)
    return f"{text}\n           ... {len(cut)} more" if cut else text


Moment = tuple[int, int, str, Record]


def _moments(played: Played, left: str, right: str, calls: bool, states: bool) -> Iterator[Moment]:
    """(ns, ordinal that sorts, direction, event) of all that has a line."""
    ways = {f"{left}>{right}": RIGHT, f"{right}>{left}": LEFT}
    for event in played.trace.events:
        if event["kind"] in ("wire", "died") and event["on"] in ways:
            sent = event["sent"]
            yield sent, played.info(event["frame"])["i"], ways[event["on"]], event
        elif event["on"] not in (left, right):
            continue
        elif (states and event["kind"] == "state") or (calls and _is_told(event)):
            yield event["t"], event["i"], REMARK, event


def _is_told(event: Record) -> bool:
    if event["kind"] != "api":
        return False
    return event["call"] in ("tcp_write", "tcp_close", "tcp_abort", "tcp_recved", "tcp_connect")


def _remark(event: Record) -> str:
    if event["kind"] == "state":
        return f"{event['on']}: {event['old']} -> {event['new']}"
    words = {
        "tcp_write": f"writes {_bytes(event)}",
        "tcp_recved": f"reads {_bytes(event)}",
        "tcp_close": "closes",
        "tcp_abort": "aborts",
        "tcp_connect": "connects",
    }
    failed = "" if event.get("result") in ("ERR_OK", None, True) else f" ({event['result']})"
    return f"{event['on']} {words[event['call']]}{failed}"


def _bytes(event: Record) -> str:
    numbers = [one for one in event.get("args", []) if isinstance(one, int)]
    return f"{numbers[1]} bytes" if len(numbers) > 1 else "data"


def _note(played: Played, event: Record) -> str:
    """Why it was sent; of what died, the rule (unless it is called lost, which the ladder says itself)."""
    notes = [NOTES.get(played.cause(event["frame"]), "")]
    if event["kind"] == "died" and not event["rule"].startswith("lost"):
        notes.insert(0, event["rule"])
    if "as" in event:
        rules = (verdict["rule"] for verdict in played.all("verdict", event["on"], frame=event["frame"]))
        notes.append(f"changed by {', '.join(dict.fromkeys(rules))}")
    return ", ".join(filter(None, notes))
