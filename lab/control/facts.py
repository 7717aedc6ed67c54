"""What a stack is asked by ``netstack ss``, ``stats``, ``pools`` and ``arp``, as JSON. Called with the lock.

All names are lwIP's; times are ms, sizes bytes unless a name says otherwise.
"""

from __future__ import annotations

from typing import Any

from lab.tables import pool_uses
from netstack import arp
from netstack.address import format_ip, format_mac
from netstack.stack import Stack
from netstack.stats import COUNTERS, PROTOCOLS, Drop
from netstack.tcp import observe
from netstack.tcp.output import PERSIST_BACKOFF
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSE_WAIT, ESTABLISHED, STATE_NAMES
from netstack.tcp.tcb import SOF_KEEPALIVE, TF_ACK_DELAY, TF_NODELAY, ListenTcb, Tcb

Fields = dict[str, Any]

ARP_STATES = {arp.PENDING: "PENDING", arp.STABLE: "STABLE", arp.STATIC: "STATIC"}
_MASK = 0xFFFFFFFF


def end(ip: int, port: int) -> str:
    """``192.168.7.2:80``, ``*`` for what is not there."""
    return f"{format_ip(ip) if ip else '*'}:{port or '*'}"


# ss


def sockets(stack: Stack) -> Fields:
    """``{"tcp": [...], "udp": [...]}``: listeners, connections (the latest used first), those in TIME_WAIT,
    bound ones.
    """
    tcp = stack.tcp
    found = [listener(lpcb) for lpcb in tcp.listen_pcbs]
    found += [connection(tcp, pcb) for pcb in (*tcp.active_pcbs, *tcp.tw_pcbs, *tcp.bound_pcbs)]
    udp: list[Fields] = [
        {
            "local": end(pcb.local_ip, pcb.local_port),
            "remote": end(pcb.remote_ip, pcb.remote_port),
            "ttl": pcb.ttl,
            "tos": pcb.tos,
        }
        for pcb in stack.udp.pcbs
    ]
    return {"tcp": found, "udp": udp}


def listener(pcb: ListenTcb) -> Fields:
    """As in ``ss``, the queues of a listener are the connections not accepted yet and the backlog."""
    return {
        "state": "LISTEN",
        "recv_q": max(pcb.accepts_pending, queued(pcb)),
        "send_q": pcb.backlog,
        "local": end(pcb.local_ip, pcb.local_port),
        "remote": "*:*",
        "backlog": pcb.backlog,
        "accepts_pending": pcb.accepts_pending,
        "ttl": pcb.ttl,
        "tos": pcb.tos,
        "prio": pcb.prio,
    }


def queued(pcb: ListenTcb) -> int:
    """Connections in the queue of the listener's socket. MicroPython's takes them there at once, so that lwIP
    counts none of them.
    """
    socket = getattr(pcb.accept, "__self__", None)
    waiting: int = getattr(socket, "queued", 0)
    return waiting


def connection(tcp: TcpShared, pcb: Tcb) -> Fields:
    """A connection: ``recv_q`` the program has not read, ``send_q`` the peer has not acknowledged."""
    tick = tcp.profile.tcp_slow_interval
    unacked = pcb.snd_lbb - pcb.lastack & _MASK
    unread = 0 if pcb.state < ESTABLISHED else max(tcp.wnd_max(pcb) - pcb.rcv_wnd, 0)
    return {
        "state": STATE_NAMES[pcb.state],
        "recv_q": unread,
        "send_q": 0 if unacked >> 31 else unacked,  # an acknowledged FIN counts in one of both only
        "local": end(pcb.local_ip, pcb.local_port),
        "remote": end(pcb.remote_ip, pcb.remote_port),
        "cwnd": pcb.cwnd,
        "ssthresh": pcb.ssthresh,
        "rto": pcb.rto * tick,
        "rtt": (pcb.sa >> 3) * tick,  # the estimators are kept times 8 and times 4 (RFC 6298, Van Jacobson)
        "rttvar": (pcb.sv >> 2) * tick if pcb.sa else None,
        "mss": pcb.mss,
        "snd_wnd": pcb.snd_wnd,
        "rcv_wnd": pcb.rcv_wnd,
        "rcv_ann_wnd": pcb.rcv_ann_wnd,
        "snd_buf": pcb.snd_buf,
        "snd_queuelen": pcb.snd_queuelen,
        "unacked": len(pcb.unacked),
        "unsent": len(pcb.unsent),
        "ooseq": len(pcb.ooseq),
        "retrans": pcb.nrtx,
        "dupacks": pcb.dupacks,
        "nodelay": bool(pcb.flags & TF_NODELAY),
        "keepalive": bool(pcb.so_options & SOF_KEEPALIVE),
        "keep_idle": pcb.keep_idle,
        "keep_intvl": pcb.keep_intvl,
        "keep_cnt": pcb.keep_cnt,
        "ttl": pcb.ttl,
        "tos": pcb.tos,
        "prio": pcb.prio,
        "timers": timers(tcp, pcb),
    }


def timers(tcp: TcpShared, pcb: Tcb) -> list[Fields]:
    """What runs, ``{"name", "in"}``: ms until the tick at which it fires if nothing happens before."""
    profile, idle = tcp.profile, tcp.ticks - pcb.tmr & _MASK
    ticks: dict[str, int] = {}
    if pcb.rtime >= 0:
        ticks["rexmit"] = pcb.rto - pcb.rtime
    if pcb.persist_backoff:
        ticks["persist"] = PERSIST_BACKOFF[pcb.persist_backoff - 1] - pcb.persist_cnt
    limit = observe.state_limit(tcp, pcb, pcb.state)
    if limit is not None:
        ticks[limit[0]] = limit[1] + 1 - idle
    if pcb.so_options & SOF_KEEPALIVE and pcb.state in (ESTABLISHED, CLOSE_WAIT):
        interval = pcb.keep_intvl if profile.lwip_tcp_keepalive else profile.tcp_keepintvl_default
        silent = pcb.keep_idle + pcb.keep_cnt_sent * interval
        ticks["keepalive"] = silent // profile.tcp_slow_interval + 1 - idle
    now = tcp.core.now
    found = [
        {"name": name, "in": (observe.slow_tick_at(tcp, max(left, 1)) - now) // 1_000_000}
        for name, left in ticks.items()
    ]
    if pcb.flags & TF_ACK_DELAY:
        found.append({"name": "delayed-ack", "in": tcp.timer.due - now // 1_000_000})
    return found


# stats, pools, arp


def stats(stack: Stack) -> Fields:
    """lwIP's counters by protocol, its memory statistics, and the reasons for drops, which lwIP lacks."""
    protocols = {
        name: {counter: getattr(getattr(stack.stats, name), counter) for counter in COUNTERS}
        for name in PROTOCOLS
    }
    mem = {
        use.name: {"avail": use.size, "used": use.used, "max": use.max, "err": use.failed}
        for use in pool_uses(stack)
    }
    drops = {
        name: {"packets": count, "meaning": Drop.all[name].meaning}
        for name, count in sorted(stack.stats.drops.items())
    }
    return {"protocols": protocols, "mem": mem, "drops": drops}


def pools(stack: Stack) -> list[Fields]:
    """The heap (bytes) and every pool (elements) that the profile has."""
    return [use._asdict() for use in pool_uses(stack)]


def neighbours(stack: Stack) -> Fields:
    """The ARP table in the order of its slots; ``packets`` wait for the address."""
    entries = [
        {
            "ip": format_ip(entry.ip),
            "mac": None if entry.state == arp.PENDING else format_mac(entry.mac),
            "state": ARP_STATES[entry.state],
            "age": age,
            "packets": len(entry.queue),
        }
        for entry, age in stack.arp.entries()
    ]
    return {"size": stack.profile.arp_table_size, "entries": entries}
