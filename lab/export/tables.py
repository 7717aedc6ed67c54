"""A run as tables: CSV files (RFC 4180) for spreadsheets, pandas, R.

Lines end with CR LF, the first one has the names of the columns, a field that does not apply is empty. Times
are ns of the run, sequence numbers count from the SYN, windows and lengths are bytes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lab.explain import Explainer
from lab.trace.reader import Trace
from lab.trace.writer import Record

Row = dict[str, Any]

EVENT = {
    "event": "ordinal of the event in the trace: what `netstack explain --event` takes",
    "t_ns": "time of the run, ns",
    "device": "where it happened",
}
OF_CONNECTION = {
    "conn": "number of the TCP connection; both ends have the same",
    "local": "own address and port",
    "remote": "address and port of the other end",
}
WHY = {"why": "the reason in words, with RFC and lwIP's function"}

SEGMENTS = (
    EVENT
    | {"way": "`out` or `in`"}
    | OF_CONNECTION
    | {
        "seq": "first sequence number (of the sender)",
        "ack": "acknowledgement number; empty without the ACK flag",
        "flags": "letters: S F R P A U",
        "wnd": "window, bytes as scaled",
        "len": "data, bytes",
        "cause": "out: why it was sent",
        "xmit": "out: 1 the first time, 2 the first repetition ...",
        "verdict": "in: what it was taken for",
        "ack_kind": "in: new, duplicate, old, future, none",
        "acked": "in: bytes newly acknowledged",
        "accepted": "in: bytes taken in order",
        "queued": "in: bytes kept out of order",
        "state": "in: state of the connection before it",
        "frame": "number of the frame; empty where none was made of it",
        "arrived_ns": "out: when its frame came out of the last cable, ns; empty where it did not",
        "died_by": "out: the rule or stage that killed the frame",
    }
    | WHY
)
_TCB_NUMBERS = {
    "una": "oldest number that is not acknowledged (SND.UNA)",
    "nxt": "next number to be sent (SND.NXT)",
    "lbb": "next number to be queued (lwIP's snd_lbb)",
    "snd_wnd": "window of the peer, bytes",
    "snd_wnd_max": "largest window it has ever granted, bytes",
    "cwnd": "congestion window, bytes",
    "ssthresh": "slow start threshold, bytes",
    "flight": "bytes in flight",
    "mss": "largest segment, bytes",
    "snd_buf": "room in the send buffer, bytes",
    "snd_queuelen": "pbufs in the send queues",
}
_TCB_MORE = {
    "rcv_nxt": "next number expected (RCV.NXT)",
    "rcv_wnd": "receive window, bytes",
    "rcv_ann_wnd": "window to be announced, bytes",
    "rcv_edge": "right edge of the window that was announced",
    "unread": "bytes in order that the application has not read",
    "refused": "bytes that the application has not taken",
    "ooseq_bytes": "bytes kept out of order",
    "rtime": "retransmission timer, slow ticks; -1 when it does not run",
    "rto": "time-out, slow ticks",
    "nrtx": "time-outs in a row",
    "sa": "smoothed round-trip time, eighths of slow ticks",
    "sv": "its mean deviation, quarters of slow ticks",
    "rtt_seq": "number that is timed; empty when none is",
    "dupacks": "duplicate ACKs in a row",
    "bytes_acked": "bytes acknowledged since the congestion window last grew",
    "persist": "stage of the persist timer; 0 when it does not run",
    "persist_cnt": "persist timer, slow ticks",
    "persist_probe": "probes of the closed window in a row",
    "keep_sent": "keep-alive probes in a row",
    "polltmr": "slow ticks since the application was last polled",
    "idle": "slow ticks since the last segment came",
    "ticks": "lwIP's tcp_ticks, slow ticks",
}
TCB = (
    EVENT
    | OF_CONNECTION
    | {"state": "state of the connection"}
    | _TCB_NUMBERS
    | {
        "unsent": "numbers queued and not sent, as `from:to`, several with a space between",
        "unacked": "numbers sent and not acknowledged, likewise",
        "ooseq": "numbers kept out of order, likewise",
    }
    | _TCB_MORE
    | {"flags": "lwIP's TF_ flags, with a space between"}
)
TIMERS = (
    EVENT
    | OF_CONNECTION
    | {
        "timer": "its name; without a connection one of the stack's",
        "what": "`armed`, `stopped`, `fired`, or `ran` (a timer of the stack)",
        "ticks": "armed: slow ticks until it fires",
        "due_ns": "armed: when it fires if nothing happens, ns",
        "count": "fired: ticks counted",
        "limit": "fired: ticks it was set to",
        "action": "fired: what lwIP does now",
        "reason": "stopped: why",
    }
)
POOLS = EVENT | {
    "pool": "lwIP's name of the pool; HEAP is the heap",
    "action": "`take`, `give`, or `fail` (nothing was left)",
    "used": "in use after it: elements, of the heap bytes",
    "size": "all there are: elements, of the heap bytes",
}
DROPS = (
    EVENT
    | {
        "what": "`died` (in a cable), `dropped` (by the stack), `refused` (by the driver)",
        "frame": "number of the frame; empty where the packet was none",
        "info": "what was in it",
        "reason": "the rule or stage, the stack's reason, the driver's error",
        "detail": "what else is said of it; of the stack's reasons the counters of lwIP",
    }
    | WHY
)


class Table(NamedTuple):
    """A file: its columns with their meaning, and the rows of a run."""

    columns: dict[str, str]
    rows: Callable[[Explainer], Iterator[Row]]


def _head(event: Record) -> Row:
    row = {"event": event["i"], "t_ns": event["t"], "device": event["on"]}
    if event.get("flow"):
        local, _, remote = event["flow"].partition(">")
        row |= {"conn": event["conn"], "local": local, "remote": remote}
    return row


def _segments(explainer: Explainer) -> Iterator[Row]:
    run = explainer.run
    for event in run.events:
        if event["kind"] not in ("segment-out", "segment-in"):
            continue
        row = event | _head(event) | {"way": event["kind"].removeprefix("segment-")}
        if row["way"] == "out" and event["i"] in run.frame_of:
            row["frame"] = run.frame_of[event["i"]]["frame"]
            for fate in run.fates.get(row["frame"], ()):
                if fate["kind"] == "died":
                    row["died_by"] = fate["rule"]
                else:
                    row["arrived_ns"] = fate["arrived"]
        yield row | {"why": explainer.explain(event).line()}


def _tcb(explainer: Explainer) -> Iterator[Row]:
    for event in explainer.run.events:
        if event["kind"] == "tcb":
            ranges = {
                name: " ".join(f"{left}:{right}" for left, right in event[name])
                for name in ("unsent", "unacked", "ooseq")
            }
            yield event | _head(event) | ranges | {"flags": " ".join(event["flags"])}


def _timers(explainer: Explainer) -> Iterator[Row]:
    for event in explainer.run.events:
        kind = event["kind"]
        if kind == "timer":
            yield _head(event) | {"timer": event["name"], "what": "ran"}
        elif kind.startswith("timer-"):
            named = {"due_ns": event.get("due"), "reason": event.get("why")}
            yield event | _head(event) | {"what": kind.removeprefix("timer-")} | named


def _pools(explainer: Explainer) -> Iterator[Row]:
    for event in explainer.run.events:
        if event["kind"] == "pool":
            yield event | _head(event)


def _drops(explainer: Explainer) -> Iterator[Row]:
    run = explainer.run
    for event in run.events:
        kind = event["kind"]
        if kind == "died":
            told = {"what": "died", "reason": event["rule"], "detail": event["detail"]}
        elif kind == "drop":
            counters = " ".join(event["counters"])
            told = {"what": "dropped", "reason": event["reason"], "detail": counters}
        elif kind == "frame-out" and event["err"]:
            told = {"what": "refused", "reason": event["err"]}
        else:
            continue
        frame = event.get("frame")
        info = run.frames[frame]["info"] if frame in run.frames else None
        why = explainer.explain(event).line()
        yield _head(event) | told | {"frame": frame, "info": info, "why": why}


TABLES = {
    "segments": Table(SEGMENTS, _segments),
    "tcb": Table(TCB, _tcb),
    "timers": Table(TIMERS, _timers),
    "pools": Table(POOLS, _pools),
    "drops": Table(DROPS, _drops),
}


def write(trace: Trace, folder: Path) -> list[tuple[Path, int]]:
    """Write ``segments.csv`` and the others into ``folder``, which is made. Returns each with its number of
    rows. Raises OSError.
    """
    explainer = Explainer(trace)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, table in TABLES.items():
        path, count = folder / f"{name}.csv", 0
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, table.columns, extrasaction="ignore", dialect="excel")
            rows.writeheader()
            for row in table.rows(explainer):
                rows.writerow(row)
                count += 1
        written.append((path, count))
    return written
