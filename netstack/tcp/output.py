"""The output engine: what leaves the unsent queue now (RFC 9293 3.8.6, RFC 1122 4.2.3.4; lwIP
``tcp_output``).

lwIP: a pending ACK is a flag that only an outgoing segment satisfies; while Nagle holds a short segment back,
the ACK waits, too.
"""

from __future__ import annotations

from netstack.checksum import residue
from netstack.errors import ERR_OK, ERR_RTE
from netstack.tcp import observe
from netstack.tcp.control import send_empty_ack
from netstack.tcp.header import ACK, PROTO_TCP, SYN, emit
from netstack.tcp.options import build_options
from netstack.tcp.segment import OPT_WND_SCALE, TxSegment, free_segment
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import LISTEN, SYN_SENT
from netstack.tcp.tcb import TF_ACK_DELAY, TF_ACK_NOW, TF_FIN, TF_INFR, TF_NAGLEMEMERR, TF_NODELAY, Tcb

_SIGN = 0x80000000
PERSIST_BACKOFF = (3, 6, 12, 24, 48, 96, 120)  # slow ticks in each stage of the persist timer


def nagle_lets_go(tcp: TcpShared, pcb: Tcb) -> bool:
    """Whether the head of unsent may go as far as Nagle is concerned (``tcp_do_output_nagle``): only ever a
    single short segment behind unacknowledged data is held back, and not when the send buffer is stuck.
    """
    if not pcb.unacked or pcb.flags & (TF_NODELAY | TF_INFR):
        return True
    unsent = pcb.unsent
    if unsent and (len(unsent) > 1 or len(unsent[0].data) >= pcb.mss):
        return True
    return not pcb.snd_buf or pcb.snd_queuelen >= tcp.profile.tcp_snd_queuelen


def output_nagle(tcp: TcpShared, pcb: Tcb) -> int:
    """``output``, unless Nagle holds the head back (``tcp_output_nagle``): what MicroPython's send does."""
    if nagle_lets_go(tcp, pcb):
        return output(tcp, pcb)
    if tcp.core.trace is not None:
        observe.nagle(tcp, pcb)
    return ERR_OK


def output(tcp: TcpShared, pcb: Tcb) -> int:
    """Send what windows, Nagle and memory allow, or a pending ACK by itself.

    Inside the processing of a segment for this very pcb nothing is sent: that ends with an output of its own.
    ERR_RTE, or the error of the first segment that could not be sent (it stays at the head of unsent).
    """
    assert pcb.state != LISTEN
    if tcp.input_pcb is pcb:
        return ERR_OK
    unsent = pcb.unsent
    traced = tcp.core.trace is not None
    if not unsent:
        if pcb.flags & TF_ACK_NOW:
            return send_empty_ack(tcp, pcb, pcb.ack_why)
        pcb.flags &= ~TF_NAGLEMEMERR
        return ERR_OK
    if not tcp.ipv4.route(pcb.remote_ip):
        if traced:
            observe.held(tcp, pcb, "no-route", {"err": ERR_RTE})
        return ERR_RTE
    seg = unsent[0]
    if tcp.restarts_idle and not pcb.unacked and not seg.xmits:
        _restart_after_idle(tcp, pcb)
    wnd = pcb.snd_wnd if pcb.snd_wnd < pcb.cwnd else pcb.cwnd
    lastack = pcb.lastack
    if (seg.seq - lastack & 0xFFFFFFFF) + len(seg.data) & 0xFFFFFFFF > wnd:
        return _blocked_by_window(tcp, pcb, wnd)
    if pcb.persist_backoff:
        pcb.persist_backoff = 0
        if traced:
            observe.timer_stopped(tcp, pcb, "persist", "window-open")
    while (seg.seq - lastack & 0xFFFFFFFF) + len(seg.data) & 0xFFFFFFFF <= wnd:
        if not pcb.flags & (TF_NAGLEMEMERR | TF_FIN) and not nagle_lets_go(tcp, pcb):
            if traced:
                observe.nagle(tcp, pcb)
            if pcb.flags & TF_ACK_NOW and "ack_starvation_behind_nagle" not in tcp.quirks:
                send_empty_ack(tcp, pcb, pcb.ack_why)
            break
        if pcb.state != SYN_SENT:
            seg.flags |= ACK
        err = _output_segment(tcp, pcb, seg)
        if err != ERR_OK:
            pcb.flags |= TF_NAGLEMEMERR
            if traced:
                observe.refused(tcp, pcb, err, seg.seq, len(seg.data))
            return err
        unsent.popleft()
        if pcb.state != SYN_SENT:
            if traced:
                observe.ack_leaves(tcp, pcb)
            pcb.flags &= ~(TF_ACK_DELAY | TF_ACK_NOW)
        _to_unacked(tcp, pcb, seg)
        if not unsent:
            pcb.unsent_oversize = 0
            break
        seg = unsent[0]
    else:
        if traced:
            observe.blocked(tcp, pcb)
    pcb.flags &= ~TF_NAGLEMEMERR
    return ERR_OK


def _blocked_by_window(tcp: TcpShared, pcb: Tcb, wnd: int) -> int:
    """The head does not fit: start the persist timer if it is the peer's window and nothing in flight would
    open it.
    """
    if wnd == pcb.snd_wnd and not pcb.unacked and not pcb.persist_backoff:
        pcb.persist_cnt = 0
        pcb.persist_backoff = 1
        pcb.persist_probe = 0
        if tcp.core.trace is not None:
            observe.timer_armed(tcp, pcb, "persist", PERSIST_BACKOFF[0])
    if tcp.core.trace is not None:
        observe.blocked(tcp, pcb)
    if pcb.flags & TF_ACK_NOW:
        return send_empty_ack(tcp, pcb, pcb.ack_why)
    pcb.flags &= ~TF_NAGLEMEMERR
    return ERR_OK


def _restart_after_idle(tcp: TcpShared, pcb: Tcb) -> None:
    """Nothing is in flight, and something new is to be sent: what the path could take may be old (RFC 5681
    4.1).
    """
    if (tcp.ticks - pcb.sent_at & 0xFFFFFFFF) <= pcb.rto:
        return
    before = pcb.cwnd
    tcp.parts.congestion.on_idle(pcb)
    if pcb.cwnd != before and tcp.core.trace is not None:
        observe.congestion(tcp, pcb, "idle")


def _to_unacked(tcp: TcpShared, pcb: Tcb, seg: TxSegment) -> None:
    """A segment has been sent: advance SND.NXT and keep it, in sequence order, until it is acknowledged."""
    length = seg.seq_len()
    end = seg.seq + length & 0xFFFFFFFF
    if (pcb.snd_nxt - end) & _SIGN:
        pcb.snd_nxt = end
    if tcp.restarts_idle:
        pcb.sent_at = tcp.ticks
    if not length:
        free_segment(tcp, seg)
        return
    unacked = pcb.unacked
    if unacked and (seg.seq - unacked[-1].seq) & _SIGN:
        index = 0  # a fast retransmission goes before what was sent after it
        while (unacked[index].seq - seg.seq) & _SIGN:
            index += 1
        unacked.insert(index, seg)
    else:
        unacked.append(seg)


def _is_new(pcb: Tcb, seg: TxSegment) -> bool:
    """Whether nothing of ``seg`` was sent before, not even by a probe: only that is timed, but for lwIP
    (Karn, RFC 6298 3). A SYN may be numbered one below SND.NXT from the beginning.
    """
    return not seg.xmits and (bool(seg.flags & SYN) or not (seg.seq - pcb.snd_nxt) & _SIGN)


def _output_segment(tcp: TcpShared, pcb: Tcb, seg: TxSegment) -> int:
    """Fill in what is known only now and hand the segment to IP (``tcp_output_segment``).

    A segment that a lower layer still holds (it waits for ARP) counts as sent.
    """
    if seg.buf.refs != 1:
        if tcp.core.trace is not None:
            observe.held(tcp, pcb, "busy", {"xmits": seg.xmits}, seg.seq, len(seg.data))
        return ERR_OK
    window = pcb.rcv_ann_wnd if seg.options & OPT_WND_SCALE else pcb.rcv_ann_wnd >> pcb.rcv_scale
    if window > 0xFFFF:
        window = 0xFFFF
    pcb.rcv_ann_right_edge = pcb.rcv_nxt + pcb.rcv_ann_wnd & 0xFFFFFFFF
    pcb.ts_lastacksent = pcb.rcv_nxt
    timed = not pcb.rttest and (tcp.times_resent or _is_new(pcb, seg))
    if tcp.core.trace is not None:
        observe.segment_leaves(tcp, pcb, seg, window, timed)
    if pcb.rtime < 0:
        pcb.rtime = 0
    if timed:
        pcb.rttest = tcp.ticks
        pcb.rtseq = seg.seq
    tcp.stats.xmit += 1
    if seg.data_residue is None:
        seg.data_residue = residue(seg.data)
    packet = emit(
        pcb.local_ip,
        pcb.remote_ip,
        pcb.local_port,
        pcb.remote_port,
        seg.seq,
        pcb.rcv_nxt,
        seg.flags,
        window,
        build_options(tcp, pcb, seg.options) if seg.options else b"",
        seg.data,
        seg.data_residue,
    )
    err = tcp.ipv4.output_if(packet, pcb.local_ip, pcb.remote_ip, pcb.ttl, pcb.tos, PROTO_TCP, seg.buf)
    if err == ERR_OK:
        seg.xmits += 1
    return err
