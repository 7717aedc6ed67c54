"""Answers of a device as texts that read like what people know: ``ss -ti``, lwIP's stats, ``ip neigh``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Fields = dict[str, Any]

# As ss writes lwIP's states; a pcb that is only bound is CLOSED.
STATES = {
    "CLOSED": "UNCONN", "LISTEN": "LISTEN", "SYN_SENT": "SYN-SENT", "SYN_RCVD": "SYN-RECV",
    "ESTABLISHED": "ESTAB", "FIN_WAIT_1": "FIN-WAIT-1", "FIN_WAIT_2": "FIN-WAIT-2",
    "CLOSE_WAIT": "CLOSE-WAIT", "CLOSING": "CLOSING", "LAST_ACK": "LAST-ACK", "TIME_WAIT": "TIME-WAIT",
}  # fmt: skip

_ROW = "{:5} {:10} {:>6} {:>6} {:>21} {:>21}"
_PROTOCOLS = ("link", "etharp", "ip_frag", "ip", "igmp", "icmp", "udp", "tcp")  # as stats_display has them

# As ip-neighbour(8) writes the states of an ARP entry
_NEIGHBOUR = {"PENDING": "INCOMPLETE", "STABLE": "REACHABLE", "STATIC": "PERMANENT"}


def sockets(found: Fields) -> Iterator[str]:
    """As ``ss -ti`` and ``ss -u``: a row for each, behind a connection's what TCP knows of it."""
    yield _ROW.format("Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port")
    for one in found["tcp"]:
        state = STATES[one["state"]]
        yield _ROW.format("tcp", state, one["recv_q"], one["send_q"], one["local"], one["remote"]).rstrip()
        if one["state"] != "LISTEN":
            yield f"\t {inside(one)}"
    for one in found["udp"]:
        yield _ROW.format("udp", "UNCONN", "", "", one["local"], one["remote"]).rstrip()


def inside(one: Fields) -> str:
    """What TCP knows of a connection, in ss's words where it has them."""
    rtt = f"{one['rtt']}/{one['rttvar']}" if one["rttvar"] is not None else "none"
    words = [
        f"lwip cwnd:{one['cwnd']} ssthresh:{one['ssthresh']} rto:{one['rto']} rtt:{rtt} mss:{one['mss']}",
        f"snd_wnd:{one['snd_wnd']} rcv_wnd:{one['rcv_wnd']}",
        f"unacked:{one['unacked']} retrans:{one['retrans']}",
    ]
    words += [f"{name}:{one[name]}" for name in ("unsent", "ooseq", "dupacks") if one[name]]
    if one["rcv_ann_wnd"] != one["rcv_wnd"]:
        words.append(f"rcv_ann_wnd:{one['rcv_ann_wnd']}")
    words += [f"timer:({timer['name']},{timer['in']}ms)" for timer in one["timers"]]
    words += [name for name in ("nodelay", "keepalive") if one[name]]
    return " ".join(words)


def stats(found: Fields) -> Iterator[str]:
    """As lwIP's ``stats_display``, and behind that why packets were dropped."""
    for name in _PROTOCOLS:
        yield from _block(name.upper(), found["protocols"][name])
    for name, use in found["mem"].items():
        yield from _block(f"MEM {name}", use)
    if found["drops"]:
        yield ""
        yield "DROPPED"
        for name, drop in found["drops"].items():
            yield f"\t{drop['packets']} {name}: {drop['meaning']}"


def _block(title: str, counters: dict[str, int]) -> Iterator[str]:
    yield ""
    yield title
    for name, value in counters.items():
        yield f"\t{name}: {value}"


def neighbours(found: Fields, tap: str) -> Iterator[str]:
    """As ``ip neigh``, with what that shows with -s: the age, and how many packets wait."""
    for entry in found["entries"]:
        words = [entry["ip"], "dev", tap]
        if entry["mac"] is not None:
            words += ["lladdr", entry["mac"]]
        if entry["state"] != "STATIC":
            words += ["age", f"{entry['age'] // 1000}s"]
        if entry["packets"]:
            words += ["queued", str(entry["packets"])]
        yield " ".join([*words, _NEIGHBOUR[entry["state"]]])


def injection(one: Fields) -> str:
    """``  1  drop kind=data n=3    device>linux: 1 hits; linux>device: 0 hits``."""
    places = []
    for where, done in one["done"].items():
        counts = ", ".join(f"{count} {action}" for action, count in done.items()) or "nothing yet"
        places.append(f"{where}: {counts}")
    return f"{one['number']:3}  {one['text']:40}  {'; '.join(places)}"
