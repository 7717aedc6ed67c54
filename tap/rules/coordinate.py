"""The coordinate of a frame: its place in its conversation, whatever else is on the wire.

    client>server kind=data n=3 seq=1073 xmit=1 conn=1

A ``Tracker`` watches both directions of one cable. It holds ``MAX_FLOWS`` conversations, and forgets the one
that was silent for longest; the memory of each is bounded (``tap.rules.sequence``).
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from struct import Struct

from netstack.address import format_ip, format_mac
from tap.rules.kinds import arp_kinds, icmp_kinds, udp_kinds
from tap.rules.sequence import ACK, FIN, RST, SYN, Side, kinds_of, plain_kinds, scaled, segment

MAX_FLOWS = 1024

# Of a frame with TCP behind an IPv4 header without options, from the EtherType on: that, version and header
# length, total length, fragment, protocol, both ends (addresses and ports), sequence and acknowledgment
# number, data offset and flags, window
_ETHERTYPE_AT, _TCP_LEN = 12, 54
_PLAIN = Struct("!HBxHxxHxBxx12sIIHH")


class Coordinate:
    """Where a frame is: ``direction`` of the cable; ``flow`` "10.0.0.2:49153>10.0.0.1:80", without ports for
    what has none; ``conn`` the ordinal of the conversation on the cable, TCP, UDP, ICMP, ARP and the rest
    each for themselves; ``kind`` the main kind, ``kinds`` that and its groups; ``n`` the ordinal among the
    frames of that kind (group) in the flow.

    TCP only, else None: ``seq`` relative to the initial number (SYN = 0, first byte = 1), ``length`` how many
    numbers it has, ``xmit`` 1 when the first of them is sent for the first time, 2 for the first
    retransmission, ... (1 also when it has none).
    """

    __slots__ = ("conn", "direction", "flow", "kind", "kinds", "length", "n", "seq", "xmit")

    def __init__(
        self,
        direction: str,
        flow: str,
        conn: int,
        kinds: tuple[str, ...],
        n: int,
        seq: int | None = None,
        length: int = 0,
        xmit: int | None = None,
    ) -> None:
        self.direction = direction
        self.flow = flow
        self.conn = conn
        self.kind = kinds[0]
        self.kinds = kinds
        self.n = n
        self.seq = seq
        self.length = length
        self.xmit = xmit

    def conditions(self) -> str:
        """The conditions of a rule that meets this frame and no other."""
        numbers = "" if self.seq is None else f" seq={self.seq} xmit={self.xmit}"
        return f"kind={self.kind} n={self.n}{numbers} conn={self.conn}"

    def __str__(self) -> str:
        return f"{self.direction} {self.conditions()}"

    def __repr__(self) -> str:
        return f"<{self}>"


class _Way:
    """What one side of a conversation sends from one end of the cable; ``other`` is the side it sends to."""

    __slots__ = ("conn", "counts", "flow", "other", "side")

    def __init__(self, flow: str, conn: int) -> None:
        self.flow = flow
        self.conn = conn
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.side = self.other = Side()

    def count(self, kinds: tuple[str, ...]) -> int:
        """One more of these: its ordinal among those of the main kind."""
        counts = self.counts
        for kind in kinds:
            counts[kind] += 1
        return counts[kinds[0]]


class _Flow:
    """A conversation. ``ways`` by who sends (0: who sent first) and from which end of the cable: a frame that
    a router sends back over the cable it came by is seen twice, and each time is its own.
    """

    __slots__ = ("conn", "ways")

    def __init__(self, conn: int, names: tuple[str, str]) -> None:
        self.conn = conn
        forth, back = (f"{names[one]}>{names[1 - one]}" for one in (0, 1))
        self.ways = ((_Way(forth, conn), _Way(forth, conn)), (_Way(back, conn), _Way(back, conn)))
        for at in (0, 1):
            there, answers = self.ways[0][at], self.ways[1][1 - at]
            there.other, answers.other = answers.side, there.side


class Tracker:
    """Gives the frames of a cable their coordinates, in the order in which they enter."""

    def __init__(self) -> None:
        self._flows: OrderedDict[tuple[str, bytes, bytes], _Flow] = OrderedDict()
        self._conns: dict[str, int] = {}  # conversations so far, by protocol
        self._known: tuple[dict[bytes, _Way], ...] = ({}, {})  # of connections, by end of cable and both ends

    def __len__(self) -> int:
        return len(self._flows)

    def see(self, frame: bytes, direction: str, side: int) -> Coordinate:
        """The coordinate of a frame that enters ``direction`` at end ``side`` (0 or 1) of the cable. A frame
        that is malformed is of kind other.
        """
        if len(frame) >= _TCP_LEN:
            ethertype, version, total, fragment, protocol, ends, seq, ack, bits, window = _PLAIN.unpack_from(
                frame, _ETHERTYPE_AT
            )
            way = self._known[side].get(ends)
            if way is not None and bits & (SYN | FIN | RST | ACK) == ACK and not fragment & 0x3FFF:
                header, end = 34 + (bits >> 12) * 4, 14 + total
                if (
                    ethertype == 0x0800
                    and version == 0x45
                    and protocol == 6
                    and _TCP_LEN <= header <= end <= len(frame)
                    and way.other.started
                ):
                    return _plain(way, seq, ack, window, end - header, direction)
        if frame[12:14] == b"\x08\x00" and len(frame) >= 34 and frame[14] >> 4 == 4:
            above, end = 14 + (frame[14] & 15) * 4, 14 + (frame[16] << 8 | frame[17])
            if 34 <= above <= end <= len(frame):
                return self._ipv4(frame, above, end, direction, side)
        elif frame[12:14] == b"\x08\x06" and len(frame) >= 42:
            return self._other("arp", frame[28:32], frame[38:42], arp_kinds(frame[14:42]), direction, side)
        return self._other("other", frame[6:12], frame[:6], ("other",), direction, side)

    def injected(self, like: Coordinate, direction: str, side: int) -> Coordinate:
        """A coordinate for a frame that a rule makes because of the one at ``like``; such frames count for
        themselves.
        """
        flow, _ = self._find("injected", direction.encode(), like.flow.encode())
        n = flow.ways[0][side].count(("injected",))
        return Coordinate(direction, like.flow, flow.conn, ("injected",), n)

    def _ipv4(self, frame: bytes, above: int, end: int, direction: str, side: int) -> Coordinate:
        source, target, protocol, length = frame[26:30], frame[30:34], frame[23], end - above
        if (frame[20] << 8 | frame[21]) & 0x3FFF:  # MF or an offset
            return self._other("other", source, target, ("fragment",), direction, side)
        if protocol == 6 and length >= 20:
            header = above + (frame[above + 12] >> 4) * 4
            if above + 20 <= header <= end:
                return self._tcp(frame, above, header, end, direction, side)
        elif protocol == 17 and length >= 8:
            source, target = source + frame[above : above + 2], target + frame[above + 2 : above + 4]
            return self._other("udp", source, target, udp_kinds(frame[above:end]), direction, side)
        elif protocol == 1 and length >= 8:
            return self._other("icmp", source, target, icmp_kinds(frame[above:end]), direction, side)
        kinds = ("igmp",) if protocol == 2 else ("other",)
        return self._other("other", source, target, kinds, direction, side)

    def _other(
        self, protocol: str, source: bytes, target: bytes, kinds: tuple[str, ...], direction: str, side: int
    ) -> Coordinate:
        flow, sender = self._find(protocol, source, target)
        way = flow.ways[sender][side]
        return Coordinate(direction, way.flow, flow.conn, kinds, way.count(kinds))

    def _tcp(self, frame: bytes, above: int, header: int, end: int, direction: str, at: int) -> Coordinate:
        source = frame[26:30] + frame[above : above + 2]
        target = frame[30:34] + frame[above + 2 : above + 4]
        seg = segment(frame[above:header], end - header)
        flow, sender = self._find("tcp", source, target)
        syn = seg.flags & (SYN | ACK | RST) == SYN
        if syn and flow.ways[sender][at].side.starts_anew(seg):
            flow, sender = self._begin("tcp", source, target), 0
        way = flow.ways[sender][at]
        mine, other = way.side, way.other
        start = mine.place(seg)
        kinds = kinds_of(seg, start, mine, other)
        length = seg.data + bool(seg.flags & SYN) + bool(seg.flags & FIN)
        xmit = mine.send(start, length)
        if seg.flags & ACK and not seg.flags & RST:
            other.acknowledged(seg.ack)
            mine.last_ack, mine.last_window = seg.ack, scaled(seg, mine, other)
        if len(self._flows) <= MAX_FLOWS // 2 and mine.started and above == 34:
            self._known[at][source[:4] + target[:4] + source[4:] + target[4:]] = way
        return Coordinate(direction, way.flow, flow.conn, kinds, way.count(kinds), start, length, xmit)

    def _find(self, protocol: str, source: bytes, target: bytes) -> tuple[_Flow, int]:
        """The conversation, and whether its first sender (0) or the other (1) sends now."""
        key = protocol, source, target
        sender, flow = 0, self._flows.get(key)
        if flow is None:
            key = protocol, target, source
            sender, flow = 1, self._flows.get(key)
        if flow is None:
            return self._begin(protocol, source, target), 0
        if len(self._flows) > MAX_FLOWS // 2:  # keep them in the order of their last frames
            self._flows.move_to_end(key)
        return flow, sender

    def _begin(self, protocol: str, source: bytes, target: bytes) -> _Flow:
        self._flows.pop((protocol, target, source), None)
        self._flows.pop((protocol, source, target), None)
        conn = self._conns[protocol] = self._conns.get(protocol, 0) + 1
        return self._new((protocol, source, target), conn, (_name(protocol, source), _name(protocol, target)))

    def _new(self, key: tuple[str, bytes, bytes], conn: int, names: tuple[str, str]) -> _Flow:
        for known in self._known:
            known.clear()
        if len(self._flows) >= MAX_FLOWS:
            self._flows.popitem(last=False)
        flow = self._flows[key] = _Flow(conn, names)
        return flow


def _plain(way: _Way, seq: int, ack: int, window: int, data: int, direction: str) -> Coordinate:
    """What ``Tracker._tcp`` does with a segment with ACK, without SYN, FIN and RST, of a known connection."""
    mine, other = way.side, way.other
    mine.spoke = True
    start = mine.relative(seq)
    kinds = plain_kinds(start, ack, window, data, mine, other)
    xmit = mine.send(start, data) if data else 1
    other.acknowledged(ack)
    mine.last_ack = ack
    mine.last_window = window if mine.scale is None or other.scale is None else window << mine.scale
    return Coordinate(direction, way.flow, way.conn, kinds, way.count(kinds), start, data, xmit)


def _name(protocol: str, end: bytes) -> str:
    """One end of a conversation: an address with its port, an address, or the MAC."""
    if protocol in ("tcp", "udp"):
        return f"{format_ip(int.from_bytes(end[:4], 'big'))}:{int.from_bytes(end[4:], 'big')}"
    if protocol == "injected":
        return end.decode()
    return format_ip(int.from_bytes(end, "big")) if len(end) == 4 else format_mac(end)
