"""TCP's control blocks as the probes ``tcb`` and ``info`` show them (level C).

``TCB_FIELDS`` maps the names of the trace to lwIP's fields. ``TcbTracker`` says what changed since it last
looked.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from lab.pkt.frames import Addressing, IssTable
from lab.pkt.sockets import Descriptor, Sockets
from lab.pkt.transcript import Transcript
from netstack.api.common import conn_of
from netstack.stack import Stack

STATES = (
    *("CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD", "ESTABLISHED", "FIN_WAIT_1"),
    *("FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"),
)

# Name in a tcb line -> attribute of the pcb.
TCB_FIELDS = {
    "state": "state",
    "mss": "mss",
    "cwnd": "cwnd",
    "ssthresh": "ssthresh",
    "rto": "rto",
    "nrtx": "nrtx",
    "snd_wnd": "snd_wnd",
    "rcv_wnd": "rcv_wnd",
    "persist": "persist_backoff",
}

# The flags that info lines show (lwIP tcp.h: TF_*); what was agreed in the handshake is not among them.
FLAGS = (
    (0x01, "ACK_DELAY"),
    (0x02, "ACK_NOW"),
    (0x04, "INFR"),
    (0x08, "CLOSEPEND"),
    (0x10, "RXCLOSED"),
    (0x20, "FIN"),
    (0x40, "NODELAY"),
    (0x80, "NAGLEMEMERR"),
    (0x800, "RTO"),
)

_NAMES = tuple(TCB_FIELDS)
_values = attrgetter(*TCB_FIELDS.values())
_U32 = 0xFFFFFFFF


class TcbTracker:
    """Writes a ``tcb`` line for every connection that is new, changed or gone since the last look."""

    def __init__(self, stack: Stack, sockets: Sockets, transcript: Transcript) -> None:
        self._tcp = stack.tcp
        self._sockets = sockets
        self._transcript = transcript
        self._seen: dict[Any, tuple[str, tuple[Any, ...]]] = {}  # pcb: its name and values

    def look(self) -> None:
        """Compare all pcbs with what they were."""
        tcp = self._tcp
        seen = self._seen
        if not seen and not tcp.active_pcbs and not tcp.tw_pcbs:
            return
        alive = [*tcp.active_pcbs, *tcp.tw_pcbs]
        for pcb in [*(pcb for pcb in seen if pcb in alive), *(pcb for pcb in alive if pcb not in seen)]:
            values = _values(pcb)
            if pcb not in seen:
                name, old = self._sockets.connection(conn_of(pcb)), (None,) * len(values)
            else:
                name, old = seen[pcb]
            if values != old:
                seen[pcb] = name, values
                self._write(name, values, old)
        for pcb in [pcb for pcb in seen if pcb not in alive]:
            self._transcript.probe("tcb", seen.pop(pcb)[0], state="CLOSED")

    def _write(self, name: str, values: tuple[Any, ...], old: tuple[Any, ...]) -> None:
        changed = {key: value for key, value, was in zip(_NAMES, values, old, strict=True) if value != was}
        if "state" in changed:
            changed["state"] = STATES[changed["state"]]
        self._transcript.probe("tcb", name, **changed)


def info_words(
    stack: Stack, fd: int, descriptor: Descriptor | None, addressing: Addressing, isses: IssTable
) -> list[str]:
    """The words of ``%{info FD ...}%``: everything about the connection or listener behind a descriptor."""
    tcp = stack.tcp
    pcb = None if descriptor is None else descriptor.socket.pcb or descriptor.pcb
    if descriptor is None or pcb is None:
        values: dict[str, object] = {"state": "CLOSED"}
    elif any(pcb is listener for listener in tcp.listen_pcbs):
        values = {"state": "LISTEN"}
        if stack.profile.tcp_listen_backlog:
            values |= {
                "backlog": pcb.backlog,
                "accepts_pending": pcb.accepts_pending,
                "queued": getattr(descriptor.socket, "queued", 0),
            }
    elif any(pcb is connection for connection in (*tcp.active_pcbs, *tcp.tw_pcbs)):
        values = _connection(pcb, addressing, isses)
    else:
        values = {"state": "CLOSED"}
    return ["info", str(fd), *(f"{name}={value}" for name, value in values.items())]


def _connection(pcb: Any, addressing: Addressing, isses: IssTable) -> dict[str, object]:
    ours = isses.base(*conn_of(pcb))
    peers = addressing.peer_iss
    return {
        "state": STATES[pcb.state],
        "flags": "|".join(name for bit, name in FLAGS if pcb.flags & bit) or "-",
        "snd_una": (pcb.lastack - ours) & _U32,
        "snd_nxt": (pcb.snd_nxt - ours) & _U32,
        "snd_lbb": (pcb.snd_lbb - ours) & _U32,
        "snd_wnd": pcb.snd_wnd,
        "snd_wnd_max": pcb.snd_wnd_max,
        "snd_buf": pcb.snd_buf,
        "snd_queuelen": pcb.snd_queuelen,
        "unsent": len(pcb.unsent),
        "unacked": len(pcb.unacked),
        "mss": pcb.mss,
        "cwnd": pcb.cwnd,
        "ssthresh": pcb.ssthresh,
        "dupacks": pcb.dupacks,
        "rtime": pcb.rtime,
        "rto": pcb.rto,
        "nrtx": pcb.nrtx,
        "sa": pcb.sa,
        "sv": pcb.sv,
        "rcv_nxt": (pcb.rcv_nxt - peers) & _U32,
        "rcv_wnd": pcb.rcv_wnd,
        "rcv_ann_wnd": pcb.rcv_ann_wnd,
        "rcv_ann_right": (pcb.rcv_ann_right_edge - peers) & _U32,
        "ooseq": len(pcb.ooseq),
        "refused": 0 if pcb.refused_data is None else len(pcb.refused_data),
        "persist_cnt": pcb.persist_cnt,
        "persist_backoff": pcb.persist_backoff,
        "persist_probe": pcb.persist_probe,
        "keep_sent": pcb.keep_cnt_sent,
        "prio": pcb.prio,
    }
