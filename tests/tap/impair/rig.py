"""A direction of a real cable in virtual time with the stages under test, and frames to send through it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from netstack.address import parse_ip
from netstack.checksum import finish, residue
from netstack.tcp.header import ACK, PSH, emit
from tap.cable import Direction, Port, Stage
from tap.clock import VirtualClock

LOCAL, PEER = parse_ip("10.0.0.1"), parse_ip("10.0.0.2")
MAC, PEER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


class Rig:
    """Send frames at times, then ``run``: ``arrived`` has (ns, frame), ``notes`` (action, detail)
    in order.
    """

    def __init__(self, *stages: Stage, clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.arrived: list[tuple[int, bytes]] = []
        self.notes: list[tuple[str, str]] = []
        self.direction = Direction("near>far", self.clock, Port("far", handler=self._arrive))
        self.direction.observer = lambda way, stage, frame, action, detail: self.notes.append(
            (action, detail)
        )
        for stage in stages:
            self.direction.add(stage)

    def _arrive(self, frame: bytes) -> None:
        self.arrived.append((self.clock.now(), frame))

    def send(self, frame: bytes, at: int = 0) -> None:
        """Have ``frame`` enter at ``at`` ns."""
        self.clock.call_at(at, lambda: self.direction.send(frame))

    def run(self) -> list[tuple[int, bytes]]:
        """Let all events happen."""
        while self.clock.next_event() is not None:
            self.clock.wait(None)
            self.clock.run_due()
        return self.arrived

    @property
    def frames(self) -> list[bytes]:
        """What arrived, in order."""
        return [frame for _, frame in self.arrived]

    @property
    def times(self) -> list[int]:
        """When, in ns."""
        return [at for at, _ in self.arrived]


def burst(rig: Rig, count: int, gap: int = 0, size: int = 100) -> list[bytes]:
    """Send ``count`` frames that name their number, ``gap`` ns apart; then let all happen."""
    frames = [number.to_bytes(4, "big") + bytes(size - 4) for number in range(count)]
    for number, frame in enumerate(frames):
        rig.send(frame, number * gap)
    rig.run()
    return frames


def order(frames: Sequence[bytes]) -> list[int]:
    """The numbers of burst's frames."""
    return [int.from_bytes(frame[:4], "big") for frame in frames]


def packet(protocol: int, above: bytes, tos: int = 0, fragment: int = 0) -> bytes:
    """A frame with an IPv4 packet whose header is right."""
    start = b"\x45" + bytes([tos]) + (20 + len(above)).to_bytes(2, "big") + bytes(2)
    header = bytearray(start + fragment.to_bytes(2, "big") + bytes([64, protocol, 0, 0]))
    header += PEER.to_bytes(4, "big") + LOCAL.to_bytes(4, "big")
    header[10:12] = finish(residue(header)).to_bytes(2, "big")
    return MAC + PEER_MAC + b"\x08\x00" + bytes(header) + above


def tcp_frame(data: bytes = b"hello", tos: int = 0) -> bytes:
    """A frame with a TCP segment."""
    return packet(6, emit(PEER, LOCAL, 40000, 80, 1000, 2000, ACK | PSH, 512, b"", data), tos)


def share(verdicts: Sequence[bool]) -> float:
    """How many are true, 0 .. 1."""
    return sum(verdicts) / len(verdicts)


def mean_burst(verdicts: Sequence[bool]) -> float:
    """The mean length of runs of true."""
    lengths = [len(list(run)) for lost, run in groupby(verdicts) if lost]
    return sum(lengths) / len(lengths)
