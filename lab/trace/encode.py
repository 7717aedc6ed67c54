"""Events of a stack as the fields of a trace (docs/trace.md): names for numbers, sequence numbers counted
from the SYN, connections by number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lab.trace.flows import ACK, MOST_CONNECTIONS, SYN, Connection, End, Flows, flag_letters, flow_text
from lab.trace.frames import segment_of
from netstack import trace
from netstack.address import format_ip, format_mac
from netstack.errors import err_name
from netstack.stats import Drop
from netstack.tcp.header import FIN, HEADER
from netstack.trace import Flow, Numbers, Ranges

Fields = dict[str, Any]
K = TypeVar("K")
V = TypeVar("V")
OWN, PEER = "una nxt lbb rtt_seq".split(), "rcv_nxt rcv_edge".split()  # numbers of whose stream


def _remember(table: dict[K, V], key: K, value: V) -> None:
    """What was told of connections, of which a live run may have any number: the latest."""
    table.pop(key, None)
    table[key] = value
    if len(table) > MOST_CONNECTIONS:
        del table[next(iter(table))]


class Encoder:
    """Encodes the events of one device. ``pools`` are the sizes of its pools by name."""

    def __init__(self, flows: Flows, pools: dict[str, int]) -> None:
        self._flows = flows
        self._pools = pools
        self._used: dict[str, int] = {}
        self._windows: dict[tuple[int, str], int] = {}
        self._congestion: dict[int, tuple[int, int]] = {}

    def encode(self, event: trace.Event) -> Fields:
        """The fields of any event but FrameIn, FrameOut, Called and Done."""
        return _ENCODERS[type(event)](self, event)

    # Connections

    def _of(self, flow: Flow) -> tuple[Connection, End, Fields]:
        """The connection, our end of it, and the fields that name it."""
        own, peer = (flow[0], flow[1]), (flow[2], flow[3])
        talk = self._flows.of(own, peer)
        return talk, own, {"conn": talk.number, "flow": flow_text(flow)}

    def _numbers(self, talk: Connection, own: End, numbers: Numbers) -> Fields:
        peer = talk.other(own)
        fields: Fields = {}
        for name, number in numbers.items():
            if name in OWN:
                fields[name] = talk.relative(own, number)
            elif name in PEER:
                fields[name] = talk.relative(peer, number) if peer in talk.starts else 0
            elif name == "err":
                fields[name] = err_name(number)
            else:
                fields[name] = number
        return fields

    @staticmethod
    def _ranges(talk: Connection, end: End, ranges: Ranges) -> list[list[int]]:
        return [[talk.relative(end, left), talk.relative(end, right)] for left, right in ranges]

    # Segments

    def segment_in(self, event: trace.SegmentIn) -> Fields:
        """At the beginning: what came."""
        talk, own, fields = self._of(event.flow)
        peer = talk.other(own)
        syn = bool(event.flags & SYN)
        fields |= {
            "seq": talk.relative(peer, event.seq),
            "ack": talk.relative(own, event.ack) if event.flags & ACK else None,
            "flags": flag_letters(event.flags),
            "wnd": talk.window(peer, event.wnd, syn),
            "len": event.length,
            "state": event.state,
        }
        return fields | self._numbers(talk, own, event.before)

    @staticmethod
    def segment_done(event: trace.SegmentIn) -> Fields:
        """At the end: what became of it."""
        fields: Fields = {"verdict": event.verdict, "ack_kind": event.ack_kind, **event.outcome}
        if event.state_after:
            fields["state_after"] = event.state_after
        return fields

    def segment_out(self, event: trace.SegmentOut, now: int) -> Fields:
        """A segment goes out at ``now`` (the run's time)."""
        syn = bool(event.flags & SYN)
        own, peer = (event.flow[0], event.flow[1]), (event.flow[2], event.flow[3])
        if syn:
            self._flows.syn(own, peer, event.seq, not event.flags & ACK)
        talk, own, fields = self._of(event.flow)
        seq = talk.relative(own, event.seq)
        occupies = event.length or event.flags & (SYN | FIN)  # a pure ACK has the number of later data
        if event.xmit == 1 and occupies:
            talk.sent(own, seq, now)
        fields |= {
            "seq": seq,
            "ack": talk.relative(peer, event.ack) if event.flags & ACK else None,
            "flags": flag_letters(event.flags),
            "wnd": talk.window(own, event.wnd, syn),
            "len": event.length,
            "cause": event.cause,
            "xmit": event.xmit,
        }
        if event.carries:
            fields["carries"] = event.carries
        if event.xmit > 1:
            fields["first"] = talk.first.get((own, seq))
        return fields | self._numbers(talk, own, event.numbers)

    def _retransmission(self, event: trace.Retransmission) -> Fields:
        talk, own, fields = self._of(event.flow)
        return fields | {
            "seq": talk.relative(own, event.seq),
            "len": event.length,
            "cause": event.cause,
            "nrtx": event.nrtx,
            "rto": event.rto,
        }

    def _held(self, event: trace.Held) -> Fields:
        talk, own, fields = self._of(event.flow)
        fields |= {"why": event.why, "seq": talk.relative(own, event.seq), "len": event.length}
        return fields | self._numbers(talk, own, event.numbers)

    def _held_packet(self, event: trace.HeldPacket) -> Fields:
        fields: Fields = {"why": event.why, "ip": format_ip(event.ip)}
        found = segment_of(event.packet)
        if found is None:
            return fields | {"len": len(event.packet)}
        header, body = found
        sport, dport, seq, _, offset_flags, *_ = HEADER.unpack_from(body)
        talk, own, named = self._of((header.src, sport, header.dst, dport))
        length = len(body) - (offset_flags >> 12 << 2)
        return named | fields | {"seq": talk.relative(own, seq), "len": length}

    def _drop(self, event: trace.Dropped) -> Fields:
        reason = Drop.all[event.reason]
        return {
            "reason": reason.name,
            "protocol": reason.protocol,
            "meaning": reason.meaning,
            "counters": list(reason.counters),
        }

    # State, timers, estimates, buffers

    def _state(self, event: trace.StateChange) -> Fields:
        if (event.old, event.new) == ("CLOSED", "SYN_SENT"):
            self._flows.opens((event.flow[0], event.flow[1]), (event.flow[2], event.flow[3]))
        _, _, fields = self._of(event.flow)
        return fields | {"old": event.old, "new": event.new}

    def _snapshot(self, event: trace.Snapshot) -> Fields:
        talk, own, fields = self._of(event.flow)
        numbers = dict(event.numbers)
        timed = numbers.pop("rtt_timed")
        rtt_seq = numbers.pop("rtt_seq")
        wnd_max = numbers.pop("wnd_max")
        fields |= {"state": event.state} | self._numbers(talk, own, numbers)
        peer = talk.other(own)
        queued = sum(right - left & 0xFFFFFFFF for left, right in event.ooseq)
        fields |= {
            "flight": numbers["nxt"] - numbers["una"] & 0xFFFFFFFF,
            "rtt_seq": talk.relative(own, rtt_seq) if timed else None,
            "unread": max(wnd_max - numbers["rcv_wnd"], 0),
            "ooseq_bytes": queued,
            "unsent": self._ranges(talk, own, event.unsent),
            "unacked": self._ranges(talk, own, event.unacked),
            "ooseq": self._ranges(talk, peer, event.ooseq),
            "flags": list(event.flags),
        }
        return fields

    def _window(self, event: trace.WindowChange) -> Fields:
        talk, _, fields = self._of(event.flow)
        key = (talk.number, f"{fields['flow']} {event.which}")
        old = self._windows.get(key)
        _remember(self._windows, key, event.value)
        return fields | {"which": event.which, "value": event.value, "old": old}

    def _cwnd(self, event: trace.CongestionChange) -> Fields:
        talk, _, fields = self._of(event.flow)
        old = self._congestion.get(talk.number, (None, None))
        _remember(self._congestion, talk.number, (event.cwnd, event.ssthresh))
        return fields | {
            "cwnd": event.cwnd,
            "ssthresh": event.ssthresh,
            "old_cwnd": old[0],
            "old_ssthresh": old[1],
            "cause": event.cause,
        }

    def _rtt(self, event: trace.RttEvent) -> Fields:
        talk, own, fields = self._of(event.flow)
        return fields | {"what": event.what, "seq": talk.relative(own, event.seq), **event.numbers}

    def timer_armed(self, event: trace.TimerArmed, boot: int) -> Fields:
        """A timer of a connection; the stack's time 0 is ``boot``."""
        _, _, fields = self._of(event.flow)
        return fields | {"timer": event.timer, "ticks": event.ticks, "due": event.due + boot}

    def _timer_stopped(self, event: trace.TimerStopped) -> Fields:
        return self._of(event.flow)[2] | {"timer": event.timer, "why": event.why}

    def _timer_expired(self, event: trace.TimerExpired) -> Fields:
        talk, own, fields = self._of(event.flow)
        fields |= {"timer": event.timer, "count": event.count, "limit": event.limit, "action": event.action}
        return fields | self._numbers(talk, own, event.numbers)

    @staticmethod
    def _timer(event: trace.TimerFired) -> Fields:
        return {"name": event.name}

    def _reassembly(self, event: trace.ReassemblyEvent) -> Fields:
        talk, own, fields = self._of(event.flow)
        peer = talk.other(own)
        return fields | {
            "what": event.what,
            "seq": talk.relative(peer, event.seq),
            "len": event.length,
            "queue": self._ranges(talk, peer, event.queue),
        }

    @staticmethod
    def _arp(event: trace.ArpEvent) -> Fields:
        return {
            "what": event.what,
            "ip": format_ip(event.ip),
            "mac": format_mac(event.mac) if any(event.mac) else None,
            "packets": event.packets,
        }

    def _pool(self, event: trace.PoolEvent) -> Fields:
        before = self._used.get(event.pool, 0)
        self._used[event.pool] = event.used
        action = "fail" if not event.ok else "take" if event.used > before else "give"
        size = self._pools.get(event.pool)
        return {"pool": event.pool, "action": action, "used": event.used, "size": size}

    @staticmethod
    def api(event: trace.ApiCall) -> Fields:
        """A call that has returned."""
        args = list(event.args)
        if event.call in ("tcp_bind", "tcp_connect"):
            args[1] = format_ip(int(str(args[1])))
        result = err_name(event.result) if type(event.result) is int else event.result
        return {"args": args, "result": result}


_ENCODERS: dict[type[trace.Event], Callable[[Encoder, Any], Fields]] = {
    trace.SegmentIn: Encoder.segment_in,
    trace.Retransmission: Encoder._retransmission,
    trace.Held: Encoder._held,
    trace.HeldPacket: Encoder._held_packet,
    trace.Dropped: Encoder._drop,
    trace.StateChange: Encoder._state,
    trace.Snapshot: Encoder._snapshot,
    trace.WindowChange: Encoder._window,
    trace.CongestionChange: Encoder._cwnd,
    trace.RttEvent: Encoder._rtt,
    trace.TimerStopped: Encoder._timer_stopped,
    trace.TimerExpired: Encoder._timer_expired,
    trace.TimerFired: lambda _, event: Encoder._timer(event),
    trace.ReassemblyEvent: Encoder._reassembly,
    trace.ArpEvent: lambda _, event: Encoder._arp(event),
    trace.PoolEvent: Encoder._pool,
}
