"""Frames decoded for a trace: headers by name, TCP's numbers counted from the SYN, one line for people."""

from __future__ import annotations

import json
from typing import Any

from lab.pkt.decode import decode_options
from lab.pkt.describe import describe
from lab.segments import Reader
from lab.trace.flows import ACK, SYN, Flows, flag_letters
from netstack import ethernet, ip_header
from netstack.address import format_ip
from netstack.checksum import residue
from netstack.ip_header import MORE_FRAGMENTS, OFFSET_MASK, Ipv4Header
from netstack.tcp.header import HEADER

Fields = dict[str, Any]
_FLAG_NAMES = ((2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (16, "ACK"), (32, "URG"))


def decode(frame: bytes, flows: Flows) -> Fields:
    """The fields of a ``frame`` event but for its id: size, info, headers; conn and flow of a segment. Never
    fails.
    """
    fields: Fields = {"size": len(frame), "hex": frame.hex(), **json.loads(describe(frame))}
    fields.setdefault("eth", {})["type"] = int.from_bytes(frame[12:14], "big")
    fields.pop("tcp", None)
    packet = segment_of(frame[ethernet.HEADER_LEN :]) if fields["eth"]["type"] == ethernet.TYPE_IPV4 else None
    if packet is None:
        fields["info"] = " ".join(Reader(0).read(frame, inbound=False).text.split())
    else:
        fields |= _segment(*packet, flows)
    return fields


def segment_of(packet: bytes) -> tuple[Ipv4Header, bytes] | None:
    """The IP header of a packet and the TCP segment it carries whole; None for anything else."""
    header = ip_header.parse(packet)
    if header is None or header.proto != 6 or header.fragment & (MORE_FRAGMENTS | OFFSET_MASK):
        return None
    body = packet[header.header_len : header.total_len]
    return (header, body) if len(body) >= HEADER.size else None


def _segment(header: Ipv4Header, body: bytes, flows: Flows) -> Fields:
    sport, dport, seq, ack, offset_flags, window, _, _ = HEADER.unpack_from(body)
    flags = offset_flags & 0xFF
    header_len = min(max(offset_flags >> 12 << 2, HEADER.size), len(body))
    sender, receiver = (header.src, sport), (header.dst, dport)
    syn = bool(flags & SYN)
    intact = not (residue(body) + header.src + header.dst + ip_header.PROTO_TCP + len(body)) % 0xFFFF
    if not intact:
        talk = flows.known(sender, receiver)  # what a damaged segment says is not learned
    else:
        talk = flows.syn(sender, receiver, seq, not flags & ACK) if syn else flows.of(sender, receiver)
    options: Fields = {}
    raw_options = body[HEADER.size : header_len]
    for option in decode_options(raw_options, 0):
        if option.name == "wscale" and syn and intact:
            talk.scales[sender] = min(option.numbers[0], 14)
        if option.name == "sack":
            edges = [talk.relative(receiver, edge) for edge in option.numbers]
            options["sack"] = [list(block) for block in zip(edges[::2], edges[1::2], strict=True)]
        elif option.name not in ("nop", "eol"):
            options[option.name] = list(option.numbers) if len(option.numbers) != 1 else option.numbers[0]
    relative = talk.relative(sender, seq)
    tcp: Fields = {
        "sport": sport,
        "dport": dport,
        "seq": relative,
        "ack": talk.relative(receiver, ack) if flags & ACK else None,
        "raw_seq": seq,
        "raw_ack": ack,
        "flags": flag_letters(flags),
        "wnd": talk.window(sender, window, syn),
        "len": len(body) - header_len,
        "options": options,
    }
    flow = f"{format_ip(header.src)}:{sport}>{format_ip(header.dst)}:{dport}"
    if intact:
        return {"conn": talk.number, "flow": flow, "tcp": tcp, "info": _line(tcp, flags)}
    tcp["badsum"] = 1
    info = f"{_line(tcp, flags)} (bad checksum)"
    return {"conn": talk.number or None, "flow": flow, "tcp": tcp, "info": info}


def _line(tcp: Fields, flags: int) -> str:
    """``SYN 0 win 6400 mss 800``, ``PSH ACK 1:537 ack 1 win 6400``."""
    words = [name for bit, name in _FLAG_NAMES if flags & bit] or ["no flags"]
    words.append(f"{tcp['seq']}:{tcp['seq'] + tcp['len']}" if tcp["len"] else str(tcp["seq"]))
    if tcp["ack"] is not None:
        words.append(f"ack {tcp['ack']}")
    words.append(f"win {tcp['wnd']}")
    for name, value in tcp["options"].items():
        if name == "sack":
            words += ["sack", *(f"{left}:{right}" for left, right in value)]
        elif name in ("mss", "wscale"):
            words.append(f"{name} {value}")
        elif flags & SYN and name in ("sackOK", "TS"):
            words.append(name)
    return " ".join(words)
