"""Connections in the order in which they appear, and sequence numbers counted from each side's SYN.

A connection is known by its two ends; the same ends with a new SYN are a new one (``number``). Where a SYN
was not seen, the first number seen counts as 1. A live run may go on for days: of connections only the latest
are remembered (``MOST_CONNECTIONS``), of each only as many first transmissions (``MOST_FIRST``).
"""

from __future__ import annotations

from netstack.address import format_ip
from netstack.trace import Flow

SYN, ACK = 0x02, 0x10
_U32 = 0xFFFFFFFF
_SIGN = 0x80000000

MOST_CONNECTIONS = 4096  # one that comes again after so many others is counted from what it then shows
MOST_FIRST = 1024  # segments sent for the first time; more than a send queue holds

End = tuple[int, int]  # ip, port


class Connection:
    """One connection: of each end its first sequence number and the shift of its windows."""

    def __init__(self, number: int, ends: tuple[End, End]) -> None:
        self.number = number
        self.ends = ends
        self.starts: dict[End, int] = {}
        self.scales: dict[End, int] = {}
        self.first: dict[tuple[End, int], int] = {}  # (end, number) -> when that was sent for the first time

    def other(self, end: End) -> End:
        """The far end."""
        return self.ends[1] if end == self.ends[0] else self.ends[0]

    def relative(self, end: End, number: int) -> int:
        """A number of ``end``'s stream, counted from its SYN. A little before it is negative."""
        start = self.starts.setdefault(end, number - 1 & _U32)
        offset = number - start & _U32
        return offset - (1 << 32) if offset & _SIGN else offset

    def sent(self, end: End, number: int, now: int) -> None:
        """A segment of ``end`` that begins with that (relative) number goes out at ``now``."""
        self.first.setdefault((end, number), now)
        if len(self.first) > MOST_FIRST:
            del self.first[next(iter(self.first))]

    def window(self, end: End, field: int, syn: bool) -> int:
        """What a window field of ``end`` means in bytes."""
        scaled = not syn and len(self.scales) == 2
        return field << self.scales[end] if scaled else field


class Flows:
    """All connections of one run."""

    def __init__(self) -> None:
        self._count = 0
        self._connections: dict[tuple[End, End], Connection] = {}

    def of(self, one: End, other: End) -> Connection:
        """The connection between two ends, the latest."""
        key = self._key(one, other)
        found = self._connections.pop(key, None)
        if found is None:
            return self._new(key)
        self._connections[key] = found  # the latest stand at the end
        return found

    def known(self, one: End, other: End) -> Connection:
        """A copy of the connection between two ends to try numbers on; number 0 if there is none."""
        found = self._connections.get(self._key(one, other))
        copy = Connection(0 if found is None else found.number, self._key(one, other))
        if found is not None:
            copy.starts, copy.scales = dict(found.starts), dict(found.scales)
        return copy

    def opens(self, one: End, other: End) -> Connection:
        """A connection that one end begins now: a new one, unless it has shown nothing yet."""
        found = self.of(one, other)
        return self._new(self._key(one, other)) if found.starts else found

    def syn(self, sender: End, receiver: End, seq: int, first: bool) -> Connection:
        """A SYN was seen; ``first``: without ACK, so that it begins a connection if its number is new."""
        found = self.of(sender, receiver)
        start = found.starts.get(sender)
        if first and start is not None and start != seq:
            found = self._new(self._key(sender, receiver))
        found.starts[sender] = seq
        return found

    def _new(self, key: tuple[End, End]) -> Connection:
        self._count += 1
        self._connections.pop(key, None)
        found = self._connections[key] = Connection(self._count, key)
        if len(self._connections) > MOST_CONNECTIONS:
            del self._connections[next(iter(self._connections))]
        return found

    @staticmethod
    def _key(one: End, other: End) -> tuple[End, End]:
        return (one, other) if one < other else (other, one)


def flow_text(flow: Flow) -> str:
    """``10.0.0.2:49153>10.0.0.1:80``."""
    return f"{format_ip(flow[0])}:{flow[1]}>{format_ip(flow[2])}:{flow[3]}"


def flag_letters(flags: int) -> str:
    """``SA`` for SYN and ACK."""
    return "".join(letter for bit, letter in enumerate("FSRPAUEC") if flags >> bit & 1)
