"""Lesson 8: zero window, silly window, persist."""

from __future__ import annotations

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played, whole_ms
from tap.clock import MS

STRICT = (
    "device.client.profile=profiles/strict-board.toml",
    "device.server.profile=profiles/strict-board.toml",
)
SMALL_READS = "program.1.run=receive port=5000 after=5s chunk=200 pause=100ms"
TINY = "fault.2.at=0s"
FULL = 6400  # the server's window
MINUTES = "run.stop=3min"


def _has_data(size: int) -> bool:
    return size > 0


def _closed(run: Played) -> int | None:
    """When the client hears that there is no room."""
    return run.time("segment-in", "client", wnd=0)


def _room(run: Played) -> int | None:
    ack = run.value("ack", "segment-in", "client", wnd=0)
    return None if ack is None else ack - 1


def _update(run: Played) -> int | None:
    """When the server says that there is room."""
    return run.time("segment-out", "server", cause="window-update")


def _silent(run: Played) -> int:
    """Reads before that which were not worth an update."""
    update = _update(run)
    return run.count("held", "server", why="small-update", t=lambda time: update is None or time < update)


def _heard(run: Played) -> int | None:
    """When it hears that there is room again."""
    closed = _closed(run)
    if closed is None:
        return None
    return run.time("segment-in", "client", wnd=lambda wnd: wnd > 0, t=lambda time: time > closed)


def _probe_gap(n: int) -> Measure:
    names = ("the closing to the first probe", "the first to the second", "the second to the third")

    def value(run: Played) -> int | None:
        before = _closed(run) if n == 1 else run.time("segment-out", "client", n - 1, cause="persist-probe")
        return whole_ms(run.gap(before, run.time("segment-out", "client", n, cause="persist-probe")))

    return Measure(f"from {names[n - 1]}", value)


def _carries(run: Played, byte: int) -> int:
    """How many segments of the client carry this byte."""
    sent = run.all("segment-out", "client", len=_has_data)
    return sum(event["seq"] <= byte < event["seq"] + event["len"] for event in sent)


def _rate(run: Played) -> int | None:
    """Bytes that are acknowledged in the minute behind the first second."""
    acks = [
        event["ack"]
        for event in run.all("segment-in", "client", t=lambda time: 1000 * MS < time < 61_000 * MS)
    ]
    return acks[-1] - acks[0] if acks else None


def _mean(run: Played) -> int | None:
    """Bytes in a data segment sent after the first second."""
    late = run.all("segment-out", "client", len=_has_data, t=lambda time: time > 1000 * MS)
    return round(sum(event["len"] for event in late) / len(late)) if late else None


LESSON = Lesson(
    number=8,
    name="zero-window",
    title="Zero window, silly window, persist",
    runs={
        MAIN: Variant(),
        "arrives": Variant("the update arrives", ("fault.1.at=1h",)),
        "busy": Variant("busy for 11 s", ("program.1.run=receive port=5000 after=11s", "fault.1.at=11s")),
        "small": Variant("reads of 200 bytes", (SMALL_READS,)),
        "tiny": Variant("window 100 in every ACK", (TINY, MINUTES, "device.client.options.MEM_SIZE=16000")),
        "heap": Variant("the same with 8000 bytes of heap", (TINY, MINUTES)),
        "lwip": Variant("lwIP (`micropython`)"),
        "strict": Variant("RFC (`strict`)", STRICT),
    },
    measures={
        "closed": Measure("the window closes", lambda run: whole_ms(_closed(run))),
        "filled": Measure(
            "bytes that the server had room for",
            _room,
            "byte",
        ),
        "p1": _probe_gap(1),
        "p2": _probe_gap(2),
        "p3": _probe_gap(3),
        "third": Measure(
            "the third probe", lambda run: run.time("segment-out", "client", 3, cause="persist-probe")
        ),
        "probes": Measure(
            "probes", lambda run: run.count("segment-out", "client", cause="persist-probe"), ""
        ),
        "open": Measure("there is room again", lambda run: whole_ms(_update(run))),
        "lost": Measure("window updates lost", lambda run: len(run.all("died", "server>client")), ""),
        "heard": Measure("the client hears of it", lambda run: whole_ms(_heard(run))),
        "late": Measure(
            "so much later",
            lambda run: whole_ms(run.gap(_update(run), _heard(run))),
        ),
        "first": Measure(
            "first window that is announced again",
            lambda run: run.value("wnd", "segment-out", "server", cause="window-update"),
            "byte",
        ),
        "kept": Measure(
            "reads that were not worth an update",
            _silent,
            "",
        ),
        "again": Measure("times that the probe's byte is sent", lambda run: _carries(run, FULL + 1), ""),
        "after": Measure(
            "times after the server took it",
            lambda run: run.count("segment-out", "client", seq=FULL + 1, cause="data"),
            "",
        ),
        "rate": Measure("bytes acknowledged in a minute", _rate, ""),
        "mean": Measure("bytes in a segment after the first second", _mean, ""),
        "splits": Measure(
            "segments cut to the small window",
            lambda run: run.count("segment-out", "client", cause="persist-split"),
            "",
        ),
    },
    predictions=(
        Prediction(
            "At {closed} the client hears that the window is 0. Nothing is in flight, more is waiting. How "
            "many seconds later does it probe the closed window for the first time?",
            "p1",
            "The first step of the persist timer is 3 slow ticks (tcp_persist_backoff: 3, 6, 12, 24, 48, "
            "96, 120). Ticks come every 500 ms from 0.25 s on, and the third of them finds the probe due. "
            "RFC 9293 §3.8.6.1 would wait one retransmission time-out; lwIP takes 1.5 s whatever the round "
            "trip is.",
            tolerance=200 * MS,
        ),
        Prediction(
            "At {open} the program reads everything, and the server says so, but all {lost} updates are "
            "lost. At what second does the client hear that there is room?",
            "heard",
            "Window updates are ACKs without data: nobody acknowledges them, nobody repeats them. The "
            "answer to the next probe says it. Probes come {p1}, {p2} and {p3} after what came before, so "
            "the third is at {third}; its byte is taken and acknowledged at the next fast tick. The longer "
            "a window was closed, the later one learns that it is open.",
            tolerance=300 * MS,
        ),
        Prediction(
            "Now the program reads only 200 bytes at a time. Which window does the server announce first?",
            "first@small",
            "The receiver's side of silly window avoidance (RFC 9293 §3.8.6.2.2): tcp_update_rcv_ann_wnd "
            "keeps the announced edge until a whole segment more fits, and tcp_recved sends an update of "
            "its own only when the window has grown by TCP_WND_UPDATE_THRESHOLD, a quarter of TCP_WND. "
            "{kept@small} reads go by without a word; the eighth makes it {first@small}.",
            (
                Choice(200, "That would be the silly window: segments of 200 bytes from then on."),
                Choice(
                    800,
                    "One segment moves the edge that goes into the next segment, but is no reason to send "
                    "one.",
                ),
                Choice(1600),
                Choice(6400, "It does not wait until everything has been read."),
            ),
        ),
    ),
    pictures=(("sequence", MAIN), ("rulers", MAIN)),
)
