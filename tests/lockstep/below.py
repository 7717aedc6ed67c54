"""What goes on below TCP in a random conversation: ping, UDP to closed ports, unknown protocols, fragments,
ARP, odd frames.

It shares IP ids, neighbours, heap and interface with the connections. Headers: RFC 791, 792, 768, 826.
"""

from __future__ import annotations

import struct

from lab.pkt.events import Eth, Event, Inbound
from lab.pkt.frames import pattern, sum16
from tests.lockstep.calls import CallActions
from tests.lockstep.script import LOCAL_MAC, PEER_IP, PEER_MAC

ICMP, UDP = 1, 17
_SIZES = (8, 9, 20, 56, 100, 500, 1472, 1473, 2000, 4000)
_SOURCES = (PEER_IP, PEER_IP, PEER_IP, PEER_IP + 1, PEER_IP + 2, 0xC0A80105)
_ODD_SOURCES = (0x0A0000FF, 0xFFFFFFFF, 0xE0000001, 0x00000000, 0xF0000001)
_GROUPS = (0x0A0000FF, 0xFFFFFFFF, 0xE0000001, 0xE1020304, 0x0A000063)
_MTU = 1500


class BelowActions(CallActions):
    """Frames are given as they are (``eth``)."""

    def _do_ping(self) -> list[Event]:
        rng = self.rng
        kind = 8 if rng.random() < 0.9 else rng.choice((0, 3, 4, 5, 10, 11, 13, 15, 17))
        code = 0 if rng.random() < 0.8 else rng.randrange(256)
        body = struct.pack("!BBHHH", kind, code, 0, rng.getrandbits(16), rng.getrandbits(16))
        body += pattern(0, rng.choice(_SIZES))
        checksum = sum16(body) if rng.random() < 0.95 else rng.getrandbits(16)
        return self._packets(ICMP, body[:2] + checksum.to_bytes(2, "big") + body[4:])

    def _do_datagram(self) -> list[Event]:
        rng = self.rng
        data = pattern(0, rng.choice(_SIZES))
        length = 8 + len(data) if rng.random() < 0.9 else rng.getrandbits(16)
        checksum = 0 if rng.random() < 0.8 else rng.getrandbits(16)
        return self._packets(
            UDP, struct.pack("!HHHH", 5000, rng.choice((7, 53, 68)), length, checksum) + data
        )

    def _do_protocol(self) -> list[Event]:
        return self._packets(
            self.rng.choice((0, 2, 41, 50, 89, 253, 255)), pattern(0, self.rng.choice(_SIZES))
        )

    def _do_arp(self) -> list[Event]:
        """Requests, replies and announcements; a few with fields that nobody should send."""
        rng = self.rng
        sender = rng.choice((*_SOURCES, PEER_IP + rng.randrange(20), 0, self.local_ip, 0x0A0000FF))
        target = self.local_ip if rng.random() < 0.7 else rng.choice((sender, PEER_IP + 9))
        hw, proto, hlen, plen = (1, 0x0800, 6, 4) if rng.random() < 0.9 else rng.choice(_ODD_ARP)
        mac = PEER_MAC[:5] + bytes([rng.choice((sender & 0xFF, 0x77))])
        op = rng.choice((1, 1, 1, 2, 2, 3))
        body = struct.pack("!HHBBH6sI6sI", hw, proto, hlen, plen, op, mac, sender, bytes(6), target)
        to = LOCAL_MAC if rng.random() < 0.5 else b"\xff" * 6
        return [self._frame(to + mac + b"\x08\x06" + body)]

    def _do_odd_frame(self) -> list[Event]:
        """No IPv4 and no ARP. (A cut ARP packet is not sent: lwIP reads what lies behind it.)"""
        rng = self.rng
        kind = rng.choice((0x0800, 0x0806, 0x8100, 0x1234, 0x0026))
        return [self._frame(LOCAL_MAC + PEER_MAC + kind.to_bytes(2, "big") + bytes(rng.choice((0, 19, 46))))]

    def _frame(self, frame: bytes) -> Event:
        return Inbound(0, self.time, Eth(frame, ""))

    def _packets(self, protocol: int, body: bytes) -> list[Event]:
        """One packet, or its fragments: all, or all but some, in order or not, now and then overlapping."""
        rng = self.rng
        source = rng.choice(_SOURCES if rng.random() < 0.95 else _ODD_SOURCES)
        target = self.local_ip if rng.random() < 0.93 else rng.choice(_GROUPS)
        ident = rng.getrandbits(16) if rng.random() < 0.9 else 7  # 7: datagrams that get mixed up
        size = len(body)
        if size > _MTU - 20 or (size > 16 and rng.random() < 0.3):
            size = max(8, rng.choice((8, 16, 400, 1480, _MTU - 20)) & ~7)
            size = max(size, len(body) // 12 & ~7)  # a dozen fragments at most
        offsets = list(range(0, len(body), size))
        if len(offsets) > 1:
            if rng.random() < 0.5:
                rng.shuffle(offsets)
            if rng.random() < 0.2:
                offsets.remove(rng.choice(offsets))
            if rng.random() < 0.2:
                offsets.append(max(0, rng.choice(offsets) - rng.choice((0, 8))))
        return [self._packet(protocol, source, target, ident, body, offset, size) for offset in offsets]

    def _packet(
        self, protocol: int, source: int, target: int, ident: int, body: bytes, offset: int, size: int
    ) -> Event:
        rng = self.rng
        more = offset + size < len(body)
        flags = offset // 8 | (0x2000 if more else 0) | (0x4000 if rng.random() < 0.05 else 0)
        tos = rng.choice((0, 0, 0, 0x10, 0xB8))
        data = body[offset : offset + size]
        options = b"\x94\x04\x00\x00" if rng.random() < 0.03 else b""
        words = 5 + len(options) // 4
        fixed = (0x40 | words, tos, words * 4 + len(data), ident, flags, rng.choice((64, 64, 1, 0)), protocol)
        header = struct.pack("!BBHHHBBHII", *fixed, 0, source, target) + options
        header = header[:10] + sum16(header).to_bytes(2, "big") + header[12:]
        padding = bytes(6) if rng.random() < 0.1 else b""
        mac = PEER_MAC[:5] + bytes([source & 0xFF])
        return self._frame(LOCAL_MAC + mac + b"\x08\x00" + header + data + padding)


_ODD_ARP = ((6, 0x0800, 6, 4), (1, 0x86DD, 6, 4), (1, 0x0800, 8, 4), (1, 0x0800, 6, 16))
