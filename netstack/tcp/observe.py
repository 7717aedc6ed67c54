"""What TCP tells the trace: one function for each decision, called where it is made. Only used while somebody
looks: whoever calls has asked ``tcp.core.trace is not None``.

``report`` and ``snapshot`` compare what a step has left with what was before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from netstack.errors import ERR_BUF, ERR_MEM, ERR_RTE
from netstack.tcp.header import FIN, SYN
from netstack.tcp.states import (
    CLOSED,
    ESTABLISHED,
    FIN_WAIT_2,
    LAST_ACK,
    STATE_NAMES,
    SYN_RCVD,
    SYN_SENT,
    TIME_WAIT,
)
from netstack.tcp.tcb import TF_ACK_DELAY, TF_ACK_NOW, TF_RXCLOSED
from netstack.trace import (
    CongestionChange,
    Done,
    Event,
    Flow,
    Held,
    Numbers,
    Ranges,
    ReassemblyEvent,
    Retransmission,
    RttEvent,
    SegmentIn,
    SegmentOut,
    Snapshot,
    TimerArmed,
    TimerExpired,
    TimerStopped,
    WindowChange,
)

if TYPE_CHECKING:
    from netstack.tcp.segment import Segment, TxSegment
    from netstack.tcp.shared import TcpShared
    from netstack.tcp.tcb import Tcb

MASK = 0xFFFFFFFF
Windows = tuple[int, int, int]

FLAG_NAMES = """
    ACK_DELAY ACK_NOW INFR CLOSEPEND RXCLOSED FIN NODELAY NAGLEMEMERR WND_SCALE BACKLOGPEND TIMESTAMP RTO SACK
    """.split()

# What a snapshot holds of a control block, by its name in the file: the attribute
_NUMBERS = {
    "una": "lastack",
    "nxt": "snd_nxt",
    "lbb": "snd_lbb",
    **{
        name: name
        for name in (
            "snd_wnd snd_wnd_max cwnd ssthresh mss snd_buf snd_queuelen rcv_nxt rcv_wnd rcv_ann_wnd rtime "
            "rto nrtx sa sv dupacks bytes_acked persist_cnt persist_probe polltmr"
        ).split()
    },
    "rcv_edge": "rcv_ann_right_edge",
    "persist": "persist_backoff",
    "keep_sent": "keep_cnt_sent",
}


def _tell(tcp: TcpShared, event: Event) -> None:
    trace = tcp.core.trace
    if trace is not None:  # an observer may have left in the middle
        trace(event)


# What came in


@contextmanager
def arriving(tcp: TcpShared, pcb: Tcb | None, flow: Flow, seg: Segment, state: str) -> Iterator[None]:
    """A segment for ``pcb`` (None: for no connection) is processed within."""
    before: Numbers = {}
    windows = None
    if pcb is not None:
        before = {"una": pcb.lastack, "nxt": pcb.snd_nxt, "rcv_nxt": pcb.rcv_nxt, "rcv_wnd": pcb.rcv_wnd}
        windows = snapshot(pcb)
    event = SegmentIn(
        tcp.core.now, flow, seg.seq, seg.ack, seg.flags, seg.wnd, seg.length, state, before, seg.verdict
    )
    outer, tcp.seen = tcp.seen, event
    _tell(tcp, event)
    yield
    tcp.seen = outer
    event.verdict = seg.verdict
    if pcb is not None and windows is not None:
        event.state_after = STATE_NAMES[pcb.state]
        if pcb.state != CLOSED:
            report(tcp, pcb, windows)
            look(tcp, pcb)
    _tell(tcp, Done(tcp.core.now))


def judged(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """``seg`` has been processed; the callbacks and what is sent now come next."""
    event = tcp.seen
    if event is None:  # the observer came in the middle
        return
    advance = pcb.rcv_nxt - event.before["rcv_nxt"] & MASK
    event.ack_kind = seg.ack_kind
    event.outcome = {
        "acked": pcb.lastack - event.before["una"] & MASK,
        "accepted": min(advance, seg.length) if event.state != "SYN_SENT" else 0,
        "delivered": len(seg.delivered) if seg.delivered is not None else 0,
        "queued": seg.length if seg.taken and seg.verdict == "out-of-order" else 0,
        "trimmed": event.length - seg.length,
        "dupacks": pcb.dupacks,
        "wnd_taken": int(pcb.snd_wnd == seg.wnd << pcb.snd_scale or bool(event.flags & SYN)),
    }


# What went out


def segment_out(
    tcp: TcpShared, flow: Flow, fields: tuple[int, int, int, int, int], cause: str, numbers: Numbers
) -> None:
    """A segment from no queue (``fields``: seq, ack, flags, window field, length)."""
    _tell(tcp, SegmentOut(tcp.core.now, flow, *fields, cause, 1, "", numbers))


def segment_leaves(tcp: TcpShared, pcb: Tcb, seg: TxSegment, window: int, timed: bool) -> None:
    """A segment of the unsent queue goes out, for the first time or again; ``timed``: its round trip is."""
    numbers = {
        "una": pcb.lastack,
        "snd_wnd": pcb.snd_wnd,
        "cwnd": pcb.cwnd,
        "flight": pcb.snd_nxt - pcb.lastack & MASK,
        "unsent": len(pcb.unsent),
        "rto": pcb.rto,
        "nrtx": pcb.nrtx,
    }
    cause = _cause(pcb, seg)
    if cause == "fast":
        numbers["dupacks"] = pcb.dupacks
    carries = pcb.ack_why or "pending" if pcb.flags & (TF_ACK_DELAY | TF_ACK_NOW) else ""
    fields = (seg.seq, pcb.rcv_nxt, seg.flags, window, len(seg.data))
    pcb.held = None
    if seg.xmits:
        core = tcp.core
        event = Retransmission(core.now, pcb.flow, seg.seq, len(seg.data), cause, pcb.nrtx, pcb.rto)
        _tell(tcp, event)
    _tell(tcp, SegmentOut(tcp.core.now, pcb.flow, *fields, cause, seg.xmits + 1, carries, numbers))
    if pcb.rtime < 0:
        timer_armed(tcp, pcb, "rexmit", pcb.rto)
    if timed and tcp.ticks:
        _tell(tcp, RttEvent(tcp.core.now, pcb.flow, "timed", seg.seq, {"ticks": tcp.ticks}))


def _cause(pcb: Tcb, seg: TxSegment) -> str:
    if seg.xmits or pcb.rexmit_cause == "persist-split":
        return pcb.rexmit_cause
    if seg.flags & SYN:
        return "connect" if pcb.state == SYN_SENT else "syn-ack"
    if seg.flags & FIN:
        return "fin-with-data" if seg.data else "fin"
    return "data"


def control_leaves(
    tcp: TcpShared, pcb: Tcb, seq: int, flags: int, window: int, length: int, cause: str
) -> None:
    """A pure ACK or a probe goes out."""
    numbers = {"rcv_ann_wnd": pcb.rcv_ann_wnd, "rcv_wnd": pcb.rcv_wnd}
    if cause == "persist-probe":
        numbers |= {"snd_wnd": pcb.snd_wnd, "stage": pcb.persist_backoff, "probes": pcb.persist_probe}
    elif cause == "keepalive":
        numbers |= {"idle": tcp.ticks - pcb.tmr & MASK, "probes": pcb.keep_cnt_sent}
    segment_out(tcp, pcb.flow, (seq, pcb.rcv_nxt, flags, window, length), cause, numbers)


def ack_leaves(tcp: TcpShared, pcb: Tcb) -> None:
    """A segment with ACK is on its way: a delayed one need not be waited for any more."""
    fired = pcb.flags & TF_ACK_NOW and pcb.ack_why == "delayed-ack"
    if pcb.flags & TF_ACK_DELAY and not fired:
        timer_stopped(tcp, pcb, "delayed-ack", "sent")


def ack_delayed(tcp: TcpShared, pcb: Tcb) -> None:
    """An ACK is due and waits for company, or for the fast tick."""
    _tell(tcp, Held(tcp.core.now, pcb.flow, "delayed-ack", pcb.snd_nxt, 0, {"rcv_nxt": pcb.rcv_nxt}))
    _tell(tcp, TimerArmed(tcp.core.now, pcb.flow, "delayed-ack", 0, _next_run(tcp) * 1_000_000))


# Why nothing went out


def held(
    tcp: TcpShared, pcb: Tcb, why: str, numbers: Numbers, seq: int | None = None, length: int = 0
) -> None:
    """Something waits: the head of unsent unless ``seq`` says what. Told once until something is sent."""
    if seq is None:
        head = pcb.unsent[0] if pcb.unsent else None
        seq, length = (pcb.snd_nxt, 0) if head is None else (head.seq, len(head.data))
    fact = (why, seq, length, *numbers.values())
    if fact != pcb.held:
        pcb.held = fact
        _tell(tcp, Held(tcp.core.now, pcb.flow, why, seq, length, numbers))


def blocked(tcp: TcpShared, pcb: Tcb) -> None:
    """The head of unsent does not fit into the smaller of both windows."""
    numbers = {
        "una": pcb.lastack,
        "snd_wnd": pcb.snd_wnd,
        "cwnd": pcb.cwnd,
        "flight": pcb.snd_nxt - pcb.lastack & MASK,
        "usable": max(min(pcb.snd_wnd, pcb.cwnd) - (pcb.unsent[0].seq - pcb.lastack & MASK), 0),
        "unsent": len(pcb.unsent),
    }
    if pcb.state < ESTABLISHED:
        held(tcp, pcb, "handshake", numbers)
    else:
        held(tcp, pcb, "window" if pcb.snd_wnd <= pcb.cwnd else "cwnd", numbers)


def nagle(tcp: TcpShared, pcb: Tcb) -> None:
    """A single short segment waits behind unacknowledged data."""
    numbers = {"mss": pcb.mss, "flight": pcb.snd_nxt - pcb.lastack & MASK, "unsent": len(pcb.unsent)}
    held(tcp, pcb, "nagle", numbers)
    if pcb.flags & TF_ACK_NOW and "ack_starvation_behind_nagle" in tcp.quirks:
        _tell(tcp, Held(tcp.core.now, pcb.flow, "ack-behind-nagle", pcb.snd_nxt, 0, {"rcv_nxt": pcb.rcv_nxt}))


def refused(tcp: TcpShared, pcb: Tcb, err: int, seq: int, length: int) -> None:
    """IP, ARP or the driver did not take a segment."""
    why = "no-route" if err == ERR_RTE else "no-memory" if err in (ERR_MEM, ERR_BUF) else "driver"
    held(tcp, pcb, why, {"err": err}, seq, length)


def busy(tcp: TcpShared, pcb: Tcb) -> None:
    """What is to be sent again waits below, for ARP or the driver."""
    waits = next(seg for seg in pcb.unacked if seg.busy)
    held(tcp, pcb, "busy", {"xmits": waits.xmits}, waits.seq, len(waits.data))


def small_update(tcp: TcpShared, pcb: Tcb, length: int) -> None:
    """``length`` bytes were read, and the right edge does not move far enough to be worth a segment."""
    edge = pcb.rcv_nxt + pcb.rcv_wnd - pcb.rcv_ann_right_edge & MASK
    numbers = {
        "read": length,
        "grown": 0 if edge & 0x80000000 else edge,
        "threshold": tcp.update_threshold,
        "step": min(pcb.mss, tcp.half_wnd),
        "rcv_wnd": pcb.rcv_wnd,
        "rcv_ann_wnd": pcb.rcv_ann_wnd,
    }
    held(tcp, pcb, "small-update", numbers, pcb.snd_nxt)


def write_refused(tcp: TcpShared, pcb: Tcb, why: str, length: int) -> None:
    """tcp_write took nothing of ``length`` bytes."""
    mem, profile = tcp.core.mem, tcp.profile
    queued, limit = pcb.snd_queuelen, profile.tcp_snd_queuelen
    numbers = {"snd_buf": pcb.snd_buf, "snd_queuelen": queued, "queuelen_limit": limit}
    if why == "tcp-seg":
        numbers |= {"used": mem.tcp_seg.used, "size": mem.tcp_seg.size}
    elif why == "heap":
        numbers |= {"used": mem.heap.used, "size": mem.heap.size}
    held(tcp, pcb, why, numbers, pcb.snd_lbb, length)


# Timers, estimates, windows


def _next_run(tcp: TcpShared) -> int:
    """When the TCP timer runs next, ms since the stack started (in its handler it is not armed yet)."""
    timer = tcp.timer
    return timer.due if timer.armed else tcp.core.ms + timer.period


def slow_tick_at(tcp: TcpShared, ticks: int) -> int:
    """When the slow tick is that is ``ticks`` ahead, ns since the stack started."""
    due = _next_run(tcp) + (0 if tcp.timer_runs % 2 == 0 else tcp.timer.period)
    return (due + (ticks - 1) * 2 * tcp.timer.period) * 1_000_000


def timer_armed(tcp: TcpShared, pcb: Tcb, timer: str, ticks: int) -> None:
    """A timer fires ``ticks`` slow ticks from now."""
    ticks = max(ticks, 1)
    _tell(tcp, TimerArmed(tcp.core.now, pcb.flow, timer, ticks, slow_tick_at(tcp, ticks)))


def rexmit_timer(tcp: TcpShared, pcb: Tcb) -> None:
    """The retransmission timer was started anew, or stopped because everything is acknowledged."""
    if pcb.rtime < 0:
        timer_stopped(tcp, pcb, "rexmit", "all-acked")
    else:
        timer_armed(tcp, pcb, "rexmit", pcb.rto)


def timer_stopped(tcp: TcpShared, pcb: Tcb, timer: str, why: str) -> None:
    """A timer runs no more."""
    _tell(tcp, TimerStopped(tcp.core.now, pcb.flow, timer, why))


def timers_gone(tcp: TcpShared, pcb: Tcb) -> None:
    """The connection is given up, or passes into TIME_WAIT: what its queues waited for comes no more."""
    if pcb.rtime >= 0:
        timer_stopped(tcp, pcb, "rexmit", "gone")
    if pcb.persist_backoff:
        timer_stopped(tcp, pcb, "persist", "gone")


def timer_fired(
    tcp: TcpShared, pcb: Tcb, timer: str, count: int, limit: int, action: str, **numbers: int
) -> None:
    """A timer has reached its limit, both in the unit that it counts."""
    _tell(tcp, TimerExpired(tcp.core.now, pcb.flow, timer, count, limit, action, numbers))


def state_limit(tcp: TcpShared, pcb: Tcb, state: int) -> tuple[str, int] | None:
    """The timer that limits how long a pcb may be in ``state``, and its ticks of idleness."""
    profile = tcp.profile
    slow = profile.tcp_slow_interval
    if state == SYN_RCVD:
        return "syn-rcvd", profile.tcp_syn_rcvd_timeout // slow
    if state == FIN_WAIT_2 and pcb.flags & TF_RXCLOSED:
        return "fin-wait-2", profile.tcp_fin_wait_timeout // slow
    if state == LAST_ACK:
        return "last-ack", 2 * profile.tcp_msl // slow
    if state == TIME_WAIT:
        return "time-wait", 2 * profile.tcp_msl // slow
    return None


def state_timers(tcp: TcpShared, pcb: Tcb, old: int) -> None:
    """States that do not last for ever."""
    before, after = state_limit(tcp, pcb, old), state_limit(tcp, pcb, pcb.state)
    if before is not None:
        timer_stopped(tcp, pcb, before[0], "state")
    if after is not None:
        timer_armed(tcp, pcb, after[0], after[1] + 1 - (tcp.ticks - pcb.tmr & MASK))


def rtt(tcp: TcpShared, pcb: Tcb, what: str, **numbers: int) -> None:
    """A segment is timed, was timed, or is timed no more."""
    _tell(tcp, RttEvent(tcp.core.now, pcb.flow, what, pcb.rtseq, numbers))


def growth(tcp: TcpShared, pcb: Tcb, acked: int) -> None:
    """The congestion part hears of ``acked`` new bytes."""
    before = pcb.cwnd, pcb.ssthresh
    cause = "slow-start" if pcb.cwnd < pcb.ssthresh else "avoidance"
    tcp.parts.congestion.on_ack(tcp, pcb, acked)
    if (pcb.cwnd, pcb.ssthresh) != before:
        congestion(tcp, pcb, cause)


def congestion(tcp: TcpShared, pcb: Tcb, cause: str) -> None:
    """cwnd or ssthresh are new."""
    _tell(tcp, CongestionChange(tcp.core.now, pcb.flow, pcb.cwnd, pcb.ssthresh, cause))


def reassembly(tcp: TcpShared, pcb: Tcb, what: str, seq: int, length: int) -> None:
    """The out-of-order queue got, ignored or gave away [``seq``, ``seq`` + ``length``)."""
    _tell(tcp, ReassemblyEvent(tcp.core.now, pcb.flow, what, seq, length, out_of_order(pcb)))


def out_of_order(pcb: Tcb) -> Ranges:
    """What the queue holds."""
    return _ranges((seg.seq, seg.length) for seg in pcb.ooseq)


def queue_out_of_order(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """The reassembly part gets ``seg``; what became of it shows in the queue."""
    seq, length = seg.seq, seg.length
    pool = tcp.core.mem.tcp_seg
    errors, last = pool.err, out_of_order(pcb)[-1:]
    tcp.parts.reassembly.queue_out_of_order(tcp, pcb, seg)
    kept = any(entry is seg for entry in pcb.ooseq)
    what = "stored" if kept else "limit" if seg.taken else "no-element" if pool.err != errors else "ignored"
    reassembly(tcp, pcb, what, seq, length)
    now_last = out_of_order(pcb)[-1:]
    if kept and last and (not now_last or now_last[0][1] - last[0][1] & 0x80000000):
        reassembly(tcp, pcb, "limit", last[0][0], last[0][1] - last[0][0] & MASK)


def left_queue(tcp: TcpShared, pcb: Tcb, before: Ranges, what: str) -> None:
    """What is no longer in the queue was delivered, or covered by a segment in sequence, ..."""
    after = set(out_of_order(pcb))
    for left, right in before:
        if (left, right) not in after:
            reassembly(tcp, pcb, what, left, right - left & MASK)


def snapshot(pcb: Tcb) -> Windows:
    """What ``report`` compares."""
    return pcb.snd_wnd, pcb.rcv_wnd, pcb.rcv_ann_wnd


def report(tcp: TcpShared, pcb: Tcb, before: Windows) -> None:
    """One event for each window that is not as it was."""
    for name, old, new in zip(("snd_wnd", "rcv_wnd", "rcv_ann_wnd"), before, snapshot(pcb), strict=True):
        if old != new:
            _tell(tcp, WindowChange(tcp.core.now, pcb.flow, name, new))


def _ranges(segments: Iterable[tuple[int, int]]) -> Ranges:
    return tuple((seq, seq + length & MASK) for seq, length in segments)


def look(tcp: TcpShared, pcb: Tcb) -> None:
    """A snapshot of the control block, if it is not as it was at the last look."""
    if pcb.state == CLOSED:
        return
    numbers = {name: getattr(pcb, attribute) for name, attribute in _NUMBERS.items()}
    numbers["ticks"] = tcp.ticks
    numbers["idle"] = tcp.ticks - pcb.tmr & MASK
    numbers["rtt_timed"] = int(bool(pcb.rttest))
    numbers["rtt_seq"] = pcb.rtseq
    numbers["wnd_max"] = tcp.wnd_max(pcb)
    numbers["refused"] = 0 if pcb.refused_data is None else len(pcb.refused_data)
    event = Snapshot(
        tcp.core.now,
        pcb.flow,
        STATE_NAMES[pcb.state],
        numbers,
        _ranges((seg.seq, seg.seq_len()) for seg in pcb.unsent),
        _ranges((seg.seq, seg.seq_len()) for seg in pcb.unacked),
        _ranges((seg.seq, seg.length) for seg in pcb.ooseq),
        tuple(name for bit, name in enumerate(FLAG_NAMES) if pcb.flags >> bit & 1),
    )
    steady = {name: number for name, number in numbers.items() if name not in ("ticks", "idle", "polltmr")}
    seen = (event.state, steady, event.unsent, event.unacked, event.ooseq, event.flags)
    if seen != pcb.seen:
        pcb.seen = seen
        _tell(tcp, event)
