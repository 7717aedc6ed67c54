"""The other end of an exercise, made by hand: it sends exactly what a test says, and acknowledges nothing by
itself.

Sequence numbers of both sides count from their SYN: data begins at 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.exercises.wire import Wire
from lab.ladder import LEFT, RIGHT
from netstack import ip_header
from netstack.ethernet import HEADER_LEN, TYPE_IPV4, EthernetHeader
from netstack.ethernet import emit as emit_ethernet
from netstack.tcp.header import ACK, HEADER, PROTO_TCP, PSH, SYN
from netstack.tcp.header import emit as emit_tcp
from tap.cable import Port
from tap.clock import Clock

PORT, DEVICE_PORT = 40_000, 80
MASK = 0xFFFFFFFF


@dataclass(slots=True)
class Seen:
    """A segment of the device: relative ``seq`` and ``ack``, ``length`` of its data."""

    time: int
    seq: int
    ack: int
    flags: int
    window: int
    length: int

    @property
    def end(self) -> int:
        """The sequence number behind its data."""
        return self.seq + self.length


class Peer:
    """A TCP of few words at ``port``. ``got`` are the device's segments so far; ``drops`` says which never
    arrive, ``answer`` is called with each that does.
    """

    def __init__(
        self, port: Port, clock: Clock, wire: Wire, addresses: tuple[int, int], macs: tuple[bytes, bytes]
    ) -> None:
        """``addresses`` and ``macs``: the peer's, the device's."""
        self._port = port
        self._clock = clock
        self._wire = wire
        self._addresses = addresses
        self._macs = macs
        self.iss = 0
        self.mss = 1460
        self.device_iss: int | None = None
        self.window = 65535
        self.acked = 1  # what it has acknowledged last
        self.next = 1  # of the device's stream: what this side would acknowledge
        self.got: list[Seen] = []
        self.drops: Callable[[Seen], bool] | None = None
        self.answer: Callable[[Seen], None] | None = None
        port.handler = self._receive

    def _receive(self, frame: bytes) -> None:
        """A frame of the device."""
        now = self._clock.now()
        self._wire.sent(now, RIGHT, frame)
        packet = ip_header.parse(frame[HEADER_LEN:])
        if packet is None or packet.proto != PROTO_TCP:
            return
        segment = packet.packet[packet.header_len : packet.total_len]
        _, _, seq, ack, offset_flags, window, _, _ = HEADER.unpack_from(segment)
        length = len(segment) - (offset_flags >> 12 << 2)
        if self.device_iss is None:
            self.device_iss = seq
        seen = Seen(
            now, seq - self.device_iss & MASK, ack - self.iss & MASK, offset_flags & 0x3F, window, length
        )
        if self.drops is not None and self.drops(seen):
            self._wire.died()
            return
        self._wire.arrived(RIGHT, frame)
        self.got.append(seen)
        if seen.length and seen.seq <= self.next < seen.end:
            self.next = seen.end
        if self.answer is not None:
            self.answer(seen)

    def segment(self, flags: int, seq: int, data: bytes = b"", ack: int | None = None) -> None:
        """Send one. ``ack`` None: all that came in sequence."""
        options = b""
        if flags & SYN:
            options = b"\x02\x04" + self.mss.to_bytes(2, "big")
        acknowledged = 0
        if flags & ACK and self.device_iss is not None:
            acknowledged = self.device_iss + (self.next if ack is None else ack) & MASK
        ours, theirs = self._addresses
        tcp = emit_tcp(
            ours,
            theirs,
            PORT,
            DEVICE_PORT,
            self.iss + seq & MASK,
            acknowledged,
            flags,
            self.window,
            options,
            data,
        )
        header = ip_header.build(0, ip_header.HEADER_LEN + len(tcp), 0, 0, 64, PROTO_TCP, ours, theirs)
        mac, device_mac = self._macs
        frame = emit_ethernet(EthernetHeader(device_mac, mac, TYPE_IPV4)) + header + tcp
        self._wire.sent(self._clock.now(), LEFT, frame)
        self._wire.arrived(LEFT, frame)
        self._port.send(frame)

    def ack(self, number: int | None = None, seq: int = 1) -> None:
        """Acknowledge the device's stream up to ``number`` (None: all that came in sequence)."""
        self.acked = self.next if number is None else number
        self.segment(ACK, seq, ack=number)

    def data(self, seq: int, data: bytes) -> None:
        """Send part of the stream."""
        self.segment(ACK | PSH, seq, data)

    @property
    def sent_by_device(self) -> int:
        """The highest sequence number behind data that has come from the device."""
        return max((seen.end for seen in self.got), default=1)

    @property
    def edge(self) -> int:
        """How far the device has let us send: the number behind the last byte that it promised to take."""
        return max((seen.ack + seen.window for seen in self.got), default=1)
