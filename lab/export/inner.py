"""The inner state of the devices of a run, as its trace tells it, beside any of its events.

    una=6509 nxt=7045 flight=536 cwnd=2144 ssthresh=2144 snd_wnd=2144 rto=1500ms nrtx=0 dupacks=0
    heap=1284/4000 PBUF_POOL=0/16 TCP_PCB=1/5 TCP_SEG=2/16

The form is that of a capture made while a network runs (``tap.inner``), but that sequence numbers count from
the SYN, as everywhere in a trace.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from lab.trace.reader import Trace
from lab.trace.writer import Record

SHOWN = "una nxt flight cwnd ssthresh snd_wnd rto nrtx dupacks".split()
HEAP = "HEAP"
DEFAULT_TICK = 500_000_000

Numbers = dict[str, Any]


class Inner:
    """Follows a run: ``learn`` each event in its order, and ask between."""

    def __init__(self, trace: Trace) -> None:
        self._devices = trace.devices
        self._connections: dict[tuple[str, int], Numbers] = defaultdict(dict)
        self._pools: dict[str, dict[str, int]] = defaultdict(dict)

    def learn(self, event: Record) -> None:
        """Take down what an event says of a connection or a pool."""
        kind, on = event["kind"], event["on"]
        if kind == "pool":
            self._pools[on][event["pool"]] = event["used"]
        elif kind == "boot":
            self._pools.pop(on, None)
            for key in [key for key in self._connections if key[0] == on]:
                del self._connections[key]
        elif kind == "window" and event["which"] == "snd_wnd":
            self._connections[on, event["conn"]]["snd_wnd"] = event["value"]
        elif kind in ("tcb", "segment-out", "segment-in", "congestion", "retransmit", "rtt"):
            self._take(self._connections[on, event["conn"]], event)

    @staticmethod
    def _take(known: Numbers, event: Record) -> None:
        kind = event["kind"]
        if kind == "segment-in":  # the numbers before it, and what it changes
            if event.get("acked"):
                known["una"] = event["ack"]
                known["flight"] = known.get("nxt", event["ack"]) - event["ack"]
            if event.get("wnd_taken"):
                known["snd_wnd"] = event["wnd"]
            if event.get("dupacks") is not None:
                known["dupacks"] = event["dupacks"]
        else:
            known |= {name: event[name] for name in SHOWN if event.get(name) is not None}
        if kind == "segment-out" and "una" in event and "flight" in event:
            known["nxt"] = event["una"] + event["flight"]
        elif kind == "segment-out" and event["cause"] == "persist-probe" and "una" in known:
            # Other segments are counted after they have left; this one before (tcp_zero_window_probe).
            known["nxt"] = max(known["nxt"], event["seq"] + event["len"])
            known["flight"] = known["nxt"] - known["una"]

    def connection(self, device: str, conn: int | None) -> str:
        """The line of a connection at that end; "" where nothing is known of it."""
        known = {} if conn is None else self._connections.get((device, conn), {})
        words = []
        for name in SHOWN:
            if name == "rto" and name in known:
                words.append(f"rto={known[name] * self._slow_tick(device) // 1_000_000}ms")
            elif name in known:
                words.append(f"{name}={known[name]}")
        return " ".join(words)

    def memory(self, device: str) -> str:
        """The line of heap and pools; those of which nothing is used are left out."""
        used = self._pools.get(device, {})
        limits = self._devices.get(device, {}).get("limits", {})
        words = [f"heap={used.get(HEAP, 0)}/{limits[HEAP]}"] if HEAP in limits else []
        words += [f"{name}={used[name]}/{limits[name]}" for name in limits if name != HEAP and used.get(name)]
        return " ".join(words)

    def _slow_tick(self, device: str) -> int:
        tick = self._devices.get(device, {}).get("tick") or {}
        return int(tick.get("slow_ns", DEFAULT_TICK))
