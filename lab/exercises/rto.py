"""The exercise "rto": the retransmission time-out (RFC 6298), plugged in where lwIP has its own."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

from lab.exercises.bench import Bench
from lab.exercises.definition import Exercise, Test
from lab.exercises.peer import Seen
from lab.exercises.plug import OK, Plug, Rule
from lab.exercises.starters.rto import INITIAL_RTO, MAX_RTO, MIN_RTO, RtoEstimator
from lab.exercises.student import Student, nothing, number, shown
from netstack.tcp import rtt
from netstack.tcp.layer import Tcp
from netstack.tcp.tcb import Tcb
from tap.clock import MS
from tap.impair.delay import Delay
from tap.impair.loss import Loss

MSS = 1460
BYTES = 40_000  # of the transfer over a bad line


class Rfc6298:
    """What the RFC wants: the model that answers are compared with."""

    def __init__(self, granularity: int) -> None:
        self.granularity = granularity
        self.srtt: float | None = None
        self.rttvar = 0.0
        self.rto: float = INITIAL_RTO

    def sample(self, rtt: float) -> None:
        """A segment that was sent once was acknowledged."""
        if self.srtt is None:
            self.srtt, self.rttvar = rtt, rtt / 2
        else:
            self.rttvar += (abs(self.srtt - rtt) - self.rttvar) / 4
            self.srtt += (rtt - self.srtt) / 8
        self.rto = min(max(self.formula, MIN_RTO), MAX_RTO)

    @property
    def formula(self) -> float:
        """The time-out before its limits."""
        assert self.srtt is not None
        return self.srtt + max(self.granularity, 4 * self.rttvar)

    def back_off(self) -> None:
        """The timer has run out."""
        self.rto = min(2 * self.rto, MAX_RTO)


@dataclass(slots=True)
class Answer:
    """What a call has done to ``rto()``. ``what``: new, sample (valid), ambiguous, timeout."""

    what: str
    call: str
    before: float
    after: float
    model: Rfc6298
    samples: int  # valid ones so far
    rtt: float = 0

    def __str__(self) -> str:
        return f"{self.call} made rto() {self.after:g} ms"


def near(value: float, wanted: float) -> bool:
    """Equal up to what rounding to whole milliseconds on the way may bring."""
    return abs(value - wanted) <= 4 + wanted / 50


@dataclass(slots=True)
class _Side:
    student: Student
    model: Rfc6298
    rto: float = INITIAL_RTO
    samples: int = 0


class RtoPlug(Plug[_Side]):
    """``pcb.rto`` is the student's, rounded up to slow ticks and one more: the first may be nearly over."""

    def make(self, pcb: Tcb) -> _Side | None:
        tick = self.tcp.profile.tcp_slow_interval
        student = self.bench.student(granularity=tick)
        if student is None:
            return None
        side = _Side(student, Rfc6298(tick))
        self._look(
            pcb, side, Answer("new", shown("RtoEstimator", {"granularity": tick}), 0, 0, side.model, 0)
        )
        return side

    def sample(self, pcb: Tcb, ticks: int) -> None:
        """lwIP's own measurement, in ticks, is not used."""
        pcb.rttest = 0

    def reset_backoff(self, pcb: Tcb) -> None:
        """New data was acknowledged."""
        side = self.side(pcb)
        if side is None:
            rtt.reset_backoff(pcb)
            return
        sent = self.bench.wire.sent_at.get(pcb.lastack)
        if not sent:
            return  # what came before was acknowledged in the middle of a segment
        measured, again = (self.bench.now - sent[-1]) // MS, len(sent) > 1
        arguments: dict[str, object] = {"rtt": measured, "retransmitted": again}
        if not again:
            side.model.sample(measured)
            side.samples += 1
        self.ask(side.student, "on_ack", nothing, **arguments)
        what = "ambiguous" if again else "sample"
        self._look(pcb, side, Answer(what, shown("on_ack", arguments), side.rto, 0, side.model, 0, measured))

    def back_off(self, pcb: Tcb) -> None:
        """The time-out fired."""
        side = self.side(pcb)
        if side is None:
            rtt.back_off(pcb)
            return
        side.model.back_off()
        self.ask(side.student, "on_timeout", nothing)
        self._look(pcb, side, Answer("timeout", "on_timeout()", side.rto, 0, side.model, 0))

    def _look(self, pcb: Tcb, side: _Side, answer: Answer) -> None:
        """Take over what ``rto()`` says now, and judge it."""
        if self.bench.over:
            return
        after = self.ask(side.student, "rto", number)
        if after is None:
            return
        if after <= 0:
            self.bench.fail(f"{answer.call}: rto() returned {after:g}: a time-out is more than 0 ms")
            return
        answer.after, answer.samples = after, side.samples
        self.bench.remark(f"your {answer}")
        side.rto = after
        pcb.rto = min(int(-(-after // self.tcp.profile.tcp_slow_interval)) + 1, 0x7FFF)
        self.judge(answer)


# Rules


def initial(answer: Answer) -> str | None:
    """RFC 6298 2.1."""
    if answer.what != "new":
        return None
    if near(answer.after, INITIAL_RTO):
        return OK
    return f"rto() is {answer.after:g} ms before anything was measured: {INITIAL_RTO} ms (RFC 6298 2.1)"


def first(answer: Answer) -> str | None:
    """RFC 6298 2.2."""
    if answer.what != "sample" or answer.samples != 1:
        return None
    if near(answer.after, answer.model.rto):
        return OK
    return (
        f"{answer}: the first measurement R sets SRTT = R and RTTVAR = R/2, so RTO = R + 4 * R/2 = "
        f"{answer.model.rto:g} ms (RFC 6298 2.2)"
    )


def formula(answer: Answer) -> str | None:
    """RFC 6298 2.3."""
    if answer.what != "sample" or answer.samples == 1:
        return None
    model = answer.model
    if near(answer.after, model.rto):
        return OK
    return (
        f"{answer}, not {model.rto:.0f}: with this measurement RTTVAR is {model.rttvar:.0f} (3/4 of the old "
        f"and 1/4 of the deviation from the old SRTT), then SRTT {model.srtt:.0f} (7/8 and 1/8), and RTO is "
        "SRTT + 4 RTTVAR (RFC 6298 2.3)"
    )


def minimum(answer: Answer) -> str | None:
    """RFC 6298 2.4."""
    if answer.what != "sample":
        return None
    if answer.after >= MIN_RTO - 4:
        return OK
    return f"{answer}: never less than {MIN_RTO} ms, however quick the line is (RFC 6298 2.4)"


def granularity(answer: Answer) -> str | None:
    """RFC 6298 2.3: max(G, K*RTTVAR). Only said where all round-trip times were alike."""
    if answer.what != "sample" or answer.samples <= 5:
        return None
    model = answer.model
    least = answer.rtt + model.granularity
    if answer.after >= least * 0.98 - 4:
        return OK
    return (
        f"{answer} after {answer.samples} equal round-trip times: the deviation has gone, but the timer is "
        f"looked at only every {model.granularity} ms, so RTO is SRTT + max(G, 4 RTTVAR) >= {least:g} ms "
        "(RFC 6298 2.3)"
    )


def karn(answer: Answer) -> str | None:
    """RFC 6298 3 and 5."""
    if answer.what != "ambiguous":
        return None
    if near(answer.after, answer.before):
        return OK
    taken = copy(answer.model)
    taken.sample(answer.rtt)
    if abs(answer.after - max(answer.model.formula, MIN_RTO)) <= abs(answer.after - taken.rto):
        return (
            f"{answer}, it was {answer.before:g}: the back-off stays until a segment that was sent only once "
            "is acknowledged (RFC 6298 5)"
        )
    return (
        f"{answer}, it was {answer.before:g}: the segment was sent more than once, so nobody knows which one "
        "was answered; the measurement must not be used (Karn, RFC 6298 3)"
    )


def doubled(answer: Answer) -> str | None:
    """RFC 6298 5.5."""
    if answer.what != "timeout" or 2 * answer.before > MAX_RTO:
        return None
    if near(answer.after, 2 * answer.before):
        return OK
    return f"{answer}, it was {answer.before:g}: each time-out is twice the one before (RFC 6298 5.5)"


def maximum(answer: Answer) -> str | None:
    """RFC 6298 2.5."""
    if answer.what != "timeout":
        return None
    if answer.after <= MAX_RTO + 4:
        return OK
    return f"{answer}: never more than {MAX_RTO} ms here (RFC 6298 2.5)"


def recovered(answer: Answer) -> str | None:
    """RFC 6298 5, the note on 5.7."""
    if answer.what != "sample" or answer.samples == 1:
        return None
    if answer.after <= answer.model.rto * 1.25 + 4:
        return OK
    return (
        f"{answer}, it was {answer.before:g}: a new measurement ends the back-off, RTO is computed from SRTT "
        f"and RTTVAR again, here {answer.model.rto:.0f} ms (RFC 6298 5)"
    )


# What happens


def _exchange(bench: Bench, rtt_ms: float) -> None:
    """The device sends one segment, which is acknowledged after ``rtt_ms``."""
    bench.write(MSS)
    bench.run(rtt_ms)
    bench.peer.ack()
    bench.run(1)


def _lose(bench: Bench, times: int) -> None:
    """The device sends one segment, of which the first ``times`` transmissions are lost; it waits until one
    arrives.
    """
    lost = [0]

    def drops(seen: Seen) -> bool:
        lost[0] += bool(seen.length)
        return bool(seen.length) and lost[0] <= times

    bench.peer.drops = drops
    bench.write(MSS)
    bench.run_to(lambda: lost[0] > times, 400, f"the device had not sent its segment {times + 1} times")
    bench.peer.drops = None


def just_connected(bench: Bench) -> None:
    """A handshake, and a segment."""
    bench.begin()
    bench.connect(bench.stream.between(20, 200))
    _exchange(bench, 50)


def first_measurement(bench: Bench) -> None:
    """A handshake over a long line."""
    bench.begin()
    bench.connect(bench.stream.between(500, 900))


def changing_times(bench: Bench) -> None:
    """Round-trip times that jump, none longer than the time-out."""
    bench.begin()
    bench.connect(bench.stream.between(850, 950))
    for low, high in ((2000, 2200), (700, 900), (2300, 2500), (600, 700), (1900, 2100), (900, 1100)):
        _exchange(bench, bench.stream.between(low, high))


def quick_line(bench: Bench) -> None:
    """A quick line: the formula says far less than a second."""
    bench.begin()
    bench.connect(bench.stream.between(5, 40))
    for _ in range(4):
        _exchange(bench, bench.stream.between(5, 60))


def steady_line(bench: Bench) -> None:
    """A long line whose round-trip time never changes."""
    time = bench.stream.between(1300, 1700)
    bench.begin()
    bench.connect(time)
    for _ in range(18):
        _exchange(bench, time)


def ambiguous_answer(bench: Bench) -> None:
    """A segment is lost, its repetition answered at once."""
    bench.begin()
    bench.connect(bench.stream.between(500, 700))
    _lose(bench, bench.stream.between(1, 2))
    bench.run(bench.stream.between(80, 200))
    bench.peer.ack()
    bench.run(1)


def long_silence(bench: Bench) -> None:
    """A segment is lost five times."""
    bench.begin()
    bench.connect(bench.stream.between(450, 600))
    _lose(bench, 5)


def longer_silence(bench: Bench) -> None:
    """A segment is lost nine times."""
    bench.begin()
    bench.connect(bench.stream.between(450, 600))
    _lose(bench, 9)


def after_the_silence(bench: Bench) -> None:
    """After a loss and its ambiguous answer the line is as before."""
    time = bench.stream.between(500, 600)
    bench.begin()
    bench.connect(time)
    _lose(bench, 3)
    bench.run(time)
    bench.peer.ack()
    bench.run(1)
    _exchange(bench, time)


def bad_line(bench: Bench) -> None:
    """A transfer over a line that loses frames and delays them by changing times."""
    jitter = Delay(150 * MS, 40 * MS, stream=bench.chance("delay"), in_order=True)
    other = bench.line([Loss(0.02, stream=bench.chance("loss")), jitter], [])
    bench.send_to(other, BYTES)


def install(bench: Bench, tcp: Tcp, rules: Sequence[Rule]) -> None:
    """Plug the student's part in."""
    tcp.parts.rtt = RtoPlug(bench, tcp, rules)


EXERCISE = Exercise(
    "rto",
    "the retransmission time-out",
    RtoEstimator,
    install,
    (
        Test("initial", 5, "before any measurement the time-out is 1 s", just_connected, (initial,)),
        Test("first", 10, "the first measurement", first_measurement, (first,)),
        Test("smoothing", 15, "SRTT and RTTVAR follow changing round-trip times", changing_times, (formula,)),
        Test("minimum", 10, "never less than 1 s", quick_line, (minimum,)),
        Test("granularity", 10, "a steady line: one tick of room stays", steady_line, (granularity,)),
        Test("karn", 15, "an ambiguous answer changes nothing", ambiguous_answer, (karn,)),
        Test("back-off", 10, "each time-out is twice as long", long_silence, (doubled,)),
        Test("maximum", 5, "never more than 60 s", longer_silence, (maximum,)),
        Test("recovery", 10, "a new measurement ends the back-off", after_the_silence, (recovered,)),
        Test("bad line", 10, "40,000 bytes over a line with losses", bad_line),
    ),
)
