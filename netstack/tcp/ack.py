"""The ACK field: the peer's window, duplicate and new acknowledgements, RTT (RFC 9293 3.10.7.4 fifth step,
RFC 5681).

Source: lwIP ``tcp_in.c`` (first half of tcp_receive, tcp_free_acked_segments).
"""

from __future__ import annotations

from collections import deque

from netstack.tcp import observe
from netstack.tcp.control import may_challenge, send_empty_ack
from netstack.tcp.retransmit import fast_retransmit
from netstack.tcp.segment import Segment, TxSegment, free_segment
from netstack.tcp.seq import leq
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import TF_INFR, TF_RTO, Tcb

MASK = 0xFFFFFFFF
_SIGN = 0x80000000


def receive_ack(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """Take the acknowledgement and the window of ``seg``, which has the ACK flag."""
    ack = seg.ack
    right_edge = pcb.snd_wl2 + pcb.snd_wnd & MASK
    update_window(tcp, pcb, seg.seq, ack, seg.wnd)
    if not (pcb.lastack - ack) & _SIGN:
        seg.ack_kind = "old"
        _old_ack(tcp, pcb, seg, right_edge)
    elif not (pcb.snd_nxt - ack) & _SIGN:
        seg.ack_kind = "new"
        seg.acked = new_ack(tcp, pcb, ack)
    else:
        seg.ack_kind = "future"
        if may_challenge(tcp, pcb):
            send_empty_ack(tcp, pcb, "unsent-acked")
    if pcb.rttest and (pcb.rtseq - ack) & _SIGN:
        take_sample(tcp, pcb)


def take_sample(tcp: TcpShared, pcb: Tcb) -> None:
    """The timed segment was acknowledged."""
    old, measured = pcb.rto, tcp.ticks - pcb.rttest & 0xFFFFFFFF
    tcp.parts.rtt.sample(pcb, tcp.ticks)
    if tcp.core.trace is not None:
        observe.rtt(tcp, pcb, "sample", m=measured, sa=pcb.sa, sv=pcb.sv, rto=pcb.rto, old_rto=old)
        if pcb.rto != old and pcb.rtime >= 0:  # the timer that runs goes by the new one
            observe.timer_armed(tcp, pcb, "rexmit", pcb.rto - pcb.rtime)


def update_window(tcp: TcpShared, pcb: Tcb, seq: int, ack: int, field: int) -> None:
    """SND.WND from a segment that is newer by sequence, by acknowledgement, or larger (RFC 9293 3.10.7.4).

    ``field`` is what its header says. lwIP: whether or not the segment itself is acceptable; a smaller window
    alone is not believed.
    """
    wnd = field << pcb.snd_scale
    wl1 = pcb.snd_wl1
    if (
        (wl1 - seq) & _SIGN
        or (wl1 == seq and (pcb.snd_wl2 - ack) & _SIGN)
        or (pcb.snd_wl2 == ack and (wnd > pcb.snd_wnd or (tcp.obeys_shrinking and wl1 == seq)))
    ):
        if tcp.checks_window_update and not _in_window(pcb, seq, ack):
            return
        pcb.snd_wnd = wnd
        if wnd > pcb.snd_wnd_max:
            pcb.snd_wnd_max = wnd
        pcb.snd_wl1 = seq
        pcb.snd_wl2 = ack


def _in_window(pcb: Tcb, seq: int, ack: int) -> bool:
    """Whether a segment starts in the receive window and acknowledges nothing that was never sent."""
    offset = seq - pcb.rcv_nxt & MASK
    return offset <= pcb.rcv_wnd and leq(ack, pcb.snd_nxt)


def _old_ack(tcp: TcpShared, pcb: Tcb, seg: Segment, right_edge: int) -> None:
    """A duplicate carries nothing and moves no window edge while data is in flight (RFC 5681 2)."""
    if (
        not seg.tcplen
        and pcb.snd_wl2 + pcb.snd_wnd & MASK == right_edge
        and pcb.rtime >= 0
        and pcb.lastack == seg.ack
    ):
        seg.ack_kind = "duplicate"
        if pcb.dupacks < 0xFF:
            pcb.dupacks += 1
        if pcb.dupacks > 3:
            tcp.parts.congestion.on_further_duplicate(tcp, pcb)
            if tcp.core.trace is not None:
                observe.congestion(tcp, pcb, "dup-ack")
        if pcb.dupacks >= 3:
            fast_retransmit(tcp, pcb)
    elif tcp.resets_dupacks:
        pcb.dupacks = 0


def new_ack(tcp: TcpShared, pcb: Tcb, ack: int) -> int:
    """``ack`` is new: timers, congestion window, queues, send buffer. Returns the bytes of freed segments."""
    parts, traced = tcp.parts, tcp.core.trace is not None
    if pcb.flags & TF_INFR:
        parts.congestion.leave_recovery(pcb)
        if traced:
            observe.congestion(tcp, pcb, "recovered")
    pcb.nrtx = 0
    if tcp.times_resent:  # Karn: only a sample ends the back-off
        parts.rtt.reset_backoff(pcb)
    advance = ack - pcb.lastack & tcp.wnd_limit
    pcb.dupacks = 0
    pcb.lastack = ack
    if not traced:
        parts.congestion.on_ack(tcp, pcb, advance)
    else:
        observe.growth(tcp, pcb, advance)
    acked = 0
    if pcb.unacked:
        acked = _free_acked(tcp, pcb, ack, pcb.unacked)
    if pcb.unsent:  # after a time-out, segments that were sent once are here
        acked += _free_acked(tcp, pcb, ack, pcb.unsent)
    if tcp.cuts_acked_head:
        _cut_acked(pcb)
    pcb.rtime = 0 if pcb.unacked else -1
    if traced:
        observe.rexmit_timer(tcp, pcb)
    pcb.polltmr = 0
    if not pcb.unsent:
        pcb.unsent_oversize = 0
    pcb.snd_buf = pcb.snd_buf + acked & tcp.wnd_limit
    if pcb.flags & TF_RTO:
        first = pcb.unacked or pcb.unsent
        if not first or leq(pcb.rto_end, first[0].seq):
            pcb.flags &= ~TF_RTO
    return acked


def _free_acked(tcp: TcpShared, pcb: Tcb, ack: int, queue: deque[TxSegment]) -> int:
    """Free the segments at the head of ``queue`` that are acknowledged to their end
    (``tcp_free_acked_segments``); returns their bytes.
    """
    acked = 0
    while queue:
        head = queue[0]
        length = len(head.data)
        if (ack - head.seq - (length + 1 if head.flags & 3 else length)) & _SIGN:
            break
        queue.popleft()
        pcb.snd_queuelen -= len(head.buf.blocks)
        acked += length
        free_segment(tcp, head)
    return acked


def _cut_acked(pcb: Tcb) -> None:
    """Without lwIP's quirk: what the peer acknowledged of a segment that a probe byte began is not sent
    again.
    """
    if pcb.unsent and not pcb.unacked:
        head = pcb.unsent[0]
        old = pcb.lastack - head.seq & MASK
        if 0 < old < len(head.data):
            head.data = head.data[old:]
            head.data_residue = None
            head.seq = pcb.lastack
            pcb.snd_buf += old
