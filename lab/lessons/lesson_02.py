"""Lesson 2: sequence numbers and their wrap."""

from __future__ import annotations

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played

STRICT = (
    "device.client.profile=profiles/strict-board.toml",
    "device.server.profile=profiles/strict-board.toml",
)
OWN = "program.1.args=[]"  # the stack chooses its numbers
WAY, BACK = "client>server", "server>client"


def _raw(n: int, **tcp: object) -> object:
    """The number in the header of the n-th such frame of the client."""

    def of(run: Played) -> int | None:
        found = run.frames(WAY, **tcp)
        return int(run.info(found[n - 1]["frame"])["tcp"]["raw_seq"]) if len(found) >= n else None

    return of


def _number(meaning: str, n: int = 1, **tcp: object) -> Measure:
    return Measure(meaning, _raw(n, **tcp), "")  # type: ignore[arg-type]


def _last_ack(run: Played) -> int | None:
    """What the server's header acknowledges when it has everything."""
    found = run.frames(BACK, ack=3202)
    return int(run.info(found[0]["frame"])["tcp"]["raw_ack"]) if found else None


def _third(run: Played) -> str:
    """What became of the segment behind the lost one."""
    event = run.one("segment-in", "server", seq=1601)
    if event is None:
        return "it does not arrive"
    return "it is kept" if event["queued"] else f"it is {event['verdict']}"


LESSON = Lesson(
    number=2,
    name="sequence-numbers",
    title="Sequence numbers and their wrap",
    runs={
        MAIN: Variant(),
        "zero": Variant("SYN has 4294967295", ('program.1.args=["4294967295"]',)),
        "lwip": Variant("lwIP (`micropython`)", (OWN,)),
        "strict": Variant("RFC (`strict`)", (OWN, *STRICT)),
        "strict_seed": Variant("RFC, another seed", (OWN, "run.seed=1", *STRICT)),
        "lwip_seed": Variant("lwIP, another seed", (OWN, "run.seed=1")),
    },
    measures={
        "syn": _number("number of the SYN", flags="S"),
        "first": _number("of the first byte", seq=1, flags="A", len=800),
        "second": _number("of the segment 801:1601", seq=801),
        "third": _number("of the segment 1601:2401", seq=1601),
        "fourth": _number("of the segment 2401:3201", seq=2401),
        "fin": _number("of the FIN", seq=3201, flags="FA"),
        "ack": Measure("last number acknowledged", _last_ack, ""),
        "kept": Measure("the segment behind the lost one", _third, ""),
        "resent": Measure("segments sent again", lambda run: run.count("retransmit", "client"), ""),
        "next": _number("number of the next connection's SYN", 2, flags="S"),
        "relative_ack": Measure(
            "the same, counted from the SYN",
            lambda run: run.value("ack", "segment-out", "server", -1, conn=1),
            "",
        ),
    },
    predictions=(
        Prediction(
            "The client's SYN has the number {syn}, and the numbers end at 2^32 - 1 = 4294967295. Which "
            "number is in the header of the third data segment, the bytes 1601 to 2400 of the stream?",
            "third",
            "The SYN takes one number, so byte 1 has {first} and byte 1601 has 1600 more. That is past the "
            "end, and 2^32 is taken off: {third}. The numbers go on at 0, in the middle of the second "
            "segment.",
        ),
        Prediction(
            "The second segment is lost. The server waits for number {second}, and the third segment comes "
            "with {third}. What does the server do with it?",
            "kept",
            "{third} is 800 more than {second}, modulo 2^32. TCP compares numbers by the sign of their "
            "difference in 32 bits (RFC 9293 §3.4; TCP_SEQ_LT in lwIP's tcp_priv.h). So it is later data, "
            "within the window, and is kept until the hole is filled.",
            (
                Choice(
                    "it is old",
                    "{third} is the smaller number, but sequence numbers are a circle. What is less than "
                    "half of the circle ahead is later.",
                    "It takes it for old data, because {third} is less, and throws it away",
                ),
                Choice(
                    "it is outside",
                    "The window begins at {second} and goes on past 0, like everything else.",
                    "It is outside the window: the server throws it away and acknowledges",
                ),
                Choice("it is kept", text="It keeps it until the hole is filled, and acknowledges"),
            ),
        ),
        Prediction(
            "The client sends 3200 bytes and closes. The SYN has relative number 0. Which relative number "
            "does the server acknowledge at the end?",
            "relative_ack",
            "SYN and FIN take one number each: 1 + 3200 + 1 = {relative_ack}. An acknowledgement names the "
            "next number that is expected, so that both can be acknowledged, and sent again, like data (RFC "
            "9293 §3.4).",
            (
                Choice(3200, "That is the number of the last byte: the ACK names the one that comes next."),
                Choice(3201, "That would be next if the client had not closed. It is the FIN's own number."),
                Choice(3202),
            ),
        ),
    ),
    pictures=(("ladder", MAIN), ("sequence", MAIN)),
)
