"""Outbound frames to packets of the language: real numbers to relative ones, and a check of every byte a
script can predict.

In the tcp view TCP and UDP over IPv4 become decoded packets, everything else a raw frame with its fields as
JSON; in the eth view everything does.
"""

from __future__ import annotations

import struct

from lab.pkt.describe import describe
from lab.pkt.events import Eth, Modifier, Option, Packet, Tcp, Udp
from lab.pkt.frames import Addressing, IssTable, pattern, payload
from netstack.checksum import is_valid, residue

_IP = struct.Struct("!BBHHHBBHII")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHH")
_FLAG_ORDER = (
    (0x01, "F"),
    (0x02, "S"),
    (0x04, "R"),
    (0x08, "P"),
    (0x20, "U"),
    (0x40, "E"),
    (0x80, "W"),
    (0x10, "."),
)
_U32 = 0xFFFFFFFF
_EXPECTED_TTL = 255
_SERVICE_PORTS = (53, 67, 5353)  # DNS, DHCP, mDNS: what the stack itself sends to them is no pattern
_WRONG_PAYLOAD = "the payload is not the pattern"


class FrameDecoder:
    """Decodes outbound frames. ``view`` is "tcp" or "eth". SYNs of the stack are entered in ``isses``."""

    def __init__(self, addressing: Addressing, isses: IssTable, view: str) -> None:
        self.addressing = addressing
        self.isses = isses
        self.view = view

    def decode(self, frame: bytes) -> tuple[Packet, str | None]:
        """The packet, and what is wrong with its payload or checksums (None: nothing)."""
        fields = _ipv4(frame)
        if fields is None or fields[6] not in (6, 17):
            return Eth(frame, describe(frame)), None
        return self._transport(frame, fields)

    def _transport(self, frame: bytes, fields: tuple[int, ...]) -> tuple[Packet, str | None]:
        header = (fields[0] & 15) * 4
        source, target = fields[8], fields[9]
        body = frame[14 + header : 14 + fields[2]]
        tcp = fields[6] == 6
        fault = _checksum_fault(frame[14 : 14 + header], body, fields)
        packet: Tcp | Udp | None
        if tcp:
            packet, payload_fault = self._tcp(body, target)
        else:
            packet, payload_fault = self._udp(body)
        if self.view == "eth" or packet is None:
            return Eth(frame, describe(frame)), fault
        packet.modifiers = self._modifiers(fields, source, target)
        return packet, fault or payload_fault

    def _modifiers(self, fields: tuple[int, ...], source: int, target: int) -> list[Modifier]:
        found = []
        if source != self.addressing.local_ip:
            found.append(Modifier("src", source))
        if target != self.addressing.peer_ip:
            found.append(Modifier("dst", target))
        if fields[5] != _EXPECTED_TTL:
            found.append(Modifier("ttl", fields[5]))
        if fields[1]:
            found.append(Modifier("tos", fields[1]))
        if fields[4] & 0x4000:
            found.append(Modifier("df"))
        return found

    def _tcp(self, body: bytes, target: int) -> tuple[Tcp | None, str | None]:
        if len(body) < 20 or len(body) < (body[12] >> 4) * 4 or body[12] >> 4 < 5:
            return None, None
        sport, dport, seq, ack, offset, bits, win, _, urg = _TCP.unpack_from(body)
        flags = "".join(letter for bit, letter in _FLAG_ORDER if bits & bit) or "-"
        if bits & 0x02:
            self.isses.sent_syn(sport, target, dport, seq)
        header = (offset >> 4) * 4
        data = body[header:]
        relative = (seq - self.isses.base(sport, target, dport)) & _U32
        packet = Tcp(flags, relative, (relative + len(data)) & _U32, len(data), (sport, dport), win=win)
        if bits & 0x10:
            packet.ack = (ack - self.addressing.peer_iss) & _U32
        if bits & 0x20:
            packet.urg = urg
        if header > 20:
            packet.options = decode_options(body[20:header], self.addressing.peer_iss)
        fault = None if data == payload(packet) else _WRONG_PAYLOAD
        return packet, fault

    def _udp(self, body: bytes) -> tuple[Udp | None, str | None]:
        if len(body) < 8:
            return None, None
        sport, dport, _, _ = _UDP.unpack_from(body)
        data = body[8:]
        ours = dport in _SERVICE_PORTS or data == pattern(0, len(data))
        return Udp(len(data), (sport, dport)), None if ours else _WRONG_PAYLOAD


def _ipv4(frame: bytes) -> tuple[int, ...] | None:
    """The fields of an unfragmented IPv4 packet, or None."""
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        return None
    fields = _IP.unpack_from(frame, 14)
    header = (fields[0] & 15) * 4
    if (
        fields[0] >> 4 != 4
        or header < 20
        or fields[2] < header
        or len(frame) < 14 + fields[2]
        or fields[4] & 0x3FFF
    ):
        return None
    return fields


def _checksum_fault(header: bytes, body: bytes, fields: tuple[int, ...]) -> str | None:
    if not is_valid(residue(header)):
        return "wrong IP checksum"
    protocol = fields[6]
    if protocol == 17 and body[6:8] == b"\0\0":
        return None
    pseudo = struct.pack("!IIHH", fields[8], fields[9], protocol, len(body))
    return None if is_valid(residue(pseudo) + residue(body)) else "wrong checksum"


def decode_options(data: bytes, peer_base: int) -> list[Option]:
    """TCP options of a header; SACK edges become relative to ``peer_base``. What follows eol or a bad length
    is given as raw."""
    options: list[Option] = []
    i = 0
    while i < len(data):
        kind = data[i]
        if kind < 2:
            options.append(Option("nop" if kind else "eol"))
            i += 1
            continue
        length = data[i + 1] if i + 1 < len(data) else 0
        if length < 2 or i + length > len(data):
            return [*options, Option("raw", (), data[i:])]
        options.append(_option(kind, data[i + 2 : i + length], peer_base))
        i += length
    return options


def _option(kind: int, body: bytes, peer_base: int) -> Option:
    size = len(body)
    if kind == 2 and size == 2:
        return Option("mss", (int.from_bytes(body, "big"),))
    if kind == 3 and size == 1:
        return Option("wscale", (body[0],))
    if kind == 4 and not size:
        return Option("sackOK")
    if kind == 5 and size and size % 8 == 0:
        edges = struct.unpack(f"!{size // 4}I", body)
        return Option("sack", tuple((edge - peer_base) & _U32 for edge in edges))
    if kind == 8 and size == 8:
        return Option("TS", struct.unpack("!II", body))
    return Option("kind", (kind,), body)
