"""What went over the cable of an exercise: the source of its ladder, and of round-trip times."""

from __future__ import annotations

from lab.ladder import REMARK, RIGHT, FrameText, Step
from netstack import ip_header
from netstack.ethernet import HEADER_LEN
from netstack.tcp.header import FIN, HEADER, SYN
from tap.cable import Note, PassOn
from tap.clock import SECOND

LOST_AFTER = 5 * SECOND  # a frame that has not arrived then never will


class _Entry:
    """A frame on its way, or a remark."""

    __slots__ = ("arrived", "died", "direction", "frame", "text", "time")

    def __init__(self, time: int, direction: str, frame: bytes, text: str) -> None:
        self.time = time
        self.direction = direction
        self.frame = frame
        self.text = text
        self.arrived = False
        self.died = False


class Wire:
    """The frames between the device under test, at the left, and its peer, in their order."""

    def __init__(self, peer_ip: int) -> None:
        self._text = FrameText(peer_ip)
        self._entries: list[_Entry] = []
        self.frames = 0
        self.sent_at: dict[int, list[int]] = {}  # sequence number -> when the device sent that segment (ns)

    def sent(self, now: int, direction: str, frame: bytes) -> None:
        """A frame has left the device (RIGHT) or the peer (LEFT)."""
        self.frames += 1
        self._entries.append(_Entry(now, direction, frame, self._text.read(frame, direction)))
        if direction == RIGHT:
            seq = _takes_numbers(frame)
            if seq is not None:
                self.sent_at.setdefault(seq, []).append(now)

    def arrived(self, direction: str, frame: bytes) -> None:
        """It has come to the other side."""
        for entry in self._entries:
            if not entry.arrived and entry.direction == direction and entry.frame == frame:
                entry.arrived = True
                return

    def died(self) -> None:
        """The last frame is lost."""
        self._entries[-1].died = True

    def remark(self, now: int, text: str) -> None:
        """Say something between the frames."""
        self._entries.append(_Entry(now, REMARK, b"", text))

    def steps(self, now: int) -> list[Step]:
        """All of it for a ladder."""
        return [
            Step(entry.time, entry.direction, entry.text, died=entry.died or self._is_lost(entry, now))
            for entry in self._entries
        ]

    @staticmethod
    def _is_lost(entry: _Entry, now: int) -> bool:
        return entry.direction != REMARK and not entry.arrived and now - entry.time > LOST_AFTER

    def __len__(self) -> int:
        return len(self._entries)


def _takes_numbers(frame: bytes) -> int | None:
    """The sequence number of a TCP segment that has data, SYN or FIN; None for any other frame."""
    packet = ip_header.parse(frame[HEADER_LEN:])
    if packet is None or packet.proto != ip_header.PROTO_TCP:
        return None
    segment = packet.packet[packet.header_len : packet.total_len]
    if len(segment) < HEADER.size:
        return None
    _, _, seq, _, offset_flags, _, _, _ = HEADER.unpack_from(segment)
    holds = len(segment) > offset_flags >> 12 << 2
    return int(seq) if holds or offset_flags & (SYN | FIN) else None


class Recorder:
    """A stage that only writes down: put first where frames enter a direction, and last where they leave."""

    def __init__(self, wire: Wire, direction: str, *, enters: bool) -> None:
        self.name = "recorder"
        self._wire = wire
        self._direction = direction
        self._enters = enters

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self._enters:
            self._wire.sent(now, self._direction, frame)
        else:
            self._wire.arrived(self._direction, frame)
        pass_on(frame, now)
