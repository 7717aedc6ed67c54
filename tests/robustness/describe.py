"""What a stack did, in one line: the frames it sent, what its application heard, how its connection stands.

ICMP0/0                                              a message by type and code
UDP(2) · app:UDP2;                                   a datagram by its length; the echo server got one
RST+ACK seq=500 ack=101                              numbers are absolute,
SYN+ACK seq=U-1 ack=101 · SYN_RCVD(mss 536)          but for ours near U = SND.UNA after the handshake
ACK seq=U ack=1001 ×200 · ESTAB                      the same frame 200 times
none · app:DATA10; · ESTAB
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from netstack.address import format_ip, format_mac, parse_ip
from tests.robustness.frames import PEER, PEER_MAC, U

_FLAGS = ((2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (32, "URG"), (16, "ACK"))
_NEAR = 500_000
STATES = (
    "CLOSED LISTEN SYN_SENT SYN_RCVD ESTAB FIN_WAIT_1 FIN_WAIT_2 CLOSE_WAIT CLOSING LAST_ACK TIME_WAIT"
).split()


def frames_text(frames: Iterable[bytes], una: int = U) -> str:
    """All frames, equal ones that follow each other counted; ``none`` if there are none. ``una`` is U."""
    described = (frame_text(frame, una) for frame in frames)
    texts = [(text, len(list(same))) for text, same in groupby(described)]
    return "; ".join(text if count == 1 else f"{text} ×{count}" for text, count in texts) or "none"


def frame_text(frame: bytes, una: int = U) -> str:
    """One frame. A destination that is not the peer's MAC or everybody's is shown."""
    kind = int.from_bytes(frame[12:14], "big")
    body = frame[14:]
    if kind == 0x0806:
        who = format_ip(int.from_bytes(body[24:28], "big"))
        return f"ARP-{'req' if body[7] == 1 else 'rep'}({who})"
    dst = format_mac(frame[:6])
    to = "" if dst == PEER_MAC or int.from_bytes(body[16:20], "big") != parse_ip(PEER) else f" ->{dst}"
    return _packet_text(body, una) + to


def _packet_text(packet: bytes, una: int) -> str:
    header = (packet[0] & 15) * 4
    payload = packet[header:]
    offset = int.from_bytes(packet[6:8], "big") & 0x1FFF
    if offset:
        return "fragment"
    words = "" if header == 20 else f" ihl={header // 4}"
    match packet[9]:
        case 1:
            return _icmp_text(payload) + words
        case 2:
            return f"IGMP{payload[0]:02x}({format_ip(int.from_bytes(payload[4:8], 'big'))})"
        case 6:
            return _tcp_text(payload, packet[16:20], una)
        case 17:
            return f"UDP({int.from_bytes(payload[4:6], 'big') - 8})"
    return f"IP proto {packet[9]}"


def _icmp_text(message: bytes) -> str:
    text = f"ICMP{message[0]}/{message[1]}"
    quoted = len(message) - 8
    return text if message[0] in {0, 8} or quoted == 28 else f"{text} quote={quoted}"


def _tcp_text(data: bytes, dst: bytes, una: int) -> str:
    _, _, seq, ack, offset_flags = struct.unpack_from("!HHIIH", data)
    flags = "+".join(name for bit, name in _FLAGS if offset_flags & bit)
    length = len(data) - (offset_flags >> 12) * 4
    text = f"{flags} seq={_relative(seq, una)}"
    if offset_flags & 16:
        text += f" ack={ack}"
    if length:
        text += f" len={length}"
    to = format_ip(int.from_bytes(dst, "big"))
    return text if to == PEER else f"{text} ->{to}"


def _relative(seq: int, una: int) -> str:
    if abs(seq - una) > _NEAR:
        return str(seq)
    return "U" if seq == una else f"U{seq - una:+d}"


def connection_text(pcb: Any) -> str:
    """State of a connection, and what is unusual about it: MSS, scale, data in flight, a closed window."""
    if pcb is None:
        return ""
    details = []
    if STATES[pcb.state] == "SYN_RCVD" or pcb.mss not in {536, 1460}:
        details.append(f"mss {pcb.mss}")
    if pcb.snd_scale:
        details.append(f"scale {pcb.snd_scale}")
    flight = pcb.snd_nxt - pcb.lastack & 0xFFFFFFFF
    if STATES[pcb.state] == "ESTAB" and flight:
        details.append(f"flight {flight}")
    if STATES[pcb.state] == "ESTAB" and not pcb.snd_wnd:
        details.append("wnd 0")
    return STATES[pcb.state] + (f"({', '.join(details)})" if details else "")
