"""Lesson 13: real bugs of lwIP."""

from __future__ import annotations

from itertools import groupby

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played

KEEPS = "device.server.options.TCP_QUEUE_OOSEQ=1"
LATER = 'program.2.args=["10.0.0.1", "5000"]'
WRITTEN = "A B C D E F"


def _letters(text: str) -> str:
    """Which letters a text has, one for each run of them: A B C."""
    return " ".join(letter for letter, _ in groupby(text))


def _read(run: Played) -> str:
    """What the server's program has read."""
    return _letters("".join(line for _, device, line in run.result.output if device == "server"))


def _payloads(run: Played, number: int) -> list[str]:
    """What the client's segments carry that have this sequence number, in the order of sending."""
    found = run.frames("client>server", seq=number, len=lambda size: size > 0)
    texts = [bytes.fromhex(run.info(event["frame"])["hex"])[54:].decode() for event in found]
    return [_letters(text) for text in texts]


def _first_again(run: Played) -> str | None:
    """What the lost segment carries when it comes again."""
    found = _payloads(run, 1)
    return found[1] if len(found) > 1 else None


def _bad_checksums(run: Played) -> int:
    return run.count("drop", "server", reason=lambda reason: "checksum" in reason)


def _fate(run: Played) -> str:
    """What becomes of the last bytes that the client's program writes."""
    if WRITTEN[-1] in _read(run):
        return "it is read"
    again = run.count("segment-out", "client", seq=101) > 1
    return "it is sent again and again, and never read" if again else "it is not sent"


def _largest(run: Played) -> int:
    return max((int(event["len"]) for event in run.all("segment-out", "client")), default=0)


def _half(run: Played) -> int | None:
    """lwIP's limit of a segment when the small window is known (tcp_write: mss_local)."""
    largest = run.value("snd_wnd_max", "tcb", "client", snd_wnd=20)
    return None if largest is None else largest // 2


def _queued(run: Played) -> int | None:
    """How many bytes the program writes first."""
    write = run.one("api", "client", call="tcp_write")
    return None if write is None else int(write["args"][1])


def _room(run: Played) -> int | None:
    """What lwIP computes, in 16 bits without sign, as room in the segment that waits (tcp_write: space)."""
    half, queued = _half(run), _queued(run)
    return None if half is None or queued is None else (half - queued) & 0xFFFF


def _missing(run: Played) -> int | None:
    """How many bytes behind SND.UNA are neither in a queue nor will ever be sent."""
    tcb = run.one("tcb", "client", -1)
    if tcb is None:
        return None
    queued: int = sum(last - first for queue in ("unacked", "unsent") for first, last in tcb[queue])
    return int(tcb["lbb"]) - int(tcb["una"]) - queued


LESSON = Lesson(
    number=13,
    name="lwip-bugs",
    title="Real bugs of lwIP",
    runs={
        MAIN: Variant(),
        "keeps": Variant("a server that keeps what is out of order", (KEEPS,)),
        "later": Variant("E is written when the window is open", (LATER,)),
        "lwip": Variant("lwIP (`micropython`)"),
        "strict": Variant("RFC (`strict`)", ("device.client.profile=profiles/strict-board.toml",)),
        "learned": Variant("a small window is learned late", file="13-window-learned.toml"),
        "frame": Variant(
            "and much is written", ('program.2.args=["10.0.0.1", "2000"]',), "13-window-learned.toml"
        ),
    },
    measures={
        "wrote": Measure("the client's program wrote", lambda run: WRITTEN, ""),
        "read": Measure("the server's program reads", _read, ""),
        "again": Measure("the segment at 1 carries, when it is sent again", _first_again, ""),
        "checksums": Measure("segments with a bad checksum", _bad_checksums, ""),
        "missing": Measure("bytes that are in no queue any more", _missing, "byte"),
        "retries": Measure(
            "transmissions of what was written last",
            lambda run: run.count("segment-out", "client", seq=101),
            "",
        ),
        "fate": Measure("of F", _fate, ""),
        "written": Measure("when E is written", lambda run: run.time("api", "client", 5, call="tcp_write")),
        "opened": Measure(
            "when the window is open again",
            lambda run: run.time(
                "segment-in", "client", wnd=lambda wnd: wnd > 0, t=lambda time: time > 300_000_000
            ),
        ),
        "largest": Measure("bytes in the largest segment", _largest, "byte"),
        "mss": Measure("MSS", lambda run: run.value("mss", "tcb", "client", -1), "byte"),
        "fragments": Measure(
            "fragments that the client sends",
            lambda run: sum(
                "mf" in one["ip"] or "off" in one["ip"]
                for one in (run.info(event["frame"]) for event in run.frames("client>server"))
                if "ip" in one
            ),
            "",
        ),
        "queued": Measure("bytes in the first write", _queued, "byte"),
        "room": Measure("room that lwIP sees in that segment", _room, ""),
        "half": Measure("half of the largest window", _half, "byte"),
    },
    predictions=(
        Prediction(
            "Five letters are written into a connection that works again after half a second; no frame is "
            "damaged. What does the server's program read?",
            "read",
            "Reliable, in order, without error: that is TCP's promise, and here lwIP breaks it. When E is "
            "written, the segment of A has been moved back to the queue *unsent*, to be sent again. "
            "tcp_write finds it there, takes it for the newest segment, sees that it is short, and fills it "
            "up: A and E travel as one segment of 40 bytes, with the sequence numbers of A and B. The "
            "server has thrown B away, so it takes E in its place.",
            (
                Choice(
                    "A B C D E F", "So it should be. Look at what the segment at 1 carries the second time."
                ),
                Choice(
                    "A B C D",
                    "B is thrown away where nothing out of order is kept, and replaced where it is.",
                ),
                Choice("A E C D"),
                Choice("A", "The segments of C and D are still queued and are sent again."),
            ),
        ),
        Prediction(
            "How many of the segments that arrive at the server have a wrong checksum?",
            "checksums",
            "The checksum is computed when the segment is sent, over the wrong bytes. It protects what is "
            "on the wire and what is in routers, not what a stack does to its own queue. Only a check of "
            "the program's own, over the whole message, would have told.",
            (
                Choice(0),
                Choice(1, "It would have been thrown away and sent again."),
                Choice(4, "Nothing was damaged on its way."),
            ),
        ),
        Prediction(
            "Ten seconds after E the program writes F, 20 bytes more. What becomes of it?",
            "fate",
            "For tcp_write E was queued behind D, and counted there (snd_lbb), but it travelled at the "
            "place of B. When the server acknowledges D, the client has no segment left and {missing} that "
            "it believes to have queued: they are in no queue, so nobody will ever send them. F is behind "
            "that hole. It is sent {retries} times in this minute, and each time the server asks for the "
            "byte behind D.",
            (
                Choice("it is read", "TCP never skips: what is behind a hole is not delivered."),
                Choice("it is sent again and again, and never read"),
                Choice("it is not sent", "The window is open and nothing is in flight: F leaves at once."),
            ),
        ),
    ),
    pictures=(("rulers", MAIN), ("ladder", MAIN)),
)
