"""A stack on the bench: an application on it, the peer in front of it, virtual time; a row's frames go in.

The stack is driven by the operations of the lockstep tests, so that the same row can be run on the living
lwIP. Its application listens, connects and writes when told to, takes all data (unless told to hold it), and
echoes datagrams to port 7. The neighbour 10.0.0.2 is in the ARP cache, and answers when it is asked for
again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import count
from typing import Any

from netstack.core import MS
from netstack.errors import ERR_OK, err_name
from netstack.pbuf import Pbuf
from netstack.profile import Profile
from netstack.stack import Stack
from netstack.udp import UdpPcb
from tests.lockstep.application import Application
from tests.lockstep.script import DEFAULT_SLOT, POLICY_WORDS
from tests.lockstep.session import Side
from tests.lockstep.slots import CALLBACK
from tests.lockstep.wire import Callback, Config, Op, Record
from tests.robustness import frames as f
from tests.robustness.describe import connection_text, frames_text

CONFIG = Config(iss=f.ISS)


class StackSide:
    """Our stack with the application of the lockstep tests, and a UDP echo server. ``iss`` False: it draws
    its initial sequence numbers itself.
    """

    def __init__(self, profile: Profile, *, iss: bool = True, ip: int = CONFIG.ip, echo: bool = True) -> None:
        self.records: list[Record] = []
        self.datagrams: list[int] = []
        self._time = 0
        self.stack = Stack(
            profile,
            mac=bytes.fromhex(f.OUR_MAC.replace(":", "")),
            ip=ip,
            netmask=CONFIG.netmask if ip else 0,
            gateway=CONFIG.gateway if ip else 0,
            transmit=self._transmit,
            iss=count(CONFIG.iss, CONFIG.iss_step).__next__ if iss else None,
            seed=1,
        )
        self.application = Application(self.stack.tcp, self._record)
        if echo:
            self._serve_echo()

    def run(self, time: int, op: Op, args: bytes) -> list[Record]:
        """session.Side.run."""
        stack = self.stack
        while (due := stack.next_deadline()) is not None and due <= time * MS:
            self._time = due // MS
            stack.run_timers(due)
        self._time = time
        stack.run_timers(time * MS)
        if op == Op.FRAME:
            stack.receive(args, time * MS)
        elif op != Op.NOP:
            self._record("R", struct.pack("<i", self.application.call(op, args)))
        return self.taken()

    def taken(self) -> list[Record]:
        """What was recorded since the last look."""
        records, self.records = self.records, []
        return records

    def _record(self, kind: str, body: bytes) -> None:
        self.records.append(Record(kind, self._time, body))

    def _transmit(self, frame: bytes) -> int:
        self._record("F", frame)
        return ERR_OK

    def _serve_echo(self) -> None:
        udp = self.stack.udp
        pcb = udp.new()
        assert pcb is not None
        assert udp.bind(pcb, 0, f.ECHO_PORT) == ERR_OK
        pcb.recv = self._echo

    def _echo(self, pcb: UdpPcb, p: Pbuf, ip: int, port: int) -> None:
        data = p.data
        p.free()
        self.datagrams.append(len(data))
        self.stack.udp.sendto(pcb, data, ip, port)


class Bench:
    """Runs the steps of a row on a side and tells what came of them.

    ``sent`` are the frames of the stack with their times (ms), without ARP with the peer; ``told`` is what
    its application heard since ``forget``; ``result`` is that of the last call.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self.now = 0
        self.start = 0
        self.sent: list[tuple[int, bytes]] = []
        self.all_frames: list[bytes] = []
        self.told: list[str] = []
        self.result = ERR_OK
        self.una = f.U  # the number that outcomes call U
        self.answers_arp = True
        self.on_frame: Callable[[bytes], None] | None = None  # the peer's reaction to a frame
        self._policy = {"recv": "CONSUME", "fin": "IGNORE"}
        self.policy()
        self.frame(f.arp())  # the peer asks for us, so we know it
        self.forget()

    @property
    def stack(self) -> Stack:
        """Ours; there is none when the living lwIP is on the bench."""
        assert isinstance(self.side, StackSide)
        return self.side.stack

    @property
    def window(self) -> int:
        """The stack's receive window."""
        return self.stack.profile.tcp_wnd if isinstance(self.side, StackSide) else 65535

    # Steps

    def frame(self, frame: bytes) -> None:
        """A frame reaches the stack."""
        self._run(Op.FRAME, frame)

    def wait(self, ms: int, step: int | None = None) -> None:
        """Let time pass; in small steps when the peer has to react in between, to ARP at least."""
        end = self.now + ms
        if step is None:
            step = 250 if self.on_frame is not None or ms > 60_000 else ms
        while self.now < end:
            self.now = min(self.now + step, end)
            self._run(Op.NOP)

    def listen(self, port: int = 80) -> None:
        """The application listens."""
        self._run(Op.LISTEN, struct.pack("<HBB", port, 255, 0))

    def connect(self, ip: str = f.PEER, port: int = f.SERVER_PORT, local: int = f.CLIENT_PORT) -> None:
        """The application connects."""
        self.una = f.U_ACTIVE
        self._run(Op.CONNECT, struct.pack("<HIH", local, f.number(ip), port))

    def write(self, length: int, slot: int = 1) -> None:
        """The application writes to its connection, and sends."""
        self._run(Op.WRITE, struct.pack("<BHB", slot, length, 4))

    def close(self, slot: int = 1) -> None:
        """The application closes its connection."""
        self._run(Op.CLOSE, bytes([slot]))

    def policy(self, **words: str) -> None:
        """What the application does with data and at the end of the stream, from the next connection on."""
        self._policy |= words
        chosen = [words.index(self._policy.get(name, words[0])) for name, words in _policies()]
        self._run(Op.POLICY, bytes([DEFAULT_SLOT, *chosen, 0]))

    def forget(self) -> None:
        """What happened so far does not count."""
        self.sent.clear()
        self.told.clear()
        self.start = self.now
        if isinstance(self.side, StackSide):
            self.side.datagrams.clear()

    def collect(self) -> None:
        """Take note of what calls on ``stack`` have caused."""
        if isinstance(self.side, StackSide):
            for record in self.side.taken():
                self._observe(record)

    def _run(self, op: Op, args: bytes = b"") -> None:
        for record in self.side.run(self.now, op, args):
            self._observe(record)

    def _observe(self, record: Record) -> None:
        if record.kind == "F":
            self.all_frames.append(record.body)
            if not self._answer_arp(record.body):
                self.sent.append((record.time, record.body))
                if self.on_frame is not None:
                    self.on_frame(record.body)
        elif record.kind == "E":
            self._hear(*CALLBACK.unpack(record.body)[:3])
        elif record.kind == "R":
            self.result = struct.unpack("<i", record.body)[0]
        elif record.kind in "PAX":
            raise AssertionError(record.body.decode("utf-8", "replace"))

    def _answer_arp(self, frame: bytes) -> bool:
        """Whether the peer was asked for its MAC, in which case it says so."""
        request = frame[12:14] == b"\x08\x06" and frame[21] == 1
        if not (self.answers_arp and request and frame[38:42] == f.number(f.PEER).to_bytes(4, "big")):
            return False
        self.frame(f.arp(2))
        return True

    def _hear(self, kind: int, _slot: int, argument: int) -> None:
        match kind:
            case Callback.RECV:
                self.told.append(f"DATA{argument}")
            case Callback.FIN:
                self.told.append("EOF")
            case Callback.CONNECTED:
                self.told.append("CONN" if argument == ERR_OK else f"CONN {err_name(argument)}")
            case Callback.ERR:
                self.told.append(err_name(argument).removeprefix("ERR_"))

    def let_go(self) -> None:
        """The application aborts and closes all it has; the peer stops reacting."""
        self.on_frame = None
        self.answers_arp = True
        tcp = self.stack.tcp
        for pcb in (*tcp.active_pcbs, *tcp.bound_pcbs):
            tcp.abort(pcb)
        for listener in tuple(tcp.listen_pcbs):
            tcp.close(listener)
        self.stack.dhcp.cleanup()
        self.stack.autoip.cleanup()
        self.stack.netif.set_addr(CONFIG.ip, CONFIG.netmask, CONFIG.gateway)

    def memory(self) -> dict[str, int]:
        """What is taken of each pool and of the heap."""
        mem = self.stack.mem
        return {pool.name: pool.used for pool in (*mem.pools(), mem.heap)}

    # What came of it

    def frames(self) -> list[bytes]:
        """The frames sent since ``forget``."""
        return [frame for _, frame in self.sent]

    def times(self) -> str:
        """When they were sent, in seconds since ``forget``."""
        return ",".join(f"{(time - self.start) / 1000:g}" for time, _ in self.sent)

    def connection(self) -> Any:
        """The newest connection of the stack, or None."""
        tcp = self.stack.tcp
        return next(iter((*tcp.active_pcbs, *tcp.tw_pcbs)), None)

    def outcome(self) -> str:
        """All of it in one line (see describe.py)."""
        parts = [frames_text(self.frames(), self.una), self.heard(), connection_text(self.connection())]
        return " · ".join(part for part in parts if part)

    def heard(self) -> str:
        """What the application was told."""
        assert isinstance(self.side, StackSide)
        told = [*(f"UDP{length}" for length in self.side.datagrams), *self.told]
        return "app:" + "".join(f"{word};" for word in told) if told else ""


def _policies() -> list[tuple[str, tuple[str, ...]]]:
    names = ("recv", "fin", "accept", "sent", "poll", "interval", "connected")
    return [(name, words or ("0",)) for name, words in zip(names, POLICY_WORDS, strict=True)]
