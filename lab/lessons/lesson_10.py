"""Lesson 10: backlog and SYN flood on five control blocks."""

from __future__ import annotations

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Value, Variant
from lab.lessons.played import Played, whole_ms

DOOR = "home.0"  # the switch's port to the server
FOE = "10.0.0.66"


def _backlog(places: int) -> str:
    return f"program.1.run=http-server port=80 bytes=500 backlog={places}"


def _to(address: str) -> object:
    """Whether a flow, own end first, is with this address."""
    return lambda flow: address in flow.partition(">")[2]


def _end(run: Played) -> Value:
    """What becomes of the client's request."""
    text = dict(run.result.programs)["get"]
    if text.startswith("returned"):
        return "served"
    return next((word for word in text.split() if word.startswith("E")), text)


def _connected(run: Played) -> int | None:
    return whole_ms(run.time("state", "client", new="ESTABLISHED"))


def _half_open(run: Played) -> int:
    """The most control blocks that wait for the last ACK at the same time."""
    now = most = 0
    for event in run.all("state", "server"):
        now += (event["new"] == "SYN_RCVD") - (event["old"] == "SYN_RCVD")
        most = max(most, now)
    return most


def _syn_acks(run: Played) -> int:
    return run.count("segment-out", "server", flags="SA", flow=_to(FOE))


LESSON = Lesson(
    number=10,
    name="syn-flood",
    title="Backlog and SYN flood on five control blocks",
    runs={
        MAIN: Variant(),
        "backlog": Variant("backlog 2", (_backlog(2),)),
        "other": Variant(
            "backlog 2, the client asks port 8080", (_backlog(2), "program.4.run=http-get to=server:8080")
        ),
        "pcbs": Variant("8 control blocks", ("device.server.options.MEMP_NUM_TCP_PCB=8",)),
        "patient": Variant("half-open for 3 s at most", ("device.server.options.TCP_SYN_RCVD_TIMEOUT=3000",)),
        "lwip": Variant("lwIP (`micropython`)"),
        "strict": Variant("RFC (`strict`) as client", ("device.client.profile=profiles/strict-board.toml",)),
    },
    measures={
        "pcbs": Measure(
            "control blocks", lambda run: int(run.trace.header["devices"][1]["limits"]["TCP_PCB"]), ""
        ),
        "syns": Measure(
            "SYNs of the attacker",
            lambda run: run.count("segment-in", "server", flags="S", flow=_to(FOE)),
            "",
        ),
        "answers": Measure("SYN-ACKs to the attacker", _syn_acks, ""),
        "held": Measure("half-open at the same time", _half_open, ""),
        "tries": Measure("SYNs of the client", lambda run: run.count("segment-out", "client", flags="S"), ""),
        "begin": Measure(
            "the client's first SYN", lambda run: whole_ms(run.time("segment-out", "client", flags="S"))
        ),
        "connected": Measure("the client is connected", _connected),
        "end": Measure("the client's request ends with", _end, ""),
        "gave_up": Measure(
            "the client gives up", lambda run: whole_ms(run.time("timer-fired", "client", action="give-up"))
        ),
        "free": Measure(
            "the half-open connections are given up",
            lambda run: whole_ms(run.time("state", "server", -1, old="SYN_RCVD", new="CLOSED")),
        ),
        "rsts": Measure(
            "RSTs of the server",
            lambda run: run.count("segment-out", "server", flags=lambda flags: "R" in flags),
            "",
        ),
    },
    predictions=(
        Prediction(
            "{syns} SYNs arrive from the attacker, and nobody ever answers the SYN-ACKs. How many SYN-ACKs "
            "does the server send to the attacker in all?",
            "answers",
            "A SYN-ACK is repeated like data: after 6 ticks, then after 12 (RFC 6298 §5.5). Before the next "
            "one the 20 s of TCP_SYN_RCVD_TIMEOUT are over and tcp_slowtmr gives the connection up. So each "
            "SYN costs the server three SYN-ACKs: a flood is also an amplifier.",
            (
                Choice(5, "Nobody acknowledges the SYN-ACK, so the retransmission timer runs."),
                Choice(10, "There is time for two repetitions within 20 s."),
                Choice(15),
                Choice(
                    35,
                    "Six repetitions are what a client's SYN gets (TCP_SYNMAXRTX); here 20 s are the limit.",
                ),
            ),
        ),
        Prediction(
            "One second after the flood began a client calls connect(). All {pcbs} control blocks are "
            "taken. How does its request end?",
            "end",
            "tcp_listen_input finds no place and says nothing, neither RST nor ICMP, so for the client the "
            "SYN is lost, {tries} times. It gives up at {gave_up}, when the blocks are about to be free: "
            "that is at {free}. lwIP kills old connections for a new one only in TIME_WAIT, LAST_ACK and "
            "CLOSING, never in SYN_RCVD (tcp_alloc).",
            (
                Choice("served", "It would need one more second of patience."),
                Choice("ECONNRESET", "The server is silent: it has no memory left for the connection."),
                Choice("ECONNABORTED", text="ECONNABORTED: lwIP's time-out"),
            ),
        ),
        Prediction(
            "The server listens on port 80 with a backlog of 2, and still has {pcbs} control blocks. How "
            "many of them does the flood take?",
            "held@backlog",
            "lwIP counts half-open connections against the backlog (tcp_listen_input: accepts_pending), and "
            "drops the other SYNs before it takes a block. That saves the rest of the device, port 8080 for "
            "example, but not port 80: two SYNs every 20 s are enough to keep it closed.",
            (
                Choice(5, "The backlog is looked at before a block is taken."),
                Choice(3, "It is dropped when as many as the backlog are pending, not when more are."),
                Choice(2),
                Choice(
                    0, "The backlog counts connections that nobody has accepted, half-open ones included."
                ),
            ),
        ),
    ),
    pictures=(("timers", MAIN),),
)
