"""Segments from IP: checks, demultiplexing, and telling the application what a segment brought (RFC 9293
3.10.7).

Everything a segment provokes leaves after the callbacks: during the processing ``output`` for its pcb does
nothing. Source: lwIP ``tcp_in.c`` (tcp_input, tcp_listen_input, tcp_timewait_input), ``tcp.c``
(tcp_process_refused_data).
"""

from __future__ import annotations

from netstack.checksum import residue
from netstack.errors import ERR_MEM, ERR_OK, ERR_RST
from netstack.ip_header import Ipv4Header
from netstack.pbuf import Pbuf
from netstack.stats import Drop
from netstack.tcp import alloc, observe
from netstack.tcp.close import abandon, enqueue_flags
from netstack.tcp.control import send_empty_ack, send_rst
from netstack.tcp.deliver import delayed_close, deliver, end_of_stream, offer_refused, report_acked
from netstack.tcp.header import ACK, FIN, FLAGS, HEADER_LEN, PROTO_TCP, PSH, RST, SYN, unpack_header
from netstack.tcp.lists import (
    find_active,
    find_listener,
    find_time_wait,
    free_pcb,
    register_active,
    remove_pcb,
)
from netstack.tcp.options import ONLY_TS, TS_LEN, parse_options
from netstack.tcp.output import output
from netstack.tcp.predict import predicted
from netstack.tcp.process import segment_arrives
from netstack.tcp.segment import GOT_FIN, RESET, Segment
from netstack.tcp.seq import between, gt
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import ESTABLISHED, STATE_NAMES, SYN_RCVD, TIME_WAIT, set_state
from netstack.tcp.tcb import SOF_INHERITED, TF_ACK_NOW, TF_BACKLOGPEND, ListenTcb, Tcb

MASK = 0xFFFFFFFF

TCP_SHORT = Drop("tcp_short", "tcp", ("lenerr", "drop"), "the first buffer holds less than a TCP header")
TCP_BROADCAST = Drop("tcp_broadcast", "tcp", ("proterr", "drop"), "sent to a broadcast or multicast address")
TCP_CHECKSUM = Drop("tcp_checksum", "tcp", ("chkerr", "drop"), "wrong TCP checksum")
TCP_OFFSET = Drop("tcp_offset", "tcp", ("lenerr", "drop"), "the data offset is below 5 or beyond the segment")
TCP_NO_PCB = Drop("tcp_no_pcb", "tcp", ("proterr", "drop"), "no connection or listener: answered by a reset")
TCP_RST_LIMIT = Drop(
    "tcp_rst_limit",
    "tcp",
    ("proterr", "drop"),
    "no connection for it, and no reset: too many were sent (quirk no_rate_limits off)",
)
TCP_RST_NO_PCB = Drop("tcp_rst_no_pcb", "tcp", (), "a reset for no connection")
TCP_REFUSED = Drop("tcp_refused", "tcp", ("drop",), "the application has not taken earlier data yet")
TCP_BACKLOG = Drop("tcp_backlog", "tcp", (), "the listener's backlog is full")
TCP_PCB_EMPTY = Drop(
    "tcp_pcb", "tcp", ("memerr",), "no pcb for a new connection, and none that could be killed"
)
TCP_SYN_ACK_MEM = Drop("tcp_syn_ack", "tcp", (), "no memory for the SYN-ACK")
TCP_LISTEN_OTHER = Drop("tcp_listen_other", "tcp", (), "a listener takes nothing but a SYN")
TCP_RST_TIME_WAIT = Drop("tcp_rst_time_wait", "tcp", (), "a reset in TIME_WAIT is ignored (RFC 1337)")


def tcp_input(tcp: TcpShared, p: Pbuf, ip: Ipv4Header) -> None:
    """One segment, the handler of IP protocol 6. Frees ``p`` unless somebody took it."""
    tcp.stats.recv += 1
    data = p.data
    size = len(data)
    if (size if p.parts is None or tcp.joins_headers else p.parts[0]) < HEADER_LEN:
        return _drop(tcp, p, TCP_SHORT)
    src, dst = ip.src, ip.dst
    if dst != tcp.netif.ip and (tcp.netif.is_broadcast(dst) or dst >> 28 == 14):
        return _drop(tcp, p, TCP_BROADCAST)
    if (residue(data) + src + dst + PROTO_TCP + size) % 0xFFFF:
        return _drop(tcp, p, TCP_CHECKSUM)
    src_port, dst_port, seq, ack, offset_flags, wnd, _, _ = unpack_header(data)
    header_len = offset_flags >> 10 & 0x3C
    if header_len < HEADER_LEN or header_len > size:
        return _drop(tcp, p, TCP_OFFSET)
    flags = offset_flags & FLAGS
    if p.parts is None:
        p.data = data[header_len:]
    else:
        p.strip(header_len)
    pcb = find_active(tcp, dst, dst_port, src, src_port)
    options = data[HEADER_LEN:header_len] if header_len > HEADER_LEN else b""
    if (
        pcb is not None
        and flags & ~PSH == ACK
        and seq == pcb.rcv_nxt
        and pcb.state == ESTABLISHED
        and tcp.predicts
        and (not options or (header_len == HEADER_LEN + TS_LEN and options[:4] == ONLY_TS))
        and predicted(tcp, pcb, p, seq, ack, wnd, size - header_len, options)
    ):
        return None
    seg = Segment(p, seq, ack, flags, wnd, options, size - header_len)
    if pcb is not None:
        if tcp.core.trace is None:
            _connection_input(tcp, pcb, seg)
        else:
            with observe.arriving(tcp, pcb, pcb.flow, seg, STATE_NAMES[pcb.state]):
                _connection_input(tcp, pcb, seg)
        if not seg.taken:
            p.free()
        return None
    p.free()
    if tcp.core.trace is None:
        _no_connection(tcp, seg, ip, src_port, dst_port)
    else:
        with observe.arriving(tcp, None, (dst, dst_port, src, src_port), seg, "CLOSED"):
            _no_connection(tcp, seg, ip, src_port, dst_port)
    return None


def _no_connection(tcp: TcpShared, seg: Segment, ip: Ipv4Header, src_port: int, dst_port: int) -> None:
    """A segment for no active pcb: TIME_WAIT, a listener, or nobody (RFC 9293 3.10.7.1)."""
    waiting = find_time_wait(tcp, ip.dst, dst_port, ip.src, src_port)
    if waiting is not None and not _reopens(tcp, waiting, seg):
        seg.verdict = "time-wait"
        return _time_wait_input(tcp, waiting, seg)
    listener = find_listener(tcp, ip.dst, dst_port)
    if listener is not None:
        seg.verdict = "listen"
        return _listen_input(tcp, listener, seg, ip, src_port)
    seg.verdict = "no-connection"
    if seg.flags & RST:
        return tcp.core.drop(TCP_RST_NO_PCB)
    if not _may_reset(tcp):
        return tcp.core.drop(TCP_RST_LIMIT)
    tcp.core.drop(TCP_NO_PCB)
    has_ack = bool(seg.flags & ACK)
    seq = seg.ack if has_ack or "rst_seq_from_ack_field" in tcp.quirks else 0
    local, remote = (ip.dst, dst_port), (ip.src, src_port)
    return send_rst(tcp, None, seq, seg.seq + seg.tcplen, local, remote, "rst-no-pcb", answers_ack=has_ack)


def _may_reset(tcp: TcpShared) -> bool:
    """Whether one more segment without a connection may be answered by a reset. lwIP answers every one (quirk
    no_rate_limits).
    """
    return tcp.resets_limit is None or tcp.resets_limit.take(tcp.core.ms)


def _drop(tcp: TcpShared, p: Pbuf, reason: Drop) -> None:
    tcp.core.drop(reason)
    p.free()


# A listener


def _listen_input(tcp: TcpShared, lpcb: ListenTcb, seg: Segment, ip: Ipv4Header, src_port: int) -> None:
    """A SYN makes a half-open connection; an ACK is refused, anything else ignored (RFC 9293 3.10.7.2)."""
    flags = seg.flags
    if flags & ACK and not flags & RST:
        if not _may_reset(tcp):
            return tcp.core.drop(TCP_RST_LIMIT)
        local, remote = (ip.dst, lpcb.local_port), (ip.src, src_port)
        ack = seg.seq + seg.tcplen
        return send_rst(tcp, None, seg.ack, ack, local, remote, "rst-listener", answers_ack=True)
    if flags & RST or not flags & SYN:
        return tcp.core.drop(TCP_LISTEN_OTHER)
    backlog = tcp.profile.tcp_listen_backlog
    if backlog and lpcb.accepts_pending >= lpcb.backlog:
        return tcp.core.drop(TCP_BACKLOG)
    pcb = alloc.new(tcp, lpcb.prio)
    if pcb is None:
        tcp.core.drop(TCP_PCB_EMPTY)
        if lpcb.accept is not None:
            lpcb.accept(None, ERR_MEM)
        return None
    if backlog:
        lpcb.accepts_pending += 1
        pcb.flags |= TF_BACKLOGPEND
    pcb.local_ip, pcb.local_port = ip.dst, lpcb.local_port
    pcb.remote_ip, pcb.remote_port = ip.src, src_port
    set_state(tcp, pcb, SYN_RCVD)
    pcb.rcv_nxt = pcb.rcv_ann_right_edge = seg.seq + 1 & MASK  # data in the SYN is ignored
    iss = tcp.next_iss()
    pcb.snd_wl2 = pcb.snd_nxt = pcb.lastack = pcb.snd_lbb = iss
    pcb.snd_wl1 = seg.seq - 1 & MASK  # the next segment updates the window whatever it says
    pcb.listener = lpcb
    pcb.so_options = lpcb.so_options & SOF_INHERITED
    register_active(tcp, pcb)
    parse_options(tcp, pcb, seg)
    pcb.snd_wnd = pcb.snd_wnd_max = seg.wnd
    pcb.mss = tcp.eff_send_mss(pcb.mss)
    if enqueue_flags(tcp, pcb, SYN | ACK) != ERR_OK:
        tcp.core.drop(TCP_SYN_ACK_MEM)
        return abandon(tcp, pcb, reset=False)
    output(tcp, pcb)
    return None


# TIME_WAIT


def _time_wait_input(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """RFC 1337: resets are ignored, everything that takes sequence space is acknowledged, a FIN restarts the
    2 MSL.
    """
    if seg.flags & RST:
        return tcp.core.drop(TCP_RST_TIME_WAIT)
    if seg.flags & SYN:
        if between(seg.seq, pcb.rcv_nxt, pcb.rcv_nxt + pcb.rcv_wnd):
            local, remote = (pcb.local_ip, pcb.local_port), (pcb.remote_ip, pcb.remote_port)
            has_ack = bool(seg.flags & ACK)
            ack = seg.seq + seg.tcplen
            return send_rst(tcp, pcb, seg.ack, ack, local, remote, "rst-time-wait", answers_ack=has_ack)
    elif seg.flags & FIN:
        pcb.tmr = tcp.ticks
        if tcp.core.trace is not None:
            observe.state_timers(tcp, pcb, TIME_WAIT)
    if seg.tcplen:
        pcb.flags |= TF_ACK_NOW
        pcb.ack_why = "time-wait"
        output(tcp, pcb)
    return None


def _reopens(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
    """Without lwIP's quirk: a SYN beyond the old connection's sequence numbers opens a new one (RFC 9293
    3.10.7.4).
    """
    if (
        "time_wait_never_reused" in tcp.quirks
        or seg.flags & (SYN | ACK | RST) != SYN
        or not gt(seg.seq, pcb.rcv_nxt)
    ):
        return False
    remove_pcb(tcp, pcb)
    free_pcb(tcp, pcb)
    return True


# A connection


def _connection_input(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """Process ``seg`` and call the application back with what it brought."""
    if pcb.refused_data is not None and not _offer_before(tcp, pcb, seg):
        return
    tcp.input_pcb = pcb
    alive = segment_arrives(tcp, pcb, seg)
    if tcp.core.trace is not None:
        observe.judged(tcp, pcb, seg)
    if alive and (seg.events or seg.acked or seg.delivered is not None or tcp.input_closed):
        alive = _notify(tcp, pcb, seg)
    tcp.input_pcb = None
    if alive and not delayed_close(tcp, pcb):
        output(tcp, pcb)
    tcp.input_closed = False


def _offer_before(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
    """Offer refused data again first; while it stays refused a segment with data is dropped, its ACK field
    too.
    """
    alive = offer_refused(tcp, pcb)
    if alive and (pcb.refused_data is None or not seg.tcplen):
        return True
    seg.verdict = "refused"
    tcp.core.drop(TCP_REFUSED)
    if alive and not pcb.rcv_ann_wnd:
        send_empty_ack(tcp, pcb, "refused-data")  # it is a window probe
    return False


def _notify(tcp: TcpShared, pcb: Tcb, seg: Segment) -> bool:
    """Callbacks in lwIP's order: reset, sent, closed, data, end of stream. False when the pcb is gone."""
    if seg.events & RESET:
        if pcb.errf is not None:
            pcb.errf(ERR_RST)
        remove_pcb(tcp, pcb)
        free_pcb(tcp, pcb)
        return False
    if seg.acked and not report_acked(pcb, seg.acked):
        _give_up(seg)
        return False
    if delayed_close(tcp, pcb):
        _give_up(seg)
        return False
    if seg.delivered is not None and not deliver(tcp, pcb, seg.delivered):
        return False
    if seg.events & GOT_FIN:
        if pcb.refused_data is not None:
            pcb.refused_fin = True
        elif not end_of_stream(tcp, pcb):
            return False
    return True


def _give_up(seg: Segment) -> None:
    """The connection died before its data could be delivered."""
    if seg.delivered is not None:
        seg.delivered.free()
