"""Rows I (IPv4) and F (fragments)."""

from __future__ import annotations

from scapy.layers.inet import IP
from scapy.packet import Raw

from tests.robustness.bench import Bench
from tests.robustness.frames import (
    BROADCAST,
    BROADCAST_MAC,
    GROUP,
    OURS,
    PEER,
    STRANGER,
    SUBNET_BROADCAST,
    echo,
    fragment,
    fragments,
    frame,
    ip,
    number,
    options,
    ping,
    raw_ip,
    tcp,
    udp,
    with_checksum,
    with_options,
)
from tests.robustness.rows import LISTEN, Row, rows

_LOOP = "the library has a loop interface"
_NO_LOOP = "the library has a loop interface, through which it answers itself; our stack has none"


def _unknown(dst: str = OURS, to: str = "02:00:00:00:00:01") -> bytes:
    return frame(ip(Raw(b"data"), dst=dst, proto=253), dst=to)


def _strict_route(kind: int, pointer: int, *hops: str) -> bytes:
    """A source route option: pointer and the addresses (RFC 791 3.1)."""
    addresses = b"".join(number(hop).to_bytes(4, "big") for hop in hops)
    return bytes([kind, 3 + len(addresses), pointer]) + addresses


_LSRR, _SSRR, _RECORD_ROUTE, _TIMESTAMP = 131, 137, 7, 68
_ONE_HOP_DONE = _strict_route(_LSRR, 8, STRANGER)

INTERNET = rows(
    "I",
    Row("I1", "version 6 in an IPv4 frame", [raw_ip(bytes(20), first=0x65)], "none", "none"),
    Row("I2", "version 0", [raw_ip(bytes(20), first=0x05)], "none", "none"),
    Row("I3", "a header of 16 bytes", [raw_ip(bytes(20), first=0x44)], "none", "none"),
    Row("I4", "a header of 0 bytes", [raw_ip(bytes(20), first=0x40)], "none", "none"),
    Row("I5", "a header of 60 bytes in a packet of 28", [raw_ip(bytes(8), first=0x4F)], "none", "none"),
    Row("I6", "total length 10", [raw_ip(bytes(20), total=10)], "none", "none"),
    Row("I7", "total length 0", [raw_ip(bytes(ping()), total=0)], "none", "none"),
    Row("I8", "total length beyond the frame", [raw_ip(bytes(ping()), total=100)], "none", "none"),
    Row("I9", "TCP without anything behind the IP header", [raw_ip(proto=6)], "none", "none", start=LISTEN),
    Row("I10", "wrong header checksum", [echo(chksum=0x1234)], "none", "none"),
    Row("I11", "TTL 0", [frame(IP(src=PEER, dst=OURS, id=1, ttl=0) / ping())], "ICMP0/0", "ICMP0/0"),
    Row("I12", "TTL 1", [frame(IP(src=PEER, dst=OURS, id=1, ttl=1) / ping())], "ICMP0/0", "ICMP0/0"),
    Row("I13", "a ping from 255.255.255.255", [echo(src=BROADCAST)], "none", "none"),
    Row("I14", "a ping from 224.0.0.1", [echo(src="224.0.0.1")], "none", "none"),
    Row(
        "I15", "a ping from 127.0.0.1", [echo(src="127.0.0.1")], "ARP-req(10.0.0.254)", "none", note=_NO_LOOP
    ),
    Row("I16", "a ping from our own address", [echo(src=OURS)], "ARP-req(10.0.0.1)", "none", note=_NO_LOOP),
    Row("I17", "a ping from 0.0.0.0", [echo(src="0.0.0.0")], "none", "none"),
    Row("I18", "a ping from the subnet's broadcast address", [echo(src=SUBNET_BROADCAST)], "none", "none"),
    Row("I19", "a ping from class E", [echo(src="240.0.0.1")], "ARP-req(10.0.0.254)", "none"),
    Row("I20", "a ping to 127.0.0.1", [echo(dst="127.0.0.1")], "none", "none", alone=_LOOP, note=_NO_LOOP),
    Row("I21", "a ping to another host", [echo(dst=STRANGER)], "none", "none"),
    Row("I22", "a ping to the subnet (smurf)", [echo(dst=SUBNET_BROADCAST)], "none", "none"),
    Row("I23", "a ping to everybody", [echo(dst=BROADCAST)], "none", "none"),
    Row("I24", "a ping to a group we are not in", [echo(dst=GROUP)], "none", "none"),
    Row("I25", "the reserved flag set", [echo(flags=4)], "ICMP0/0", "ICMP0/0"),
    Row("I26", "an unknown protocol", [_unknown()], "ICMP3/2 quote=24", "ICMP3/2 quote=24"),
    Row("I27", "an unknown protocol to everybody", [_unknown(BROADCAST)], "none", "none"),
    Row(
        "I28",
        "an unknown protocol to us in a broadcast frame",
        [_unknown(to=BROADCAST_MAC)],
        "ICMP3/2 quote=24",
        "none",
    ),
    Row("I29", "options NOP and EOL", [with_options(ping(), b"\1\1\1\0")], "ICMP0/0 ihl=6", "ICMP0/0"),
    Row("I30", "an option of length 0", [with_options(ping(), b"\x9e\0\0\0")], "ICMP0/0 ihl=6", "ICMP0/0"),
    Row(
        "I31",
        "an option longer than the header",
        [with_options(ping(), b"\x9e\x28\0\0")],
        "ICMP0/0 ihl=6",
        "ICMP0/0",
    ),
    Row(
        "I32",
        "a source route that ends with us, in a datagram",
        [with_options(udp(1), options(_ONE_HOP_DONE))],
        "UDP(1) · app:UDP1;",
        "UDP(1) · app:UDP1;",
        alone="needs the echo server",
    ),
    Row(
        "I33",
        "a source route with hops left",
        [with_options(ping(), options(_strict_route(_LSRR, 4, STRANGER)))],
        "ICMP0/0 ihl=7",
        "none",
    ),
    Row(
        "I34",
        "a strict and a loose source route",
        [with_options(ping(), options(_strict_route(_SSRR, 8, STRANGER), _ONE_HOP_DONE))],
        "ICMP0/0 ihl=9",
        "none",
    ),
    Row(
        "I35",
        "Record Route",
        [with_options(ping(), options(_strict_route(_RECORD_ROUTE, 4, "0.0.0.0")))],
        "ICMP0/0 ihl=7",
        "ICMP0/0 ihl=7",
    ),
    Row(
        "I36",
        "Timestamp, overflow 15",
        [with_options(ping(), bytes([_TIMESTAMP, 8, 9, 0xF0]) + bytes(4))],
        "ICMP0/0 ihl=7",
        "ICMP0/0 ihl=7",
    ),
    Row("I37", "an unknown option", [with_options(ping(), b"\x9e\4\0\0")], "ICMP0/0 ihl=6", "ICMP0/0"),
)


_REPLY = "ICMP0/0; fragment"
_BIG = ping(2048)  # an ICMP message of 2056 bytes
_FIRST, _SECOND = fragments(_BIG, 1480)
_UDP_FIRST, _UDP_SECOND = fragments(udp(256) / bytes(1792), 1480)
_SMALL = bytes(ip(ping(56)))[20:]  # 64 bytes
_SHORTER = bytes(ip(ping(1552)))[20:]  # 1560 bytes


def _with_header_options(piece: bytes) -> bytes:
    """The same fragment with an IP option of 4 bytes (NOP, NOP, NOP, EOL)."""
    header, body = piece[14:34], piece[34:]
    total = int.from_bytes(header[2:4], "big") + 4
    return (
        piece[:14]
        + with_checksum(b"\x46" + header[1:2] + total.to_bytes(2, "big") + header[4:] + b"\1\1\1\0")
        + body
    )


def _hundred_incomplete(bench: Bench) -> None:
    for ident in range(100):
        bench.frame(fragment(bytes(8), 1480, more=False, ident=ident))


FRAGMENTS = rows(
    "F",
    Row("F1", "a ping in two fragments", [_FIRST, _SECOND], _REPLY, _REPLY),
    Row("F2", "the same, last one first", [_SECOND, _FIRST], _REPLY, _REPLY),
    Row("F3", "the first one twice", [_FIRST, _FIRST, _SECOND], _REPLY, _REPLY),
    Row(
        "F4",
        "the second fragment lies inside the first (teardrop)",
        [fragment(_SMALL, 0, more=True), fragment(_SMALL[24:28], 24, more=False)],
        "none",
        "none",
    ),
    Row(
        "F5",
        "the second fragment starts 8 bytes early",
        [fragment(_SMALL[:32], 0, more=True), fragment(_SMALL[24:], 24, more=False)],
        "none",
        "none",
    ),
    Row(
        "F6",
        "the ping of death: 1000 bytes at offset 65528",
        [fragment(bytes(1000), 65528, more=False)],
        "none",
        "none",
    ),
    Row("F7", "only the first fragment, for 70 s", [_FIRST, 70_000], "ICMP11/1", "ICMP11/1"),
    Row("F8", "only the last fragment, for 70 s", [_SECOND, 70_000], "none", "none"),
    Row(
        "F9",
        "a first fragment whose length is no multiple of 8",
        [fragment(_SMALL[:13], 0, more=True), fragment(_SMALL[16:], 16, more=False)],
        "none",
        "none",
    ),
    Row(
        "F10",
        "an empty fragment in the middle",
        [_FIRST, fragment(b"", 1480, more=True), _SECOND],
        "none",
        _REPLY,
    ),
    Row(
        "F11",
        "a SYN cut after 8 bytes",
        [fragments(tcp("S"), 8)],
        "none",
        "SYN+ACK seq=U-1 ack=101 · SYN_RCVD(mss 536)",
        start=LISTEN,
    ),
    Row(
        "F12",
        "a whole packet with id 0",
        [frame(IP(src=PEER, dst=OURS, id=0) / ping())],
        "ICMP0/0",
        "ICMP0/0",
    ),
    Row(
        "F13",
        "two different last fragments",
        [_SECOND, fragment(_SHORTER[1480:], 1480, more=False), _FIRST],
        _REPLY,
        _REPLY,
    ),
    Row(
        "F14",
        "100 incomplete datagrams, then a good one",
        [_hundred_incomplete, _FIRST, _SECOND],
        _REPLY,
        _REPLY,
    ),
    Row(
        "F15",
        "fragments with IP options",
        [_with_header_options(piece) for piece in fragments(_BIG, 1472)],
        "none",
        _REPLY,
    ),
    Row("F16", "40 fragments of 56 bytes", [fragments(ping(2232), 56)], "none", _REPLY),
    Row(
        "F17",
        "two datagrams of different protocols with one id",
        [_FIRST, _UDP_FIRST, _SECOND, _UDP_SECOND],
        _REPLY,
        f"{_REPLY}; UDP(2048); fragment · app:UDP2048;",
        alone="needs the echo server",
    ),
    Row(
        "F18",
        "fragments that must not be fragmented",
        [fragments(_BIG, 1480, df=True)],
        _REPLY,
        _REPLY,
    ),
)
