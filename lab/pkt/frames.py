"""Inbound packets of a script to Ethernet frames: addresses, relative numbers, payload pattern, options,
checksums, faults.

Headers: RFC 791 (IPv4), RFC 9293 section 3.1 (TCP), RFC 768 (UDP), RFC 792 (ICMP unreachable).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lab.pkt.events import Eth, Icmp, Modifier, Option, Packet, Tcp, Udp
from lab.pkt.packet_syntax import UNREACHABLE_CODES
from netstack.checksum import finish, residue

PATTERN_PERIOD = 251
_PERIOD = bytes(range(PATTERN_PERIOD))
_PATTERN = _PERIOD * 270  # longer than any payload of a packet plus one period

FLAG_BITS = {"F": 0x01, "S": 0x02, "R": 0x04, "P": 0x08, ".": 0x10, "U": 0x20, "E": 0x40, "W": 0x80, "-": 0}
_OPTION_KINDS = {"eol": 0, "nop": 1, "mss": 2, "wscale": 3, "sackOK": 4, "sack": 5, "TS": 8}

_IP = struct.Struct("!BBHHHBBHII")
_TCP = struct.Struct("!HHIIBBHHH")
_UDP = struct.Struct("!HHHH")

_U32 = 0xFFFFFFFF
_Values = dict[str, int | bytes | None]


def pattern(start: int, length: int) -> bytes:
    """The bytes a stream carries: byte k is k mod 251, here from byte ``start``."""
    offset = start % PATTERN_PERIOD
    if offset + length > len(_PATTERN):  # a long write
        return (_PERIOD * (length // PATTERN_PERIOD + 2))[offset : offset + length]
    return _PATTERN[offset : offset + length]


def payload(packet: Tcp) -> bytes:
    """What a TCP segment of the script carries: relative sequence number s is byte s-1 of the stream; a SYN
    takes one number."""
    first = packet.seq + ("S" in packet.flags)
    return pattern((first - 1) % (1 << 32), packet.length)


@dataclass(slots=True)
class Addressing:
    """Who is who in a script: the values behind its defaults. Addresses are ints and 6 bytes, ``peer_iss`` a
    real number."""

    local_ip: int
    local_mac: bytes
    local_port: int
    peer_ip: int
    peer_mac: bytes
    peer_port: int
    peer_iss: int


class IssTable:
    """The sequence number of the last SYN the stack sent on each (local port, peer address, peer port): our
    numbers' zero."""

    def __init__(self) -> None:
        self._iss: dict[tuple[int, int, int], int] = {}

    def sent_syn(self, local_port: int, peer_ip: int, peer_port: int, seq: int) -> None:
        """The stack sent a SYN with this sequence number."""
        self._iss[local_port, peer_ip, peer_port] = seq

    def base(self, local_port: int, peer_ip: int, peer_port: int) -> int:
        """What is subtracted from our numbers; 0 while no SYN was sent."""
        return self._iss.get((local_port, peer_ip, peer_port), 0)


def sum16(data: bytes) -> int:
    """The checksum field for ``data`` (RFC 1071)."""
    return finish(residue(data)) if any(data) else 0xFFFF


class FrameBuilder:
    """Builds inbound frames. The IP identification counts up from 1."""

    def __init__(self, addressing: Addressing, isses: IssTable) -> None:
        self.addressing = addressing
        self.isses = isses
        self._ip_id = 0

    def build(self, packet: Packet) -> bytes:
        """The frame for one inbound packet, without FCS and without padding."""
        if isinstance(packet, Eth):
            return packet.frame
        self._ip_id = (self._ip_id + 1) & 0xFFFF
        a = self.addressing
        values: _Values = {m.name: m.value for m in packet.modifiers}
        source = _int(values, "src", a.peer_ip)
        target = _int(values, "dst", a.local_ip)
        if isinstance(packet, Tcp):
            protocol, body = 6, self._tcp(packet, values, source, target)
        elif isinstance(packet, Udp):
            protocol, body = 17, self._udp(packet, values, source, target)
        else:
            protocol, body = 1, self._icmp(packet)
        header = self._ip(values, protocol, source, target, len(body))
        if "trunc" in values:
            body = body[: _int(values, "trunc", 0)]
        mac = a.peer_mac if "src" not in values else a.peer_mac[:5] + bytes([source & 0xFF])
        dmac = values.get("dmac", a.local_mac)
        assert isinstance(dmac, bytes)
        return dmac + mac + b"\x08\x00" + header + body

    def _ip(self, values: _Values, protocol: int, source: int, target: int, length: int) -> bytes:
        options = values.get("ipopt", b"")
        assert isinstance(options, bytes)
        options += b"\0" * (-len(options) % 4)
        words = 5 + len(options) // 4
        total = _int(values, "iplen", words * 4 + length) & 0xFFFF
        offset = 0x4000 if "df" in values else 0
        ttl = _int(values, "ttl", 64)
        tos = _int(values, "tos", 0)
        header = bytearray(
            _IP.pack(0x40 | words, tos, total, self._ip_id, offset, ttl, protocol, 0, source, target)
            + options
        )
        checksum = sum16(bytes(header)) ^ (0x5555 if "badipsum" in values else 0)
        header[10:12] = checksum.to_bytes(2, "big")
        return bytes(header)

    def _tcp(self, packet: Tcp, values: _Values, source: int, target: int) -> bytes:
        a = self.addressing
        sport, dport = packet.ports or (a.peer_port, a.local_port)
        base = self.isses.base(dport, source, sport)
        options = encode_options(packet.options or [], base)
        words = 5 + len(options) // 4
        flags = sum(FLAG_BITS[letter] for letter in packet.flags)
        offset = (_int(values, "doff", words) << 4 & 0xF0) | _int(values, "resv", 0)
        seq = (packet.seq + a.peer_iss) & _U32
        ack = 0 if packet.ack is None else (packet.ack + base) & _U32
        head = _TCP.pack(sport, dport, seq, ack, offset, flags, packet.win or 0, 0, packet.urg or 0)
        segment = bytearray(head + options + payload(packet))
        segment[16:18] = _transport_sum(segment, 6, source, target, values).to_bytes(2, "big")
        return bytes(segment)

    def _udp(self, packet: Udp, values: _Values, source: int, target: int) -> bytes:
        a = self.addressing
        sport, dport = packet.ports or (a.peer_port, a.local_port)
        length = _int(values, "ulen", (8 + packet.length) & 0xFFFF)
        datagram = bytearray(_UDP.pack(sport, dport, length, 0) + pattern(0, packet.length))
        if "nosum" not in values:
            checksum = _transport_sum(datagram, 17, source, target, values) or 0xFFFF
            datagram[6:8] = checksum.to_bytes(2, "big")
        return bytes(datagram)

    def _icmp(self, packet: Icmp) -> bytes:
        """Destination unreachable (RFC 792) quoting the IP header and the first 8 bytes of a segment of
        ours."""
        a = self.addressing
        lport, pport = packet.quoted
        seq = (packet.seq + self.isses.base(lport, a.peer_ip, pport)) & _U32
        quote = bytearray(_IP.pack(0x45, 0, 40 + packet.length, 0, 0, 255, 6, 0, a.local_ip, a.peer_ip))
        quote[10:12] = sum16(bytes(quote)).to_bytes(2, "big")
        quote += struct.pack("!HHI", lport, pport, seq)
        head = struct.pack("!BBHHH", 3, UNREACHABLE_CODES[packet.code], 0, 0, packet.mtu or 0)
        message = bytearray(head + quote)
        message[2:4] = sum16(bytes(message)).to_bytes(2, "big")
        return bytes(message)


def _transport_sum(data: bytearray, protocol: int, source: int, target: int, values: _Values) -> int:
    pseudo = struct.pack("!IIHH", source, target, protocol, len(data) & 0xFFFF)
    checksum = finish(residue(pseudo) + residue(data))
    return checksum ^ 0x5555 if "badsum" in values else checksum


def encode_options(options: list[Option], our_base: int) -> bytes:
    """TCP options as they stand in the header, padded with eol; SACK edges are relative to our ISN
    ``our_base``."""
    data = b"".join(_encode_option(option, our_base) for option in options)
    return data + b"\0" * (-len(data) % 4)


def _encode_option(option: Option, our_base: int) -> bytes:
    if option.name == "raw":
        return option.data
    if option.name == "kind":
        return bytes([option.numbers[0], len(option.data) + 2 & 0xFF]) + option.data
    kind = _OPTION_KINDS[option.name]
    if kind < 2:
        return bytes([kind])
    body = b""
    if option.name == "mss":
        body = struct.pack("!H", option.numbers[0])
    elif option.name == "wscale":
        body = bytes(option.numbers)
    elif option.name == "sack":
        body = b"".join(struct.pack("!I", (edge + our_base) & _U32) for edge in option.numbers)
    elif option.name == "TS":
        body = struct.pack("!II", *option.numbers)
    return bytes([kind, len(body) + 2]) + body


def _int(values: _Values, name: str, default: int) -> int:
    value = values.get(name, default)
    assert isinstance(value, int)
    return value


def modifiers_of(packet: Packet) -> list[Modifier]:
    """A packet's modifiers (none for a raw frame)."""
    return [] if isinstance(packet, Eth) else packet.modifiers
