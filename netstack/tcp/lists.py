"""The lists of pcbs: putting in, taking out, finding the pcb of a segment, finding a free port.

Sources: lwIP ``tcp_priv.h`` (TCP_REG, TCP_RMV), ``tcp.c`` (tcp_pcb_purge, tcp_pcb_remove, tcp_new_port),
``tcp_in.c`` (the search in tcp_input).
"""

from __future__ import annotations

from itertools import chain

from netstack.stats import Drop
from netstack.tcp import observe, output
from netstack.tcp.segment import TCP_OOSEQ_CLOSED, free_ooseq_segment, free_segment
from netstack.tcp.shared import PORT_RANGE_END, PORT_RANGE_START, TcpShared
from netstack.tcp.states import CLOSED, TIME_WAIT, set_state
from netstack.tcp.tcb import SOF_REUSEADDR, TF_ACK_DELAY, TF_ACK_NOW, TF_BACKLOGPEND, ListenTcb, Tcb


def register_active(tcp: TcpShared, pcb: Tcb) -> None:
    """Put ``pcb`` at the head of the active list and see that the timer runs (TCP_REG_ACTIVE)."""
    tcp.active_pcbs.insert(0, pcb)
    tcp.active_changed = True
    _timer_needed(tcp)


def register_time_wait(tcp: TcpShared, pcb: Tcb) -> None:
    """Purge an active ``pcb`` and move it to the head of the TIME_WAIT list."""
    purge(tcp, pcb)
    remove_active(tcp, pcb)
    set_state(tcp, pcb, TIME_WAIT)
    tcp.tw_pcbs.insert(0, pcb)
    _timer_needed(tcp)


def register_bound(tcp: TcpShared, pcb: Tcb) -> None:
    """Put ``pcb`` at the head of the bound list."""
    if pcb not in tcp.bound_pcbs:  # a second bind; lwIP's list becomes a loop
        tcp.bound_pcbs.insert(0, pcb)


def remove_bound(tcp: TcpShared, pcb: Tcb) -> None:
    """Take ``pcb`` from the bound list."""
    if pcb in tcp.bound_pcbs:
        tcp.bound_pcbs.remove(pcb)


def remove_active(tcp: TcpShared, pcb: Tcb) -> None:
    """Take ``pcb`` from the active list, if it is there (TCP_RMV_ACTIVE)."""
    if pcb in tcp.active_pcbs:
        tcp.active_pcbs.remove(pcb)
    tcp.active_changed = True


def _timer_needed(tcp: TcpShared) -> None:
    """Start the TCP timer unless it runs (``tcp_timer_needed``)."""
    if not tcp.timer.armed:
        tcp.core.timers.arm(tcp.timer, tcp.core.ms)


def backlog_delayed(tcp: TcpShared, pcb: Tcb) -> None:
    """Count ``pcb`` as waiting for accept (``tcp_backlog_delayed``)."""
    if tcp.profile.tcp_listen_backlog and not pcb.flags & TF_BACKLOGPEND and pcb.listener is not None:
        pcb.listener.accepts_pending += 1
        pcb.flags |= TF_BACKLOGPEND


def backlog_accepted(tcp: TcpShared, pcb: Tcb) -> None:
    """``pcb`` no longer waits for accept (``tcp_backlog_accepted``)."""
    if pcb.flags & TF_BACKLOGPEND:
        if pcb.listener is not None:
            pcb.listener.accepts_pending -= 1
        pcb.flags &= ~TF_BACKLOGPEND


def free_ooseq(tcp: TcpShared, pcb: Tcb, reason: Drop | None = None) -> None:
    """Empty the out-of-order queue (``tcp_free_ooseq``); ``reason``: its data goes no further."""
    for seg in pcb.ooseq:
        free_ooseq_segment(tcp, seg, reason)
    pcb.ooseq.clear()
    pcb.rcv_sacks.clear()


def purge(tcp: TcpShared, pcb: Tcb) -> None:
    """Give back everything that is queued on ``pcb`` (``tcp_pcb_purge``)."""
    if pcb.state in {CLOSED, TIME_WAIT}:
        return
    backlog_accepted(tcp, pcb)
    drop_refused(pcb)
    free_ooseq(tcp, pcb, TCP_OOSEQ_CLOSED)
    if tcp.core.trace is not None:
        observe.timers_gone(tcp, pcb)
    pcb.rtime = -1
    for seg in chain(pcb.unsent, pcb.unacked):
        free_segment(tcp, seg)
    pcb.unsent.clear()
    pcb.unacked.clear()
    pcb.unsent_oversize = 0


def drop_refused(pcb: Tcb) -> None:
    """Throw away data that the application has refused so far."""
    if pcb.refused_data is not None:
        pcb.refused_data.free()
        pcb.refused_data = None


def remove_pcb(tcp: TcpShared, pcb: Tcb) -> None:
    """Purge an active or TIME_WAIT ``pcb`` and take it from its list (``tcp_pcb_remove``); the caller frees
    it.

    lwIP: a delayed ACK that is still pending goes out now, before whatever reset the caller sends.
    """
    if pcb.state == TIME_WAIT:
        tcp.tw_pcbs.remove(pcb)
    else:
        remove_active(tcp, pcb)
    purge(tcp, pcb)
    if pcb.state != TIME_WAIT and pcb.flags & TF_ACK_DELAY and "abort_sends_ack_first" in tcp.quirks:
        pcb.flags |= TF_ACK_NOW
        pcb.ack_why = "abort-flush"
        output.output(tcp, pcb)
    set_state(tcp, pcb, CLOSED)
    pcb.local_port = 0


def free_pcb(tcp: TcpShared, pcb: Tcb) -> None:
    """Give the pcb back to its pool (``tcp_free``)."""
    tcp.core.mem.tcp_pcb.give()
    pcb.state = CLOSED


def remove_listener(tcp: TcpShared, lpcb: ListenTcb) -> None:
    """Free a listener; its half-open connections lose their parent (``tcp_listen_closed``)."""
    for pcb in chain(tcp.bound_pcbs, tcp.active_pcbs, tcp.tw_pcbs):
        if pcb.listener is lpcb:
            pcb.listener = None
    tcp.listen_pcbs.remove(lpcb)
    tcp.core.mem.tcp_pcb_listen.give()
    lpcb.state = CLOSED
    lpcb.local_port = 0


def find_active(
    tcp: TcpShared, local_ip: int, local_port: int, remote_ip: int, remote_port: int
) -> Tcb | None:
    """The connection of a segment; a hit moves to the head of the list."""
    pcbs = tcp.active_pcbs
    for pcb in pcbs:
        if (
            pcb.remote_port == remote_port
            and pcb.local_port == local_port
            and pcb.remote_ip == remote_ip
            and pcb.local_ip == local_ip
        ):
            if pcb is not pcbs[0]:
                pcbs.remove(pcb)
                pcbs.insert(0, pcb)
            return pcb
    return None


def find_time_wait(
    tcp: TcpShared, local_ip: int, local_port: int, remote_ip: int, remote_port: int
) -> Tcb | None:
    """The TIME_WAIT pcb of a segment."""
    for pcb in tcp.tw_pcbs:
        if pcb.flow == (local_ip, local_port, remote_ip, remote_port):
            return pcb
    return None


def find_listener(tcp: TcpShared, local_ip: int, local_port: int) -> ListenTcb | None:
    """The listener of a segment, moved to the head of the list. With SO_REUSE one bound to the very address
    is preferred.
    """
    found = None
    for lpcb in tcp.listen_pcbs:
        if lpcb.local_port == local_port:
            if lpcb.local_ip == local_ip:
                found = lpcb
                break
            if not lpcb.local_ip:
                found = lpcb
                if not tcp.profile.so_reuse:
                    break
    if found is not None and found is not tcp.listen_pcbs[0]:
        tcp.listen_pcbs.remove(found)
        tcp.listen_pcbs.insert(0, found)
    return found


def port_in_use(tcp: TcpShared, pcb: Tcb, ip: int, port: int) -> bool:
    """Whether binding ``pcb`` to (ip, port) would clash (``tcp_bind``). SO_REUSEADDR leaves out TIME_WAIT and
    tolerates pcbs that have it, too.
    """
    reuse = tcp.profile.so_reuse and pcb.so_options & SOF_REUSEADDR
    others: chain[Tcb | ListenTcb] = chain(
        tcp.listen_pcbs, tcp.bound_pcbs, tcp.active_pcbs, () if reuse else tcp.tw_pcbs
    )
    for other in others:
        if other.local_port != port or (reuse and other.so_options & SOF_REUSEADDR):
            continue
        if not other.local_ip or not ip or other.local_ip == ip:
            return True
    return False


def new_port(tcp: TcpShared) -> int:
    """The next free ephemeral port, 0 when all are taken (``tcp_new_port``)."""
    used = {
        pcb.local_port
        for pcb in chain[Tcb | ListenTcb](tcp.listen_pcbs, tcp.bound_pcbs, tcp.active_pcbs, tcp.tw_pcbs)
    }
    if "ephemeral_ports_in_order" not in tcp.quirks:  # RFC 6056 3.3.1
        tcp.port = PORT_RANGE_START + tcp.core.rand() % (PORT_RANGE_END - PORT_RANGE_START)
    for _ in range(PORT_RANGE_END - PORT_RANGE_START + 1):
        tcp.port += 1
        if tcp.port == PORT_RANGE_END:
            tcp.port = PORT_RANGE_START
        if tcp.port not in used:
            return tcp.port
    return 0
