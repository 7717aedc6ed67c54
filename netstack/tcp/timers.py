"""TCP's one timer: every run is a fast tick, every second one a slow tick, too (lwIP ``tcp.c``: tcp_tmr,
tcp_fasttmr, tcp_slowtmr).

It runs only while a connection or a TIME_WAIT pcb exists, and keeps its parity when it stops. All TCP times
are counted in slow ticks; which tick comes first after a quiet time depends on that parity.
"""

from __future__ import annotations

from netstack.errors import ERR_ABRT, ERR_OK
from netstack.tcp import observe
from netstack.tcp.close import close_with_fin
from netstack.tcp.control import keepalive, reset_connection
from netstack.tcp.deliver import offer_refused
from netstack.tcp.lists import free_ooseq, free_pcb, purge
from netstack.tcp.output import output
from netstack.tcp.persist import persist_tick
from netstack.tcp.retransmit import rto_commit, rto_prepare
from netstack.tcp.segment import TCP_OOSEQ_EXPIRED
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    ESTABLISHED,
    SYN_SENT,
    set_state,
)
from netstack.tcp.tcb import SOF_KEEPALIVE, TF_ACK_DELAY, TF_ACK_NOW, TF_CLOSEPEND, Tcb


def tcp_timer(tcp: TcpShared) -> None:
    """One run of the timer; it is armed again while there is a pcb to watch (``tcpip_tcp_timer``)."""
    _fast_tick(tcp)
    tcp.timer_runs += 1
    if tcp.timer_runs & 1:
        _slow_tick(tcp)
    if tcp.active_pcbs or tcp.tw_pcbs:
        tcp.core.timers.arm(tcp.timer, tcp.core.ms)


def _fast_tick(tcp: TcpShared) -> None:
    """Delayed ACKs, postponed FINs, refused data."""
    tcp.timer_stamp += 1
    changed = True
    while changed:
        changed = False
        for pcb in tuple(tcp.active_pcbs):
            if pcb.last_timer == tcp.timer_stamp:
                continue
            pcb.last_timer = tcp.timer_stamp
            if pcb.flags & TF_ACK_DELAY:
                _send_delayed_ack(tcp, pcb)
            if pcb.flags & TF_CLOSEPEND:
                pcb.flags &= ~TF_CLOSEPEND
                close_with_fin(tcp, pcb)
            if pcb.refused_data is not None:
                tcp.active_changed = False
                offer_refused(tcp, pcb)
                if tcp.active_changed:
                    changed = True
                    break


def _send_delayed_ack(tcp: TcpShared, pcb: Tcb) -> None:
    """A delayed ACK goes out now, by itself or with data."""
    traced = tcp.core.trace is not None
    pcb.flags |= TF_ACK_NOW
    pcb.ack_why = "delayed-ack"
    if traced:
        observe.timer_fired(tcp, pcb, "delayed-ack", 0, 0, "ack", rcv_nxt=pcb.rcv_nxt)
    err = output(tcp, pcb)
    # lwIP forgets the ACK even if it could not be sent.
    if err == ERR_OK or "ack_lost_without_memory" in tcp.quirks:
        if traced and pcb.flags & TF_ACK_NOW:
            observe.held(tcp, pcb, "ack-forgotten", {"rcv_nxt": pcb.rcv_nxt}, pcb.snd_nxt)
        pcb.flags &= ~(TF_ACK_DELAY | TF_ACK_NOW)
    if traced:
        observe.look(tcp, pcb)


def _expire_out_of_order(tcp: TcpShared, pcb: Tcb, idle: int) -> None:
    """Out-of-order data has waited too long for what is missing."""
    queue = observe.out_of_order(pcb)
    if tcp.core.trace is not None:
        limit = pcb.rto * tcp.profile.tcp_ooseq_timeout
        observe.timer_fired(tcp, pcb, "ooseq", idle, limit, "discard", rto=pcb.rto)
    free_ooseq(tcp, pcb, TCP_OOSEQ_EXPIRED)
    if tcp.core.trace is not None:
        observe.left_queue(tcp, pcb, queue, "expired")


def _slow_tick(tcp: TcpShared) -> None:
    """Retransmission, persist, keep-alive, and the time limits of states; then polls."""
    tcp.ticks = tcp.ticks + 1 & 0xFFFFFFFF
    tcp.timer_stamp += 1
    changed = True
    while changed:
        changed = False
        for pcb in tuple(tcp.active_pcbs):
            if pcb.last_timer == tcp.timer_stamp:
                continue
            pcb.last_timer = tcp.timer_stamp
            if tcp.core.trace is None:
                tcp.active_changed = False
                _slow_tick_pcb(tcp, pcb)
            else:
                before = observe.snapshot(pcb)
                tcp.active_changed = False
                _slow_tick_pcb(tcp, pcb)
                observe.report(tcp, pcb, before)
                observe.look(tcp, pcb)
            if tcp.active_changed:
                changed = True
                break
    limit = 2 * tcp.profile.tcp_msl // tcp.profile.tcp_slow_interval
    for pcb in tuple(tcp.tw_pcbs):
        idle = tcp.ticks - pcb.tmr & 0xFFFFFFFF
        if idle > limit:
            if tcp.core.trace is not None:
                observe.timer_fired(tcp, pcb, "time-wait", idle, limit, "remove")
            purge(tcp, pcb)
            tcp.tw_pcbs.remove(pcb)
            set_state(tcp, pcb, CLOSED)
            free_pcb(tcp, pcb)


def _slow_tick_pcb(tcp: TcpShared, pcb: Tcb) -> None:
    """One pcb's share of a slow tick, in lwIP's order."""
    profile = tcp.profile
    remove = False
    reset = False
    if pcb.nrtx >= profile.tcp_maxrtx or (pcb.state == SYN_SENT and pcb.nrtx >= profile.tcp_synmaxrtx):
        remove = True
        if tcp.core.trace is not None:
            most = profile.tcp_synmaxrtx if pcb.state == SYN_SENT else profile.tcp_maxrtx
            observe.timer_fired(tcp, pcb, "rexmit", pcb.nrtx, most, "give-up")
    elif pcb.persist_backoff:
        remove = persist_tick(tcp, pcb)
    else:
        _retransmission_tick(tcp, pcb)
    idle = tcp.ticks - pcb.tmr & 0xFFFFFFFF
    state = pcb.state
    if (
        pcb.so_options & SOF_KEEPALIVE
        and state in {ESTABLISHED, CLOSE_WAIT}
        and _keepalive_tick(tcp, pcb, idle)
    ):
        remove = reset = True
    if pcb.ooseq and idle >= pcb.rto * profile.tcp_ooseq_timeout:
        _expire_out_of_order(tcp, pcb, idle)
    limit = observe.state_limit(tcp, pcb, state)
    if limit is not None and idle > limit[1]:
        remove = True
        if tcp.core.trace is not None:
            observe.timer_fired(tcp, pcb, limit[0], idle, limit[1], "remove")
    if remove:
        _give_up(tcp, pcb, reset or "no_rst_on_give_up" not in tcp.quirks, reset)
    else:
        _poll(tcp, pcb)


def _retransmission_tick(tcp: TcpShared, pcb: Tcb) -> None:
    """The retransmission timer, if it runs (RFC 6298 5; go-back-N with a window of one segment)."""
    if 0 <= pcb.rtime < 0x7FFF:
        pcb.rtime += 1
    if pcb.rtime < pcb.rto:
        return
    if tcp.core.trace is not None:
        busy = any(seg.busy for seg in pcb.unacked)
        action = "wait-busy" if busy else "retransmit"
        observe.timer_fired(tcp, pcb, "rexmit", pcb.rtime, pcb.rto, action, nrtx=pcb.nrtx)
    if rto_prepare(tcp, pcb, "rto") or (not pcb.unacked and pcb.unsent):
        if pcb.state != SYN_SENT or "syn_retry_without_backoff" not in tcp.quirks:
            tcp.parts.rtt.back_off(pcb)
        pcb.rtime = 0
        tcp.parts.congestion.on_timeout(tcp, pcb)
        if tcp.core.trace is not None:
            observe.congestion(tcp, pcb, "rto")
            observe.rexmit_timer(tcp, pcb)
        rto_commit(tcp, pcb)


def _keepalive_tick(tcp: TcpShared, pcb: Tcb, idle: int) -> bool:
    """Probe an idle connection (RFC 1122 4.2.3.6); True when the peer has not answered for too long."""
    profile = tcp.profile
    slow = profile.tcp_slow_interval
    if profile.lwip_tcp_keepalive:
        interval, duration = pcb.keep_intvl, pcb.keep_cnt * pcb.keep_intvl
    else:
        interval = profile.tcp_keepintvl_default
        duration = profile.tcp_keepcnt_default * interval
    limit = (pcb.keep_idle + duration & 0xFFFFFFFF) // slow
    if idle > limit:
        if tcp.core.trace is not None:
            observe.timer_fired(tcp, pcb, "keepalive", idle, limit, "give-up", probes=pcb.keep_cnt_sent)
        return True
    limit = (pcb.keep_idle + pcb.keep_cnt_sent * interval & 0xFFFFFFFF) // slow
    if idle > limit:
        if tcp.core.trace is not None:
            observe.timer_fired(tcp, pcb, "keepalive", idle, limit, "probe", probes=pcb.keep_cnt_sent)
        if keepalive(tcp, pcb) == ERR_OK:
            pcb.keep_cnt_sent += 1
    return False


def _give_up(tcp: TcpShared, pcb: Tcb, reset: bool, keepalive_failed: bool) -> None:
    """Remove a pcb whose time is up; lwIP sends a reset only when keep-alive failed."""
    purge(tcp, pcb)
    tcp.active_pcbs.remove(pcb)
    if reset and pcb.state != SYN_SENT:
        reset_connection(tcp, pcb, "rst-keepalive" if keepalive_failed else "rst-gave-up")
    set_state(tcp, pcb, CLOSED)
    free_pcb(tcp, pcb)
    tcp.active_changed = False
    if pcb.errf is not None:
        pcb.errf(ERR_ABRT)


def _poll(tcp: TcpShared, pcb: Tcb) -> None:
    """The application's periodic callback, then whatever can be sent."""
    pcb.polltmr += 1
    if pcb.polltmr < pcb.pollinterval:
        return
    pcb.polltmr = 0
    tcp.active_changed = False
    err = ERR_OK if pcb.poll is None else pcb.poll(pcb)
    if not tcp.active_changed and err == ERR_OK:
        output(tcp, pcb)
