"""Round-trip time and retransmission time-out, in slow ticks (RFC 6298, Van Jacobson's integer arithmetic).

``sa`` is 8 times the smoothed time, ``sv`` 4 times its deviation; everything is 16 bits signed. There is no
minimum but what the formula leaves (3 ticks on a LAN). Source: lwIP ``tcp_in.c`` (end of the ACK part of
tcp_receive), ``tcp.c`` (tcp_slowtmr).
"""

from __future__ import annotations

from netstack.tcp.tcb import Tcb

BACKOFF = (1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7, 7)  # shifts of the time-out, by number of retransmissions
_RTO_MAX = 0x7FFF


def _s16(value: int) -> int:
    return (value + 0x8000 & 0xFFFF) - 0x8000


def sample(pcb: Tcb, ticks: int) -> None:
    """The timed segment was acknowledged at ``ticks``: a new estimate, and no sample under way."""
    m = _s16(ticks - pcb.rttest)
    m = _s16(m - (pcb.sa >> 3))
    pcb.sa = _s16(pcb.sa + m)
    m = _s16(abs(m) - (pcb.sv >> 2))
    pcb.sv = _s16(pcb.sv + m)
    pcb.rto = _s16((pcb.sa >> 3) + pcb.sv)
    pcb.rttest = 0


def reset_backoff(pcb: Tcb) -> None:
    """New data was acknowledged: the time-out is what the estimators say."""
    rto = (pcb.sa >> 3) + pcb.sv
    pcb.rto = rto if rto <= _RTO_MAX else _s16(rto)


def back_off(pcb: Tcb) -> None:
    """The time-out fired: longer next time (RFC 6298 5.5).

    lwIP counts; twice what it was is more only where a time-out outlived an ACK (Karn: without lwIP's quirk
    retransmission_timed).
    """
    estimate = (pcb.sa >> 3) + pcb.sv
    counted = estimate << BACKOFF[min(pcb.nrtx, len(BACKOFF) - 1)]
    doubled = min(pcb.rto << 1, estimate << BACKOFF[-1])
    pcb.rto = min(max(counted, doubled), _RTO_MAX)
