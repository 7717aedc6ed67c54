"""SACK blocks of the receiver: which ranges of the out-of-order queue the peer hears about, newest first (RFC
2018 4).

Source: lwIP ``tcp_in.c`` (tcp_add_sack, tcp_remove_sacks_lt, tcp_remove_sacks_gt).
"""

from __future__ import annotations

from netstack.tcp.seq import geq, gt, leq, lt
from netstack.tcp.tcb import Tcb


def add_sack(pcb: Tcb, left: int, right: int, limit: int) -> None:
    """[left, right) is the newest block; older ones that overlap it go, and at most ``limit`` stay."""
    if geq(left, right):
        return
    apart = [block for block in pcb.rcv_sacks if leq(block[1], left) or leq(right, block[0])]
    pcb.rcv_sacks = [(left, right), *apart][:limit]


def remove_sacks_below(pcb: Tcb, seq: int) -> None:
    """Forget what is below ``seq``: it is acknowledged now."""
    pcb.rcv_sacks = [
        (seq if lt(left, seq) else left, right) for left, right in pcb.rcv_sacks if gt(right, seq)
    ]


def remove_sacks_above(pcb: Tcb, seq: int) -> None:
    """Forget what is above ``seq``: the data was thrown away."""
    pcb.rcv_sacks = [
        (left, seq if gt(right, seq) else right) for left, right in pcb.rcv_sacks if lt(left, seq)
    ]
