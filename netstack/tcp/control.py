"""Segments without a place in the queues: pure ACKs, resets, keep-alive and window probes.

Each takes a heap block of PBUF_IP size for as long as it takes to hand it to IP; without memory it is simply
not sent. Source: lwIP ``tcp_out.c`` (tcp_send_empty_ack, tcp_rst, tcp_keepalive, tcp_zero_window_probe,
tcp_output_control_segment).
"""

from __future__ import annotations

from netstack.errors import ERR_BUF, ERR_MEM, ERR_OK, ERR_RTE
from netstack.pbuf import TxBuf
from netstack.tcp import observe
from netstack.tcp.header import ACK, FIN, HEADER_LEN, PROTO_TCP, RST, emit
from netstack.tcp.options import build_sack, build_timestamp, sack_count
from netstack.tcp.seq import lt
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import TF_ACK_DELAY, TF_ACK_NOW, TF_TIMESTAMP, Tcb
from netstack.trace import Retransmission

MAX_CHALLENGES, CHALLENGE_SPAN_MS = 10, 5000  # of one connection, where they are limited


def _alloc(tcp: TcpShared, pcb: Tcb, length: int) -> TxBuf | None:
    """Memory for a header with ``length`` bytes of options and data; the window is announced from now on."""
    buf = tcp.core.mem.tx.ip(HEADER_LEN + length)
    if buf is not None:
        pcb.rcv_ann_right_edge = pcb.rcv_nxt + pcb.rcv_ann_wnd & 0xFFFFFFFF
    elif tcp.core.trace is not None:
        observe.refused(tcp, pcb, ERR_MEM, pcb.snd_nxt, 0)
    return buf


def _send(
    tcp: TcpShared,
    pcb: Tcb,
    buf: TxBuf,
    seq: int,
    flags: int,
    cause: str,
    options: bytes = b"",
    data: bytes = b"",
) -> int:
    """One control segment of a connection, whose memory is given back. What IP says."""
    if not tcp.ipv4.route(pcb.remote_ip):
        if tcp.core.trace is not None:
            observe.refused(tcp, pcb, ERR_RTE, seq, len(data))
        buf.free()
        return ERR_RTE
    tcp.stats.xmit += 1
    window = pcb.rcv_ann_wnd >> pcb.rcv_scale
    if window > 0xFFFF:
        window = 0xFFFF
    if tcp.core.trace is not None:
        observe.control_leaves(tcp, pcb, seq, flags, window, len(data), cause)
    segment = emit(
        pcb.local_ip,
        pcb.remote_ip,
        pcb.local_port,
        pcb.remote_port,
        seq,
        pcb.rcv_nxt,
        flags,
        window,
        options,
        data,
    )
    err = tcp.ipv4.output_if(segment, pcb.local_ip, pcb.remote_ip, pcb.ttl, pcb.tos, PROTO_TCP, buf)
    if err != ERR_OK and tcp.core.trace is not None:
        observe.refused(tcp, pcb, err, seq, len(data))
    buf.free()
    return err


def send_empty_ack(tcp: TcpShared, pcb: Tcb, why: str) -> int:
    """An ACK without data now (``tcp_send_empty_ack``), for ``why`` (``netstack.trace.ACK_CAUSES``); if it
    cannot be sent the fast timer tries again.
    """
    options = b""
    if pcb.flags & TF_TIMESTAMP:
        options = build_timestamp(tcp, pcb)
    if pcb.rcv_sacks:
        sacks = sack_count(tcp, pcb, len(options))
        if sacks:
            options += build_sack(pcb, sacks)
    buf = _alloc(tcp, pcb, len(options))
    if buf is None:
        err = ERR_BUF
    else:
        pcb.ts_lastacksent = pcb.rcv_nxt
        err = _send(tcp, pcb, buf, pcb.snd_nxt, ACK, why or "pending", options)
    if err == ERR_OK:
        if tcp.core.trace is not None:
            observe.ack_leaves(tcp, pcb)
        pcb.flags &= ~(TF_ACK_DELAY | TF_ACK_NOW)
    else:
        pcb.flags |= TF_ACK_DELAY | TF_ACK_NOW
    return err


def may_challenge(tcp: TcpShared, pcb: Tcb) -> bool:
    """Whether another segment that is not acceptable may be answered by an ACK. RFC 5961 7 limits these; lwIP
    does not (quirk no_rate_limits).
    """
    if "no_rate_limits" in tcp.quirks:
        return True
    if tcp.core.ms - pcb.challenges_since >= CHALLENGE_SPAN_MS:
        pcb.challenges_since = tcp.core.ms
        pcb.challenges = 0
    pcb.challenges += 1
    if pcb.challenges > MAX_CHALLENGES and tcp.core.trace is not None:
        numbers = {"challenges": pcb.challenges, "limit": MAX_CHALLENGES, "span_ms": CHALLENGE_SPAN_MS}
        observe.held(tcp, pcb, "challenge-limit", numbers, pcb.snd_nxt)
    return pcb.challenges <= MAX_CHALLENGES


def challenge(tcp: TcpShared, pcb: Tcb, why: str) -> None:
    """An ACK when the segment has been processed (RFC 5961 3 and 4), for ``why``."""
    if may_challenge(tcp, pcb):
        pcb.flags |= TF_ACK_NOW
        pcb.ack_why = why


def send_rst(
    tcp: TcpShared,
    pcb: Tcb | None,
    seq: int,
    ack: int,
    local: tuple[int, int],
    remote: tuple[int, int],
    cause: str,
    answers_ack: bool = False,
) -> None:
    """A reset (``tcp_rst``) from ``local`` to ``remote``, both (ip, port), because of ``cause``
    (``netstack.trace.RST_CAUSES``). ``pcb`` gives TTL and TOS, None the defaults.

    ``answers_ack``: the segment that provoked it had the ACK flag; RFC 9293 3.10.7.1 then wants a reset
    without ACK. lwIP sets ACK always, and sends the window with its bytes swapped.
    """
    buf = tcp.core.mem.tx.ip(HEADER_LEN)
    if buf is None:
        return
    # A reset without pcb leaves where the segment came in, whatever the routes say (not in 2.1.3).
    if (pcb is None and "rst_routed" not in tcp.quirks) or tcp.ipv4.route(remote[0]):
        tcp.stats.xmit += 1
        flags = RST | ACK
        if answers_ack and "rst_ack_flag_always" not in tcp.quirks:
            flags, ack = RST, 0
        if tcp.core.trace is not None:
            fields = (seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, flags, tcp.rst_window, 0)
            observe.segment_out(tcp, (*local, *remote), fields, cause, {})
        segment = emit(
            local[0],
            remote[0],
            local[1],
            remote[1],
            seq & 0xFFFFFFFF,
            ack & 0xFFFFFFFF,
            flags,
            tcp.rst_window,
        )
        ttl, tos = (tcp.profile.tcp_ttl, 0) if pcb is None else (pcb.ttl, pcb.tos)
        tcp.ipv4.output_if(segment, local[0], remote[0], ttl, tos, PROTO_TCP, buf)
    buf.free()


def reset_connection(tcp: TcpShared, pcb: Tcb, cause: str) -> None:
    """A reset for the connection as it stands: SND.NXT and RCV.NXT."""
    local, remote = (pcb.local_ip, pcb.local_port), (pcb.remote_ip, pcb.remote_port)
    send_rst(tcp, pcb, pcb.snd_nxt, pcb.rcv_nxt, local, remote, cause)


def _probe_options(tcp: TcpShared, pcb: Tcb) -> bytes:
    """lwIP: probes have no timestamp although it was agreed (RFC 7323 3.2 wants it on every segment)."""
    if pcb.flags & TF_TIMESTAMP and "probe_without_timestamp" not in tcp.quirks:
        return build_timestamp(tcp, pcb)
    return b""


def keepalive(tcp: TcpShared, pcb: Tcb) -> int:
    """A keep-alive probe: an ACK one before SND.NXT (RFC 1122 4.2.3.6, ``tcp_keepalive``)."""
    options = _probe_options(tcp, pcb)
    buf = _alloc(tcp, pcb, len(options))
    if buf is None:
        return ERR_MEM
    seq = pcb.snd_nxt - 1 & 0xFFFFFFFF
    _note(tcp, pcb, seq, 0, "keepalive")
    return _send(tcp, pcb, buf, seq, ACK, "keepalive", options)


def zero_window_probe(tcp: TcpShared, pcb: Tcb) -> int:
    """One byte (or the FIN) of the head of unsent into a closed window (RFC 9293 3.8.6.1,
    ``tcp_zero_window_probe``).

    The probe is counted even if it cannot be sent, so that a pcb without memory or route does not live for
    ever.
    """
    if not pcb.unsent:
        return ERR_OK
    seg = pcb.unsent[0]
    if pcb.persist_probe < 0xFF:
        pcb.persist_probe += 1
    fin = seg.flags & FIN and not seg.data
    options = _probe_options(tcp, pcb)
    data = b"" if fin else seg.data[:1]
    buf = _alloc(tcp, pcb, len(options) + len(data))
    if buf is None:
        return ERR_MEM
    snd_nxt = seg.seq + 1 & 0xFFFFFFFF
    if lt(pcb.snd_nxt, snd_nxt):
        pcb.snd_nxt = snd_nxt
    _note(tcp, pcb, seg.seq, len(data), "persist-probe")
    return _send(tcp, pcb, buf, seg.seq, ACK | FIN if fin else ACK, "persist-probe", options, data)


def _note(tcp: TcpShared, pcb: Tcb, seq: int, length: int, cause: str) -> None:
    trace = tcp.core.trace
    if trace is not None:
        trace(Retransmission(tcp.core.now, pcb.flow, seq, length, cause, pcb.nrtx, pcb.rto))
