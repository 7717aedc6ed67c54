"""Congestion control: Reno with appropriate byte counting (RFC 5681, RFC 3465), as lwIP does it.

All windows saturate at the width of lwIP's ``tcpwnd_size_t``: 16 bits without window scaling.
Source: lwIP ``tcp_in.c`` (tcp_receive), ``tcp_out.c`` (tcp_rexmit_fast), ``tcp.c`` (tcp_slowtmr).
"""

from __future__ import annotations

from netstack.tcp.shared import TcpShared
from netstack.tcp.states import ESTABLISHED
from netstack.tcp.tcb import TF_INFR, TF_RTO, Tcb

_INITIAL_BYTES = 4380  # RFC 3390


def initial_window(mss: int) -> int:
    """cwnd when the handshake is done (LWIP_TCP_CALC_INITIAL_CWND, RFC 3390)."""
    return min(4 * mss, max(2 * mss, _INITIAL_BYTES))


def on_established(pcb: Tcb) -> None:
    """The handshake is done."""
    pcb.cwnd = initial_window(pcb.mss)


def leave_recovery(pcb: Tcb) -> None:
    """The first new ACK, even a partial one, ends fast recovery (Reno)."""
    pcb.flags &= ~TF_INFR
    pcb.cwnd = pcb.ssthresh
    pcb.bytes_acked = 0


def on_ack(tcp: TcpShared, pcb: Tcb, acked: int) -> None:
    """``acked`` new bytes (SYN and FIN count) were acknowledged: open the window."""
    if pcb.state < ESTABLISHED:
        return
    if pcb.cwnd < pcb.ssthresh:  # slow start, RFC 3465 2.2: L = 2, but 1 while resending after a time-out
        most = pcb.mss if pcb.flags & TF_RTO else 2 * pcb.mss
        pcb.cwnd = tcp.wnd_inc(pcb.cwnd, min(acked, most & tcp.wnd_limit))
    else:  # congestion avoidance, RFC 3465 2.1
        pcb.bytes_acked = tcp.wnd_inc(pcb.bytes_acked, acked)
        if pcb.bytes_acked >= pcb.cwnd:
            pcb.bytes_acked -= pcb.cwnd
            pcb.cwnd = tcp.wnd_inc(pcb.cwnd, pcb.mss)


def _half_flight(tcp: TcpShared, pcb: Tcb) -> int:
    """Half of what may be in flight, at least two segments."""
    half = min(pcb.cwnd, pcb.snd_wnd) >> 1
    return max(half, 2 * pcb.mss & tcp.wnd_limit)


def on_timeout(tcp: TcpShared, pcb: Tcb) -> None:
    """The retransmission timer fired: one segment, then slow start.

    lwIP: fast recovery goes on, so that the next new ACK sets cwnd to ssthresh.
    """
    pcb.ssthresh = _half_flight(tcp, pcb)
    pcb.cwnd = pcb.mss
    pcb.bytes_acked = 0
    if "recovery_outlives_timeout" not in tcp.quirks:
        pcb.flags &= ~TF_INFR
        pcb.dupacks = 0


def on_idle(pcb: Tcb) -> None:
    """Nothing was sent for longer than a time-out: the restart window (RFC 5681 4.1; lwIP has none)."""
    restart = initial_window(pcb.mss)
    if pcb.cwnd > restart:
        pcb.cwnd = restart
        pcb.bytes_acked = 0


def on_fast_retransmit(tcp: TcpShared, pcb: Tcb) -> None:
    """The third duplicate ACK: fast recovery (RFC 5681 3.2)."""
    pcb.ssthresh = _half_flight(tcp, pcb)
    pcb.cwnd = pcb.ssthresh + 3 * pcb.mss & tcp.wnd_limit
    pcb.flags |= TF_INFR


def on_further_duplicate(tcp: TcpShared, pcb: Tcb) -> None:
    """Each duplicate beyond the third says that a segment has left the network."""
    pcb.cwnd = tcp.wnd_inc(pcb.cwnd, pcb.mss)
