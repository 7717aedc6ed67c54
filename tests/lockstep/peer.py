"""What the peers of a conversation know about each connection: only what they sent and what they saw from
the stack.

Numbers are relative, as in the trace language. The generator aims its segments with this; it needs no look
inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.pkt.events import Tcp

U32 = 0xFFFFFFFF
# Nearly half the circle, and a little more. At exactly half of it lwIP 2.1.3 compares otherwise than 2.2.1
# (docs/lockstep.md); 7331 is no sum of a few usual lengths.
FAR = (1 << 31) - 7331
FARTHER = (1 << 31) + 7331
MEMORY = 12  # segments a peer remembers for replays

Key = tuple[int, int, int]  # (stack's port, peer's address, peer's port)


def after(a: int, b: int) -> bool:
    """Whether sequence number ``a`` is behind ``b`` (RFC 9293 section 3.4)."""
    return 0 < (a - b & U32) < 1 << 31


@dataclass(slots=True)
class Flow:
    """One connection as its peer sees it."""

    key: Key
    phase: str = "new"  # new, syn (the stack's SYN waits for us), synack (its SYN-ACK does), open, dead
    start: int = 0  # the peer's SYN
    nxt: int = 1  # the peer's next sequence number
    una: int = 0  # what the peer last acknowledged of the stack's numbers
    top: int = 0  # the end of what the stack has sent
    acked: int = 0  # what the stack acknowledges
    window: int = 0  # the stack's raw window
    win: int = 65535  # the raw window the peer announces
    fin: bool = False  # the peer has sent its FIN
    recent: list[Tcp] = field(default_factory=list)

    def restart(self, start: int) -> None:
        """The peer begins a new life of the connection with this SYN."""
        self.phase = "new"
        self.start = start
        self.nxt = self.acked = start + 1 & U32
        self.una = self.top = 0
        self.fin = False

    def saw(self, packet: Tcp) -> None:
        """A segment of the stack arrived."""
        end = packet.end + ("S" in packet.flags) + ("F" in packet.flags) & U32
        if "R" in packet.flags:
            self.phase = "dead"
            return
        if "S" in packet.flags:
            self.phase = "synack" if packet.ack is not None else "syn"
            self.top = 1
            self.una = 0
        elif after(end, self.top):
            self.top = end
        if packet.ack is not None:
            self.acked = packet.ack
        self.window = packet.win or 0

    def remember(self, packet: Tcp) -> None:
        """The peer sent this; it may send it again."""
        self.recent.append(packet)
        if len(self.recent) > MEMORY:
            del self.recent[0]


class Peers:
    """All flows, by tuple, in the order they appeared; ``questions`` are the addresses the stack has asked
    for by ARP.
    """

    def __init__(self, default_ip: int) -> None:
        self._default_ip = default_ip
        self.questions: list[int] = []
        self._flows: dict[Key, Flow] = {}

    def __iter__(self) -> Iterator[Flow]:
        return iter(self._flows.values())

    def __len__(self) -> int:
        return len(self._flows)

    def flow(self, key: Key) -> Flow:
        """The flow of a tuple, new when there is none."""
        found = self._flows.get(key)
        if found is None:
            found = self._flows[key] = Flow(key)
        return found

    def observe(self, packet: Tcp) -> None:
        """The stack sent ``packet``: as decoded by lab.pkt, with its ports and, when unusual, its ``dst``."""
        assert packet.ports is not None
        to = next((m.value for m in packet.modifiers if m.name == "dst"), self._default_ip)
        assert isinstance(to, int)
        self.flow((packet.ports[0], to, packet.ports[1])).saw(packet)

    def observe_arp(self, frame: bytes) -> None:
        """The stack sent a frame that is no TCP: note what an ARP request (RFC 826) asks for, unless it
        asks for itself.
        """
        if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[28:32] != frame[38:42]:
            self.questions.append(int.from_bytes(frame[38:42], "big"))
