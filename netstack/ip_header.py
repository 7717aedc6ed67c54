"""The IPv4 header (RFC 791 section 3.1) as a value, and headers built from fields.

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|Version|  IHL  |Type of Service|          Total Length         |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|         Identification        |Flags|      Fragment Offset    |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|  Time to Live |    Protocol   |         Header Checksum       |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                       Source Address                          |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                    Destination Address                        |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                    Options                    |    Padding    |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from netstack.checksum import number

HEADER_LEN = 20
MAX_HEADER_LEN = 60
MAX_PACKET_LEN = 0xFFFF

PROTO_ICMP = 1
PROTO_IGMP = 2
PROTO_TCP = 6
PROTO_UDP = 17

DONT_FRAGMENT = 0x4000
MORE_FRAGMENTS = 0x2000
OFFSET_MASK = 0x1FFF  # of the ``fragment`` field, in units of 8 bytes

# Kinds of options
OPT_END, OPT_NOP, OPT_RECORD_ROUTE, OPT_TIMESTAMP, OPT_LSRR, OPT_SSRR = 0, 1, 7, 68, 131, 137

_FIELDS = Struct("!BBHHHBBHII")
_WORDS = Struct("!HHHHHHII")  # the same 20 bytes as words: the sum of these is the sum of the header


class Ipv4Header:
    """The fields of a header, and the packet it stands in.

    ``fragment`` is the word with the flags and the offset. ``header_len`` and ``total_len`` are bytes.
    ``packet`` is the whole packet, header and options included, as far as it was there.
    """

    __slots__ = (
        "dst",
        "fragment",
        "header_len",
        "ident",
        "packet",
        "proto",
        "src",
        "tos",
        "total_len",
        "ttl",
    )

    def __init__(
        self,
        header_len: int,
        tos: int,
        total_len: int,
        ident: int,
        fragment: int,
        ttl: int,
        proto: int,
        src: int,
        dst: int,
        packet: bytes,
    ) -> None:
        self.header_len = header_len
        self.tos = tos
        self.total_len = total_len
        self.ident = ident
        self.fragment = fragment
        self.ttl = ttl
        self.proto = proto
        self.src = src
        self.dst = dst
        self.packet = packet

    @property
    def options(self) -> bytes:
        """The options, with their padding."""
        return self.packet[HEADER_LEN : self.header_len]


def parse(packet: bytes) -> Ipv4Header | None:
    """The header of a packet; None when it is not version 4, shorter than 20 bytes, or longer than the
    packet.

    Total length and checksum are not judged here.
    """
    size = len(packet)
    if size < HEADER_LEN:
        return None
    first, tos, total_len, ident, fragment, ttl, proto, _, src, dst = _FIELDS.unpack_from(packet)
    header_len = HEADER_LEN
    if first != 0x45:  # version 4 without options
        header_len = (first & 15) << 2
        if first >> 4 != 4 or not HEADER_LEN <= header_len <= size:
            return None
    return Ipv4Header(header_len, tos, total_len, ident, fragment, ttl, proto, src, dst, packet)


def emit(header: Ipv4Header) -> bytes:
    """The header as bytes, with its options and a right checksum."""
    return build(
        header.tos,
        header.total_len,
        header.ident,
        header.fragment,
        header.ttl,
        header.proto,
        header.src,
        header.dst,
        header.options,
    )


def build(
    tos: int,
    total_len: int,
    ident: int,
    fragment: int,
    ttl: int,
    proto: int,
    src: int,
    dst: int,
    options: bytes = b"",
) -> bytes:
    """A header of the given fields; ``options`` are padded to a multiple of four bytes, at most 40."""
    first = 0x4500 | tos
    total = first + total_len + ident + fragment + (ttl << 8 | proto) + src + dst
    if options:
        options += bytes(-len(options) % 4)
        first += len(options) << 6
        total += (len(options) << 6) + int.from_bytes(options, "big")
    return (
        _WORDS.pack(first, total_len, ident, fragment, ttl << 8 | proto, -total % 0xFFFF, src, dst) + options
    )


def each_option(options: bytes) -> Iterator[bytes]:
    """The well-formed options of a header, NOPs left out, up to the first that is not (RFC 791 3.1)."""
    at = 0
    while at < len(options) and options[at] != OPT_END:
        if options[at] == OPT_NOP:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2 or at + length > len(options):
            return
        yield options[at : at + length]
        at += length


def has_foreign_route(options: bytes) -> bool:
    """Whether there is a source route that does not end here, or more than one (RFC 1122 3.2.1.8)."""
    routes = [option for option in each_option(options) if option[0] in {OPT_LSRR, OPT_SSRR}]
    return len(routes) > 1 or any(len(route) < 3 or route[2] <= len(route) for route in routes)


def recorded_options(options: bytes) -> bytes:
    """Record Route and Timestamp, which a reply takes back to the sender (RFC 1122 3.2.2.6)."""
    return b"".join(
        option for option in each_option(options) if option[0] in {OPT_RECORD_ROUTE, OPT_TIMESTAMP}
    )


def has_right_checksum(packet: bytes, header_len: int) -> bool:
    """Whether the sum over the header, its checksum included, is right (RFC 1071)."""
    return not number(packet[:header_len], "little") % 0xFFFF
