"""ARP packets for IPv4 over Ethernet (RFC 826).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |     hardware type (1)         |    protocol type (0x0800)     |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |    hlen (6)   |    plen (4)   |   operation (1 ask, 2 reply)  |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |            sender MAC (48 bits), sender IP (32 bits)          |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |            target MAC (48 bits), target IP (32 bits)          |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
"""

from __future__ import annotations

from struct import Struct

from netstack.ethernet import TYPE_IPV4

PACKET_LEN = 28
REQUEST = 1
REPLY = 2

_PACKET = Struct("!HHBBH6sI6sI")
_FORMAT = (1, TYPE_IPV4, 6, 4)


class ArpPacket:
    """An ARP packet for IPv4 over Ethernet. MACs are six bytes, addresses ints."""

    __slots__ = ("opcode", "sender_ip", "sender_mac", "target_ip", "target_mac")

    def __init__(
        self, opcode: int, sender_mac: bytes, sender_ip: int, target_mac: bytes, target_ip: int
    ) -> None:
        self.opcode = opcode
        self.sender_mac = sender_mac
        self.sender_ip = sender_ip
        self.target_mac = target_mac
        self.target_ip = target_ip


def parse(data: bytes) -> ArpPacket | None:
    """The packet; None when it is too short or not Ethernet and IPv4 with lengths 6 and 4 (RFC 826 "Packet
    Reception").
    """
    if len(data) < PACKET_LEN:
        return None
    hardware, protocol, hlen, plen, *fields = _PACKET.unpack_from(data)
    return ArpPacket(*fields) if (hardware, protocol, hlen, plen) == _FORMAT else None


def emit(packet: ArpPacket) -> bytes:
    """The packet as 28 bytes."""
    return _PACKET.pack(
        *_FORMAT, packet.opcode, packet.sender_mac, packet.sender_ip, packet.target_mac, packet.target_ip
    )
