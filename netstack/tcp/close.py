"""Ending a connection: close, shutdown, abort, FIN (RFC 9293 3.10.4, 3.10.5).

Source: lwIP ``tcp.c`` (tcp_close_shutdown*, tcp_shutdown, tcp_abandon), ``tcp_out.c`` (tcp_send_fin,
tcp_enqueue_flags).
"""

from __future__ import annotations

from netstack.errors import ERR_ABRT, ERR_CONN, ERR_MEM, ERR_OK
from netstack.tcp import observe
from netstack.tcp.control import reset_connection, send_rst
from netstack.tcp.header import FIN, RST, SYN
from netstack.tcp.lists import (
    backlog_accepted,
    drop_refused,
    free_pcb,
    purge,
    remove_active,
    remove_bound,
    remove_listener,
    remove_pcb,
)
from netstack.tcp.options import options_len
from netstack.tcp.output import output
from netstack.tcp.segment import OPT_MSS, OPT_SACK_PERM, OPT_TS, OPT_WND_SCALE, TxSegment
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    ESTABLISHED,
    FIN_WAIT_1,
    LAST_ACK,
    LISTEN,
    SYN_RCVD,
    SYN_SENT,
    TIME_WAIT,
    set_state,
)
from netstack.tcp.tcb import (
    TF_CLOSEPEND,
    TF_FIN,
    TF_NAGLEMEMERR,
    TF_RXCLOSED,
    TF_SACK,
    TF_TIMESTAMP,
    TF_WND_SCALE,
    ListenTcb,
    Tcb,
)
from netstack.tcp.write import is_newest


def close(tcp: TcpShared, pcb: Tcb | ListenTcb) -> int:
    """The application is done with ``pcb`` in both directions; it must not use it again (``tcp_close``).

    Unread data means a reset instead of a FIN.
    """
    if isinstance(pcb, ListenTcb):
        if pcb.state == LISTEN:
            remove_listener(tcp, pcb)
        return ERR_OK
    pcb.flags |= TF_RXCLOSED
    return _close_shutdown(tcp, pcb, rst_on_unread_data=True)


def shutdown(tcp: TcpShared, pcb: Tcb, rx: bool, tx: bool) -> int:
    """Close one direction or both (``tcp_shutdown``). ERR_CONN for a listener, or if no FIN can be sent."""
    if pcb.state == LISTEN:
        return ERR_CONN
    if rx:
        pcb.flags |= TF_RXCLOSED
        if tx:
            return _close_shutdown(tcp, pcb, rst_on_unread_data=True)
        drop_refused(pcb)
    if tx:
        if pcb.state not in {SYN_RCVD, ESTABLISHED, CLOSE_WAIT}:
            return ERR_CONN
        return _close_shutdown(tcp, pcb, rst_on_unread_data=rx)
    return ERR_OK


def _close_shutdown(tcp: TcpShared, pcb: Tcb, rst_on_unread_data: bool) -> int:
    if rst_on_unread_data and pcb.state in {ESTABLISHED, CLOSE_WAIT}:
        if pcb.refused_data is not None or pcb.rcv_wnd != tcp.wnd_max(pcb):
            reset_connection(tcp, pcb, "rst-unread")
            purge(tcp, pcb)
            remove_active(tcp, pcb)
            if tcp.input_pcb is pcb:
                tcp.input_closed = True  # the input processing frees it
            else:
                set_state(tcp, pcb, CLOSED)
                free_pcb(tcp, pcb)
            return ERR_OK
    if pcb.state == CLOSED:
        remove_bound(tcp, pcb)
        free_pcb(tcp, pcb)
        return ERR_OK
    if pcb.state == SYN_SENT:
        remove_pcb(tcp, pcb)
        free_pcb(tcp, pcb)
        return ERR_OK
    return close_with_fin(tcp, pcb)


def close_with_fin(tcp: TcpShared, pcb: Tcb) -> int:
    """Queue a FIN and change state (``tcp_close_shutdown_fin``). Without memory the fast timer tries again;
    the caller is told that all is well.
    """
    if pcb.state in {SYN_RCVD, ESTABLISHED}:
        new = FIN_WAIT_1
    elif pcb.state == CLOSE_WAIT:
        new = LAST_ACK
    else:
        return ERR_OK
    err = _send_fin(tcp, pcb)
    if err == ERR_MEM:
        pcb.flags |= TF_CLOSEPEND
        if tcp.core.trace is not None:
            observe.held(tcp, pcb, "close-pending", {}, pcb.snd_lbb)
        return ERR_OK
    if pcb.state == SYN_RCVD:
        backlog_accepted(tcp, pcb)
    set_state(tcp, pcb, new)
    output(tcp, pcb)
    return ERR_OK


def _send_fin(tcp: TcpShared, pcb: Tcb) -> int:
    """Put a FIN on the last unsent segment, or queue one by itself. ERR_MEM."""
    if pcb.unsent:
        tail = pcb.unsent[-1]
        if not tail.flags & (SYN | FIN | RST) and (tcp.extends_resent or is_newest(pcb, tail)):
            tail.flags |= FIN
            pcb.flags |= TF_FIN
            return ERR_OK
    return enqueue_flags(tcp, pcb, FIN)


def enqueue_flags(tcp: TcpShared, pcb: Tcb, flags: int) -> int:
    """Queue a segment without data that carries SYN or FIN (``tcp_enqueue_flags``). ERR_MEM."""
    options = 0
    profile = tcp.profile
    active = pcb.state != SYN_RCVD
    if flags & SYN:
        options = OPT_MSS
        if profile.lwip_wnd_scale and (active or pcb.flags & TF_WND_SCALE):
            options |= OPT_WND_SCALE
        if profile.lwip_tcp_sack_out and (active or pcb.flags & TF_SACK):
            options |= OPT_SACK_PERM
    if profile.lwip_tcp_timestamps and (pcb.flags & TF_TIMESTAMP or (flags & SYN and active)):
        options |= OPT_TS
    buf = tcp.core.mem.tx.transport(options_len(options))
    if buf is None or not tcp.core.mem.tcp_seg.take():
        if buf is not None:
            buf.free()
        pcb.flags |= TF_NAGLEMEMERR
        tcp.stats.memerr += 1
        if tcp.core.trace is not None:
            observe.write_refused(tcp, pcb, "heap" if buf is None else "tcp-seg", 0)
        return ERR_MEM
    pcb.unsent.append(TxSegment(pcb.snd_lbb, b"", flags, options, buf))
    pcb.unsent_oversize = 0
    pcb.snd_lbb = pcb.snd_lbb + 1 & 0xFFFFFFFF
    if flags & FIN:
        pcb.flags |= TF_FIN
    pcb.snd_queuelen += 1
    return ERR_OK


def abort(tcp: TcpShared, pcb: Tcb, cause: str = "rst-abort") -> None:
    """End the connection with a reset (``tcp_abort``); its error callback gets ERR_ABRT, even though it was
    asked for. ``cause`` is for the trace.
    """
    abandon(tcp, pcb, reset=True, cause=cause)


def abandon(tcp: TcpShared, pcb: Tcb, reset: bool, cause: str = "rst-abort") -> None:
    """Free ``pcb`` whatever its state, with or without a reset (``tcp_abandon``)."""
    if pcb.state == TIME_WAIT:
        remove_pcb(tcp, pcb)
        free_pcb(tcp, pcb)
        return
    local, remote = (pcb.local_ip, pcb.local_port), (pcb.remote_ip, pcb.remote_port)
    connected = pcb.state != CLOSED
    if connected:
        remove_pcb(tcp, pcb)
    else:
        remove_bound(tcp, pcb)
    if connected and reset:
        send_rst(tcp, pcb, pcb.snd_nxt, pcb.rcv_nxt, local, remote, cause)
    free_pcb(tcp, pcb)
    if pcb.errf is not None:
        pcb.errf(ERR_ABRT)
