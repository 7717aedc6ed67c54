"""What a trace must hold (docs/trace.md): the kinds of events with the fields that every one has.

A reader must ignore what it does not know, so only what is missing is wrong.
"""

from __future__ import annotations

from typing import Any

from lab.trace.writer import SCHEMA, VERSION

HEADER = {
    "source": str,
    "title": str,
    "clock": str,
    "devices": list,
    "cables": list,
}
DEVICE = ("name", "profile", "mac", "address", "tick", "limits")
SOURCES = ("live", "virtual", "pkt", "scenario")

_OF_CONNECTION = "conn flow "

KINDS: dict[str, tuple[str, ...]] = {
    kind: tuple(fields.split())
    for kind, fields in {
        "frame": "frame size hex info eth",
        "frame-out": "frame err",
        "frame-in": "frame",
        "wire": "frame sent arrived",
        "died": "frame sent rule detail",
        "verdict": "frame rule action detail",
        "segment-in": _OF_CONNECTION + "seq ack flags wnd len state verdict ack_kind",
        "segment-out": _OF_CONNECTION + "seq ack flags wnd len cause xmit",
        "held": "why",
        "retransmit": _OF_CONNECTION + "seq len cause nrtx rto",
        "drop": "reason protocol meaning counters",
        "state": _OF_CONNECTION + "old new",
        "tcb": _OF_CONNECTION
        + "state una nxt lbb snd_wnd cwnd ssthresh mss rcv_nxt rcv_wnd rcv_ann_wnd rcv_edge unsent unacked "
        "ooseq unread rtime rto nrtx sa sv dupacks persist flags ticks",
        "window": _OF_CONNECTION + "which value old",
        "congestion": _OF_CONNECTION + "cwnd ssthresh old_cwnd old_ssthresh cause",
        "rtt": _OF_CONNECTION + "what seq",
        "timer-armed": _OF_CONNECTION + "timer ticks due",
        "timer-stopped": _OF_CONNECTION + "timer why",
        "timer-fired": _OF_CONNECTION + "timer count limit action",
        "timer": "name",
        "reassembly": _OF_CONNECTION + "what seq len queue",
        "arp": "what ip mac packets",
        "pool": "pool action used size",
        "api": "call",
        "boot": "again",
        "device": "name profile",
        "end": "frames events",
    }.items()
}


def wrong_header(header: Any) -> str | None:
    """What is wrong with the first line of a trace; None if nothing is."""
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        return f'the first line is not {{"schema": "{SCHEMA}", ...}}: this is no trace'
    if header.get("version") != VERSION:
        return f"version {header.get('version')} of the schema; this program reads {VERSION}: record it again"
    for name, kind in HEADER.items():
        if not isinstance(header.get(name), kind):
            return f"the header lacks {name}"
    for device in header["devices"]:
        missing = next((name for name in DEVICE if not isinstance(device, dict) or name not in device), None)
        if missing is not None:
            return f"a device of the header lacks {missing}"
    return None


def wrong_event(event: Any, ordinal: int) -> str | None:
    """What is wrong with event number ``ordinal``; None if nothing is."""
    if not isinstance(event, dict):
        return "not an object"
    for name, kind in (("i", int), ("t", int), ("on", str), ("kind", str)):
        if not isinstance(event.get(name), kind):
            return f"an event needs {name}, {'a whole number' if kind is int else 'a text'}"
    if event["i"] != ordinal:
        return f"event {event['i']} where {ordinal} should be: lines are missing or not in order"
    missing = next((name for name in KINDS.get(event["kind"], ()) if name not in event), None)
    return None if missing is None else f"{event['kind']} without {missing}"
