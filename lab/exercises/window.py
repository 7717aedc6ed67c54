"""The exercise "window": what is announced of the receive buffer, plugged in where lwIP has its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.exercises.bench import Bench
from lab.exercises.definition import Exercise, Test
from lab.exercises.plug import OK, Plug, Rule
from lab.exercises.starters.window import ReceiveWindow
from lab.exercises.student import Student, flag, nothing, shown, whole
from netstack.tcp import window
from netstack.tcp.layer import Tcp
from netstack.tcp.output import output
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import ESTABLISHED
from netstack.tcp.tcb import TF_ACK_NOW, Tcb
from tap.clock import MS
from tap.impair.delay import Delay

MASK = 0xFFFFFFFF
BYTES = 30_000  # of the transfer to a slow reader
LIMIT = 0xFFFF  # of the field in the header


@dataclass(slots=True)
class Answer:
    """What ``window()`` says after a call. ``told`` is what is left of what the sender knows, ``free`` what
    is free, ``update`` what ``on_read`` said (None: another call).
    """

    what: str  # new, data, read
    call: str
    size: int
    step: int  # the least by which the right edge may move
    free: int
    told: int
    window: int
    update: bool | None = None

    def __str__(self) -> str:
        said = "" if self.update is None else f" -> {self.update}"
        return f"{self.call}{said}, window() = {self.window} (free {self.free}, promised {self.told})"


@dataclass(slots=True)
class _Side:
    student: Student
    size: int
    step: int
    rcv_nxt: int


class WindowPlug(Plug[_Side]):
    """``pcb.rcv_ann_wnd`` is the student's; what is free, ``pcb.rcv_wnd``, is the stack's account."""

    def make(self, pcb: Tcb) -> _Side | None:
        size = self.tcp.wnd_max(pcb)
        student = self.bench.student(size=size, mss=pcb.mss)
        if student is None:
            return None
        # the SYN-ACK has announced the whole buffer, and data has come perhaps
        first_byte = pcb.rcv_ann_right_edge - size & MASK
        side = _Side(student, size, min(pcb.mss, size // 2), first_byte)
        first = self.ask(student, "window", whole)
        if first is None:
            return None
        self._judge(
            Answer(
                "new",
                shown("ReceiveWindow", {"size": size, "mss": pcb.mss}),
                size,
                side.step,
                size,
                size,
                first,
            )
        )
        return None if self.bench.over else side

    def update_rcv_ann_wnd(self, tcp: TcpShared, pcb: Tcb) -> int:
        """Data has come in sequence."""
        side = self.side(pcb) if pcb.state == ESTABLISHED else None
        if side is None:
            return window.update_rcv_ann_wnd(tcp, pcb)
        length = pcb.rcv_nxt - side.rcv_nxt & MASK
        side.rcv_nxt = pcb.rcv_nxt
        if not length:
            return 0
        self.ask(side.student, "on_data", nothing, length=length)
        return self._announce(pcb, side, "data", shown("on_data", {"length": length}), None)

    def recved(self, tcp: TcpShared, pcb: Tcb, length: int) -> None:
        """The application has consumed data."""
        side = self.side(pcb) if pcb.state == ESTABLISHED else None
        if side is None:
            window.recved(tcp, pcb, length)
            return
        pcb.rcv_wnd = min(pcb.rcv_wnd + length, side.size)
        update = self.ask(side.student, "on_read", flag, length=length)
        if update is None:
            return
        self._announce(pcb, side, "read", shown("on_read", {"length": length}), update)
        if update:
            pcb.flags |= TF_ACK_NOW
            output(tcp, pcb)

    def _announce(self, pcb: Tcb, side: _Side, what: str, call: str, update: bool | None) -> int:
        """Take over what ``window()`` says, and judge it; by how much the right edge moves."""
        if self.bench.over:
            return 0
        announced = self.ask(side.student, "window", whole)
        if announced is None:
            return 0
        told = pcb.rcv_ann_right_edge - pcb.rcv_nxt & MASK
        if told & 0x80000000:
            told = 0  # more has come than was promised
        self._judge(Answer(what, call, side.size, side.step, pcb.rcv_wnd, told, announced, update))
        pcb.rcv_ann_wnd = min(announced, LIMIT)
        return int(max(announced - told, 0))

    def _judge(self, answer: Answer) -> None:
        self.bench.remark(f"your {answer}")
        self.judge(answer)


# Rules


def whole_buffer(answer: Answer) -> str | None:
    """Nothing is kept back."""
    if answer.what != "new":
        return None
    if answer.window == answer.size:
        return OK
    return f"window() of a new ReceiveWindow is {answer.window}: the buffer is empty, {answer.size}"


def no_more_than_free(answer: Answer) -> str | None:
    """RFC 9293 3.8.6."""
    if answer.what == "new":
        return None
    if answer.window <= answer.free:
        return OK
    return f"{answer}: only {answer.free} bytes are free; what comes beyond is lost (RFC 9293 3.8.6)"


def no_shrinking(answer: Answer) -> str | None:
    """RFC 9293 3.8.6: "shrinking the window"."""
    if answer.what == "new":
        return None
    if answer.window >= answer.told:
        return OK
    return (
        f"{answer}: {answer.told} bytes had been promised and are on their way perhaps; the right edge of "
        "the window must not move to the left (RFC 9293 3.8.6)"
    )


def no_crumbs(answer: Answer) -> str | None:
    """RFC 9293 3.8.6.2.2."""
    if answer.what == "new":
        return None
    moved = answer.window - answer.told
    if not 0 < moved < answer.step:
        return OK
    return (
        f"{answer}: the right edge moves by {moved} bytes only; it stays until it can move by {answer.step}, "
        "one MSS or half of the buffer (silly window syndrome, RFC 9293 3.8.6.2.2)"
    )


def opens_again(answer: Answer) -> str | None:
    """RFC 9293 3.8.6.2.2: ... and then it does move."""
    if answer.what != "read":
        return None
    if answer.free - answer.told < answer.step or answer.window - answer.told >= answer.step:
        return OK
    return (
        f"{answer}: {answer.free - answer.told} bytes more than promised are free, the step is {answer.step} "
        "(one MSS or half of the buffer): now the right edge has to move (RFC 9293 3.8.6.2.2)"
    )


def tells_at_once(answer: Answer) -> str | None:
    """RFC 9293 3.8.6.1: nobody else would."""
    if answer.update is None or answer.told >= answer.step or answer.window <= answer.told:
        return None
    if answer.update:
        return OK
    return (
        f"{answer}: the sender knows of {answer.told} bytes, too few to go on, and nothing will tell it that "
        "there is room again: on_read has to say True (RFC 9293 3.8.6.1)"
    )


def tells_no_more(answer: Answer) -> str | None:
    """RFC 1122 4.2.3.3 is about the same waste."""
    if answer.update is None:
        return None
    if not answer.update or answer.window != answer.told:
        return OK
    return f"{answer}: the right edge is where it was, so an ACK would tell nothing new: on_read says False"


# What happens


def _slow_reader(bench: Bench, size: int, mss: int, rounds: int) -> None:
    """The peer sends, the program reads now much, now little, and in each third round nothing."""
    bench.begin(mss=mss, tcp_wnd=size, tcp_mss=mss)
    bench.connect()
    peer = bench.peer
    at = 1  # the next byte
    for turn in range(rounds):
        asleep = turn % 3 == 2
        for _ in range(50 if asleep else bench.stream.between(1, 4)):
            length = min(bench.stream.between(mss // 3, mss), peer.edge - at)
            if length <= 0:
                break
            peer.data(at, bytes(length))
            at += length
            bench.run(1)
        for _ in range(0 if asleep else bench.stream.between(1, 3)):
            bench.read(bench.stream.between(1, size // 2))
            bench.run(1)
        bench.run(300)  # a delayed ACK comes out


def fresh(bench: Bench) -> None:
    """A first segment."""
    bench.begin()
    bench.connect()
    bench.peer.data(1, bytes(bench.stream.between(100, 1460)))
    bench.run(300)


def slow_reader(bench: Bench) -> None:
    """A buffer of several segments."""
    mss = bench.stream.between(500, 900)
    _slow_reader(bench, mss * bench.stream.between(4, 8), mss, 20)


def crumbs(bench: Bench) -> None:
    """A full buffer of which the program reads little at a time."""
    mss = bench.stream.between(500, 900)
    size = 4 * mss
    bench.begin(mss=mss, tcp_wnd=size, tcp_mss=mss)
    bench.connect()
    for i in range(4):
        bench.peer.data(1 + i * mss, bytes(mss))
        bench.run(1)
    for _ in range(12):
        bench.read(bench.stream.between(20, mss // 4))
        bench.run(1)


def small_buffer(bench: Bench) -> None:
    """A buffer that holds less than two segments: half of it is the step."""
    size = bench.stream.between(2000, 2600)
    bench.begin(mss=1460, tcp_wnd=size, tcp_mss=1460)
    bench.connect()
    bench.peer.data(1, bytes(1460))
    bench.run(1)
    bench.peer.data(1461, bytes(size - 1460))
    bench.run(300)
    bench.read(size // 2 - 100)
    bench.run(1)
    bench.read(200)
    bench.run(1)


def slow_program(bench: Bench) -> None:
    """A transfer to a program that takes its time."""
    other = bench.line([Delay(5 * MS)], [Delay(5 * MS)], tcp_wnd=4 * 1460)
    bench.receive_from(other, BYTES, seconds=60, pause=0.05)


def install(bench: Bench, tcp: Tcp, rules: Sequence[Rule]) -> None:
    """Plug the student's part in."""
    tcp.parts.window = WindowPlug(bench, tcp, rules)


EXERCISE = Exercise(
    "window",
    "the receive window",
    ReceiveWindow,
    install,
    (
        Test("fresh", 10, "all of an empty buffer is announced", fresh, (whole_buffer,)),
        Test("free", 15, "never more than is free", slow_reader, (no_more_than_free,)),
        Test("shrinking", 15, "the right edge never moves to the left", slow_reader, (no_shrinking,)),
        Test("crumbs", 15, "the right edge moves in steps", crumbs, (no_crumbs,)),
        Test("opening", 15, "and it does move", slow_reader, (opens_again,)),
        Test("small buffer", 10, "half of a small buffer is a step", small_buffer, (opens_again,)),
        Test("update", 10, "a sender that waits is told", crumbs, (tells_at_once,)),
        Test("silence", 5, "no ACK that tells nothing", slow_reader, (tells_no_more,)),
        Test("slow program", 5, "30,000 bytes to a slow program", slow_program),
    ),
)
