"""Opening: bind, listen, connect (RFC 9293 3.10.1; lwIP ``tcp.c``: tcp_bind, tcp_listen_with_backlog_and_err,
tcp_connect).
"""

from __future__ import annotations

from netstack.address import is_multicast
from netstack.errors import (
    ERR_ALREADY,
    ERR_BUF,
    ERR_CLSD,
    ERR_ISCONN,
    ERR_MEM,
    ERR_OK,
    ERR_RTE,
    ERR_USE,
    ERR_VAL,
)
from netstack.tcp.close import enqueue_flags
from netstack.tcp.header import SYN
from netstack.tcp.lists import (
    find_time_wait,
    free_pcb,
    new_port,
    port_in_use,
    register_active,
    register_bound,
    remove_bound,
)
from netstack.tcp.output import output
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSED, LISTEN, SYN_SENT, set_state
from netstack.tcp.tcb import SOF_REUSEADDR, ListenTcb, Tcb


def bind(tcp: TcpShared, pcb: Tcb, ip: int, port: int) -> int:
    """Give ``pcb`` a local address; port 0 takes an ephemeral one. ERR_VAL (not closed), ERR_BUF (no port
    free), ERR_USE.
    """
    if pcb.state != CLOSED:
        return ERR_VAL
    if not port:
        port = new_port(tcp)
        if not port:
            return ERR_BUF
    elif port_in_use(tcp, pcb, ip, port):
        return ERR_USE
    if ip:
        pcb.local_ip = ip
    pcb.local_port = port
    register_bound(tcp, pcb)
    return ERR_OK


def listen(tcp: TcpShared, pcb: Tcb, backlog: int) -> tuple[ListenTcb | None, int]:
    """Turn ``pcb`` into a listener, a smaller pcb of its own pool. On an error (ERR_ALREADY, ERR_CLSD,
    ERR_USE, ERR_MEM) it stays.
    """
    if pcb.state != CLOSED:
        return None, ERR_ALREADY if pcb.state == LISTEN else ERR_CLSD
    if tcp.profile.so_reuse and pcb.so_options & SOF_REUSEADDR:
        for other in tcp.listen_pcbs:
            if other.local_port == pcb.local_port and other.local_ip == pcb.local_ip:
                return None, ERR_USE
    if not tcp.core.mem.tcp_pcb_listen.take():
        return None, ERR_MEM
    listener = ListenTcb(pcb, backlog)
    remove_bound(tcp, pcb)
    free_pcb(tcp, pcb)
    tcp.listen_pcbs.insert(0, listener)
    return listener, ERR_OK


def connect(tcp: TcpShared, pcb: Tcb, ip: int, port: int) -> int:
    """Send a SYN to (ip, port); ``pcb.connected`` or ``pcb.errf`` tells what came of it.

    ERR_ISCONN (not closed), ERR_RTE (no route or no address), ERR_BUF (no port free), ERR_USE, ERR_MEM;
    ERR_VAL for a group of hosts (quirk connect_to_broadcast off).
    """
    if pcb.state != CLOSED:
        return ERR_ISCONN
    pcb.remote_ip = ip
    pcb.remote_port = port
    if "connect_to_broadcast" not in tcp.quirks and (tcp.netif.is_broadcast(ip) or is_multicast(ip)):
        return ERR_VAL
    if not tcp.ipv4.route(ip):
        return ERR_RTE
    if not pcb.local_ip:
        pcb.local_ip = tcp.netif.ip
    if not pcb.local_port:
        pcb.local_port = new_port(tcp)
        if not pcb.local_port:
            return ERR_BUF
    elif tcp.profile.so_reuse and pcb.so_options & SOF_REUSEADDR and _in_use(tcp, pcb):
        return ERR_USE
    iss = tcp.next_iss()
    before = iss - 1 & 0xFFFFFFFF
    pcb.rcv_nxt = 0
    pcb.snd_nxt = iss
    pcb.lastack = pcb.snd_wl2 = pcb.snd_lbb = before  # lwIP: the SYN itself is numbered iss - 1
    pcb.rcv_wnd = pcb.rcv_ann_wnd = tcp.wnd_unscaled
    pcb.rcv_ann_right_edge = pcb.rcv_nxt
    pcb.snd_wnd = tcp.profile.tcp_wnd
    pcb.mss = tcp.eff_send_mss(min(536, tcp.profile.tcp_mss))
    pcb.cwnd = 1
    err = enqueue_flags(tcp, pcb, SYN)
    if err == ERR_OK:
        set_state(tcp, pcb, SYN_SENT)
        remove_bound(tcp, pcb)
        register_active(tcp, pcb)
        output(tcp, pcb)
    return err


def _in_use(tcp: TcpShared, pcb: Tcb) -> bool:
    """Whether another connection has the same four-tuple."""
    return (
        any(other.flow == pcb.flow for other in tcp.active_pcbs) or find_time_wait(tcp, *pcb.flow) is not None
    )
