"""``netstack up --ladder``: the live view as a ladder."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from lab.ladder_view import LadderView
from lab.live import FrameLost, Line, Narrator
from netstack.address import parse_ip
from netstack.errors import ERR_OK
from netstack.trace import FrameIn, FrameOut, StateChange
from tests.lab.control.running import Machine

HOME = parse_ip("192.168.7.1")
SYN = "52156 > 80    SYN              0              win 64240  mss 1460"


def shown(line: Line, view: LadderView | None = None) -> list[str]:
    return [click.unstyle(text) for text in (view or LadderView(HOME)).shown(line)]


def test_a_frame_and_what_the_device_thought() -> None:
    line = Line(1_500_000_000, "→", SYN, ["CLOSED → SYN_RCVD"])
    ports, frame = shown(line)
    assert ports == "   1.5000      . ports 80 and 52156"
    assert re.fullmatch(r"   1\.5000    \|<-+ SYN 0 win 64240 mss 1460 -+\|  CLOSED → SYN_RCVD", frame)
    assert len(frame.partition("|<")[2].partition("|")[0]) == 61


def test_ports_stand_where_the_connection_changes() -> None:
    view = LadderView(HOME)
    back = "80 > 52156    ACK              1 ack 1"
    assert len(shown(Line(0, "→", SYN), view)) == 2
    assert re.fullmatch(r"   0\.0000    \|-+ ACK 1 ack 1 -+>\|", *shown(Line(0, "←", back), view))
    assert shown(Line(0, "←", "80 > 9    ACK"), view)[0] == "   0.0000      . ports 80 and 9"
    assert len(shown(Line(0, "→", "ARP  who has 192.168.7.2? tell 192.168.7.1"), view)) == 1


def test_a_frame_that_died_and_a_thought_without_one() -> None:
    died = Line(0, "←", "80 > 9    ACK 1:2", ["lost: a rule"], alarm=True, died=True)
    assert re.search(r"\|-+ ACK 1:2 -+X +\|  lost: a rule$", shown(died)[1])
    assert shown(Line(0, "", "", ["ESTABLISHED → CLOSED"])) == ["   0.0000      . ESTABLISHED → CLOSED"]


def test_losses_are_told_with_their_frames() -> None:
    frame, other = bytes(60), bytes(61)
    narrator = Narrator(HOME)
    assert narrator.feed(FrameLost(5, False, frame, "a rule")) == []
    assert narrator.feed(FrameOut(5, frame, ERR_OK)) == []
    (line,) = narrator.finish()
    assert (line.arrow, line.died, line.thoughts) == ("←", True, ["lost: a rule"])
    (line,) = narrator.feed(FrameLost(6, True, frame, "loss #1"))
    assert (line.arrow, line.died, line.thoughts) == ("→", True, ["lost: loss #1"])
    assert narrator.feed(FrameLost(7, False, other, "queue")) == []  # it was told before
    (line,) = narrator.feed(FrameIn(8, frame))
    assert (line.arrow, line.died, line.thoughts) == ("", True, ["lost: queue"])
    assert [line.arrow for line in narrator.finish()] == ["→"]
    narrator.feed(StateChange(9, (1, 2, 3, 4), "LISTEN", "CLOSED"))
    assert [line.thoughts for line in narrator.finish()] == [["LISTEN → CLOSED"]]


@pytest.mark.tap
@pytest.mark.needs("curl")
@pytest.mark.parametrize("terminal", ["terminal", "no colour", "pipe"])
def test_on_a_tap(tmp_path: Path, terminal: str) -> None:
    machine = Machine(tmp_path)
    if terminal != "pipe":
        machine.terminal(no_color=terminal == "no colour")
    with machine.up("examples/http_server.py", "--ip", "10.93.8.2/24", "--ladder", listening=True) as up:
        machine.plain()
        machine.said("inject", "device>linux drop kind=data n=1 xmit=1")
        machine.linux("curl", "-s", "-o", "/dev/null", "http://10.93.8.2/")
        up.wait_for("FIN_WAIT_1")
        up.ctrl_c()
    log = up.log
    assert ("\x1b[" in log) == (terminal == "terminal")
    plain = click.unstyle(log)
    assert re.search(r"^  seconds  device {57}linux\s*$", plain, re.MULTILINE)
    assert re.search(r"\|<-+ SYN 0 win \d+ mss 1460 .*-+\|  CLOSED → SYN_RCVD", plain)
    assert re.search(r"\|-+ (PSH )?ACK 1:\d+ .* -+X +\|  .*lost: a rule", plain)
