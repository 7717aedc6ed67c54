"""The two sides of a TCP connection as a wire sees them: relative numbers, kinds, transmissions.

A side knows its initial sequence number, how far it has sent, what of that is not long acknowledged, and what
its last ACK said. Nothing here grows: of each side up to ``MAX_RECORDS`` transmissions are kept, of what is
acknowledged the last ``KEPT_ACKED`` (the ACK may be lost behind this point, so those may come again).
"""

from __future__ import annotations

from collections import OrderedDict

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
MASK = 0xFFFFFFFF
MAX_RECORDS = 512
KEPT_ACKED = 64
DATA_KINDS, ACK_KINDS = ("data", "tcp"), ("ack", "tcp")


class Segment:
    """What of a TCP header matters here; ``data`` is the payload's length, ``scale`` the window scale that a
    SYN offers (None: none).
    """

    __slots__ = ("ack", "data", "flags", "scale", "seq", "window")

    def __init__(self, seq: int, ack: int, flags: int, window: int, data: int, scale: int | None) -> None:
        self.seq = seq
        self.ack = ack
        self.flags = flags
        self.window = window
        self.data = data
        self.scale = scale


def segment(header: bytes, data: int) -> Segment:
    """The segment whose header this is, options included."""
    flags = header[13]
    return Segment(
        int.from_bytes(header[4:8], "big"),
        int.from_bytes(header[8:12], "big"),
        flags,
        header[14] << 8 | header[15],
        data,
        _scale(header) if flags & SYN else None,
    )


def _scale(header: bytes) -> int | None:
    """The window scale option (RFC 7323 2.2)."""
    at = 20
    while at < len(header) and header[at]:
        if header[at] == 1:
            at += 1
            continue
        length = header[at + 1] if at + 1 < len(header) else 0
        if length < 2:
            return None
        if header[at] == 3 and length == 3 and at + 2 < len(header):
            return min(header[at + 2], 14)
        at += length
    return None


class Side:
    """One side of a connection. ``top`` is the number after the last that it sent, ``una`` the first that the
    other side has not acknowledged (None: it has acknowledged nothing yet); both relative, SYN = 0.
    """

    __slots__ = (
        "_floor", "_records", "base", "last_ack", "last_window", "scale", "spoke", "started", "top", "una",
    )  # fmt: skip

    def __init__(self) -> None:
        self.started = False  # base is known, by a SYN or by the first segment seen
        self._start(0, False)

    def _start(self, base: int, started: bool = True) -> None:
        self.base = base
        self.started = started
        self.spoke = False  # it has sent something after its SYN
        self.top = 0
        self.una: int | None = None
        self.last_ack: int | None = None  # as in the header
        self.last_window = 0  # in bytes
        self.scale: int | None = None
        self._records: OrderedDict[tuple[int, int], int] = OrderedDict()  # (start, end) -> how often
        self._floor: int | None = None  # up to here records have been thrown away

    def starts_anew(self, seg: Segment) -> bool:
        """Whether this SYN without ACK begins another connection."""
        return self.started and (self.spoke or seg.seq != self.base)

    def relative(self, seq: int) -> int:
        """A sequence number, relative: the one nearest to what was sent last."""
        return (seq - self.base - self.top + 0x80000000 & MASK) - 0x80000000 + self.top

    def place(self, seg: Segment) -> int:
        """The relative number of a segment that this side sends; its first one says where it starts."""
        if seg.flags & SYN:
            if not self.started or self.base != seg.seq:
                self._start(seg.seq)
            if seg.scale is not None:
                self.scale = seg.scale
            return 0
        self.spoke = True
        if self.started:
            return self.relative(seg.seq)
        if not seg.flags & RST:  # that of a closed port has a number of no meaning
            self.base, self.started, self.top = seg.seq - 1 & MASK, True, 1
        return 1

    def send(self, start: int, length: int) -> int:
        """``length`` numbers from ``start`` on are sent: for which time this is, 1 the first."""
        if not length or not self.started:
            return 1
        end, records, missing, before = start + length, self._records, 0, 0
        if start >= self.top:  # new
            records[start, end] = 1
            self.top = end
        else:
            before = sum(count for (first, last), count in records.items() if first <= start < last)
            if not before and self._floor is not None and start < self._floor:
                missing = 1  # at least: its record is gone
            records[start, end] = records.pop((start, end), 0) + missing + 1
            self.top = max(self.top, end)
        if len(records) > KEPT_ACKED:
            self._forget()
        return before + missing + 1

    def _forget(self) -> None:
        """Throw away what is acknowledged, oldest first."""
        records, acked = self._records, self.una or 0
        while len(records) > KEPT_ACKED:
            first = next(iter(records))
            if first[1] > acked and len(records) <= MAX_RECORDS:
                return
            del records[first]
            self._floor = first[1] if self._floor is None else max(self._floor, first[1])

    def acknowledged(self, ack: int) -> None:
        """The other side's segment has this acknowledgment number."""
        if not self.started:
            self.base, self.started, self.top = ack - 1 & MASK, True, 1
        number = self.relative(ack)
        if self.una is None or number > self.una:
            number = min(number, self.top)
            if self.una is None or number > self.una:
                self.una = number

    def edge(self) -> int:
        """The first number that is not acknowledged, as far as is known."""
        return self.top if self.una is None else self.una


def plain_kinds(start: int, ack: int, window: int, data: int, mine: Side, other: Side) -> tuple[str, ...]:
    """``kinds_of`` a segment with ACK, without SYN, FIN and RST."""
    if data > 1:
        return DATA_KINDS
    if not data and window and ack != mine.last_ack and start != mine.edge() - 1:
        return ACK_KINDS
    return kinds_of(Segment(0, ack, ACK, window, data, None), start, mine, other)


def kinds_of(seg: Segment, start: int, mine: Side, other: Side) -> tuple[str, ...]:
    """Main kind and groups of a segment at relative number ``start`` of side ``mine``; before either side has
    been told of it.
    """
    flags, data = seg.flags, seg.data
    if flags & RST:
        return "rst", "tcp"
    if flags & SYN:
        return "syn-ack" if flags & ACK else "syn", "tcp"
    groups = DATA_KINDS if data else ACK_KINDS
    if flags & FIN:
        return ("fin", *groups) if data else ("fin", "tcp")
    edge = mine.edge()
    closed = other.last_ack is not None and not other.last_window
    if data == 1 and closed and start >= edge:
        return "probe", *groups
    if data:
        return groups
    if not flags & ACK:
        return "other", "tcp"
    if start == edge - 1:
        return "probe" if closed else "keepalive", *groups
    if not seg.window:
        return "zero-window", *groups
    if seg.ack != mine.last_ack:
        return groups
    if scaled(seg, mine, other) != mine.last_window:
        return "win-update", *groups
    if other.started and other.relative(seg.ack) < other.top:
        return "dup-ack", *groups
    return groups


def scaled(seg: Segment, mine: Side, other: Side) -> int:
    """The window in bytes: scaled when both SYNs offered it, but never in a SYN (RFC 7323 2.2)."""
    if seg.flags & SYN or mine.scale is None or other.scale is None:
        return seg.window
    return seg.window << mine.scale
