"""Lesson 7: slow start and congestion avoidance."""

from __future__ import annotations

from itertools import pairwise

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played
from tap.clock import MS

SIZE = 400 * 1024
NO_LOSS = "fault.1.at=1h"
IDLE = "program.2.run=send bytes=400k chunk=200k pause=5s to=server:5000"


def _strict(profile: str) -> tuple[str, str]:
    return f"device.client.profile={profile}", f"device.server.profile={profile}"


def _begin(run: Played) -> int:
    """When the first byte is sent."""
    return run.sent("client>server", seq=1, len=lambda size: size > 0) or 0


def _round_trip(run: Played) -> int:
    """The time from the SYN to the SYN-ACK, and a hundredth, in which segments leave."""
    took = run.gap(run.sent("client>server", flags="S"), run.time("segment-in", "client", flags="SA")) or 0
    return took * 101 // 100


def _cwnd(run: Played, time: int) -> int:
    """The congestion window of the client at that time."""
    return next(
        (int(one["cwnd"]) for one in reversed(run.all("congestion", "client")) if one["t"] <= time), 0
    )


def _round(number: int) -> Measure:
    """What cwnd is when so many rounds are over."""
    names = (
        "at the beginning",
        "after one round trip",
        "after two",
        "after three",
        "after four",
        "after five",
    )

    def value(run: Played) -> int:
        return _cwnd(run, _begin(run) + (number + 1) * _round_trip(run) - 3 * MS)

    return Measure(f"cwnd {names[number]}", value, "byte")


def _number(meaning: str, field: str, cause: str, n: int = 1) -> Measure:
    return Measure(meaning, lambda run: run.value(field, "congestion", "client", n, cause=cause), "byte")


def _first_burst(run: Played, begin: int) -> int:
    """Data segments that are sent from ``begin`` on before anything is acknowledged."""
    ack = run.time("segment-in", "client", t=lambda time: time > begin)
    return run.count(
        "segment-out",
        "client",
        len=lambda size: size > 0,
        t=lambda time: begin <= time and (ack is None or time < ack),
    )


def _after_idle(run: Played) -> int | None:
    """The same when the client writes again after its idle time."""
    writes = [event["t"] for event in run.all("api", "client", call="tcp_write")]
    later = [time for before, time in pairwise(writes) if time - before > 4000 * MS]
    return _first_burst(run, later[0]) if later else None


def _took(run: Played) -> int | None:
    done = run.time("segment-in", "client", ack=lambda ack: ack is not None and ack > SIZE)
    return run.gap(_begin(run), done)


def _flight(run: Played) -> int:
    return max((int(event["flight"]) for event in run.all("tcb", "client")), default=0)


def _growth(run: Played) -> int | None:
    """By how much cwnd grows in one round trip of congestion avoidance, after the recovery."""
    over = run.time("congestion", "client", cause="recovered")
    if over is None:
        return None
    return _cwnd(run, over + 3 * _round_trip(run)) - _cwnd(run, over + 2 * _round_trip(run))


LESSON = Lesson(
    number=7,
    name="slow-start",
    title="Slow start and congestion avoidance",
    runs={
        MAIN: Variant(),
        "far": Variant("round trip 200 ms", ("link.wire.delay=100ms",)),
        "outage": Variant("300 ms without a wire", (NO_LOSS, "fault.2.at=700ms")),
        "board": Variant("boards of MicroPython's", (NO_LOSS, *_strict("micropython"))),
        "idle": Variant("lwIP (`full`)", (NO_LOSS, IDLE)),
        "strict": Variant("RFC (`strict`)", (NO_LOSS, IDLE, *_strict("strict"))),
    },
    measures={
        "mss": Measure("bytes in a segment", lambda run: run.value("mss", "tcb", "client", -1), "byte"),
        "iw": _number("initial window", "cwnd", "initial"),
        "burst": Measure("segments before the first ACK", lambda run: _first_burst(run, _begin(run)), ""),
        "ssthresh": _number("initial ssthresh", "ssthresh", "initial"),
        "sndbuf": Measure("TCP_SND_BUF", lambda run: int(run.trace.header["devices"][0]["snd_buf"]), "byte"),
        "window": Measure(
            "largest window of the server",
            lambda run: max((one["wnd"] for one in run.all("segment-out", "server")), default=0),
            "byte",
        ),
        "r0": _round(0),
        "r1": _round(1),
        "r2": _round(2),
        "r3": _round(3),
        "r4": _round(4),
        "r5": _round(5),
        "bend": _number("cwnd where doubling ends", "old_cwnd", "avoidance"),
        "growth": Measure("growth in a round trip of avoidance", _growth, "byte"),
        "before": _number("cwnd at the third duplicate", "old_cwnd", "fast"),
        "after": _number("cwnd when the loss is repaired", "cwnd", "recovered"),
        "timeout": _number("cwnd after the time-out", "cwnd", "rto"),
        "half": _number("ssthresh after the time-out", "ssthresh", "rto"),
        "flight": Measure("most bytes in flight", _flight, "byte"),
        "top": Measure(
            "largest cwnd",
            lambda run: max((one["cwnd"] for one in run.all("congestion", "client")), default=0),
            "byte",
        ),
        "took": Measure("until all is acknowledged", _took),
        "afterIdle": Measure("segments in one burst after 5 s of silence", _after_idle, ""),
    },
    predictions=(
        Prediction(
            "The server's window is open for {window}, the client's program has written as much as the send "
            "buffer takes, {sndbuf}. How many segments leave before the first ACK comes back?",
            "burst",
            "cwnd starts at min(4 MSS, max(2 MSS, 4380 bytes)) (RFC 5681 §3.1, tcp_process). With segments "
            "of {mss} that is {iw}: three segments. Nobody knows yet what the path can carry.",
            (
                Choice(1, "That was the rule of RFC 2001; since RFC 3390 it may be up to four."),
                Choice(3),
                Choice(10, "RFC 6928 allows ten, Linux uses them; lwIP does not."),
                Choice(40, "As many as the send buffer holds: that is what slow start is there to prevent."),
            ),
        ),
        Prediction(
            "From round trip to round trip cwnd doubles: {r0}, {r1}, {r2}. Where does that end, if nothing "
            "is lost?",
            "bend",
            "At ssthresh, {ssthresh}. lwIP begins with the size of the send buffer (tcp_alloc: "
            "TCP_SND_BUF), because more than that can never be in flight. From there on cwnd grows by one "
            "segment for each window that is acknowledged.",
            (
                Choice(4380, "That is where it begins."),
                Choice(58400),
                Choice(
                    65535, "That is the largest window without scaling, and cwnd is no window on the wire."
                ),
                Choice(116800, "The server's window limits what is sent, but not how cwnd grows."),
            ),
        ),
        Prediction(
            "One segment is lost while cwnd is {before}, and the three duplicate ACKs report it. What is "
            "cwnd when the loss is repaired?",
            "after",
            "Half: ssthresh is half of cwnd (RFC 5681 says: of what is in flight), and when new data is "
            "acknowledged cwnd becomes ssthresh (RFC 5681 §3.2, tcp_receive). Only a time-out sets it back "
            "to one segment: {timeout@outage} in the variation below.",
            (
                Choice(1460, "That is what a time-out does. Duplicate ACKs show that segments still arrive."),
                Choice(4380, "The initial window is for beginnings only."),
                Choice(29930),
                Choice(59860, "A loss is taken for congestion: the window has to become smaller."),
            ),
        ),
    ),
    pictures=(("windows", MAIN), ("windows", "outage")),
)
