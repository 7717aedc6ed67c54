"""The bench of an exercise: a device with the student's part, a cable, and what is at its other end.

The first finding ends a test. All numbers that it draws come from ``stream``, which the student's seed
chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import usocket
import usocket.time
from lab.exercises.stand import DEVICE, PEER, PORT, Stand, roomy
from lab.exercises.student import Broken, Student
from lab.exercises.wire import Recorder
from lab.ladder import LEFT, RIGHT, render
from netstack.tcp.header import SYN
from tap.cable import Stage
from tap.clock import SECOND
from tap.streams import Stream, stream

if TYPE_CHECKING:
    from lab.exercises.definition import Exercise, Test
    from usocket import Device

MAX_FRAMES = 20_000  # of one test: more, and somebody sends without end
LADDER = 14  # lines of a ladder that a finding shows


class Over(Exception):
    """The test has come to its end before the last step: there is a finding."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in one line, when (ns), and the segments before."""

    text: str
    time: int
    ladder: str


class Bench(Stand):
    """What one test plays on."""

    def __init__(self, exercise: Exercise, test: Test, cls: type, path: Path, seed: int) -> None:
        super().__init__(seed)
        self._exercise, self._test = exercise, test
        self.stream: Stream = stream(seed, f"{exercise.name}.{test.name}")
        self.finding: Finding | None = None
        self.judged = False  # a rule of the test has found something that it applies to
        self.parameters: dict[str, int] = {}  # what the test wants the student's object made with
        self._cls, self._path = cls, path
        self._seed = seed

    def chance(self, purpose: str) -> Stream:
        """A stream of random numbers of its own."""
        return stream(self._seed, f"{self._exercise.name}.{self._test.name}.{purpose}")

    # Findings

    def fail(self, text: str) -> None:
        """The first of these is the finding; the ladder ends where it came up."""
        if self.finding is None:
            now = self.now
            ladder = render(self.wire.steps(now), last=LADDER)
            self.finding = Finding(text, now, ladder)

    def play(self) -> None:
        """The whole test."""
        try:
            self._test.play(self)
        except Over:
            return
        if self._test.rules and not self.judged:
            self.fail(f"it never came to what this test is about: {self._test.title}")

    @property
    def over(self) -> bool:
        """Whether there is a finding: the student's part is not asked any more."""
        return self.finding is not None

    def student(self, **arguments: object) -> Student | None:
        """A new object of the student's class; None when it could not be made, which is a finding."""
        try:
            return Student(self._cls, self._path, arguments)
        except Broken as broken:
            self.fail(str(broken))
            return None

    def remark(self, text: str) -> None:
        """A line of the ladder."""
        self.wire.remark(self.now, text)

    # Steps

    def begin(self, *, iss: int | None = None, mss: int = 1460, **options: int) -> None:
        """``open`` with the student's part; ``iss`` is the peer's, far from a wrap unless given."""
        far = self.stream.between(1_000_000, 500_000_000)
        self.open(roomy(**options), iss=far if iss is None else iss, mss=mss)

    def line(self, forth: Sequence[Stage], back: Sequence[Stage], **options: int) -> Device:
        """The device and another one, with stages between them: what leaves the device goes ``forth``. The
        other device, which is not the student's.
        """
        self.make_device(roomy(**options))
        other = self.net.device("peer", roomy(), address=f"{PEER}/24")
        cable = self.net.cable(self.device, other)
        for direction, name, stages in ((cable.forth, RIGHT, forth), (cable.back, LEFT, back)):
            direction.add(Recorder(self.wire, name, enters=True))
            for stage in stages:
                direction.add(stage)
            direction.add(Recorder(self.wire, name, enters=False))
        self.switch_on()
        self.device.stack.arp.add_static(other.ip, other.mac)
        other.stack.arp.add_static(self.device.ip, self.device.mac)
        return other

    def switch_on(self) -> None:
        """Plug the student's part in, too."""
        super().switch_on()
        self._exercise.install(self, self.device.stack.tcp, self._test.rules)

    def until(self, done: Callable[[], bool]) -> None:
        """As ``Stand.until``. Raises Over when there is a finding."""
        super().until(lambda: done() or self.over or self.wire.frames > MAX_FRAMES)
        if self.wire.frames > MAX_FRAMES:
            self.fail(f"more than {MAX_FRAMES} frames: the device sends without end")
        if self.over:
            raise Over

    def run_to(self, done: Callable[[], bool], seconds: int, what: str) -> None:
        """Let time pass until ``done``, which it is a finding not to be in ``seconds``."""
        end = self.now + seconds * SECOND
        self.net.clock.call_at(end, lambda: None)
        self.until(lambda: done() or self.now >= end)
        if not done():
            self.fail(f"after {seconds} s {what}")
            raise Over

    def connect(self, rtt: float = 0) -> None:
        """As ``Stand.connect``; it is a finding if the device does not answer."""
        super().connect(rtt)
        if not any(seen.flags & SYN for seen in self.peer.got):
            self.fail("the device did not answer a SYN")
            raise Over

    # Transfers over a ``line``

    def send_to(self, other: Device, count: int, seconds: int = 300) -> None:
        """The device sends ``count`` bytes; the other one must have them in time."""
        data = self._pattern(count)
        got = bytearray()
        self.net.program(self._serve, data, on=self.device, daemon=True)
        self.net.program(self._fetch, got, on=other, daemon=True)
        self._transfer(got, data, seconds)

    def receive_from(self, other: Device, count: int, seconds: int = 300, pause: float = 0) -> None:
        """The other one sends ``count`` bytes; the device must have them in time. It reads a little, then
        waits for ``pause`` seconds.
        """
        data = self._pattern(count)
        self.net.program(self._collect, pause, on=self.device, daemon=True)
        self.net.program(self._deliver, data, on=other, daemon=True)
        self._transfer(self.received, data, seconds)

    def _pattern(self, count: int) -> bytes:
        """Bytes that tell where in the stream they belong."""
        chance = self.chance("data")
        return b"".join(chance.u64().to_bytes(8, "big") for _ in range(-(-count // 8)))[:count]

    def _transfer(self, got: bytearray, data: bytes, seconds: int) -> None:
        def done() -> bool:
            return len(got) >= len(data) or not data.startswith(got)

        try:
            self.run_to(done, seconds, "the transfer was not complete")
        except Over:
            if self.finding is not None and "not complete" in self.finding.text:
                self.finding = replace(
                    self.finding, text=f"{self.finding.text}: {len(got)} of {len(data)} bytes had arrived"
                )
            raise
        if got != data:
            right = next(
                (at for at, pair in enumerate(zip(got, data, strict=False)) if pair[0] != pair[1]), len(data)
            )
            self.fail(f"the program received something else than was sent, from byte {right} on")
            raise Over

    def _serve(self, data: bytes) -> None:
        self._accept()
        self._socket.sendall(data)

    def _fetch(self, got: bytearray) -> None:
        sock = usocket.socket()
        sock.connect((DEVICE, PORT))
        while piece := sock.recv(4096):
            got += piece

    def _collect(self, pause: float) -> None:
        self._accept()
        while piece := self._socket.recv(700):
            self.received += piece
            if pause:
                usocket.time.sleep(pause)

    def _deliver(self, data: bytes) -> None:
        sock = usocket.socket()
        sock.connect((DEVICE, PORT))
        sock.sendall(data)
