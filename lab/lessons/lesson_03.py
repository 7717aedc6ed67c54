"""Lesson 3: the sliding window."""

from __future__ import annotations

from itertools import pairwise

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played
from tap.clock import MS, SECOND

STRICT = (
    "device.client.profile=profiles/strict-board.toml",
    "device.server.profile=profiles/strict-board.toml",
)
SIZE = 64000
TINY = "device.server.options.TCP_WND=1000"


def _took(run: Played) -> int | None:
    """From the first byte sent to the last one acknowledged."""
    done = run.time("segment-in", "client", ack=lambda ack: ack is not None and ack > SIZE)
    return run.gap(run.time("segment-out", "client", seq=1, len=lambda size: size > 0), done)


def _rate(run: Played) -> int | None:
    took = _took(run)
    return None if took is None else round(SIZE * SECOND / took)


def _share(run: Played) -> str | None:
    """The time compared with that of one window of 4000 bytes in each round trip."""
    took, round_trip = _took(run), _round_trip(run)
    if took is None or round_trip is None:
        return None
    share = took / (SIZE / 4000 * round_trip)
    names = {0.25: "a quarter", 0.5: "half", 1.0: "all of it", 2.0: "twice"}
    return names[min(names, key=lambda name: abs(name - share))]


def _flight(run: Played) -> int:
    return max(int(event["flight"]) for event in run.all("tcb", "client"))


def _round_trip(run: Played) -> int | None:
    """From the first data segment to its acknowledgement."""
    sent = run.sent("client>server", seq=1, len=lambda size: size > 0)
    return run.gap(sent, run.time("segment-in", "client", ack=lambda ack: ack is not None and ack > 1))


def _edge(run: Played) -> str:
    """How far the peer's announced right edge ever moved back."""
    edges = [event["ack"] + event["wnd"] for event in run.all("segment-in", "client", verdict="ack-only")]
    moved_back = any(later < sooner for sooner, later in pairwise(edges))
    return "it moves back" if moved_back else "it only moves on"


LESSON = Lesson(
    number=3,
    name="sliding-window",
    title="The sliding window",
    runs={
        MAIN: Variant(),
        "half": Variant("window 2000", ("device.server.options.TCP_WND=2000",)),
        "double": Variant("window 8000", ("device.server.options.TCP_WND=8000",)),
        "far": Variant("round trip 200 ms", ("link.wire.delay=100ms",)),
        "slow": Variant("slow reader", ("program.1.run=receive port=5000 count=1 rate=160kbit",)),
        "tiny": Variant("lwIP (`micropython`)", (TINY,)),
        "strict": Variant("RFC (`strict`)", (TINY, *STRICT)),
    },
    measures={
        "rtt": Measure("round trip", _round_trip),
        "window": Measure(
            "window that the server offers", lambda run: run.value("wnd", "segment-out", "server"), "byte"
        ),
        "flight": Measure("most bytes in flight", _flight, "byte"),
        "took": Measure("until all is acknowledged", _took),
        "share": Measure("time, of what a window of 4000 takes", _share, ""),
        "rate": Measure("bytes per second", _rate, ""),
        "zeros": Measure("ACKs with window 0", lambda run: run.count("segment-out", "server", wnd=0), ""),
        "edge": Measure("the right edge", _edge, ""),
        "mss": Measure(
            "bytes in the first segment",
            lambda run: run.value("len", "segment-out", "client", len=lambda size: size > 0),
            "",
        ),
        "segments": Measure(
            "data segments",
            lambda run: run.count("segment-out", "client", len=lambda size: size > 0, xmit=1),
            "",
        ),
        "acks": Measure("ACKs", lambda run: run.count("segment-out", "server", flags="A"), ""),
        "delayed": Measure(
            "of them by the fast tick",
            lambda run: run.count("segment-out", "server", cause="delayed-ack"),
            "",
        ),
    },
    predictions=(
        Prediction(
            "The server offers {window}, the round trip is {rtt}, the line itself is infinitely fast. How "
            "many seconds does it take until all 64000 bytes are acknowledged?",
            "took",
            "At most one window is in flight, and its acknowledgement comes one round trip later: one window "
            "for each round trip, {window} in {rtt}. 64000 bytes are 16 windows, so it takes {took}, which "
            "is {rate} bytes per second.",
            tolerance=200 * MS,
        ),
        Prediction(
            "A window of {window@double} instead of {window}: how long does it take?",
            "share@double",
            "The time is 64000 bytes divided by the window, in round trips: {took@double} instead of "
            "{took}. It is one round trip more than half, because the first flight is not limited by the "
            "window but by slow start (lesson 7).",
            (
                Choice(
                    "all of it",
                    "The line was idle most of the time; it was the window that decided.",
                    "Just as long",
                ),
                Choice("half", text="About half as long"),
                Choice(
                    "a quarter",
                    "The window counts once: twice the window is twice the bytes per round trip.",
                    "About a quarter as long",
                ),
            ),
        ),
        Prediction(
            "In some ACKs the server offers a window of 0, although its program reads everything at once. "
            "Does the right edge (acknowledgement + window), up to which the client may send, ever move "
            "back?",
            "edge",
            "The ACK leaves before the program has read: the acknowledged bytes are still in the buffer, so "
            "the window is smaller by just what the acknowledgement is larger, and the edge stays. When the "
            "program reads, a window update moves the edge on. Moving it back is shrinking the window, which "
            "RFC 9293 §3.8.6 discourages strongly.",
            (
                Choice(
                    "it moves back",
                    "Window 0 looks like less than 4000, but it stands beside a larger acknowledgement "
                    "number.",
                    "Yes, each time the window is 0",
                ),
                Choice("it only moves on", text="No, it stays or moves on"),
            ),
        ),
    ),
    pictures=(("sequence", MAIN), ("sequence", "slow"), ("rulers", MAIN)),
)
