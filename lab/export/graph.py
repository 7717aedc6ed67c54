"""What a time-sequence graph shows: the bytes that one end of a connection sends, and the ACKs it gets.

A graph is seen from the sender where it is a device of the run, as tcptrace would see it there; otherwise
(the peer in a ``.pkt`` script, Linux behind a TAP) from the device at the other end.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from lab.explain.run import Run
from lab.trace.reader import Trace
from lab.trace.writer import Record


class Sent(NamedTuple):
    """A segment that takes up sequence numbers, from ``seq`` to ``end``, or a RST. ``time``: ns. ``again``:
    these numbers have been sent before. ``probe``: of a closed window. ``died``: it was lost under way.
    """

    time: int
    seq: int
    end: int
    flags: str
    again: bool
    probe: bool
    died: bool


class Answer(NamedTuple):
    """An ACK of the other end: ``edge`` is the right edge of the window it grants, ``third`` that it is the
    third duplicate, ``sack`` the blocks it reports. ``reset``: it is a RST; its ACK and window say nothing.
    """

    time: int
    ack: int
    edge: int
    third: bool
    sack: list[tuple[int, int]]
    reset: bool


@dataclass
class Graph:
    """One connection in one direction. ``sender``: the device's name, or address and port of a peer that is
    no device. ``marks`` are in the order of the run; ``edges``: (ns, snd_una + cwnd) when it changes, known
    only of devices.
    """

    conn: int
    flow: str
    sender: str
    marks: list[Sent | Answer] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)

    @property
    def sent_bytes(self) -> int:
        """Sequence numbers that were sent, each counted once."""
        return max((mark.end for mark in self.marks if isinstance(mark, Sent)), default=0)


def graphs(trace: Trace) -> list[Graph]:
    """The graphs of a run in which something was sent, the one with most data first."""
    run = Run(trace)
    seen: dict[tuple[int, str], list[str]] = defaultdict(list)  # both ends of a connection -> who sees them
    events: dict[tuple[int, str], list[Record]] = defaultdict(list)  # connection, device -> what is shown
    for event in trace.events:
        fields = _segment(run, event)
        if fields is not None:
            viewers = seen[fields["conn"], fields["flow"]]
            if event["on"] not in viewers:
                viewers.insert(0 if event["kind"] == "frame-out" else len(viewers), event["on"])
            events[fields["conn"], event["on"]].append(event)
        elif event["kind"] == "tcb":
            events[event["conn"], event["on"]].append(event)
    found = []
    for (conn, flow), viewers in seen.items():
        graph = _graph(run, conn, flow, viewers[0], events[conn, viewers[0]])
        if any(isinstance(mark, Sent) for mark in graph.marks):
            found.append(graph)
    return sorted(found, key=lambda graph: (-graph.sent_bytes, graph.conn, graph.sender))


def _segment(run: Run, event: Record) -> Record | None:
    """The ``frame`` event with the intact segment that passes a device here; None for anything else."""
    if event["kind"] not in ("frame-out", "frame-in") or event.get("err"):
        return None
    fields = run.frames.get(event["frame"], {})
    return fields if fields.get("conn") and "tcp" in fields and "badsum" not in fields["tcp"] else None


def _graph(run: Run, conn: int, flow: str, viewer: str, events: list[Record]) -> Graph:
    """What ``viewer`` sees, in these events, of what the first of ``flow`` sends to the second."""
    source, _, target = flow.partition(">")
    graph = Graph(conn, flow, source)
    highest = 0
    for event in events:
        if event["kind"] == "tcb":
            if event["flow"] == flow:
                _edge(graph, event)
            continue
        fields = run.frames[event["frame"]]
        if fields["flow"] == flow:
            if event["kind"] == "frame-out":
                graph.sender = viewer
            mark = _sent(run, event, fields["tcp"], highest)
            if mark.end > mark.seq or "R" in mark.flags:
                graph.marks.append(mark)
            highest = max(highest, mark.end)
        elif fields["flow"] == f"{target}>{source}" and fields["tcp"]["ack"] is not None:
            graph.marks.append(_answer(run, event, fields["tcp"]))
    return graph


def _sent(run: Run, event: Record, tcp: Record, highest: int) -> Sent:
    segment = run.events[event["segment"]] if "segment" in event else {}
    length = tcp["len"] + ("S" in tcp["flags"]) + ("F" in tcp["flags"])
    end = tcp["seq"] + length
    return Sent(
        event["t"],
        tcp["seq"],
        end,
        tcp["flags"],
        again=segment["xmit"] > 1 if segment else end <= highest,
        probe=segment.get("cause") == "persist-probe",
        died=any(fate["kind"] == "died" for fate in run.fates.get(event["frame"], ())),
    )


def _answer(run: Run, event: Record, tcp: Record) -> Answer:
    third = any(segment.get("dupacks") == 3 for segment in run.beside_of(event, "segment-in"))
    sack = [(left, right) for left, right in tcp["options"].get("sack", ())]
    ack = tcp["ack"]
    return Answer(event["t"], ack, ack + tcp["wnd"], third, sack, "R" in tcp["flags"])


def _edge(graph: Graph, event: Record) -> None:
    """Take down how far the congestion window lets the sender go."""
    if event["state"] not in ("CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD"):
        edge = event["una"] + event["cwnd"]
        if not graph.edges or graph.edges[-1][1] != edge:
            graph.edges.append((event["t"], edge))
