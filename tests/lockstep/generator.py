"""Random conversations: what peers send, what the application calls, how time passes, all from one seed.

A conversation has a mood: the weights of the actions below. Most segments are what a correct peer could
send at that moment, made from what the peers saw (peer.py); a share of them is then mutated. Only so do the
deep states (fast retransmit, persist, out-of-order FIN, TIME_WAIT ...) come up often enough, and the odd
segments meet them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from lab.pkt.events import Command, Event, Inbound, Modifier, Option, Tcp
from tests.lockstep.below import BelowActions
from tests.lockstep.moods import Mood
from tests.lockstep.mutate import mutate
from tests.lockstep.peer import FAR, U32, Flow, Peers
from tests.lockstep.script import (
    DEFAULT_SLOT,
    GATEWAY,
    LOCAL_IP,
    LOCAL_PORT,
    PEER_IP,
    PEER_PORT,
)
from tests.lockstep.slots import Slots

LENGTHS = (1, 1, 2, 10, 100, 100, 500, 535, 536, 537, 1000, 1459, 1460, 1460, 1460, 1461, 2000)
BIG_LENGTHS = (4000, 8191, 16000, 16384, 32767, 50000, 60000)
WINDOWS = (
    0,
    0,
    1,
    2,
    5,
    20,
    50,
    100,
    535,
    536,
    1000,
    1459,
    1460,
    1461,
    2920,
    4000,
    8000,
    32767,
    65535,
    65535,
)
MSS = (0, 1, 11, 88, 100, 500, 535, 536, 537, 1000, 1459, 1460, 1461, 9000, 65535)


class Generator(BelowActions):
    """Draws one small group of events at a time; ``time`` is the virtual time in ms."""

    def __init__(self, rng: Random, mood: Mood, peers: Peers, slots: Slots) -> None:
        super().__init__(rng, mood, slots)
        self.peers = peers
        self._actions = list(mood.weights)
        self._weights = list(mood.weights.values())
        self._frozen = False  # the next events come at the same millisecond

    def opening(self) -> list[Event]:
        """How every conversation begins: the neighbours known, policy and listeners."""
        neighbours = [PEER_IP, PEER_IP + 1, PEER_IP + 2, GATEWAY] if self.rng.random() < 0.9 else []
        events: list[Event] = [self._answer(ip) for ip in neighbours]
        events += [self._policy(DEFAULT_SLOT)]
        events += [self._call("tcp_listen", LOCAL_PORT, self.rng.choice((0, 1, 2, 5)), self.rng.randrange(2))]
        if self.rng.random() < 0.3:
            events += [self._call("tcp_listen", 81, 255, 0)]
        return events

    def step(self) -> list[Event]:
        """The next events; time may have passed before them."""
        if not self._frozen:
            self.time += self._pause()
        self._frozen = self.rng.random() < self.mood.together
        if self.peers.questions:
            asked, self.peers.questions = self.peers.questions, []
            if self.rng.random() < self.mood.answers:
                return [self._answer(ip) for ip in dict.fromkeys(asked)]
        action = self.rng.choices(self._actions, self._weights)[0]
        handler: Callable[[], list[Event]] = getattr(self, f"_do_{action}")
        return handler()

    def closing(self) -> list[Event]:
        """The end: time for the timers to run out."""
        self.time += self.rng.choice((0, 300, 5_000, 30_000, 30_000, 130_000, 130_000, 600_000))
        return [Command(0, self.time, ["end"])]

    def _pause(self) -> int:
        rng = self.rng
        kind = rng.choices(("short", "tick", "second", "long", "idle"), self.mood.pauses)[0]
        if kind == "short":
            return rng.choice((0, 0, 1, 1, 2, 5, 10, 40))
        if kind == "tick":  # onto the 250 ms grid, beside it, or somewhere before the next tick
            return (250 - self.time % 250) + rng.choice((-1, 0, 0, 1, rng.randrange(250)))
        if kind == "second":
            return rng.choice((250, 500, 750, 1000, rng.randrange(3000)))
        return rng.randrange(3_000, 12_000) if kind == "long" else rng.randrange(12_000, 150_000)

    # Segments of peers

    def _flow(self, *phases: str) -> Flow | None:
        found = [flow for flow in self.peers if flow.phase in phases]
        if not found:
            return None
        return found[-1] if self.rng.random() < 0.6 else self.rng.choice(found)

    def _open(self) -> Flow | None:
        return self._flow("open")

    def _segment(
        self,
        flow: Flow,
        flags: str,
        seq: int,
        length: int = 0,
        ack: int | None = None,
        options: list[Option] | None = None,
    ) -> Event:
        """One segment of ``flow``'s peer, perhaps mutated."""
        port, ip, peer_port = flow.key
        packet = Tcp(
            flags, seq & U32, seq + length & U32, length, (peer_port, port), win=flow.win, options=options
        )
        if "." in flags:
            packet.ack = (flow.una if ack is None else ack) & U32
        if ip != PEER_IP:
            packet.modifiers.append(Modifier("src", ip))
        if self.local_ip != LOCAL_IP:
            packet.modifiers.append(Modifier("dst", self.local_ip))
        if self.rng.random() < self.mood.mutation:
            packet = mutate(self.rng, packet, flow)
        flow.remember(packet)
        return Inbound(0, self.time, packet)

    def _do_syn(self) -> list[Event]:
        rng = self.rng
        port = LOCAL_PORT if rng.random() < 0.85 else rng.choice((81, 82, 7777, 0))
        ip = PEER_IP + (rng.randrange(3) if rng.random() < self.mood.peers else 0)
        flow = self.peers.flow((port, ip, PEER_PORT + rng.randrange(self.mood.ports)))
        if flow.phase in ("open", "synack") and rng.random() < 0.8:
            return []
        flow.restart(251 * rng.randrange(1 << 24) & U32 if rng.random() < 0.3 else flow.start)
        flow.win = rng.choice(WINDOWS) if rng.random() < 0.5 else 65535
        length = rng.choice(LENGTHS) if rng.random() < 0.05 else 0
        flags = "S" if rng.random() < 0.95 else rng.choice(("SP", "SF", "SU", "SEW"))
        return [self._segment(flow, flags, flow.start, length, options=self._syn_options())]

    def _syn_options(self) -> list[Option] | None:
        rng = self.rng
        options = []
        if rng.random() < 0.85:
            options.append(Option("mss", (rng.choice(MSS) if rng.random() < self.mood.odd_mss else 1460,)))
        if rng.random() < self.mood.scaling:
            options += [Option("nop"), Option("wscale", (rng.choice((0, 0, 1, 2, 7, 14, 15)),))]
        if rng.random() < 0.1:
            options += [Option("sackOK"), Option("TS", (rng.getrandbits(32), 0))]
        return options or None

    def _do_handshake(self) -> list[Event]:
        """Answer the oldest SYN or SYN-ACK of the stack."""
        rng = self.rng
        flow = self._flow("syn", "synack")
        if flow is None:
            return self._do_syn()
        odd = rng.random() < self.mood.odd_handshake
        ack = 1 + (rng.choice((-1, 1, FAR, rng.getrandbits(32))) if odd else 0)
        if flow.phase == "synack":
            flow.una = ack & U32
            flow.phase = "synack" if odd else "open"
            if rng.random() < 0.2:
                return [self._data_segment(flow, flow.nxt)]
            return [self._segment(flow, "." if rng.random() < 0.95 else "F.", flow.nxt)]
        if odd and rng.random() < 0.6:
            flags = rng.choice(("S", "R.", "R", ".", "F.", "S.P", "SF."))
            return [self._segment(flow, _ordered(flags), flow.start, ack=rng.choice((1, ack)))]
        flow.restart(flow.start)
        flow.una = flow.top = 1
        flow.phase = "open"
        length = rng.choice(LENGTHS) if rng.random() < 0.05 else 0
        return [self._segment(flow, "S.", flow.start, length, 1, self._syn_options())]

    def _data_segment(self, flow: Flow, seq: int, length: int | None = None) -> Event:
        rng = self.rng
        if length is None:
            length = rng.choice(BIG_LENGTHS if rng.random() < self.mood.big else LENGTHS)
        flags = rng.choice((".", "P.", "P."))
        if rng.random() < 0.02:
            flags = rng.choice(("P", "-", "PU.", "F."))
        return self._segment(flow, flags, seq, length)

    def _do_data(self) -> list[Event]:
        """In-order data, several segments at once now and then."""
        rng = self.rng
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        if rng.random() < 0.3:
            flow.nxt = flow.acked  # go back to what the stack has
        events = []
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            if rng.random() < 0.3:
                self._acknowledge(flow)
            event = self._data_segment(flow, flow.nxt)
            flow.nxt = _end(event)
            events.append(event)
        return events

    def _acknowledge(self, flow: Flow) -> None:
        """Move ``una``: everything, or some part."""
        span = flow.top - flow.una & U32
        if not span or span > 1 << 30:
            return
        step = (
            span
            if self.rng.random() < 0.5
            else min(span, self.rng.choice((1, 100, 536, 1460, 2920, span // 2 + 1)))
        )
        flow.una = flow.una + step & U32

    def _do_ack(self) -> list[Event]:
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        self._acknowledge(flow)
        if self.rng.random() < self.mood.windows:
            flow.win = self.rng.choice(WINDOWS)
        return [self._segment(flow, ".", flow.nxt)]

    def _do_dupack(self) -> list[Event]:
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        return [self._segment(flow, ".", flow.nxt) for _ in range(self.rng.choice((1, 2, 3, 3, 4, 6)))]

    def _do_window(self) -> list[Event]:
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        flow.win = self.rng.choice(WINDOWS)
        return [self._segment(flow, ".", flow.nxt)]

    def _do_hole(self) -> list[Event]:
        """Data behind a hole, one segment or several, in any order; later in-order data may fill it."""
        rng = self.rng
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        base = flow.acked if rng.random() < 0.7 else flow.nxt
        events = []
        for _ in range(rng.choice((1, 1, 2, 3, 5))):
            seq = base + rng.choice((1, 10, 100, 536, 1000, 1460, 2000, 2920, 4380, 32766, 65534))
            events.append(self._data_segment(flow, seq))
            if rng.random() < 0.1:
                packet = _tcp(events[-1])
                packet.flags = _ordered("F" + packet.flags.replace("F", "").replace("-", ""))
        return events

    def _do_fill(self) -> list[Event]:
        """Exactly what the stack is missing, of a length that may or may not reach the data behind the
        hole.
        """
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        return [
            self._data_segment(
                flow, flow.acked, self.rng.choice((1, 10, 99, 100, 536, 1000, 1460, 1461, 2920))
            )
        ]

    def _do_overlap(self) -> list[Event]:
        """Old bytes, and perhaps new ones behind them."""
        rng = self.rng
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        back = rng.choice((1, 10, 100, 536, 1460))
        event = self._data_segment(
            flow, flow.acked - back, rng.choice((1, back, back + 1, back + 100, back + 1460))
        )
        return [event]

    def _do_replay(self) -> list[Event]:
        """An old segment again, as a network may deliver it."""
        found = [flow for flow in self.peers if flow.recent]
        if not found:
            return self._do_syn()
        flow = self.rng.choice(found)
        return [Inbound(0, self.time, self.rng.choice(flow.recent))]

    def _do_fin(self) -> list[Event]:
        rng = self.rng
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        if rng.random() < 0.7:
            flow.nxt = flow.acked
        if rng.random() < 0.7:
            self._acknowledge(flow)
        length = rng.choice(LENGTHS) if rng.random() < 0.3 else 0
        event = self._segment(flow, "F.", flow.nxt, length)
        flow.nxt = _end(event)
        flow.fin = True
        return [event]

    def _do_rst(self) -> list[Event]:
        rng = self.rng
        flow = self._flow("open", "syn", "synack", "dead")
        if flow is None:
            return self._do_syn()
        seq = flow.acked + rng.choice(
            (0, 0, 0, 1, -1, 100, flow.window, flow.window + 1, 1 << 31, rng.getrandbits(32))
        )
        return [self._segment(flow, rng.choice(("R", "R.", "R.")), seq, rng.choice((0, 0, 0, 5)), flow.top)]

    def _do_again(self) -> list[Event]:
        """A SYN on a tuple that is being closed, or in TIME_WAIT: new, old, or at the edges of the window."""
        rng = self.rng
        found = [flow for flow in self.peers if flow.fin or flow.phase == "dead"]
        if not found:
            return self._do_fin()
        flow = rng.choice(found)
        seq = flow.nxt + rng.choice((0, 1, flow.window, flow.window + 1, -1, -100, FAR, rng.getrandbits(32)))
        if flow.phase == "dead":
            flow.restart(seq & U32)
        return [self._segment(flow, "S", seq, options=self._syn_options())]

    def _do_refuse(self) -> list[Event]:
        """An answer to the stack's SYN that refuses, crosses or misses it."""
        rng = self.rng
        flow = self._flow("syn")
        if flow is None:
            return self._do_connect()
        ack = rng.choice((0, 1, 1, 1, 2, FAR))
        flags = rng.choice(("R", "R", "R.", "R.", "S", "SR.", ".", "F."))
        return [self._segment(flow, flags, rng.choice((0, flow.start, FAR)), ack=ack)]

    def _do_stray(self) -> list[Event]:
        """Anything at any connection, also a dead one: flags, numbers and length at random."""
        rng = self.rng
        flow = self._flow("open", "syn", "synack", "dead", "new")
        if flow is None:
            return self._do_syn()
        flags = _ordered("".join(letter for letter in "FSRPU." if rng.random() < 0.35))
        seq = rng.choice((flow.nxt, flow.acked, flow.acked, flow.start, rng.getrandbits(32)))
        ack = rng.choice((flow.una, flow.top, flow.top + 1, 0, rng.getrandbits(32)))
        return [self._segment(flow, flags, seq, rng.choice((0, 0, 1, 100)), ack)]

    def _do_probe(self) -> list[Event]:
        """A keep-alive: the byte before the window, with or without data."""
        flow = self._open()
        if flow is None:
            return self._do_handshake()
        return [self._segment(flow, ".", flow.acked - 1, self.rng.choice((0, 0, 1)))]


def _ordered(flags: str) -> str:
    """Flag letters in the language's order."""
    return "".join(letter for letter in "FSRPUEW." if letter in flags) or "-"


def _tcp(event: Event) -> Tcp:
    assert isinstance(event, Inbound)
    assert isinstance(event.packet, Tcp)
    return event.packet


def _end(event: Event) -> int:
    """The sequence number behind a segment."""
    packet = _tcp(event)
    return packet.end + ("F" in packet.flags) + ("S" in packet.flags) & U32
