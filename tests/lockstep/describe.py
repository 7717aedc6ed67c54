"""Records as lines of the trace language, and two transcripts side by side up to their first difference."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from lab.pkt.events import Event
from lab.pkt.format import format_item, format_packet, format_time
from netstack.address import format_ip
from netstack.errors import err_name
from tests.lockstep.script import Codec
from tests.lockstep.slots import CALLBACK
from tests.lockstep.state import STATES, decode_state
from tests.lockstep.wire import Callback, Config, Record

_ERR_ARGUMENT = (Callback.ACCEPT, Callback.ERR, Callback.CONNECTED, Callback.CLOSED)
_NOTHING = Record("-", 0, b"")


@dataclass(frozen=True)
class Difference:
    """The first place where the stacks differ: record ``index`` of both transcripts; a missing record has
    kind "-".
    """

    index: int
    lwip: Record
    ours: Record

    def signature(self) -> str:
        """A short name of what differs; alike for divergences that probably have the same cause."""
        if self.lwip.kind != self.ours.kind:
            return f"lwIP {_kind(self.lwip)}, ours {_kind(self.ours)}"
        if self.lwip.kind == "F" and self.lwip.time == self.ours.time:
            return "frame: " + (" ".join(_frame_fields(self.lwip.body, self.ours.body)) or "length")
        if self.lwip.kind == "S" and len(self.lwip.body) == len(self.ours.body):
            return "state: " + " ".join(_state_fields(self.lwip.body, self.ours.body))
        return f"{_kind(self.lwip)}: {'time' if self.lwip.time != self.ours.time else 'content'}"


_KINDS = {
    "F": "frame",
    "R": "result",
    "E": "callback",
    "S": "state",
    "M": "nothing",
    "-": "nothing",
    "P": "exception",
}


def _kind(record: Record) -> str:
    if record.kind == "E":
        return "callback " + Callback(record.body[0]).name.lower()
    if record.kind == "P":
        return "exception " + record.body.decode().strip().rpartition("\n")[2]
    return _KINDS.get(record.kind, record.kind)


# Offset in a frame of TCP over IPv4 without IP options -> name of the field that begins there.
_OFFSETS = {
    0: "ethernet", 14: "ip-head", 16: "ip-length", 18: "ip-id", 20: "ip-fragment", 22: "ttl",
    23: "protocol", 24: "ip-sum", 26: "ip-source", 30: "ip-target", 34: "source-port", 36: "target-port",
    38: "seq", 42: "ack", 46: "offset", 47: "flags", 48: "win", 50: "tcp-sum", 52: "urg", 54: "rest",
}  # fmt: skip


def _frame_fields(lwip: bytes, ours: bytes) -> list[str]:
    """The fields in which two frames differ; checksums only when nothing else does."""
    starts = [*_OFFSETS, max(len(lwip), len(ours), 54)]
    pairs = itertools.pairwise(starts)
    names = [_OFFSETS[start] for start, end in pairs if lwip[start:end] != ours[start:end]]
    return [name for name in names if not name.endswith("-sum")] or names


def _state_fields(lwip: bytes, ours: bytes) -> list[str]:
    ticks, theirs = decode_state(lwip)
    own_ticks, own = decode_state(ours)
    names = [name for a, b in zip(theirs, own, strict=True) for name in a if a[name] != b[name]]
    return list(dict.fromkeys(names)) if ticks == own_ticks else ["tcp_ticks", *dict.fromkeys(names)]


def first_difference(lwip: Sequence[Record], ours: Sequence[Record]) -> Difference | None:
    """Compare two transcripts. Where lwIP itself stopped at an assertion or crashed, only what came before
    counts.
    """
    if lwip == ours:
        return None
    stopped = bool(lwip) and lwip[-1].kind in "AX"
    end = len(lwip) - 1 if stopped else max(len(lwip), len(ours))
    for index in range(end):
        a = lwip[index] if index < len(lwip) else _NOTHING
        b = ours[index] if index < len(ours) else _NOTHING
        if a != b:
            return Difference(index, a, b)
    return None


class Narrator:
    """Turns records into lines; remembers what earlier frames taught about sequence numbers, so feed it in
    order.
    """

    def __init__(self, config: Config, peer_iss: int) -> None:
        self._codec = Codec(config, peer_iss)

    def line(self, record: Record) -> str:
        """One record. What is no frame is a probe of the language."""
        time = format_time(record.time)
        body = record.body
        match record.kind:
            case "F":
                return f"{time} > {format_packet(self._codec.decode(body))}"
            case "R":
                return f"{time} %{{result {_result(*struct.unpack('<i', body))}}}%"
            case "E":
                return f"{time} %{{ev {_callback(body)}}}%"
            case "A":
                return f"{time} lwIP stops: {body.decode().strip()}"
            case "X":
                return f"{time} lwIP crashes with signal {struct.unpack('<i', body)[0]}"
            case "P":
                return f"{time} exception: {body.decode().strip()}"
            case "-":
                return "nothing more"
        return f"{time} nothing (the next event comes)"


def _result(value: int) -> str:
    return f"{value} {err_name(value)}" if value < 0 else str(value)


def _callback(body: bytes) -> str:
    kind, slot, argument, checksum = CALLBACK.unpack(body)
    text = f"type={Callback(kind).name.lower()} slot={slot}"
    if argument and kind in _ERR_ARGUMENT:
        return f"{text} err={err_name(argument)}"
    if kind == Callback.RECV:
        return f"{text} len={argument} adler={checksum:08x}"
    return f"{text} len={argument}" if argument else text


def tell(
    config: Config, peer_iss: int, events: Sequence[Event], lwip: Sequence[Record], difference: Difference
) -> str:
    """The events with what both stacks did in between, then the two records that differ."""
    narrator = Narrator(config, peer_iss)
    lines: list[str] = []
    upcoming = iter(events)
    for record in lwip[: difference.index]:
        if record.kind == "M":
            lines.append(format_item(next(upcoming)))
        elif record.kind != "S":
            lines.append(narrator.line(record))
    lines += _both(narrator, difference)
    return "\n".join(lines) + "\n"


def _both(narrator: Narrator, difference: Difference) -> list[str]:
    lwip, ours = difference.lwip, difference.ours
    if lwip.kind == ours.kind == "S":
        return _state_difference(lwip.body, ours.body)
    lines = [f"// lwIP: {narrator.line(lwip)}", f"// ours: {narrator.line(ours)}"]
    if lines[0][9:] == lines[1][9:]:  # what differs has no word in the language
        lines += [f"// lwIP: {lwip.body.hex()}", f"// ours: {ours.body.hex()}"]
    return lines


def _state_difference(lwip: bytes, ours: bytes) -> list[str]:
    ticks, theirs = decode_state(lwip)
    own_ticks, own = decode_state(ours)
    lines = [] if ticks == own_ticks else [f"// lwIP: tcp_ticks {ticks}, ours: {own_ticks}"]
    for number, (a, b) in enumerate(itertools.zip_longest(theirs, own)):
        if a is None or b is None:
            lines.append(f"// only {'lwIP' if a else 'ours'}: {_pcb(a or b)}")
            continue
        changed = [f"{name} {a[name]}/{b[name]}" for name in a if a[name] != b[name]]
        if changed:
            lines.append(f"// connection {number} ({_pcb(a)}), lwIP/ours: {', '.join(changed)}")
    return lines


def _pcb(pcb: dict[str, int]) -> str:
    peer = f"{format_ip(pcb['remote_ip'])}:{pcb['remote_port']}"
    return f"{pcb['local_port']} > {peer} {STATES[pcb['state']]}"
