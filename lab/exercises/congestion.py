"""The exercise "congestion": Reno's congestion window (RFC 5681), plugged in where lwIP has its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.exercises.bench import Bench
from lab.exercises.congestion_rules import (
    Answer,
    avoidance,
    bytes_counted,
    deflated,
    halved,
    halved_by_timeout,
    held,
    high_threshold,
    inflated,
    initial,
    one_segment,
    slow_start,
    two_segments,
)
from lab.exercises.definition import Exercise, Test
from lab.exercises.peer import Seen
from lab.exercises.plug import Plug, Rule
from lab.exercises.starters.congestion import CongestionControl
from lab.exercises.student import Student, nothing, shown, whole
from netstack.tcp import congestion
from netstack.tcp.layer import Tcp
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import TF_INFR, Tcb
from tap.clock import MS
from tap.impair.delay import Delay
from tap.impair.loss import Loss

BYTES = 60_000  # of the transfer over a bad line


@dataclass(slots=True)
class _Side:
    student: Student
    mss: int
    now: tuple[int, int] = (0, 0)
    recovering: bool = False
    timeouts: int = 0  # of the segment that is first in line
    window: list[int] = field(default_factory=list)  # of avoidance: its size, acked so far, cwnd at its start


class CongestionPlug(Plug[_Side]):
    """``pcb.cwnd`` and ``pcb.ssthresh`` are the student's, from the end of the handshake on."""

    def make(self, pcb: Tcb) -> _Side | None:
        student = self.bench.student(mss=pcb.mss)
        if student is None:
            return None
        return _Side(student, pcb.mss)

    def _known(self, pcb: Tcb) -> _Side | None:
        return None if self.bench.over else self._sides.get(pcb)

    def on_established(self, pcb: Tcb) -> None:
        """The handshake is done."""
        side = self.side(pcb)
        if side is None:
            congestion.on_established(pcb)
            return
        self._look(
            pcb, side, Answer("new", shown("CongestionControl", {"mss": side.mss}), side.mss, (0, 0), (0, 0))
        )

    def leave_recovery(self, pcb: Tcb) -> None:
        """``on_ack`` follows."""
        pcb.flags &= ~TF_INFR
        if self._known(pcb) is None:
            congestion.leave_recovery(pcb)

    def on_ack(self, tcp: TcpShared, pcb: Tcb, acked: int) -> None:
        """New data was acknowledged; ``pcb.lastack`` has moved already."""
        side = self._known(pcb)
        if side is None:
            congestion.on_ack(tcp, pcb, acked)
            return
        side.timeouts = 0
        arguments: dict[str, object] = {"acked": acked, "flight": pcb.snd_nxt - pcb.lastack & 0xFFFFFFFF}
        what = "recovered" if side.recovering else "ack"
        side.recovering = False
        self.ask(side.student, "on_ack", nothing, **arguments)
        answer = Answer(what, shown("on_ack", arguments), side.mss, side.now, (0, 0), acked)
        self._look(pcb, side, answer)

    def on_fast_retransmit(self, tcp: TcpShared, pcb: Tcb) -> None:
        """The third duplicate ACK."""
        side = self._known(pcb)
        if side is None:
            congestion.on_fast_retransmit(tcp, pcb)
            return
        pcb.flags |= TF_INFR
        side.recovering = True
        flight = pcb.snd_nxt - pcb.lastack & 0xFFFFFFFF
        self.ask(side.student, "on_fast_retransmit", nothing, flight=flight)
        call = shown("on_fast_retransmit", {"flight": flight})
        self._look(pcb, side, Answer("fast", call, side.mss, side.now, (0, 0), flight=flight))

    def on_further_duplicate(self, tcp: TcpShared, pcb: Tcb) -> None:
        """The fourth and later ones."""
        side = self._known(pcb)
        if side is None:
            congestion.on_further_duplicate(tcp, pcb)
        elif side.recovering:
            self.ask(side.student, "on_further_duplicate", nothing)
            self._look(pcb, side, Answer("more", "on_further_duplicate()", side.mss, side.now, (0, 0)))

    def on_idle(self, pcb: Tcb) -> None:
        """Only of a stack without lwIP's quirk; the exercise does not ask for it."""
        if self._known(pcb) is None:
            congestion.on_idle(pcb)

    def on_timeout(self, tcp: TcpShared, pcb: Tcb) -> None:
        """The retransmission timer fired. Behind the first time-out of a segment only one is in flight."""
        side = self._known(pcb)
        if side is None:
            congestion.on_timeout(tcp, pcb)
            return
        pcb.flags &= ~TF_INFR
        side.recovering = False
        again = side.timeouts > 0
        side.timeouts += 1
        flight = pcb.snd_nxt - pcb.lastack & 0xFFFFFFFF
        if again:
            flight = min(flight, side.mss)
        arguments: dict[str, object] = {"flight": flight, "again": again}
        self.ask(side.student, "on_timeout", nothing, **arguments)
        call = shown("on_timeout", arguments)
        self._look(pcb, side, Answer("timeout", call, side.mss, side.now, (0, 0), 0, flight, again))

    def _look(self, pcb: Tcb, side: _Side, answer: Answer) -> None:
        """Take over what ``cwnd()`` and ``ssthresh()`` say now, and judge it."""
        if self.bench.over:
            return
        cwnd = self.ask(side.student, "cwnd", whole)
        ssthresh = None if cwnd is None else self.ask(side.student, "ssthresh", whole)
        if ssthresh is None:
            return
        if not cwnd:
            self.bench.fail(f"{answer.call}: cwnd() returned 0: nothing could be sent ever again")
            return
        answer.after = cwnd, ssthresh
        self._count(side, answer)
        self.bench.remark(f"your {answer}")
        side.now = answer.after
        limit = self.tcp.wnd_limit
        pcb.cwnd, pcb.ssthresh = min(cwnd, limit), min(ssthresh, limit)
        self.judge(answer)

    def _count(self, side: _Side, answer: Answer) -> None:
        """A whole window of congestion avoidance: how much it has brought."""
        cwnd, ssthresh = answer.before
        if answer.what != "ack" or cwnd < ssthresh:
            side.window = []
            return
        if not side.window:
            side.window = [cwnd, 0, cwnd]
        side.window[1] += answer.acked
        if side.window[1] >= side.window[0]:
            answer.window = side.window[1], answer.after[0] - side.window[2]
            side.window = []


# What happens


def _open(bench: Bench, mss: int = 1000) -> None:
    """An established connection. No time-out comes while the steps follow within a second."""
    bench.begin(mss=mss)
    bench.connect()


def _ack_all(bench: Bench, step: int) -> None:
    """Acknowledge all that is in flight now, ``step`` bytes at a time."""
    peer = bench.peer
    target = peer.sent_by_device
    while peer.acked < target:
        peer.ack(min(peer.acked + step, target))
        bench.run(1)


def _grow(bench: Bench, segments: int) -> None:
    """Have the window grow: so many segments of 1000 bytes are sent and acknowledged one by one."""
    target = bench.peer.sent_by_device + segments * 1000
    bench.write(segments * 1000)
    for _ in range(2 * segments):
        _ack_all(bench, 1000)
        if bench.peer.acked >= target:
            return


def _write(bench: Bench, count: int) -> None:
    bench.write(count)
    bench.run(1)


def _duplicates(bench: Bench, count: int) -> None:
    for _ in range(count):
        bench.peer.ack(bench.peer.acked)
        bench.run(1)


def handshake(bench: Bench) -> None:
    """Connections of different MSS."""
    mss = (536, 1000, 1460)[bench.stream.below(3)]
    _open(bench, mss)
    _write(bench, 4 * mss)


def growing(bench: Bench) -> None:
    """A transfer without losses: full segments are acknowledged, now and then two at once."""
    _open(bench)
    bench.write(24_000)
    for _ in range(8):
        _ack_all(bench, 1000 * bench.stream.between(1, 2))


def divided(bench: Bench) -> None:
    """A receiver that acknowledges each segment in pieces, to have more sent than is its due."""
    _open(bench)
    bench.write(20_000)
    for _ in range(3):
        _ack_all(bench, bench.stream.between(200, 400))


def _one_loss(bench: Bench, duplicates: int) -> None:
    """A transfer of which one segment is lost: duplicates, the fast retransmission, and the ACK of it."""
    _grow(bench, 20)
    bench.write(12_000)
    bench.run(1)
    _duplicates(bench, duplicates)
    _ack_all(bench, 100_000)


def careful(bench: Bench) -> None:
    """After a loss: window by window."""
    _open(bench)
    _one_loss(bench, 3)
    for _ in range(5):
        bench.write(14_000)
        for _ in range(4):
            _ack_all(bench, 1000)
    if not bench.judged:
        bench.fail(
            "after a loss cwnd() stayed below ssthresh() for 70 segments: ssthresh is where slow start ends, "
            "and a loss lowers it (RFC 5681 3.1)"
        )


def idle_then_loss(bench: Bench) -> None:
    """The window is large, but the program has written little when a segment is lost."""
    _open(bench)
    _grow(bench, bench.stream.between(24, 30))
    _write(bench, 1000 * bench.stream.between(5, 7))
    _duplicates(bench, 3)


def recovery(bench: Bench) -> None:
    """A loss with many segments behind it."""
    _open(bench)
    _one_loss(bench, bench.stream.between(5, 8))


def _time_out(bench: Bench, times: int) -> None:
    """Nothing arrives any more until the first segment was sent ``times`` more times."""
    first = bench.peer.acked
    count = [0]

    def drops(seen: Seen) -> bool:
        count[0] += seen.length > 0 and seen.seq == first
        return seen.length > 0

    bench.peer.drops = drops
    bench.run_to(lambda: count[0] >= times, 300, "the device had not sent its first segment again")
    bench.run(1)


def dead_line(bench: Bench) -> None:
    """A full window is lost."""
    _open(bench)
    _grow(bench, bench.stream.between(12, 18))
    _write(bench, 30_000)
    _time_out(bench, 1)


def single_segment(bench: Bench) -> None:
    """One segment is all that is in flight, and is lost."""
    _open(bench)
    _write(bench, 1000)
    _time_out(bench, 1)


def twice(bench: Bench) -> None:
    """A full window is lost, and so is the first repetition."""
    _open(bench)
    _grow(bench, bench.stream.between(12, 18))
    _write(bench, 30_000)
    _time_out(bench, 2)


def bad_line(bench: Bench) -> None:
    """A transfer over a line that loses frames."""
    delay = Delay(20 * MS, 5 * MS, stream=bench.chance("delay"), in_order=True)
    other = bench.line([Loss(0.02, stream=bench.chance("loss")), delay], [Delay(20 * MS)])
    bench.send_to(other, BYTES)


def install(bench: Bench, tcp: Tcp, rules: Sequence[Rule]) -> None:
    """Plug the student's part in."""
    tcp.parts.congestion = CongestionPlug(bench, tcp, rules)


EXERCISE = Exercise(
    "congestion",
    "the congestion window",
    CongestionControl,
    install,
    (
        Test("initial", 10, "the initial window", handshake, (initial,)),
        Test("slow start", 10, "one MSS for each segment", growing, (high_threshold, slow_start)),
        Test("divided", 10, "bytes are counted, not ACKs", divided, (bytes_counted,)),
        Test("avoidance", 10, "one MSS for each window", careful, (avoidance,)),
        Test("halving", 10, "half of what is in flight", idle_then_loss, (halved,)),
        Test("recovery", 10, "a duplicate has left the network", recovery, (inflated,)),
        Test("deflation", 10, "new data ends fast recovery", recovery, (deflated,)),
        Test("time-out", 5, "back to one segment", dead_line, (one_segment,)),
        Test("half", 10, "a time-out halves, too", dead_line, (halved_by_timeout,)),
        Test("floor", 5, "never less than two segments", single_segment, (two_segments,)),
        Test("again", 5, "a second time-out halves no more", twice, (held,)),
        Test("bad line", 5, "60,000 bytes over a line with losses", bad_line),
    ),
)
