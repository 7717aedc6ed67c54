"""The fields of a frame by scapy's names, and checksums made right again.

0        14          14 + 4 * ihl
+--------+-----------+-------------------------------+
|  eth   |  ip | arp |  tcp | udp | icmp  |  payload |
+--------+-----------+-------------------------------+
"""

from __future__ import annotations

from netstack.checksum import finish, residue
from tap.impair.units import ImpairmentError

# name: (first byte from the layer's start, bytes, bits of them that are the field)
FIELDS = {
    "eth.dst": (0, 6, 0xFFFFFFFFFFFF),
    "eth.src": (6, 6, 0xFFFFFFFFFFFF),
    "eth.type": (12, 2, 0xFFFF),
    "arp.hwtype": (0, 2, 0xFFFF),
    "arp.ptype": (2, 2, 0xFFFF),
    "arp.op": (6, 2, 0xFFFF),
    "arp.hwsrc": (8, 6, 0xFFFFFFFFFFFF),
    "arp.psrc": (14, 4, 0xFFFFFFFF),
    "arp.hwdst": (18, 6, 0xFFFFFFFFFFFF),
    "arp.pdst": (24, 4, 0xFFFFFFFF),
    "ip.version": (0, 1, 0xF0),
    "ip.ihl": (0, 1, 0x0F),
    "ip.tos": (1, 1, 0xFF),
    "ip.len": (2, 2, 0xFFFF),
    "ip.id": (4, 2, 0xFFFF),
    "ip.flags": (6, 1, 0xE0),
    "ip.frag": (6, 2, 0x1FFF),
    "ip.ttl": (8, 1, 0xFF),
    "ip.proto": (9, 1, 0xFF),
    "ip.chksum": (10, 2, 0xFFFF),
    "ip.src": (12, 4, 0xFFFFFFFF),
    "ip.dst": (16, 4, 0xFFFFFFFF),
    "tcp.sport": (0, 2, 0xFFFF),
    "tcp.dport": (2, 2, 0xFFFF),
    "tcp.seq": (4, 4, 0xFFFFFFFF),
    "tcp.ack": (8, 4, 0xFFFFFFFF),
    "tcp.dataofs": (12, 1, 0xF0),
    "tcp.flags": (13, 1, 0xFF),
    "tcp.window": (14, 2, 0xFFFF),
    "tcp.chksum": (16, 2, 0xFFFF),
    "tcp.urgptr": (18, 2, 0xFFFF),
    "udp.sport": (0, 2, 0xFFFF),
    "udp.dport": (2, 2, 0xFFFF),
    "udp.len": (4, 2, 0xFFFF),
    "udp.chksum": (6, 2, 0xFFFF),
    "icmp.type": (0, 1, 0xFF),
    "icmp.code": (1, 1, 0xFF),
    "icmp.chksum": (2, 2, 0xFFFF),
    "icmp.id": (4, 2, 0xFFFF),
    "icmp.seq": (6, 2, 0xFFFF),
}  # fmt: skip

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}
_SHORTEST = {"icmp": 8, "tcp": 20, "udp": 8}
_CHECKSUM_AT = {"icmp": 2, "tcp": 16, "udp": 6}


def known(field: str) -> str:
    """``field`` if there is one of that name."""
    if field not in FIELDS:
        layer = [name for name in FIELDS if name.startswith(_layer(field) + ".")] or sorted(FIELDS)
        raise ImpairmentError(f"there is no field {field!r}: take one of {', '.join(layer)}")
    return field


def layers(frame: bytes | bytearray) -> dict[str, int]:
    """Where each layer of ``frame`` starts: eth, arp, ip, tcp, udp, icmp, payload, as far as it is whole.

    A later fragment has no transport layer.
    """
    if len(frame) < 14:
        return {}
    found = {"eth": 0}
    if frame[12:14] == b"\x08\x06" and len(frame) >= 42:
        found["arp"] = 14
    if frame[12:14] != b"\x08\x00" or len(frame) < 34 or frame[14] >> 4 != 4:
        return found
    found["ip"] = 14
    above = 14 + (frame[14] & 0xF) * 4
    if above < 34 or above > len(frame):
        return found
    name = _PROTOCOLS.get(frame[23], "payload")
    if name == "payload" or (frame[20] << 8 | frame[21]) & 0x1FFF or above + _SHORTEST[name] > len(frame):
        found["payload"] = above
        return found
    found[name] = above
    found["payload"] = above + ((frame[above + 12] >> 4) * 4 if name == "tcp" else _SHORTEST[name])
    return found


def get(frame: bytes | bytearray, field: str) -> int | None:
    """The value of ``field``; None when the frame has no such field."""
    start = layers(frame).get(_layer(field))
    if start is None:
        return None
    offset, count, mask = FIELDS[field]
    word = int.from_bytes(frame[start + offset : start + offset + count], "big")
    return (word & mask) >> _shift(mask)


def put(frame: bytearray, field: str, value: int) -> None:
    """Set ``field`` of a frame that has it; ``value`` is cut to its width."""
    start = layers(frame)[_layer(field)]
    offset, count, mask = FIELDS[field]
    at = slice(start + offset, start + offset + count)
    word = int.from_bytes(frame[at], "big") & ~mask | value << _shift(mask) & mask
    frame[at] = word.to_bytes(count, "big")


def width(field: str) -> int:
    """Bits of ``field``."""
    return FIELDS[field][2].bit_count()


def repair(frame: bytearray) -> None:
    """Make the checksums of the IPv4 header and of TCP, UDP or ICMP right for what they cover now.

    A UDP checksum of 0 stays (RFC 768: none), as does that of a fragment, which covers more than is here.
    """
    start = layers(frame)
    if "ip" not in start:
        return
    above = 14 + (frame[14] & 0xF) * 4
    end = min(len(frame), 14 + (frame[16] << 8 | frame[17]))
    if above < 34 or end < above:
        return
    frame[24:26] = b"\0\0"
    frame[24:26] = finish(residue(frame[14:above])).to_bytes(2, "big")
    name = next((name for name in _CHECKSUM_AT if name in start), None)
    if name is None or frame[20] & 0x20 or end < above + _SHORTEST[name]:
        return
    at = above + _CHECKSUM_AT[name]
    if name == "udp" and frame[at : at + 2] == b"\0\0":
        return
    frame[at : at + 2] = b"\0\0"
    total = residue(frame[above:end])
    if name != "icmp":
        total += residue(frame[26:34]) + frame[23] + end - above
    checksum = finish(total)
    if name == "udp" and not checksum:
        checksum = 0xFFFF
    frame[at : at + 2] = checksum.to_bytes(2, "big")


def _layer(field: str) -> str:
    return field.partition(".")[0]


def _shift(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
