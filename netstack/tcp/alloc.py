"""A new pcb, if need be at the cost of an old one (lwIP ``tcp.c``: tcp_alloc and what it kills).

When the TCP_PCB pool is empty: the oldest TIME_WAIT, then the oldest LAST_ACK, then the oldest CLOSING (all
silently), then one of strictly lower priority (with a reset). FIN_WAIT and half-open pcbs are never
sacrificed.
"""

from __future__ import annotations

from collections.abc import Iterable

from netstack.tcp.close import abandon, abort, close_with_fin
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSING, LAST_ACK
from netstack.tcp.tcb import PRIO_MAX, TF_CLOSEPEND, Tcb


def new(tcp: TcpShared, prio: int) -> Tcb | None:
    """A fresh pcb, or None."""
    pool = tcp.core.mem.tcp_pcb
    errors = pool.err
    if not pool.take():
        for kill in (_kill_time_wait, _kill_last_ack, _kill_closing, _kill_lower_priority):
            kill(tcp, prio)
            if pool.take():
                break
        else:
            return None
        pool.err = errors  # lwIP takes back what it counted before it succeeded
    return Tcb(tcp.profile, prio, tcp.ticks, tcp.timer_stamp)


def _oldest(tcp: TcpShared, pcbs: Iterable[Tcb]) -> Tcb | None:
    """The most inactive; among equals the one registered first."""
    found = None
    longest = 0
    for pcb in pcbs:
        inactive = tcp.ticks - pcb.tmr & 0xFFFFFFFF
        if inactive >= longest:
            longest = inactive
            found = pcb
    return found


def _kill_time_wait(tcp: TcpShared, prio: int) -> None:
    """Postponed FINs are tried first; then the oldest TIME_WAIT goes."""
    for pcb in tuple(tcp.active_pcbs):
        if pcb.flags & TF_CLOSEPEND:
            pcb.flags &= ~TF_CLOSEPEND
            close_with_fin(tcp, pcb)
    victim = _oldest(tcp, tcp.tw_pcbs)
    if victim is not None:
        abort(tcp, victim, "rst-killed")


def _kill_last_ack(tcp: TcpShared, prio: int) -> None:
    _kill_state(tcp, LAST_ACK)


def _kill_closing(tcp: TcpShared, prio: int) -> None:
    _kill_state(tcp, CLOSING)


def _kill_state(tcp: TcpShared, state: int) -> None:
    victim = _oldest(tcp, (pcb for pcb in tcp.active_pcbs if pcb.state == state))
    if victim is not None:
        abandon(tcp, victim, reset=False)


def _kill_lower_priority(tcp: TcpShared, prio: int) -> None:
    """The lowest priority below ``prio``; among equals the most inactive."""
    limit = min(PRIO_MAX, prio) - 1
    victim = None
    longest = 0
    for pcb in tcp.active_pcbs:
        inactive = tcp.ticks - pcb.tmr & 0xFFFFFFFF
        if pcb.prio < limit or (pcb.prio == limit and inactive >= longest):
            limit, longest, victim = pcb.prio, inactive, pcb
    if victim is not None:
        abort(tcp, victim, "rst-killed")
