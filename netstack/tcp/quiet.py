"""Stepping over ticks that would change nothing: an idle connection costs no CPU, as if it had no timer.

lwIP's timer runs every 250 ms while any pcb exists. Most of these runs only count; ``quiet_runs`` says how
many of the next ones, and ``skip_runs`` counts them in one go. What could happen at a tick is what ``timers``
looks at; both must agree.
"""

from __future__ import annotations

from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSE_WAIT, ESTABLISHED, FIN_WAIT_2, LAST_ACK, SYN_RCVD
from netstack.tcp.tcb import (
    SOF_KEEPALIVE,
    TF_ACK_DELAY,
    TF_ACK_NOW,
    TF_CLOSEPEND,
    TF_NAGLEMEMERR,
    TF_RXCLOSED,
    Tcb,
)
from netstack.timers import FOR_EVER

_BUSY_FLAGS = TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR


def quiet_runs(tcp: TcpShared) -> int:
    """How many of the timer's next runs would change nothing but counters."""
    if not tcp.active_pcbs and not tcp.tw_pcbs:
        return 0  # the next run stops the timer
    ticks = FOR_EVER  # slow ticks until one that matters
    for pcb in tcp.active_pcbs:
        if (
            pcb.rtime >= 0
            or pcb.unsent
            or pcb.flags & _BUSY_FLAGS
            or pcb.persist_backoff
            or pcb.refused_data is not None
            or pcb.nrtx >= tcp.profile.tcp_maxrtx  # as many SYNs as that may have been sent before the answer
        ):
            return 0
        ticks = min(ticks, _ticks_left(tcp, pcb))
    limit = 2 * tcp.profile.tcp_msl // tcp.profile.tcp_slow_interval
    for pcb in tcp.tw_pcbs:
        ticks = min(ticks, limit + 1 - (tcp.ticks - pcb.tmr & 0xFFFFFFFF))
    first_slow = 1 if tcp.timer_runs & 1 == 0 else 2
    return max(first_slow + 2 * (ticks - 1) - 1, 0)


def _ticks_left(tcp: TcpShared, pcb: Tcb) -> int:
    """Slow ticks until the first at which something happens to a pcb with nothing in flight."""
    profile = tcp.profile
    slow = profile.tcp_slow_interval
    idle = tcp.ticks - pcb.tmr & 0xFFFFFFFF
    state = pcb.state
    ends = []  # idle times, in ticks, at which something happens
    if state == FIN_WAIT_2 and pcb.flags & TF_RXCLOSED:
        ends.append(profile.tcp_fin_wait_timeout // slow + 1)
    elif state == SYN_RCVD:
        ends.append(profile.tcp_syn_rcvd_timeout // slow + 1)
    elif state == LAST_ACK:
        ends.append(2 * profile.tcp_msl // slow + 1)
    elif pcb.so_options & SOF_KEEPALIVE and state in {ESTABLISHED, CLOSE_WAIT}:
        interval = pcb.keep_intvl if profile.lwip_tcp_keepalive else profile.tcp_keepintvl_default
        limit = pcb.keep_cnt if profile.lwip_tcp_keepalive else profile.tcp_keepcnt_default
        ends += [(pcb.keep_idle + n * interval & 0xFFFFFFFF) // slow + 1 for n in (pcb.keep_cnt_sent, limit)]
    if pcb.ooseq:
        ends.append(pcb.rto * profile.tcp_ooseq_timeout)
    left = min((end - idle for end in ends), default=FOR_EVER)
    if pcb.poll is not None:
        left = min(left, pcb.pollinterval - pcb.polltmr)
    return max(left, 1)


def skip_runs(tcp: TcpShared, runs: int) -> None:
    """Count ``runs`` runs that ``quiet_runs`` has allowed."""
    slow = (runs + 1 - (tcp.timer_runs & 1)) // 2
    tcp.timer_runs += runs
    tcp.ticks = tcp.ticks + slow & 0xFFFFFFFF
    for pcb in tcp.active_pcbs:
        first = max(pcb.pollinterval - pcb.polltmr, 1)  # slow ticks until lwIP's counter starts anew
        pcb.polltmr = pcb.polltmr + slow if slow < first else (slow - first) % max(pcb.pollinterval, 1)
