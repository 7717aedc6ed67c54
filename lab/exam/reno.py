"""Reno as RFC 5681 has it: what answers to exam questions call "RFC"."""

from __future__ import annotations

from netstack.tcp import congestion
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import ESTABLISHED
from netstack.tcp.tcb import TF_INFR, Tcb


class Reno:
    """lwIP's congestion control but for what RFC 5681 has otherwise: slow start adds one MSS at most (3.1,
    equation 2), the ACK that ends recovery adds nothing (3.2, step 6), half of what is in flight counts
    (equation 4).
    """

    def __init__(self) -> None:
        self._recovered: Tcb | None = None  # its next ``on_ack`` is that which ended recovery

    def on_established(self, pcb: Tcb) -> None:
        """RFC 3390's initial window."""
        congestion.on_established(pcb)

    def leave_recovery(self, pcb: Tcb) -> None:
        """Step 6."""
        congestion.leave_recovery(pcb)
        self._recovered = pcb

    def on_ack(self, tcp: TcpShared, pcb: Tcb, acked: int) -> None:
        """Equation 2."""
        if self._recovered is pcb:
            self._recovered = None
        elif pcb.state >= ESTABLISHED and pcb.cwnd < pcb.ssthresh:
            pcb.cwnd = tcp.wnd_inc(pcb.cwnd, min(acked, pcb.mss))
        else:
            congestion.on_ack(tcp, pcb, acked)

    def on_timeout(self, tcp: TcpShared, pcb: Tcb) -> None:
        """Equation 4; recovery is over."""
        congestion.on_timeout(tcp, pcb)
        pcb.ssthresh = _half(pcb)
        pcb.flags &= ~TF_INFR

    def on_idle(self, pcb: Tcb) -> None:
        """Section 4.1."""
        congestion.on_idle(pcb)

    def on_fast_retransmit(self, tcp: TcpShared, pcb: Tcb) -> None:
        """Steps 2 and 3."""
        congestion.on_fast_retransmit(tcp, pcb)
        pcb.ssthresh = _half(pcb)
        pcb.cwnd = pcb.ssthresh + 3 * pcb.mss

    def on_further_duplicate(self, tcp: TcpShared, pcb: Tcb) -> None:
        """Step 4."""
        congestion.on_further_duplicate(tcp, pcb)


def _half(pcb: Tcb) -> int:
    """max(FlightSize / 2, 2 SMSS)."""
    return max((pcb.snd_nxt - pcb.lastack & 0xFFFFFFFF) // 2, 2 * pcb.mss)
