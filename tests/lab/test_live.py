"""The live view: which thoughts stand behind which frame, what is collapsed, in which order it appears."""

from __future__ import annotations

import io
import sys
import time
from itertools import pairwise

import click
import pytest

from lab import live as module
from lab.live import Collapse, Line, Live, Narrator
from netstack.address import parse_ip
from netstack.errors import ERR_IF
from netstack.trace import (
    CongestionChange,
    Dropped,
    Event,
    FrameIn,
    FrameOut,
    PoolEvent,
    Retransmission,
    StateChange,
    TimerFired,
    WindowChange,
)

FLOW = (parse_ip("192.168.7.2"), 80, parse_ip("192.168.7.1"), 40000)
IN = bytes.fromhex("020000000002020000000001080045000028000000004006000ac0a80701c0a80702") + bytes.fromhex(
    "9c40005000000001000000015010faf000000000"
)
OUT = bytes.fromhex("020000000001020000000002080045000028000000004006000ac0a80702c0a80701") + bytes.fromhex(
    "00509c40000000010000000150101900000000 00"
)
MS = 1_000_000


def tell(*events: Event) -> list[str]:
    """The lines of a story, without colours, words single-spaced."""
    narrator = Narrator(parse_ip("192.168.7.1"))
    lines = [line for event in events for line in narrator.feed(event)] + narrator.finish()
    return [" ".join(click.unstyle(line.render()).split()) for line in lines]


def test_thoughts_stand_behind_the_segment_that_caused_them() -> None:
    told = tell(
        FrameIn(5 * MS, IN),
        StateChange(5 * MS, FLOW, "SYN_RCVD", "ESTABLISHED"),
        FrameOut(5 * MS, OUT, 0),
        CongestionChange(5 * MS, FLOW, 3200, 6400, "ack"),
        FrameIn(6 * MS, IN),
    )
    assert told == [
        "0.0050 → 40000 > 80 ACK 0 ack 0 win 64240 · SYN_RCVD → ESTABLISHED, cwnd 3200",
        "0.0050 ← 80 > 40000 ACK 0 ack 0 win 6400",
        "0.0060 → 40000 > 80 ACK 0 ack 0 win 64240",
    ]


def test_a_thought_before_a_segment_goes_with_it() -> None:
    told = tell(
        FrameIn(5 * MS, IN),
        Retransmission(3000 * MS, FLOW, 1, 0, "rto", 1, 6),
        FrameOut(3000 * MS, OUT, 0),
        StateChange(9000 * MS, FLOW, "ESTABLISHED", "CLOSED"),
    )
    assert told[1:] == [
        "3.0000 ← 80 > 40000 ACK 0 ack 0 win 6400 · again (rto), next time-out 3 s",
        "9.0000 · ESTABLISHED → CLOSED",
    ]


def test_drops_failures_and_refusals_are_told() -> None:
    told = tell(
        FrameIn(0, IN),
        Dropped(0, "udp_no_port"),
        FrameIn(MS, IN),
        PoolEvent(MS, "HEAP", True, 40),
        PoolEvent(MS, "HEAP", False, 40),
        FrameOut(2 * MS, OUT, ERR_IF),
    )
    assert told[0].endswith("· dropped: a UDP datagram to a port where nobody listens")
    assert told[1].endswith("win 64240 · HEAP has no room")
    assert told[2].endswith(f"· the driver refused it ({ERR_IF})")


def test_what_says_nothing_new_is_not_told() -> None:
    assert tell(TimerFired(0, "tcp"), WindowChange(0, FLOW, "rcv_wnd", 6400)) == []
    assert tell(FrameIn(0, IN), WindowChange(0, FLOW, "snd_wnd", 0))[0].endswith("· snd_wnd is 0")


def ordinary(number: int, arrow: str = "←") -> Line:
    return Line(number * MS, arrow, f"segment {number}", ordinary=True, length=100)


def test_the_middle_of_a_long_run_is_collapsed() -> None:
    collapse = Collapse(head=2, tail=1)
    shown = [text for number in range(10) for text in collapse.feed(ordinary(number))]
    shown += collapse.feed(Line(99 * MS, "→", "FIN"))
    plain = [click.unstyle(text).split(maxsplit=2) for text in shown]
    assert [words[2] for words in plain] == [
        "segment 0",
        "segment 1",
        "more segments with 700 bytes out",
        "segment 9",
        "FIN",
    ]
    assert plain[2][:2] == ["…", "7"]


def test_a_short_run_is_shown_whole() -> None:
    collapse = Collapse(head=2, tail=3)
    shown = [text for number in range(5) for text in collapse.feed(ordinary(number))] + collapse.finish()
    assert [click.unstyle(text).split()[-1] for text in shown] == list("01234")
    assert collapse.finish() == []


def test_alarms_that_are_left_out_are_counted() -> None:
    collapse = Collapse(head=0, tail=1)
    for number in range(3):
        collapse.feed(ordinary(number, "→"))
        collapse.feed(Line(number * MS, "", "", ["HEAP has no room"], alarm=True, ordinary=True))
    collapse.feed(ordinary(9, "→"))
    note, _ = collapse.finish()
    assert click.unstyle(note).strip() == "… 3 more segments with 300 bytes in, 3 times HEAP has no room"


def test_other_output_is_in_order_with_the_segments(capfd: pytest.CaptureFixture[str]) -> None:
    stdout = sys.stdout
    with Live(FLOW[2], collapse=False) as live:
        live(FrameIn(1 * MS, IN))
        live(FrameOut(1 * MS, OUT, 0))
        sys.stdout.write("a program prints\n")
        live(StateChange(2 * MS, FLOW, "ESTABLISHED", "FIN_WAIT_1"))
        click.echo("so do we")
        live(FrameOut(2 * MS, OUT, 0))
    assert sys.stdout is stdout
    out = capfd.readouterr().out
    where = [out.index(text) for text in ("→ 40000", "← 80", "prints", "so do we", "FIN_WAIT_1")]
    assert all(before < after for before, after in pairwise(where))
    assert out.endswith("win 6400 · ESTABLISHED → FIN_WAIT_1\n")


def test_it_prints_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    with Live(FLOW[2], collapse=False) as live:
        live(FrameIn(1 * MS, IN))
        deadline = time.monotonic() + 10
        while "40000 > 80" not in out.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "40000 > 80" in out.getvalue()


def test_a_flood_is_bounded_and_what_was_lost_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE", 10)
    monkeypatch.setattr(module, "PAUSE", 60)
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    with Live(FLOW[2], collapse=False) as live:
        for number in range(25):
            live(FrameIn(number * MS, IN))
        live.flush()
    assert out.getvalue().count("40000 > 80") == 10
    assert "15 events came too quickly to be shown" in out.getvalue()
