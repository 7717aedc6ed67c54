"""Lesson 6: fast retransmit."""

from __future__ import annotations

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played
from tap.clock import MS

STRICT = (
    "device.client.profile=profiles/strict-board.toml",
    "device.server.profile=profiles/strict-board.toml",
)
WAY = "client>server"
LOST = 4001
AGAIN = "fault.1.on=client>server kind=data seq=4001 xmit=1..3"


def _waited(run: Played) -> int | None:
    """From the first transmission of the lost segment to the second."""
    return run.gap(run.sent(WAY, 1, seq=LOST), run.sent(WAY, 2, seq=LOST))


def _gap(n: int) -> Measure:
    names = ("first", "second", "third", "fourth")
    return Measure(
        f"from the {names[n - 1]} transmission to the {names[n]}",
        lambda run: run.gap(run.sent(WAY, n, seq=LOST), run.sent(WAY, n + 1, seq=LOST)),
    )


def _how(run: Played) -> str | None:
    event = run.one("retransmit", "client")
    names = {"fast": "duplicate ACKs", "rto": "the time-out"}
    return None if event is None else names.get(event["cause"], event["cause"])


def _congestion(field: str, cause: str) -> object:
    return lambda run: run.value(field, "congestion", "client", cause=cause)


def _number(meaning: str, field: str, cause: str) -> Measure:
    return Measure(meaning, _congestion(field, cause), "byte")  # type: ignore[arg-type]


def _done(run: Played) -> int | None:
    begin = run.sent(WAY, 1, seq=1, len=lambda size: size > 0)
    return run.gap(begin, run.time("segment-in", "client", ack=lambda ack: ack is not None and ack >= 16001))


LESSON = Lesson(
    number=6,
    name="fast-retransmit",
    title="Fast retransmit",
    runs={
        MAIN: Variant(),
        "small": Variant("window of 3 segments", ("device.server.options.TCP_WND=2400",)),
        "reorder2": Variant("2 places late", ("fault.1.do=reorder behind=2",)),
        "reorder4": Variant("4 places late", ("fault.1.do=reorder behind=4",)),
        "two": Variant("two lost", ("fault.1.on=client>server kind=data seq=4001..5000 xmit=1",)),
        "again": Variant("lwIP (`micropython`)", (AGAIN,)),
        "strict": Variant("RFC (`strict`)", (AGAIN, *STRICT)),
    },
    measures={
        "dups": Measure(
            "duplicate ACKs", lambda run: run.count("segment-in", "client", ack_kind="duplicate"), ""
        ),
        "third": Measure(
            "the third one arrives",
            lambda run: run.time("segment-in", "client", ack_kind="duplicate", dupacks=3),
        ),
        "rtt": Measure(
            "round trip",
            lambda run: run.gap(run.sent(WAY, flags="S"), run.time("segment-in", "client", flags="SA")),
        ),
        "rto": Measure("time-out", lambda run: run.value("rto", "tcb", "client", -1, dupacks=2), "tick"),
        "waited": Measure("until that segment is sent again", _waited),
        "how": Measure("what made the client send it again", _how, ""),
        "again": Measure("segments sent again", lambda run: run.count("retransmit", "client"), ""),
        "others": Measure(
            "of them behind the lost one",
            lambda run: run.count("retransmit", "client", seq=lambda seq: seq > LOST),
            "",
        ),
        "kept": Measure(
            "segments kept out of order",
            lambda run: run.count("reassembly", "server", what="stored"),
            "",
        ),
        "hole": Measure(
            "acknowledged at once when the hole is filled",
            lambda run: run.value("acked", "segment-in", "client", acked=lambda n: (n or 0) > 2400),
            "byte",
        ),
        "before": _number("cwnd before", "old_cwnd", "fast"),
        "flight": Measure(
            "in flight", lambda run: run.value("flight", "tcb", "client", -1, dupacks=2), "byte"
        ),
        "ssthresh": _number("ssthresh", "ssthresh", "fast"),
        "inflated": _number("cwnd in recovery", "cwnd", "fast"),
        "top": Measure(
            "cwnd at the last duplicate",
            lambda run: run.value("cwnd", "congestion", "client", -1, cause="dup-ack"),
            "byte",
        ),
        "after": _number("cwnd after it", "cwnd", "recovered"),
        "limit": Measure(
            "min(cwnd, window) at the loss",
            lambda run: run.value("snd_wnd", "tcb", "client", -1, dupacks=2),
            "byte",
        ),
        "gap1": _gap(1),
        "gap2": _gap(2),
        "gap3": _gap(3),
        "nrtx": Measure(
            "retries counted after the fast retransmit",
            lambda run: run.value("nrtx", "retransmit", "client", cause="fast"),
            "",
        ),
        "took": Measure("until all is acknowledged", _done),
    },
    predictions=(
        Prediction(
            "The round trip is {rtt}, the time-out {rto} of 500 ms. How many milliseconds after its first "
            "transmission is the lost segment sent again?",
            "waited",
            "The segments behind the lost one left at the same moment. Each arrives out of order and is "
            "answered at once by the same acknowledgement; the third duplicate arrives one round trip after "
            "the loss, and tcp_rexmit_fast does not wait for the timer (RFC 5681 §3.2).",
            tolerance=20 * MS,
        ),
        Prediction(
            "{kept} segments behind the lost one have arrived. How many of them are sent again?",
            "others",
            "The server has kept all {kept} (ooseq, RFC 9293 §3.10.7.4). The segment that fills the hole is "
            "acknowledged together with them, {hole} in one number. The client sends again the one that is "
            "missing and waits for what the ACK says.",
            (
                Choice(
                    6,
                    "So it would be after a time-out (go-back-N), or with a receiver that keeps nothing.",
                    "All six",
                ),
                Choice(
                    3,
                    "Three duplicates are the signal; they do not say what is missing.",
                    "Three, one for each duplicate that counted",
                ),
                Choice(0, text="None"),
            ),
        ),
        Prediction(
            "At the loss cwnd is {before}, and the server's window is {limit}. What is cwnd when the "
            "recovery is over?",
            "after",
            "ssthresh becomes half of what may be in flight: lwIP takes min(cwnd, window) / 2 = {ssthresh} "
            "(RFC 5681 §3.2 (4) says FlightSize). During recovery cwnd is ssthresh and three segments more, "
            "{inflated}, and one more for every further duplicate, because each tells that a segment has "
            "left the network. The new ACK ends that: cwnd = ssthresh = {after}.",
            (
                Choice(800, "That is what a time-out does: back to one segment.", "800 bytes, one segment"),
                Choice(2800, text="2800 bytes"),
                Choice(
                    3200,
                    "Half of cwnd, but the window is smaller than cwnd, and it is what counts.",
                    "3200 bytes",
                ),
                Choice(6400, "A loss is taken for congestion: the rate is halved.", "6400 bytes, as before"),
            ),
        ),
    ),
    pictures=(("sequence", MAIN), ("windows", MAIN)),
)
