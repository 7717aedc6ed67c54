"""Lesson 9: closing, half-close, TIME_WAIT."""

from __future__ import annotations

from lab.lessons.definition import MAIN, Choice, Lesson, Measure, Prediction, Value, Variant
from lab.lessons.played import Played, whole_ms
from netstack.profiles import named
from tap.clock import MS, SECOND

STRICT = (
    "device.client.profile=profiles/strict-board.toml",
    "device.server.profile=profiles/strict-board.toml",
)
ANSWER = 'program.1.args=["0", "300"]'
LATE = 'program.1.args=["5", "0"]'


def _within(state: str, device: str = "client") -> Measure:
    """How long a device is in a state."""
    return Measure(
        f"the {device} is in {state}",
        lambda run: whole_ms(
            run.gap(run.time("state", device, new=state), run.time("state", device, old=state))
        ),
    )


def _path(device: str) -> Measure:
    def value(run: Played) -> str:
        first = run.time("state", device, old="ESTABLISHED") or 0
        return ", ".join(one["new"] for one in run.all("state", device, t=lambda time: time >= first))

    return Measure(f"states of the {device}", value, "")


def _last_heard(run: Played) -> int | None:
    """When the client got the last segment before it closed."""
    close = run.time("state", "client", old="ESTABLISHED")
    return None if close is None else run.time("segment-in", "client", -1, t=lambda time: time < close)


def _from_last(run: Played) -> int | None:
    """From there to when its control block is free."""
    return whole_ms(run.gap(_last_heard(run), run.time("state", "client", -1, new="CLOSED")))


def _reply_to_fin(run: Played) -> str:
    """What the client says to the server's FIN."""
    fin = run.one("segment-in", "client", flags=lambda flags: "F" in flags)
    if fin is None:
        return "nothing"
    reply = run.one("segment-out", "client", by=fin["i"])
    return "nothing" if reply is None else "RST" if "R" in reply["flags"] else "ACK"


def _fate(run: Played) -> Value:
    """What becomes of the server's answer."""
    data = run.one("segment-in", "client", len=lambda size: size > 0)
    if data is None:
        return None
    if run.count("segment-out", "client", flags=lambda flags: "R" in flags):
        return "reset"
    return "read" if data["accepted"] else "ignored"


LESSON = Lesson(
    number=9,
    name="closing",
    title="Closing, half-close, TIME_WAIT",
    runs={
        MAIN: Variant(),
        "soon": Variant("no idle time", ('program.2.args=["10.0.0.1", "close", "0"]',)),
        "ack": Variant("the last ACK is lost", ("fault.1.at=30s",)),
        "answer": Variant("`close()`, then an answer", (ANSWER,)),
        "half": Variant(
            "`shutdown()`, then an answer", (ANSWER, 'program.2.args=["10.0.0.1", "shutdown", "30"]')
        ),
        "late": Variant("lwIP, the server closes 5 s later", (LATE,)),
        "lwip": Variant("lwIP (`micropython`)"),
        "strict": Variant("RFC (`strict`)", STRICT),
        "strictlate": Variant("RFC, the server closes 5 s later", (LATE, *STRICT)),
    },
    measures={
        "fin": Measure(
            "the client closes", lambda run: whole_ms(run.time("state", "client", new="FIN_WAIT_1"))
        ),
        "wait": _within("TIME_WAIT"),
        "half": _within("FIN_WAIT_2"),
        "msl": Measure("2 MSL", lambda run: 2 * named("micropython").tcp_msl * MS),
        "since": Measure("from the last segment before `close()` to the end", _from_last),
        "heard": Measure("the last segment before `close()`", lambda run: whole_ms(_last_heard(run))),
        "freed": Measure(
            "the client's control block is free",
            lambda run: whole_ms(run.time("state", "client", -1, new="CLOSED")),
        ),
        "path": _path("client"),
        "server": _path("server"),
        "reply": Measure("the client's reply to the FIN", _reply_to_fin, ""),
        "fins": Measure(
            "times that the server sends its FIN",
            lambda run: run.count("segment-out", "server", flags=lambda flags: "F" in flags),
            "",
        ),
        "fate": Measure("the server's answer is", _fate, ""),
        "resets": Measure(
            "RSTs", lambda run: run.count("segment-out", "client", flags=lambda flags: "R" in flags), ""
        ),
        "window": Measure(
            "window in the RST",
            lambda run: run.value("wnd", "segment-out", "client", flags=lambda flags: "R" in flags),
            "",
        ),
    },
    predictions=(
        Prediction(
            "The connection was idle for 30 s when the client closed it. TIME_WAIT lasts 2 MSL, which are "
            "{msl}. How many seconds does the client stay in TIME_WAIT?",
            "wait",
            "lwIP measures TIME_WAIT from pcb->tmr, and that is no longer set once the program has closed "
            "(tcp_process: only while the receive side is open). So the {msl} began with the last segment "
            "before close(), at {heard}. A board that closes an idle connection hardly waits at all: after "
            "two minutes of silence TIME_WAIT ends at the next slow tick.",
            tolerance=3 * SECOND,
        ),
        Prediction(
            "The server answers as soon as it sees the client's FIN. The client has called close(). What "
            "becomes of the answer?",
            "fate@answer",
            "close() says that nothing more will be sent *and* that nothing more will be read. Data that "
            "comes all the same is answered with a reset (RFC 9293 §3.6.1, tcp_receive), so that the server "
            "learns that it is talking to nobody. Who wants the answer must only end the own direction: "
            "shutdown().",
            (
                Choice(
                    "read",
                    "A FIN ends one direction only, but close() gives up the other one, too.",
                    "The client reads it",
                ),
                Choice("ignored", "The server would wait for an ACK until it gives up.", "It is ignored"),
                Choice("reset", text="It is answered with a reset"),
            ),
        ),
        Prediction(
            "The server sees the FIN and closes five seconds later. What is the client's reply to the "
            "server's FIN?",
            "reply@late",
            "The client's block is gone by then: in FIN_WAIT_2 lwIP waits 20 s (TCP_FIN_WAIT_TIMEOUT) for "
            "the other FIN, counted from the same frozen tmr. After 30 s without a segment they are over at "
            "the first slow tick, {half@late} after the state began. RFC 9293 knows no time limit in "
            "FIN-WAIT-2.",
            (
                Choice("ACK", "So says the RFC, and the client would be in TIME_WAIT then."),
                Choice("RST"),
                Choice("nothing", "A stack answers a segment for a connection that it does not know."),
            ),
        ),
    ),
    pictures=(("states", MAIN), ("ladder", "answer")),
)
