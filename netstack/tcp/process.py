"""A segment arrives for a connection: the RFC's steps in lwIP's order, state by state (RFC 9293 3.10.7.3 and
3.10.7.4).

Source: lwIP ``tcp_in.c`` (tcp_process, tcp_receive).
"""

from __future__ import annotations

from netstack.errors import ERR_ABRT, ERR_OK, ERR_VAL
from netstack.tcp import observe
from netstack.tcp.ack import receive_ack, take_sample
from netstack.tcp.close import abort, enqueue_flags
from netstack.tcp.control import challenge, send_rst
from netstack.tcp.header import ACK, RST, SYN
from netstack.tcp.lists import backlog_accepted, register_time_wait
from netstack.tcp.options import parse_options
from netstack.tcp.receive import receive_text
from netstack.tcp.retransmit import rexmit_all, rexmit_first
from netstack.tcp.segment import GOT_FIN, RESET, Segment, free_segment
from netstack.tcp.seq import between
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import (
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    SYN_RCVD,
    SYN_SENT,
    set_state,
)
from netstack.tcp.tcb import TF_ACK_DELAY, TF_ACK_NOW, TF_RXCLOSED, Tcb

MASK = 0xFFFFFFFF


def segment_arrives(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
    """Process ``seg``; False when a callback aborted the connection (``pcb`` is gone).

    What the application must hear of is left in ``seg``: acked, delivered, events.
    """
    flags = seg.flags
    if flags & RST:
        seg.verdict = "reset-ignored"
        _check_rst(tcp, pcb, seg)
        return True
    if flags & SYN and pcb.state not in {SYN_SENT, SYN_RCVD}:
        seg.verdict = "challenge-syn"
        challenge(tcp, pcb, "challenge-syn")  # RFC 5961 4
        return True
    if not pcb.flags & TF_RXCLOSED or "frozen_timer_after_close" not in tcp.quirks:
        pcb.tmr = tcp.ticks
    pcb.keep_cnt_sent = 0
    pcb.persist_probe = 0
    if seg.options:
        parse_options(tcp, pcb, seg)
    state = pcb.state
    if state == SYN_SENT:
        return _syn_sent(tcp, pcb, seg)
    if state == SYN_RCVD:
        return _syn_rcvd(tcp, pcb, seg)
    if tcp.checks_sequence and not _is_acceptable(pcb, seg):
        seg.verdict = "unacceptable"
        pcb.flags |= TF_ACK_NOW
        pcb.ack_why = "not-acceptable"
        return True
    if flags & ACK:
        receive_ack(tcp, pcb, seg)
    receive_text(tcp, pcb, seg)
    if seg.events:
        _fin(tcp, pcb, seg, state)
    elif state > ESTABLISHED and _fin_acked(pcb, seg):
        if state == FIN_WAIT_1:
            set_state(tcp, pcb, FIN_WAIT_2)
        elif state == CLOSING:
            register_time_wait(tcp, pcb)
        elif state == LAST_ACK:
            tcp.input_closed = True
    return True


def _is_acceptable(pcb: Tcb, seg: Segment) -> bool:
    """Whether some of ``seg`` is in the receive window (RFC 9293 3.10.7.4, first step); when that is closed,
    what stands at RCV.NXT is looked at for its ACK. lwIP does not ask (quirk ack_from_any_segment).
    """
    offset = seg.seq - pcb.rcv_nxt & MASK
    if not offset or offset < pcb.rcv_wnd:
        return True
    return bool(seg.tcplen) and (offset + seg.tcplen - 1) & MASK < pcb.rcv_wnd


def _fin_acked(pcb: Tcb, seg: Segment) -> bool:
    """Whether ``seg`` acknowledges everything, our FIN included."""
    return bool(seg.flags & ACK) and seg.ack == pcb.snd_nxt and not pcb.unsent


def _fin(tcp: TcpShared, pcb: Tcb, seg: Segment, state: int) -> None:
    """The peer's FIN is in sequence (RFC 9293 3.10.7.4, eighth step)."""
    pcb.flags |= TF_ACK_NOW
    pcb.ack_why = "fin-received"
    if state == FIN_WAIT_2 or (state == FIN_WAIT_1 and _fin_acked(pcb, seg)):
        register_time_wait(tcp, pcb)
    elif state == FIN_WAIT_1:
        set_state(tcp, pcb, CLOSING)
    else:
        set_state(tcp, pcb, CLOSE_WAIT)


def _check_rst(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """RFC 5961 3.2: a reset counts only at RCV.NXT exactly; elsewhere in the window it draws a challenge ACK.

    lwIP: the right end of the window is one too far; in SYN_SENT the ACK flag need not be set.
    """
    if pcb.state == SYN_SENT:
        acceptable = seg.ack == pcb.snd_nxt and (
            bool(seg.flags & ACK) or "rst_in_syn_sent_without_ack" in tcp.quirks
        )
    else:
        acceptable = seg.seq == pcb.rcv_nxt
        if not acceptable and between(seg.seq, pcb.rcv_nxt, pcb.rcv_nxt + pcb.rcv_wnd):
            seg.verdict = "challenge-reset"
            challenge(tcp, pcb, "challenge-rst")
    if acceptable:
        seg.verdict = "reset"
        seg.events |= RESET
        pcb.flags &= ~TF_ACK_DELAY


def _refuse_ack(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """A reset in answer to an acknowledgement of something we never sent."""
    seg.verdict = "bad-ack"
    send_rst(
        tcp,
        pcb,
        seg.ack,
        seg.seq + seg.tcplen,
        (pcb.local_ip, pcb.local_port),
        (pcb.remote_ip, pcb.remote_port),
        "rst-syn-sent" if pcb.state == SYN_SENT else "rst-syn-rcvd",
        answers_ack=True,
    )


def _syn_sent(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
    """RFC 9293 3.10.7.3. lwIP: a SYN without ACK is ignored (no simultaneous open), payload of the SYN-ACK
    too.
    """
    seg.verdict = "syn-ignored" if seg.flags & SYN else "no-ack"
    if seg.flags & ACK:
        seg.verdict = "bad-ack"
        wrong = seg.ack != pcb.lastack + 1 & MASK
        if wrong or not seg.flags & SYN:
            resets_any = "syn_sent_resets_any_ack" in tcp.quirks
            if wrong or resets_any:
                _refuse_ack(tcp, pcb, seg)
            if resets_any and pcb.nrtx < tcp.profile.tcp_synmaxrtx:
                pcb.rtime = 0
                if tcp.core.trace is not None:
                    observe.rexmit_timer(tcp, pcb)
                rexmit_all(tcp, pcb, "syn-sent-rst")
            return True
        return _established(tcp, pcb, seg)
    if seg.flags & SYN and "no_simultaneous_open" not in tcp.quirks:
        _simultaneous_open(tcp, pcb, seg)
    return True


def _established(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
    """The SYN-ACK we wait for: the active side is connected."""
    seg.verdict = "handshake"
    seg.ack_kind = "new"
    pcb.rcv_nxt = seg.seq + 1 & MASK
    pcb.rcv_ann_right_edge = pcb.rcv_nxt
    pcb.lastack = seg.ack
    pcb.snd_wnd = pcb.snd_wnd_max = seg.wnd
    pcb.snd_wl1 = seg.seq - 1 & MASK  # the next segment updates the window whatever it says
    set_state(tcp, pcb, ESTABLISHED)
    pcb.mss = tcp.eff_send_mss(pcb.mss)
    tcp.parts.congestion.on_established(pcb)
    pcb.snd_queuelen -= 1
    # The SYN is in unsent if a retransmission could not be sent.
    free_segment(tcp, (pcb.unacked or pcb.unsent).popleft())
    if pcb.unacked:
        pcb.rtime = 0
        pcb.nrtx = 0
    else:
        pcb.rtime = -1
    if tcp.core.trace is not None:
        observe.congestion(tcp, pcb, "initial")
        observe.rexmit_timer(tcp, pcb)
    if pcb.rttest and "syn_rtt_sample_late" not in tcp.quirks:
        take_sample(tcp, pcb)
    if pcb.connected is not None and pcb.connected(pcb, ERR_OK) == ERR_ABRT:
        return False
    pcb.flags |= TF_ACK_NOW
    pcb.ack_why = "handshake"
    return True


def _simultaneous_open(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """RFC 9293 3.5, figure 7: our SYN becomes a SYN-ACK."""
    seg.verdict = "handshake"
    pcb.rcv_nxt = seg.seq + 1 & MASK
    pcb.rcv_ann_right_edge = pcb.rcv_nxt
    pcb.snd_wnd = pcb.snd_wnd_max = seg.wnd
    pcb.snd_wl1 = seg.seq - 1 & MASK
    set_state(tcp, pcb, SYN_RCVD)
    for queued in (*pcb.unacked, *pcb.unsent):
        free_segment(tcp, queued)
    pcb.unacked.clear()
    pcb.unsent.clear()
    pcb.snd_queuelen = 0
    pcb.snd_lbb = pcb.lastack
    enqueue_flags(tcp, pcb, SYN | ACK)


def _syn_rcvd(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
    """RFC 9293 3.10.7.4 in SYN-RECEIVED. lwIP: a wrong ACK is refused, the pcb stays; 2.1.3 looked at the ACK
    first.
    """
    old_order = "syn_rcvd_ack_before_syn" in tcp.quirks
    if seg.flags & SYN and not (old_order and seg.flags & ACK):
        seg.verdict = "syn-ignored"
        if seg.seq == pcb.rcv_nxt - 1 & MASK:
            rexmit_first(tcp, pcb, "dup-syn")
        elif "other_syn_ignored" not in tcp.quirks:
            challenge(tcp, pcb, "challenge-syn")
        return True
    if not seg.flags & ACK:
        seg.verdict = "no-ack"
        return True
    if not between(seg.ack, pcb.lastack + 1 & MASK, pcb.snd_nxt):
        _refuse_ack(tcp, pcb, seg)
        return True
    seg.verdict = "handshake"
    set_state(tcp, pcb, ESTABLISHED)
    if not _accept(tcp, pcb):
        return False
    receive_ack(tcp, pcb, seg)
    receive_text(tcp, pcb, seg)
    if seg.acked:
        seg.acked -= 1  # lwIP: means the SYN, which is not counted
    tcp.parts.congestion.on_established(pcb)
    if tcp.core.trace is not None:
        observe.congestion(tcp, pcb, "initial")
    if seg.events & GOT_FIN:
        pcb.flags |= TF_ACK_NOW
        pcb.ack_why = "fin-received"
        set_state(tcp, pcb, CLOSE_WAIT)
    return True


def _accept(tcp: TcpShared, pcb: Tcb) -> bool:
    """Tell the listener; if it is gone or refuses, the connection is reset."""
    if pcb.listener is None:
        # A simultaneous open has no listener but an application that waits for it.
        err = ERR_VAL if pcb.connected is None else pcb.connected(pcb, ERR_OK)
    else:
        backlog_accepted(tcp, pcb)
        accept = pcb.listener.accept
        err = ERR_VAL if accept is None else accept(pcb, ERR_OK)
    if err == ERR_OK:
        return True
    if err != ERR_ABRT:
        abort(tcp, pcb, "rst-refused")
    return False
