"""Lesson 1: the handshake and its losses."""

from __future__ import annotations

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Variant
from lab.lessons.played import Played
from tap.clock import MS, SECOND

STRICT = (
    "device.client.profile=profiles/strict-board.toml",
    "device.server.profile=profiles/strict-board.toml",
)
NO_SYN = ("fault.1.on=client>server kind=syn", "run.stop=20min")
NTH = "first second third fourth fifth sixth seventh".split()


def _syn(run: Played, n: int) -> int | None:
    return run.time("segment-out", "client", n, flags="S")


def _syn_ack(run: Played, n: int) -> int | None:
    return run.time("segment-out", "server", n, flags="SA")


def _between_syns(n: int) -> Measure:
    """From one SYN to the next."""
    meaning = f"from the {NTH[n - 1]} SYN to the {NTH[n]}"
    return Measure(meaning, lambda run: run.gap(_syn(run, n), _syn(run, n + 1)))


def _sent(run: Played) -> str:
    syns = run.count("segment-out", "client", flags="S")
    return f"{syns} SYNs and {run.count('segment-out', 'server', flags='SA')} SYN-ACKs"


def _connected(run: Played, device: str) -> int | None:
    return run.time("state", device, new="ESTABLISHED")


LESSON = Lesson(
    number=1,
    name="handshake",
    title="The handshake and its losses",
    runs={
        MAIN: Variant(),
        "esp": Variant("client is an ESP32", ("device.client.profile=micropython-esp32",)),
        "ack": Variant(
            "only the last ACK is lost",
            ("fault.2.on=client>server kind=ack n=1", "fault.1.on=client>server kind=rst"),
        ),
        "dead": Variant("lwIP (`micropython`)", NO_SYN),
        "strict": Variant("RFC (`strict`)", (*NO_SYN, *STRICT)),
    },
    measures={
        "gap1": _between_syns(1),
        "gap2": _between_syns(2),
        "gap3": _between_syns(3),
        "gap4": _between_syns(4),
        "syns": Measure("SYNs", lambda run: run.count("segment-out", "client", flags="S"), ""),
        "synacks": Measure("SYN-ACKs", lambda run: run.count("segment-out", "server", flags="SA"), ""),
        "sent": Measure("SYNs and SYN-ACKs", _sent, ""),
        "back": Measure(
            "from the first SYN-ACK to the second", lambda run: run.gap(_syn_ack(run, 1), _syn_ack(run, 2))
        ),
        "server_begins": Measure("the server's first SYN-ACK", lambda run: _syn_ack(run, 1)),
        "server_again": Measure("the server's second SYN-ACK", lambda run: _syn_ack(run, 2)),
        "client_next": Measure(
            "when the client's SYN would be due again",
            lambda run: run.value("due", "timer-armed", "client", 2, timer="rexmit"),
        ),
        "client": Measure("until the client is connected", lambda run: _connected(run, "client")),
        "server": Measure("until the server is connected", lambda run: _connected(run, "server")),
        "rto": Measure(
            "time-out", lambda run: run.value("ticks", "timer-armed", "client", timer="rexmit"), "tick"
        ),
        "tick": Measure("slow tick", lambda run: run.explainer.run.devices["client"]["tick"]["slow_ns"]),
        "gave_up": Measure(
            "until connect fails", lambda run: run.time("timer-fired", "client", action="give-up")
        ),
    },
    predictions=(
        Prediction(
            "The client's time-out is 3 s ({rto} of {tick}). It sends its first SYN at 0 s, and that is "
            "lost. How many seconds later does it send the second?",
            "gap1",
            "lwIP has no timer that it could set to 3 s. It has a slow tick of {tick} and waits for {rto}. "
            "The tick does not wait for the SYN: here the first one comes after 0.25 s, so the sixth comes "
            "after {gap1}. The wait is up to one tick too short.",
            tolerance=100 * MS,
        ),
        Prediction(
            "The second SYN arrives; the first SYN-ACK is lost. What has been sent in all when the client is "
            "connected?",
            "sent",
            "The server has a timer of its own. It began with the SYN that arrived, so the second SYN-ACK "
            "leaves at {server_again}. The client would have sent its third SYN at {client_next}. The "
            "SYN-ACK is there before.",
            (
                Choice("2 SYNs and 2 SYN-ACKs"),
                Choice(
                    "3 SYNs and 2 SYN-ACKs",
                    "It would be so if only the client repeated itself, or if its timer were the earlier "
                    "one. With an ESP32 as client it is so (see Vary).",
                ),
                Choice(
                    "2 SYNs and 1 SYN-ACK",
                    "The only SYN-ACK was lost. Without a second one the client is never connected.",
                ),
            ),
        ),
        Prediction(
            "Suppose no SYN ever arrives. How many seconds after the first SYN does the client's connect "
            "fail?",
            "gave_up@dead",
            "lwIP sends {syns@dead} SYNs, one every {gap2@dead}, and gives up at the tick behind the last "
            "(TCP_SYNMAXRTX = 6). The RFCs ask for more patience: the interval doubles (RFC 6298 §5.5), and "
            "a SYN is repeated for three minutes at least (RFC 9293 §3.8.3). The strict profile gives up "
            "after {gave_up@strict}.",
            tolerance=SECOND,
        ),
    ),
    pictures=(("ladder", MAIN), ("timers", MAIN)),
)
