"""The rules of the exercise "congestion": what RFC 5681 says about an answer."""

from __future__ import annotations

from dataclasses import dataclass

from lab.exercises.plug import OK

HIGH = 65535  # of ssthresh at the start


@dataclass(slots=True)
class Answer:
    """What a call has done to both. ``what``: new, ack, recovered (the first ACK after a fast
    retransmission), fast, more, timeout. ``window``: of a whole cwnd of avoidance, (bytes acknowledged, how
    much cwnd grew); (0, 0) where none is complete.
    """

    what: str
    call: str
    mss: int
    before: tuple[int, int]  # cwnd, ssthresh
    after: tuple[int, int]
    acked: int = 0
    flight: int = 0
    again: bool = False
    window: tuple[int, int] = (0, 0)

    @property
    def half(self) -> int:
        """What RFC 5681 wants ssthresh to be after a loss (equation 4)."""
        return max(self.flight // 2, 2 * self.mss)

    def __str__(self) -> str:
        moved = [
            f"{name}() {old} -> {new}" if old != new else f"{name}() {new} as before"
            for name, old, new in zip(("cwnd", "ssthresh"), self.before, self.after, strict=True)
        ]
        return f"{self.call}: {', '.join(moved)}"


def initial(answer: Answer) -> str | None:
    """RFC 5681 3.1, RFC 3390."""
    if answer.what != "new":
        return None
    mss, cwnd = answer.mss, answer.after[0]
    segments = 2 if mss > 2190 else 3 if mss > 1095 else 4
    in_bytes = min(4 * mss, max(2 * mss, 4380))
    if cwnd in (segments * mss, in_bytes):
        return OK
    return (
        f"cwnd() starts at {cwnd}: with an MSS of {mss} the initial window is {segments} segments, "
        f"{segments * mss} bytes (RFC 5681 3.1)"
    )


def high_threshold(answer: Answer) -> str | None:
    """RFC 5681 3.1."""
    if answer.what == "new" and answer.after[1] < HIGH:
        return f"ssthresh() starts at {answer.after[1]}: as high as can be, {HIGH} or more (RFC 5681 3.1)"
    return None


def slow_start(answer: Answer) -> str | None:
    """RFC 5681 3.1, equation 2; RFC 3465's limit of two segments is right, too."""
    cwnd, ssthresh = answer.before
    if answer.what != "ack" or cwnd >= ssthresh or answer.acked < answer.mss or answer.after[0] >= ssthresh:
        return None
    if answer.mss <= answer.after[0] - cwnd <= min(answer.acked, 2 * answer.mss):
        return OK
    return f"{answer}: in slow start an ACK of a full segment adds one MSS, {answer.mss} (RFC 5681 3.1)"


def bytes_counted(answer: Answer) -> str | None:
    """RFC 5681 3.1, equation 2: what a receiver that divides its ACKs must not get."""
    cwnd, ssthresh = answer.before
    if answer.what != "ack" or cwnd >= ssthresh or answer.acked >= answer.mss:
        return None
    grown = answer.after[0] - cwnd
    if grown == answer.acked:
        return OK
    return (
        f"{answer}: {answer.acked} bytes were acknowledged, so slow start adds {answer.acked}, not {grown}: "
        "count bytes, not ACKs (RFC 5681 3.1, equation 2)"
    )


def avoidance(answer: Answer) -> str | None:
    """RFC 5681 3.1: about one segment a round trip; how the bytes are counted may differ a little."""
    cwnd, ssthresh = answer.before
    acked, grown = answer.window
    if answer.what != "ack" or cwnd < ssthresh:
        return None
    step = answer.after[0] - cwnd
    if step <= answer.mss and not acked:
        return None  # the window is not complete
    if step <= answer.mss and 0.4 * answer.mss <= grown <= 1.3 * answer.mss:
        return OK
    added = f"{acked} acknowledged bytes have added {grown}" if acked else f"one ACK has added {step}"
    return (
        f"{answer}: in congestion avoidance (cwnd >= ssthresh) a whole cwnd of acknowledged bytes adds one "
        f"MSS, {answer.mss}; {added} (RFC 5681 3.1)"
    )


def halved(answer: Answer) -> str | None:
    """RFC 5681 3.2, step 2, and equation 4."""
    if answer.what != "fast":
        return None
    if abs(answer.after[1] - answer.half) <= answer.mss // 2:
        return OK
    return (
        f"{answer}: ssthresh is half of what is in flight, {answer.flight}, but two MSS at least: "
        f"{answer.half}; not half of cwnd, which may be far more (RFC 5681 3.1, equation 4)"
    )


def inflated(answer: Answer) -> str | None:
    """RFC 5681 3.2, steps 3 and 4."""
    mss = answer.mss
    if answer.what == "fast":
        if answer.after[0] == answer.after[1] + 3 * mss:
            return OK
        return (
            f"{answer}: cwnd is ssthresh and three segments, {answer.after[1] + 3 * mss}: so many have left "
            "the network (RFC 5681 3.2, step 3)"
        )
    if answer.what == "more" and answer.after[0] != answer.before[0] + mss:
        return f"{answer}: each further duplicate adds one MSS, {mss} (RFC 5681 3.2, step 4)"
    return None


def deflated(answer: Answer) -> str | None:
    """RFC 5681 3.2, step 6."""
    if answer.what != "recovered":
        return None
    if answer.after[0] == answer.after[1]:
        return OK
    return (
        f"{answer}: the first ACK of new data ends fast recovery: cwnd is ssthresh, {answer.after[1]}, again "
        "(RFC 5681 3.2, step 6)"
    )


def one_segment(answer: Answer) -> str | None:
    """RFC 5681 3.1: the loss window."""
    if answer.what != "timeout":
        return None
    if answer.after[0] <= answer.mss:
        return OK
    return f"{answer}: after a time-out cwnd is one MSS, {answer.mss} (RFC 5681 3.1)"


def halved_by_timeout(answer: Answer) -> str | None:
    """RFC 5681 3.1, equation 4."""
    if answer.what != "timeout" or answer.again:
        return None
    if abs(answer.after[1] - answer.half) <= answer.mss // 2:
        return OK
    return (
        f"{answer}: a time-out sets ssthresh to half of what was in flight, {answer.half} (RFC 5681 3.1, "
        "equation 4)"
    )


def two_segments(answer: Answer) -> str | None:
    """RFC 5681 3.1, equation 4."""
    if answer.what != "timeout":
        return None
    if answer.after[1] >= 2 * answer.mss:
        return OK
    return f"{answer}: ssthresh is never less than two MSS, {2 * answer.mss} (RFC 5681 3.1, equation 4)"


def held(answer: Answer) -> str | None:
    """RFC 5681 3.1, behind equation 4."""
    if answer.what != "timeout" or not answer.again:
        return None
    if answer.after[1] == answer.before[1]:
        return OK
    return (
        f"{answer}: the timer had run out for this segment before, so ssthresh stays at {answer.before[1]} "
        "(RFC 5681 3.1)"
    )
