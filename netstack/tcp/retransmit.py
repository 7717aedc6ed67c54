"""Sending again: after a time-out everything in flight, after duplicate ACKs the first segment (RFC 6298 5,
RFC 5681 3.2).

Nothing is cut anew: segments go back to the unsent queue as they were made.
Source: lwIP ``tcp_out.c`` (tcp_rexmit, tcp_rexmit_rto_*, tcp_rexmit_fast).
"""

from __future__ import annotations

from netstack.tcp import observe
from netstack.tcp.output import output
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import TF_INFR, TF_RTO, Tcb


def rexmit_first(tcp: TcpShared, pcb: Tcb, cause: str) -> bool:
    """Move the head of unacked to its place in unsent (``tcp_rexmit``); the output at the end of input sends
    it.

    False when there is none, or a lower layer still holds it. lwIP counts this as a retry: the next time-out
    is longer.
    """
    if not pcb.unacked or pcb.unacked[0].busy:
        if pcb.unacked and tcp.core.trace is not None:
            observe.busy(tcp, pcb)
        return False
    seg = pcb.unacked.popleft()
    unsent = pcb.unsent
    index = 0
    while index < len(unsent) and (unsent[index].seq - seg.seq) & 0x80000000:
        index += 1
    unsent.insert(index, seg)
    if index == len(unsent) - 1:
        pcb.unsent_oversize = 0
    pcb.rexmit_cause = cause
    if "fast_retransmit_counts_as_retry" in tcp.quirks:
        _count_retry(pcb)
    _stop_timing(tcp, pcb)
    return True


def _stop_timing(tcp: TcpShared, pcb: Tcb) -> None:
    """Karn: what is sent again is not timed (RFC 6298 3)."""
    if pcb.rttest and tcp.core.trace is not None:
        observe.rtt(tcp, pcb, "cancelled")
    pcb.rttest = 0


def _count_retry(pcb: Tcb) -> None:
    if pcb.nrtx < 0xFF:
        pcb.nrtx += 1


def fast_retransmit(tcp: TcpShared, pcb: Tcb) -> None:
    """The third duplicate ACK (``tcp_rexmit_fast``); without effect during recovery."""
    if pcb.unacked and not pcb.flags & TF_INFR and rexmit_first(tcp, pcb, "fast"):
        tcp.parts.congestion.on_fast_retransmit(tcp, pcb)
        pcb.rtime = 0
        if tcp.core.trace is not None:
            observe.congestion(tcp, pcb, "fast")
            observe.rexmit_timer(tcp, pcb)


def rto_prepare(tcp: TcpShared, pcb: Tcb, cause: str) -> bool:
    """Put everything in flight in front of unsent (``tcp_rexmit_rto_prepare``); False when nothing is, or a
    lower layer still holds a segment of it.
    """
    unacked = pcb.unacked
    if not unacked:
        return False
    for seg in unacked:
        if seg.busy:
            if tcp.core.trace is not None:
                observe.busy(tcp, pcb)
            return False
    last = unacked[-1]
    pcb.rto_end = last.seq + last.seq_len() & 0xFFFFFFFF
    unacked.extend(pcb.unsent)
    pcb.unsent, pcb.unacked = unacked, pcb.unsent
    pcb.unacked.clear()
    pcb.flags |= TF_RTO
    pcb.rexmit_cause = cause
    _stop_timing(tcp, pcb)
    return True


def rto_commit(tcp: TcpShared, pcb: Tcb) -> None:
    """Count the retry and send what cwnd allows (``tcp_rexmit_rto_commit``)."""
    _count_retry(pcb)
    output(tcp, pcb)


def rexmit_all(tcp: TcpShared, pcb: Tcb, cause: str) -> None:
    """Send everything in flight again (``tcp_rexmit_rto``)."""
    if rto_prepare(tcp, pcb, cause):
        rto_commit(tcp, pcb)
