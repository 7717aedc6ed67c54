"""Lesson 4: delayed ACKs and Nagle's algorithm, and how they lock."""

from __future__ import annotations

from itertools import pairwise

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played
from tap.clock import MS

STRICT = (
    "device.client.profile=profiles/strict-board.toml",
    "device.server.profile=profiles/strict-board.toml",
)
QUESTIONS = 10


def _writes(run: Played) -> list[int]:
    return [event["t"] for event in run.all("api", "client", call="tcp_write")]


def _took(run: Played) -> int | None:
    """From the first write to the last byte of the last answer."""
    printed = [time for time, device, _ in run.result.output if device == "client"]
    return printed[-1] - _writes(run)[0] if printed else None


def _slower(run: Played) -> str | None:
    """Compared with ten fast ticks, which is the pace of the lock."""
    took = _took(run)
    if took is None:
        return None
    ratio = took / (QUESTIONS * run.explainer.run.devices["server"]["tick"]["fast_ns"])
    return "about the same" if 0.8 < ratio < 1.25 else "0.9 s more" if ratio < 2 else "ten times"


def _each(run: Played) -> int | None:
    """From a question to the next, in the middle of the run."""
    first = [event["t"] for event in run.all("segment-out", "client", len=lambda size: size in (20, 50))]
    return first[6] - first[5] if len(first) > 6 else None


def _round_trip(run: Played) -> int | None:
    """From the SYN on the wire to the SYN-ACK's arrival."""
    return run.gap(run.sent("client>server", flags="S"), run.time("segment-in", "client", flags="SA"))


def _silence(run: Played) -> int:
    """The longest time for which the client sent nothing, from its first data on until it had all."""
    end = run.result.output[-1][0] if run.result.output else run.result.time
    begin = _writes(run)[0]
    times = [begin, *(event["sent"] for event in run.frames("client>server")), end]
    times = [time for time in times if begin <= time <= end]
    return max(int(later - sooner) for sooner, later in pairwise(times))


def _waiting(run: Played) -> str:
    """What the second write of the first question waits for."""
    held = run.one("held", "client", why="nagle")
    if held is None:
        return "nothing"
    sent = run.one("segment-out", "client", seq=held["seq"])
    cause = run.explainer.run.within(sent, "segment-in") if sent else None
    return "the ACK" if cause is not None and cause["ack_kind"] == "new" else "a timer"


def _end(run: Played) -> int | None:
    """When the client's program had all."""
    return run.result.output[-1][0] if run.result.output else None


LESSON = Lesson(
    number=4,
    name="nagle",
    title="Delayed ACKs and Nagle's algorithm, and how they lock",
    runs={
        MAIN: Variant("two writes"),
        "one": Variant("one write", ('program.2.args=["one"]',)),
        "nodelay": Variant("TCP_NODELAY", ('program.2.args=["nodelay"]',)),
        "far": Variant("round trip 100 ms", ("link.wire.delay=50ms",)),
        "starved": Variant("lwIP (`micropython`)", file="04-starvation.toml"),
        "strict": Variant("RFC (`strict`)", STRICT, "04-starvation.toml"),
    },
    measures={
        "rtt": Measure("round trip", _round_trip),
        "took": Measure("ten questions", _took),
        "slower": Measure("compared with a round trip of 10 ms", _slower, ""),
        "each": Measure("from one question to the next", _each),
        "frames": Measure(
            "segments of the client with data",
            lambda run: run.count("segment-out", "client", len=lambda size: size > 0),
            "",
        ),
        "held": Measure("writes that Nagle holds", lambda run: run.count("held", "client", why="nagle"), ""),
        "delayed": Measure(
            "ACKs by the fast tick", lambda run: run.count("segment-out", "server", cause="delayed-ack"), ""
        ),
        "waits": Measure("the second write waits for", _waiting, ""),
        "tick": Measure("fast tick", lambda run: run.explainer.run.devices["server"]["tick"]["fast_ns"]),
        "silence": Measure("longest silence of the client", _silence),
        "kept_back": Measure(
            "ACKs that were due and not sent",
            lambda run: run.count("held", "client", why="ack-behind-nagle"),
            "",
        ),
        "all": Measure("until the client has 20000 bytes", _end),
    },
    predictions=(
        Prediction(
            "The round trip is {rtt}. Ten questions are asked one after the other, each in two writes. How "
            "many seconds do all ten take?",
            "took",
            "Each question costs one run of the server's fast tick ({each}), not one round trip. The head "
            "goes out at once. The body waits for the head's acknowledgement (Nagle), and the server delays "
            "that, because it hopes for a second segment or an answer that could carry it. Both wait for "
            "each other until the tick comes.",
            tolerance=300 * MS,
        ),
        Prediction(
            "The program writes head and body in one call instead of two. How long do all ten take now?",
            "took@one",
            "There is nothing that could be held back: nothing is in flight when the question is "
            "written. The server answers at once, and its answer carries the ACK.",
            tolerance=50 * MS,
        ),
        Prediction(
            "Two writes again, over a line with a round trip of {rtt@far} instead of {rtt}. How much longer "
            "do the ten questions take?",
            "slower@far",
            "{took@far} instead of {took}. The pace is set by the server's tick of {tick}, and it is the "
            "same as long as head, ACK, body and answer fit between two ticks. That is how one recognises "
            "this lock in a capture: a pace of 200 or 250 ms that no line explains.",
            (
                Choice("ten times", "It would be if round trips set the pace.", "About ten times as long"),
                Choice(
                    "0.9 s more",
                    "Ten round trips are 0.9 s longer, but the wait for the tick hides them.",
                    "0.9 s longer, ten times 90 ms",
                ),
                Choice("about the same", text="They take about the same time"),
            ),
        ),
    ),
    pictures=(("ladder", MAIN), ("timers", MAIN)),
)
