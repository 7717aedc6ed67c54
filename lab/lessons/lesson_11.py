"""Lesson 11: out-of-order data in little memory."""

from __future__ import annotations

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played, whole_ms
from lab.trace.writer import Record

LOST = 801
SIZE = 6400
POOL = "fault.2.do=pool-cap pool=PBUF_POOL size="


def _kept(run: Played) -> int:
    """The most bytes that the server kept out of order."""
    return max((int(event["ooseq_bytes"]) for event in run.all("tcb", "server")), default=0)


def _used(run: Played) -> int:
    """The most receive buffers in use."""
    return max((int(event["used"]) for event in run.all("pool", "server", pool="PBUF_POOL")), default=0)


def _segments(run: Played) -> int:
    return run.count("segment-out", "client", len=lambda size: size > 0)


def _filled(run: Played) -> int | None:
    """When the server has the lost segment."""
    return run.time("segment-in", "server", seq=LOST, verdict="in-order")


def _ack(run: Played) -> Record | None:
    """The ACK that tells of it."""
    filled = _filled(run)
    if filled is None:
        return None
    return run.one("segment-out", "server", t=lambda time: time >= filled, ack=lambda ack: ack > LOST)


def _why(run: Played) -> str | None:
    event = _ack(run)
    names = {
        "delayed-ack": "by the fast tick",
        "hole-filled": "at once",
        "window-update": "with a window update",
    }
    return names.get(event["cause"], event["cause"]) if event is not None else None


def _how(run: Played) -> str | None:
    event = run.one("retransmit", "client")
    names = {"fast": "three duplicate ACKs", "rto": "the time-out"}
    return None if event is None else names.get(event["cause"], event["cause"])


def _lost_to_pool(run: Played) -> int:
    """Frames for which the server had no buffer."""
    return run.count("pool", "server", pool="PBUF_POOL", action="fail")


def _done(run: Played) -> int | None:
    begin = run.sent("client>server", seq=1, len=lambda size: size > 0)
    return whole_ms(
        run.gap(begin, run.time("segment-in", "client", ack=lambda ack: ack is not None and ack > SIZE))
    )


LESSON = Lesson(
    number=11,
    name="out-of-order",
    title="Out-of-order data in little memory",
    runs={
        MAIN: Variant(),
        "pool4": Variant("4 receive buffers", (POOL + "4",)),
        "limit": Variant("2 buffers out of order", ("device.server.options.TCP_OOSEQ_MAX_PBUFS=2",)),
        "none": Variant("nothing kept", ("device.server.options.TCP_QUEUE_OOSEQ=0",)),
        "lwip": Variant("lwIP (`micropython`)"),
        "strict": Variant("RFC (`strict`)", ("device.server.profile=profiles/strict-board.toml",)),
    },
    measures={
        "buffers": Measure(
            "receive buffers", lambda run: int(run.trace.header["devices"][1]["limits"]["PBUF_POOL"]), ""
        ),
        "kept": Measure("most bytes kept out of order", _kept, "byte"),
        "used": Measure("most receive buffers in use", _used, ""),
        "fails": Measure("frames without a buffer", _lost_to_pool, ""),
        "segments": Measure("data segments sent", _segments, ""),
        "again": Measure("segments sent again", lambda run: run.count("retransmit", "client"), ""),
        "dups": Measure(
            "duplicate ACKs", lambda run: run.count("segment-in", "client", ack_kind="duplicate"), ""
        ),
        "how": Measure(
            "the lost segment is sent again after",
            _how,
            "",
        ),
        "wait": Measure(
            "from the filled hole to its ACK", lambda run: whole_ms(run.gap(_filled(run), _ack(run)))
        ),
        "ackHow": Measure("it is acknowledged", _why, ""),
        "freed": Measure(
            "bytes thrown away for want of buffers",
            lambda run: sum(int(one["len"]) for one in run.all("reassembly", "server", what="pool-empty")),
            "byte",
        ),
        "took": Measure("until all is acknowledged", _done),
    },
    predictions=(
        Prediction(
            "cwnd lets the client send four segments at first, and two more for what the first ACK "
            "acknowledges. The second one is lost. How many bytes does the server keep out of order when it "
            "comes again?",
            "kept",
            "All that came behind the hole and fits into the window: segments three to six (RFC 9293 "
            "§3.10.7.4: they SHOULD be kept). They stay in the receive buffers in which the driver put "
            "them, one each, on the list ooseq of the control block (tcp_receive). They count against the "
            "pool, not against the window that is announced.",
            (
                Choice(0, "So it is with TCP_QUEUE_OOSEQ 0; the variation below shows what that costs."),
                Choice(
                    1600, "The two segments of the first flight; more come while the duplicate ACKs travel."
                ),
                Choice(3200),
                Choice(5600, "The window has room for that, but cwnd does not let the client send so much."),
            ),
        ),
        Prediction(
            "The lost segment arrives and fills the hole: {kept} more are in order now. When does the "
            "server acknowledge them? (Its program does not read yet.)",
            "ackHow",
            "RFC 5681 §4.2 wants an ACK at once when a hole is filled, because the sender waits in "
            "recovery. lwIP treats the segment like any other in order: it is the first one since the last "
            "ACK, so the ACK is delayed to the next fast tick, here by {wait}. (With SACK blocks left over "
            "lwIP answers at once.)",
            (
                Choice("at once", "So says RFC 5681; it is a quirk of lwIP that it does not."),
                Choice("by the fast tick"),
                Choice("with a window update", "The program reads nothing in this second."),
            ),
        ),
        Prediction(
            "Now the server has only four receive buffers; with {buffers} of them it used {used}. How many "
            "data segments does the client send in all? (It was {segments}: eight and one again.)",
            "segments@pool4",
            "One buffer holds the first segment, which nobody has read, three hold what is out of order. "
            "The next frame finds none and is lost, and lwIP throws the whole queue away to have buffers "
            "again (pbuf_free_ooseq): {freed@pool4} that had arrived. The third duplicate ACK never comes, "
            "so the time-out has to repair it, and everything behind the hole is sent again.",
            (
                Choice(9, "That is what it takes when all can be kept."),
                Choice(10, "More than one segment is gone: the whole queue."),
                Choice(13),
                Choice(16, "The first segment had been acknowledged, and the last two had not been sent."),
            ),
        ),
    ),
    pictures=(("rulers", MAIN), ("sequence", "pool4")),
)
