"""The fields of a frame as one line of JSON, as the recorded traces write them behind the hex of a frame.

Fields come in a fixed order; those that say something is unusual (``badsum``, ``mf``, ``off``, ...) only
where it is. Headers: RFC 826 (ARP), 791 (IPv4), 792 (ICMP), 2236 (IGMP), 768 (UDP), 2131 (DHCP), 1035 (DNS).
"""

from __future__ import annotations

import json
import struct

from netstack.address import format_ip
from netstack.checksum import is_valid, residue

_Fields = dict[str, object]
_DHCP_COOKIE = b"\x63\x82\x53\x63"


def describe(frame: bytes) -> str:
    """JSON without spaces. Never fails: what cannot be decoded is left out."""
    eth: _Fields = {"dst": frame[:6].hex(), "src": frame[6:12].hex()}
    result: _Fields = {"eth": eth}
    if len(frame) >= 14:
        kind = int.from_bytes(frame[12:14], "big")
        body = frame[14:]
        if kind == 0x0806 and len(body) >= 28:
            result["arp"] = _arp(body)
        elif kind == 0x0800:
            _ipv4(result, body)
        else:
            eth["type"] = kind
    return json.dumps(result, separators=(",", ":"))


def _arp(body: bytes) -> _Fields:
    hw, proto, hlen, plen, op = struct.unpack_from("!HHBBH", body)
    fields: _Fields = {
        "op": op,
        "sha": body[8:14].hex(),
        "spa": _ip(body[14:18]),
        "tha": body[18:24].hex(),
        "tpa": _ip(body[24:28]),
    }
    if (hw, proto, hlen, plen) != (1, 0x0800, 6, 4):
        fields |= {"hw": hw, "proto": proto, "hlen": hlen, "plen": plen}
    return fields


def _ipv4(result: _Fields, body: bytes) -> None:
    if len(body) < 20:
        result["short"] = len(body)
        return
    words, _, total, ident, offset, ttl, proto = struct.unpack_from("!BBHHHBB", body)
    header = (words & 15) * 4
    fields: _Fields = {
        "src": _ip(body[12:16]),
        "dst": _ip(body[16:20]),
        "proto": proto,
        "ttl": ttl,
        "id": ident,
        "len": total,
    }
    result["ip"] = fields
    if words >> 4 != 4:
        fields["ver"] = words >> 4
    if header < 20:
        fields["ihl"] = words & 15
        return
    if header > 20:
        fields["opts"] = body[20:header].hex()
    if offset & 0x4000:
        fields["df"] = 1
    if offset & 0x2000:
        fields["mf"] = 1
    if offset & 0x1FFF:
        fields["off"] = (offset & 0x1FFF) * 8
    if not is_valid(residue(body[:header])):
        fields["badsum"] = 1
    payload = body[header:total]
    if offset & 0x1FFF:
        result["frag_payload"] = len(payload)
    else:
        _payload(result, proto, payload)


def _payload(result: _Fields, proto: int, payload: bytes) -> None:
    if proto == 1 and len(payload) >= 8:
        result["icmp"] = _icmp(payload)
    elif proto == 2 and len(payload) >= 8:
        result["igmp"] = {"type": payload[0], "maxresp": payload[1], "group": _ip(payload[4:8])}
    elif proto == 17 and len(payload) >= 8:
        _udp(result, payload)
    elif proto == 6 and len(payload) >= 20:
        sport, dport = struct.unpack_from("!HH", payload)
        result["tcp"] = {"sport": sport, "dport": dport, "flags": payload[13]}


def _icmp(payload: bytes) -> _Fields:
    kind, code, _, ident, seq = struct.unpack_from("!BBHHH", payload)
    fields: _Fields = {"type": kind, "code": code}
    if kind in (0, 8):
        fields |= {"id": ident, "seq": seq}
    else:
        fields["rest"] = payload[4:8].hex()
    fields["len"] = len(payload) - 8
    if not is_valid(residue(payload)):
        fields["badsum"] = 1
    return fields


def _udp(result: _Fields, payload: bytes) -> None:
    sport, dport, length, _ = struct.unpack_from("!HHHH", payload)
    result["udp"] = {"sport": sport, "dport": dport, "len": length - 8}
    body = payload[8:]
    if {sport, dport} & {67, 68} and len(body) >= 240 and body[236:240] == _DHCP_COOKIE:
        result["dhcp"] = _dhcp(body)
    elif {sport, dport} & {53, 5353} and len(body) >= 12:
        result["dns"] = _dns(body)


def _dhcp(body: bytes) -> _Fields:
    op, _, _, _, xid, secs, flags = struct.unpack_from("!BBBBIHH", body)
    options: _Fields = {}
    i = 240
    while i < len(body) and body[i] != 255:
        if body[i] == 0:
            i += 1
            continue
        length = body[i + 1] if i + 1 < len(body) else 0
        options[str(body[i])] = body[i + 2 : i + 2 + length].hex()
        i += 2 + length
    return {
        "op": op,
        "xid": f"{xid:08x}",
        "secs": secs,
        "flags": flags,
        "ciaddr": _ip(body[12:16]),
        "yiaddr": _ip(body[16:20]),
        "chaddr": body[28:34].hex(),
        "opts": options,
    }


def _dns(body: bytes) -> _Fields:
    ident, flags, questions, answers = struct.unpack_from("!HHHH", body)
    fields: _Fields = {"id": ident, "flags": flags, "qd": questions, "an": answers}
    if questions:
        labels: list[str] = []
        i = 12
        while i < len(body) and 0 < body[i] < 0xC0:
            labels.append(body[i + 1 : i + 1 + body[i]].decode("latin-1"))
            i += 1 + body[i]
        i += 1
        if i + 4 <= len(body):
            qtype, qclass = struct.unpack_from("!HH", body, i)
            fields |= {"q": ".".join(labels), "qtype": qtype, "qclass": qclass}
    return fields


def _ip(data: bytes) -> str:
    return format_ip(int.from_bytes(data, "big"))
