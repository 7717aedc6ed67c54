"""Frames from the peer to the stack, built by scapy, well made or with any field wrong.

Our side of these tests is the peer 10.0.0.2; the stack is 10.0.0.1. Its connection to the peer has
``ISS`` as its initial sequence number, so that ``U`` is SND.UNA after the handshake; the peer's next sequence
number is then ``R``.
"""

from __future__ import annotations

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from netstack.address import parse_ip

OURS, PEER, STRANGER, NOBODY = "10.0.0.1", "10.0.0.2", "10.0.0.55", "10.0.0.77"
SUBNET_BROADCAST, BROADCAST, GROUP = "10.0.0.255", "255.255.255.255", "239.1.2.3"
OUR_MAC, PEER_MAC, OTHER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:66"
BROADCAST_MAC = "ff:ff:ff:ff:ff:ff"

ISS = 1_000_000  # of the stack's first connection
U = ISS + 1
U_ACTIVE = ISS  # the same of a connection that the stack opens: lwIP numbers its SYN one lower
R = 1001  # the peer's next number in an established connection
PEER_PORT = 40000  # the peer's, of connections to the stack's port 80
SERVER_PORT = 7000  # the peer's, of connections from the stack's port CLIENT_PORT
CLIENT_PORT = 50000
ECHO_PORT, CLOSED_PORT, DISCARD_PORT = 7, 999, 9


def number(ip: str) -> int:
    """An address as the stack takes it."""
    return parse_ip(ip)


def frame(packet: Packet | bytes, dst: str = OUR_MAC, src: str = PEER_MAC, kind: int = 0x0800) -> bytes:
    """A packet in a frame."""
    return bytes(Ether(dst=dst, src=src, type=kind) / packet)


def ip(payload: Packet | bytes, src: str = PEER, dst: str = OURS, **fields: object) -> Packet:
    """An IP packet from the peer."""
    return IP(src=src, dst=dst, id=1, ttl=64, **fields) / payload


def ping(size: int = 4, **fields: object) -> Packet:
    """An echo request with ``size`` bytes of data."""
    return ICMP(**{"type": 8, "id": 1, "seq": 1} | fields) / bytes(index % 251 for index in range(size))


def echo(size: int = 4, src: str = PEER, dst: str = OURS, **fields: object) -> bytes:
    """The frame of a good ping."""
    return frame(ip(ping(size), src, dst, **fields))


def udp(size: int = 4, dport: int = ECHO_PORT, sport: int = 5000, **fields: object) -> Packet:
    """A datagram with ``size`` bytes of data."""
    return UDP(sport=sport, dport=dport, **fields) / bytes(range(size))


def tcp(
    flags: str,
    seq: int = 100,
    ack: int = 0,
    data: bytes | int = b"",
    *,
    dport: int = 80,
    sport: int = PEER_PORT,
    window: int = 65535,
    options: bytes = b"",
    **fields: object,
) -> Packet:
    """A segment from the peer to port 80; ``options`` are padded with end-of-list."""
    padded = options + bytes(-len(options) % 4)
    payload = bytes(index % 251 for index in range(data)) if isinstance(data, int) else data
    fixed = {"dataofs": 5 + len(padded) // 4} | fields
    header = TCP(
        sport=sport,
        dport=dport,
        flags=flags or 0,
        seq=seq & 0xFFFFFFFF,
        ack=ack & 0xFFFFFFFF,
        window=window,
        **fixed,
    )
    return header / Raw(padded + payload)


def segment(flags: str, seq: int = 100, ack: int = 0, data: bytes | int = b"", **fields: object) -> bytes:
    """The frame of a segment from the peer to port 80."""
    return frame(ip(tcp(flags, seq, ack, data, **fields)))


def from_port(built: bytes, port: int) -> bytes:
    """The same segment, which was built with source port 0, from another port: quicker than building it."""
    total = (0xFFFF ^ int.from_bytes(built[50:52], "big")) + port  # RFC 1624: the sum grows by the port
    checksum = 0xFFFF ^ (total & 0xFFFF) + (total >> 16)
    return built[:34] + port.to_bytes(2, "big") + built[36:50] + checksum.to_bytes(2, "big") + built[52:]


def answer(flags: str, seq: int = 500, ack: int = 0, data: bytes | int = b"", **fields: object) -> bytes:
    """The frame of a segment from the server to which the stack connects."""
    return segment(flags, seq, ack, data, dport=CLIENT_PORT, sport=SERVER_PORT, **fields)


def arp(
    opcode: int = 1, mac: str = PEER_MAC, sender: str = PEER, target: str = OURS, **fields: object
) -> bytes:
    """The frame of an ARP packet, a request by default."""
    to = BROADCAST_MAC if opcode == 1 else OUR_MAC
    packet = ARP(op=opcode, hwsrc=mac, psrc=sender, hwdst="00:00:00:00:00:00", pdst=target, **fields)
    return frame(packet, to, PEER_MAC if mac == BROADCAST_MAC else mac, 0x0806)


def fragments(payload: Packet, size: int, **fields: object) -> list[bytes]:
    """The frames of a packet from the peer, cut into fragments of ``size`` bytes."""
    packet = ip(payload)
    whole = bytes(packet)
    pieces = [whole[at : at + size] for at in range(20, len(whole), size)]
    last = len(pieces) - 1
    proto = {"proto": whole[9]}
    return [fragment(p, i * size, more=i < last, **proto | fields) for i, p in enumerate(pieces)]


def fragment(
    piece: bytes, offset: int, *, more: bool, ident: int = 0x4242, proto: int = 1, df: bool = False
) -> bytes:
    """The frame of one fragment; ``offset`` in bytes."""
    flags = (1 if more else 0) | (2 if df else 0)
    header = IP(src=PEER, dst=OURS, id=ident, ttl=64, proto=proto, frag=offset // 8, flags=flags)
    return frame(header / Raw(piece))


def raw_ip(payload: bytes = b"", *, first: int = 0x45, total: int | None = None, proto: int = 1) -> bytes:
    """The frame of a packet whose first byte (version, header length) and total length are as given, with a
    checksum right for 20 bytes of header.
    """
    length = 20 + len(payload) if total is None else total
    header = bytes(IP(src=PEER, dst=OURS, id=1, ttl=64, proto=proto, len=length, chksum=0))
    return frame(with_checksum(bytes([first]) + header[1:20]) + payload)


def with_checksum(header: bytes) -> bytes:
    """An IP header with its checksum (RFC 1071)."""
    blank = header[:10] + b"\0\0" + header[12:]
    total = sum(int.from_bytes(blank[at : at + 2], "big") for at in range(0, len(blank), 2))
    return blank[:10] + (-total % 0xFFFF).to_bytes(2, "big") + blank[12:]


def options(*parts: bytes) -> bytes:
    """IP options padded to a multiple of 4 with end-of-list."""
    joined = b"".join(parts)
    return joined + bytes(-len(joined) % 4)


def with_options(payload: Packet, option_bytes: bytes, **fields: object) -> bytes:
    """The frame of a packet with IP options, whatever they say."""
    inner = bytes(ip(payload, **fields))
    header, body = inner[:20], inner[20:]
    words = 5 + len(option_bytes) // 4
    total = words * 4 + len(body)
    header = bytes([0x40 | words]) + header[1:2] + total.to_bytes(2, "big") + header[4:] + option_bytes
    return frame(with_checksum(header) + body)


def icmp(message: bytes) -> bytes:
    """The frame of an ICMP message, whose checksum is set right."""
    padded = message + bytes(len(message) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2) if at != 2)
    checksum = (-total % 0xFFFF).to_bytes(2, "big")
    return frame(ip(Raw(message[:2] + checksum + message[4:]), proto=1))


def icmp_error(kind: int, code: int, quoted: bytes, rest: bytes = bytes(4)) -> bytes:
    """The frame of an ICMP error from the peer that quotes ``quoted``."""
    return icmp(bytes([kind, code, 0, 0]) + rest + quoted)


def quote(seq: int, sport: int = 80, dport: int = PEER_PORT, proto: int = 6) -> bytes:
    """The beginning of a segment of ours to the peer, as an ICMP error quotes it."""
    return bytes(IP(src=OURS, dst=PEER, id=7, ttl=64, proto=proto, len=140) / _ports(sport, dport, seq))


def _ports(sport: int, dport: int, seq: int) -> Raw:
    return Raw(sport.to_bytes(2, "big") + dport.to_bytes(2, "big") + (seq & 0xFFFFFFFF).to_bytes(4, "big"))
