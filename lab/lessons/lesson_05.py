"""Lesson 5: round trips, time-outs and Karn's algorithm on a coarse tick."""

from __future__ import annotations

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played
from tap.clock import MS

LATE = ("fault.1.on=client>server kind=data from=5s", "fault.1.do=delay 1.3s")
STRICT = (
    "device.client.profile=profiles/strict-board.toml",
    "device.server.profile=profiles/strict-board.toml",
)
WAY = "client>server"
LOST = 501  # the first byte of the question that is lost


def _lost(run: Played, n: int) -> int | None:
    """When that question was sent for the n-th time."""
    return run.sent(WAY, n, seq=LOST, len=100)


def _sample(field: str, n: int) -> Measure:
    """Of the client's n-th RTT sample."""
    names = {"m": "RTT sample", "rto": "RTO after sample"}
    return Measure(
        f"{names[field]} {n}", lambda run: run.value(field, "rtt", "client", n, what="sample"), "tick"
    )


def _gap(n: int) -> Measure:
    def of(run: Played) -> int | None:
        return run.gap(_lost(run, n), _lost(run, n + 1))

    names = ("first", "second", "third")
    return Measure(f"from the {names[n - 1]} transmission to the {names[n]}", of)


def _round_trip(run: Played) -> int | None:
    """Of the third question, to its answer."""
    return run.gap(run.sent(WAY, seq=201, len=100), run.time("segment-in", "client", ack=301))


def _after_karn(run: Played) -> str:
    """What was done with the ACK of the question that had been sent again."""
    acked = run.time("segment-in", "client", ack=LOST + 100)
    taken = [event for event in run.all("rtt", "client", what="sample", seq=LOST) if event["t"] == acked]
    return "taken" if taken else "none"


def _true_round_trip(run: Played) -> int | None:
    """From the first transmission of that question to its acknowledgement."""
    return run.gap(_lost(run, 1), run.time("segment-in", "client", ack=LOST + 100))


def _late_gap(run: Played) -> int | None:
    """Between the transmissions of the question that is lost behind an idle start."""
    return run.gap(
        run.time("segment-out", "client", 1, seq=101, conn=2),
        run.time("segment-out", "client", 2, seq=101, conn=2),
    )


LESSON = Lesson(
    number=5,
    name="rto",
    title="Round trips, time-outs and Karn's algorithm on a coarse tick",
    runs={
        MAIN: Variant(),
        "far": Variant("round trip 800 ms", ("link.wire.delay=400ms",)),
        "farther": Variant("round trip 2 s", ("link.wire.delay=1s",)),
        "late": Variant("late, not lost", LATE),
        "lwip": Variant("lwIP (`micropython`)", LATE),
        "karn": Variant("RFC (`strict`)", (*LATE, *STRICT)),
        "idle": Variant("lwIP (`micropython`)", file="05-late-sample.toml"),
        "strict": Variant("RFC (`strict`)", STRICT, "05-late-sample.toml"),
    },
    measures={
        "first_rto": Measure(
            "RTO at the beginning",
            lambda run: run.value("ticks", "timer-armed", "client", timer="rexmit"),
            "tick",
        ),
        "rtt": Measure("round trip", _round_trip),
        "m1": _sample("m", 1),
        "rto1": _sample("rto", 1),
        "rto2": _sample("rto", 2),
        "rto3": _sample("rto", 3),
        "rto4": _sample("rto", 4),
        "rto5": _sample("rto", 5),
        "gap1": _gap(1),
        "gap2": _gap(2),
        "rto": Measure(
            "RTO when the question was lost",
            lambda run: run.value("rto", "segment-out", "client", seq=LOST, len=100),
            "tick",
        ),
        "true": Measure("from the first transmission to the ACK", _true_round_trip),
        "karn": Measure("the ambiguous sample", _after_karn, ""),
        "karn_m": Measure(
            "its value", lambda run: run.value("m", "rtt", "client", what="sample", seq=LOST), "tick"
        ),
        "karn_rto": Measure(
            "RTO after it", lambda run: run.value("rto", "rtt", "client", what="sample", seq=LOST), "tick"
        ),
        "next_rto": Measure(
            "RTO when the next question is sent",
            lambda run: run.value("rto", "segment-out", "client", seq=LOST + 100, len=100),
            "tick",
        ),
        "again": Measure(
            "questions sent again", lambda run: run.count("segment-out", "client", cause="rto"), ""
        ),
        "tick": Measure("slow tick", lambda run: run.explainer.run.devices["client"]["tick"]["slow_ns"]),
        "late_m": Measure(
            "the first RTT sample", lambda run: run.value("m", "rtt", "client", what="sample", conn=2), "tick"
        ),
        "late_rto": Measure(
            "RTO when the second question is lost",
            lambda run: run.value("limit", "timer-fired", "client", timer="rexmit", conn=2),
            "tick",
        ),
        "late_gap": Measure("until it is sent again", _late_gap),
    },
    predictions=(
        Prediction(
            "Every round trip takes {rtt}. After a few samples, what is lwIP's retransmission time-out?",
            "rto4",
            "A round trip of {rtt} mostly falls between two slow ticks and counts as 0 ticks. So the "
            "smoothed time is 0, and the variance shrinks from {first_rto} to {rto3} and stays there: "
            "integer arithmetic cannot take a quarter of less than four away. 3 ticks of {tick} are 1.5 s "
            "at most.",
            (
                Choice(
                    0,
                    "The average is 0 ticks, but the time-out adds the variance, which stays at 3.",
                    "{rtt} and a little more",
                ),
                Choice(
                    2,
                    "RFC 6298 §2.4 asks for at least 1 s. lwIP has no such line; its arithmetic ends "
                    "at a higher value.",
                    "1 s, the least that the RFC allows (2 ticks)",
                ),
                Choice(3, text="1.5 s (3 ticks)"),
                Choice(
                    6,
                    "The time-out begins at 6 ticks and comes down with every sample.",
                    "3 s, as at the beginning (6 ticks)",
                ),
            ),
        ),
        Prediction(
            "The sixth question is lost twice. How many seconds are between its second transmission and its "
            "third?",
            "gap2",
            "The time-out is 3 ticks; after it has expired once it is doubled (RFC 6298 §5.5; tcp_backoff in "
            "tcp.c). The second wait begins at a tick, so it is not cut short: 6 ticks are {gap2}. The first "
            "wait was {gap1}, because it began in the middle of a tick.",
            tolerance=100 * MS,
        ),
        Prediction(
            "The third transmission is acknowledged. Karn's algorithm says: take no RTT sample from a "
            "segment that was sent again. What does lwIP do?",
            "karn",
            "A time-out does stop the measurement. But the retransmission itself starts it anew (rttest in "
            "tcp_output_segment), and the ACK ends it. So lwIP believes that an ACK always answers the last "
            "transmission. RFC 6298 §3 forbids that, because nobody can know it. Here the guess is right.",
            (
                Choice(
                    "none",
                    "So it should be. Look for the sample behind the retransmission in the trace.",
                    "It takes no sample",
                ),
                Choice("taken", text="It takes one, from the last transmission on"),
                Choice(
                    "first",
                    "That would be the other wrong guess: {true} instead of a round trip.",
                    "It takes one, from the first transmission on",
                ),
            ),
        ),
    ),
    pictures=(("rtt", MAIN), ("timers", MAIN)),
)
