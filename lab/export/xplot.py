"""A time-sequence graph for xplot, with the signs of tcptrace.

White: segments (arrows from first to next number, a diamond where PSH is set); orange: SYN, FIN, probes
(P); red: what is sent again (R); green: the ACKs received, a tick for one that says nothing new, 3 at the
third duplicate; yellow: the right edge of the window they grant, Z where it is closed; purple: SACK blocks;
magenta: RST_OUT and RST_IN. Segments without data have no sign. Two signs are ours, because here it is
known: a red x on a segment that died under way, and magenta lines for how far the congestion window lets
the sender go (snd_una + cwnd).

The format: xplot's README and demo.0 (Tim Shepard, MIT/LCS/TR-494). The first line names the types of both
axes; then one command a line; ``title``, ``xlabel``, ``ylabel`` and the text commands take the next line as
their text; a colour word is for the commands behind it, or, behind a command, for that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from lab.export.graph import Answer, Graph, Sent


def plot(graph: Graph) -> str:
    """The text of the graph's file. Times are seconds since the start of the run, sequence numbers count from
    the SYN.
    """
    source, _, target = graph.flow.partition(">")
    lines = [
        "dtime double",
        *("title", f"{source}_==>_{target} (time sequence graph)"),
        *("xlabel", "relative time"),
        *("ylabel", "sequence number"),
        *_marks(graph.marks),
        *_edges(graph.edges),
        "go",
    ]
    return "\n".join(lines) + "\n"


def _marks(marks: Iterable[Sent | Answer]) -> Iterator[str]:
    last: Answer | None = None
    for mark in marks:
        if isinstance(mark, Sent):
            yield from _segment(mark)
        elif mark.reset:
            yield from (f"atext {_at(mark.time, mark.ack)} magenta", "RST_IN")
        else:
            if last is not None:
                yield from _answer(last, mark)
            last = mark


def _segment(sent: Sent) -> Iterator[str]:
    time = _seconds(sent.time)
    yield "red" if sent.again else "white"
    if "R" in sent.flags:
        yield from (f"atext {time} {sent.seq} magenta", "RST_OUT")
    elif "S" in sent.flags:
        yield from _syn(sent, time)
    else:
        yield from _data(sent, time)
    if sent.died:
        yield f"x {time} {sent.end} red"


def _syn(sent: Sent, time: str) -> Iterator[str]:
    yield "red" if sent.again else "orange"
    yield from (f"diamond {time} {sent.seq}", f"atext {time} {sent.end}", "R SYN" if sent.again else "SYN")
    yield from (f"uarrow {time} {sent.end}", f"line {time} {sent.seq} {time} {sent.end}")


def _data(sent: Sent, time: str) -> Iterator[str]:
    fin = "F" in sent.flags
    first, end = sent.seq, sent.end - fin
    if sent.probe:
        yield from (f"btext {time} {end} orange", "P")
    if end > first:
        yield f"darrow {time} {first}"
        if "P" in sent.flags and not fin:
            yield from (f"diamond {time} {end} white", f"dot {time} {end} white")
        elif not fin:
            yield f"uarrow {time} {end}"
        yield f"line {time} {first} {time} {end}"
        if sent.again:
            yield from (f"atext {time} {end}", "R")
    if fin:
        yield "red" if sent.again else "orange"
        if end == first:
            yield f"darrow {time} {first}"
        yield from (f"line {time} {end} {time} {sent.end}", f"box {time} {sent.end}")
        yield from (f"atext {time} {sent.end}", "R FIN" if sent.again else "FIN")


def _answer(last: Answer, now: Answer) -> Iterator[str]:
    """The lines of acknowledged numbers and of the window's edge go on to ``now``."""
    yield "green"
    yield from _step(last.time, last.ack, now.time, now.ack, "dtick")
    if now.third:
        yield from (f"atext {_at(now.time, now.ack)}", "3")
    for left, right in now.sack:
        yield from ("purple", f"line {_at(now.time, left)} {_at(now.time, right)}")
        yield from (f"atext {_at(now.time, right)}", "S")
    yield "yellow"
    yield from _step(last.time, last.edge, now.time, now.edge, "utick")
    if now.edge == now.ack:
        yield from (f"atext {_at(now.time, now.edge)} magenta", "Z")


def _step(before: int, low: int, time: int, high: int, tick: str) -> Iterator[str]:
    """To the right at the old value, then up or down to the new one; a tick where it is the same."""
    yield f"line {_at(before, low)} {_at(time, low)}"
    yield f"{tick} {_at(time, high)}" if low == high else f"line {_at(time, low)} {_at(time, high)}"


def _edges(edges: list[tuple[int, int]]) -> Iterator[str]:
    if edges:
        yield "magenta"
    for (before, low), (time, high) in pairwise(edges):
        yield f"line {_at(before, low)} {_at(time, low)}"
        yield f"line {_at(time, low)} {_at(time, high)}"


def _at(time: int, seq: int) -> str:
    return f"{_seconds(time)} {seq}"


def _seconds(time: int) -> str:
    """Microseconds as tcptrace has them; nanoseconds where there are any."""
    digits = 6 if time % 1000 == 0 else 9
    return f"{time // 10**9}.{time % 10**9:09d}"[: digits - 9 or None]
