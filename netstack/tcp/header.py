"""The TCP header on the wire (RFC 9293 3.1).

 0                   1                   2                   3
 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|          Source Port          |       Destination Port        |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                        Sequence Number                        |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                    Acknowledgment Number                      |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|  Data |       |C|E|U|A|P|R|S|F|                               |
| Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
|       |       |R|E|G|K|H|T|N|N|                               |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|           Checksum            |         Urgent Pointer        |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
|                           Options                             |
+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from struct import Struct

from netstack.checksum import number, residue

PROTO_TCP = 6
HEADER_LEN = 20

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
FLAGS = 0x3F  # lwIP looks at no others

HEADER = Struct("!HHIIHHHH")
unpack_header = HEADER.unpack_from


def emit(
    local_ip: int,
    remote_ip: int,
    local_port: int,
    remote_port: int,
    seq: int,
    ack: int,
    flags: int,
    window: int,
    options: bytes = b"",
    data: bytes = b"",
    data_residue: int | None = None,
) -> bytes:
    """A segment with its checksum. ``data_residue`` is ``residue(data)`` where the caller has kept it.

    The sum is taken of the fields as ints: a 32-bit field counts as its two halves, since 2**16 is 1 modulo
    0xFFFF.
    """
    length = HEADER_LEN + len(options)
    offset_flags = length << 10 | flags
    if data_residue is None:
        data_residue = residue(data) if data else 0
    total = (
        local_ip + remote_ip + PROTO_TCP + length + len(data)
        + local_port + remote_port + seq + ack + offset_flags + window + data_residue
    )  # fmt: skip
    if options:
        total += number(options, "big")  # whole 32-bit words
    header = HEADER.pack(local_port, remote_port, seq, ack, offset_flags, window, -total % 0xFFFF, 0)
    return header + options + data
