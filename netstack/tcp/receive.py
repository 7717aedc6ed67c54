"""Segment text: trimming to the window, in-order data, acknowledgements (RFC 9293 3.10.7.4, sixth to eighth
step).

lwIP: independent of the ACK flag, so data without it is accepted. Every second in-order segment is
acknowledged at once, whatever its size; anything unusual is acknowledged immediately. Source: lwIP
``tcp_in.c`` (second half of tcp_receive).
"""

from __future__ import annotations

from netstack.tcp import observe
from netstack.tcp.control import challenge, send_empty_ack
from netstack.tcp.header import ACK, FIN, SYN
from netstack.tcp.reassembly import trim_tail
from netstack.tcp.segment import GOT_FIN, Segment
from netstack.tcp.seq import gt, lt
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSE_WAIT
from netstack.tcp.tcb import TF_ACK_DELAY, TF_ACK_NOW, Tcb

MASK = 0xFFFFFFFF
_SIGN = 0x80000000


def receive_text(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """Take what ``seg`` carries, if the connection still receives."""
    if not seg.tcplen or pcb.state >= CLOSE_WAIT:
        # lwIP: text after the peer's FIN is ignored without a word; out of window is answered (keep-alives).
        seg.verdict = "after-fin" if seg.tcplen else seg.verdict or "ack-only"
        if _outside(pcb, seg.seq):
            seg.verdict = "outside"
            pcb.flags |= TF_ACK_NOW
            pcb.ack_why = "outside-window"
        elif seg.tcplen and "text_after_fin_unanswered" not in tcp.quirks:
            pcb.flags |= TF_ACK_NOW
            pcb.ack_why = "text-after-fin"
        return
    if tcp.checks_text_ack and not _acceptable_ack(tcp, pcb, seg):
        seg.verdict = "unacceptable"
        return
    if seg.seq != pcb.rcv_nxt:
        _trim_left(pcb, seg)
    if seg.seq == pcb.rcv_nxt and pcb.rcv_wnd:
        _receive_in_order(tcp, pcb, seg)
    elif _outside(pcb, seg.seq):
        seg.verdict = "old" if (seg.seq - pcb.rcv_nxt) & _SIGN else "outside"
        send_empty_ack(tcp, pcb, "old-segment" if seg.verdict == "old" else "outside-window")
    else:
        seg.verdict = "out-of-order"
        if tcp.profile.tcp_queue_ooseq:
            if tcp.core.trace is None:
                tcp.parts.reassembly.queue_out_of_order(tcp, pcb, seg)
            else:
                observe.queue_out_of_order(tcp, pcb, seg)
        send_empty_ack(tcp, pcb, "out-of-order")


def _outside(pcb: Tcb, seq: int) -> bool:
    """Whether ``seq`` is outside [RCV.NXT, RCV.NXT + RCV.WND - 1] (of a window of 0 everything is, except by
    wrapping).
    """
    offset = seq - pcb.rcv_nxt & MASK
    return bool(offset & _SIGN or (pcb.rcv_wnd - 1 - offset) & _SIGN)


def _acceptable_ack(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
    """lwIP takes data whatever its acknowledgement says; RFC 9293 drops it without ACK or with one of unsent
    data, RFC 5961 5.2 with one that is older than the largest window.
    """
    if not seg.flags & ACK:
        return "data_without_ack_accepted" in tcp.quirks
    if lt(seg.ack, pcb.lastack - pcb.snd_wnd_max) and "data_with_old_ack_accepted" not in tcp.quirks:
        challenge(tcp, pcb, "challenge-ack")
        return False
    return not gt(seg.ack, pcb.snd_nxt) or "data_with_future_ack_accepted" in tcp.quirks


def _trim_left(pcb: Tcb, seg: Segment) -> None:
    """Cut what was received before; a segment that is old altogether wants an ACK."""
    old = pcb.rcv_nxt - seg.seq & MASK
    if 0 < old <= seg.tcplen - 1:  # at least its last sequence number is new
        cut = min(old, len(seg.p))  # a SYN takes a sequence number without a byte
        seg.p.strip(cut)
        seg.length -= cut
        seg.tcplen -= cut
        seg.seq = pcb.rcv_nxt
    elif (seg.seq - pcb.rcv_nxt) & _SIGN:
        pcb.flags |= TF_ACK_NOW
        pcb.ack_why = "old-segment"


def _receive_in_order(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """RCV.NXT advances over ``seg`` and what the queue has waiting behind it."""
    if seg.tcplen > pcb.rcv_wnd:
        seg.flags &= ~FIN
        trim_tail(seg, pcb.rcv_wnd - 1 if seg.flags & SYN else pcb.rcv_wnd)
        seg.tcplen = seg.seq_len()
    seg.verdict = seg.verdict or "in-order"
    had_hole = bool(pcb.ooseq)
    if had_hole:
        queue = observe.out_of_order(pcb)
        tcp.parts.reassembly.make_room(tcp, pcb, seg)
        if tcp.core.trace is not None:
            observe.left_queue(tcp, pcb, queue, "covered")
    pcb.rcv_nxt = seg.seq + seg.tcplen & MASK
    pcb.rcv_wnd -= seg.tcplen
    tcp.parts.window.update_rcv_ann_wnd(tcp, pcb)
    if seg.length:
        seg.delivered = seg.p
        seg.taken = True
    if seg.flags & FIN:
        seg.events |= GOT_FIN
    if had_hole or pcb.rcv_sacks:
        queue = observe.out_of_order(pcb)
        tcp.parts.reassembly.deliver_contiguous(tcp, pcb, seg)
        if tcp.core.trace is not None:
            observe.left_queue(tcp, pcb, queue, "delivered")
    if had_hole and "hole_fill_ack_delayed" not in tcp.quirks:
        pcb.flags |= TF_ACK_NOW
        pcb.ack_why = "hole-filled"
    elif pcb.flags & TF_ACK_DELAY:  # tcp_ack: every second one now
        pcb.flags = pcb.flags & ~TF_ACK_DELAY | TF_ACK_NOW
        pcb.ack_why = "second-segment"
        if tcp.core.trace is not None:
            observe.timer_stopped(tcp, pcb, "delayed-ack", "sent")
    else:
        pcb.flags |= TF_ACK_DELAY
        pcb.ack_why = "delayed-ack"
        if tcp.core.trace is not None:
            observe.ack_delayed(tcp, pcb)
    if pcb.rcv_sacks:
        send_empty_ack(tcp, pcb, "sack-hole")  # SACK blocks travel in empty ACKs only
