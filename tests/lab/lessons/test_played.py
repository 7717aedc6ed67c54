"""Looking things up in a run, and the ladder of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.lessons.ladder import ladder
from lab.lessons.played import Played, at, play
from lab.scenario import ScenarioError
from tap.clock import MS

SCENARIO = Path(__file__).parents[3] / "examples" / "lessons" / "06-fast-retransmit.toml"


@pytest.fixture(scope="module")
def run() -> Played:
    return play(SCENARIO)


def test_events_by_their_fields(run: Played) -> None:
    assert run.count("retransmit", "client") == 1
    assert run.value("seq", "retransmit", "client", cause="fast") == 4001
    assert run.one("retransmit", "client", 2) is None
    assert run.value("seq", "retransmit", "server") is None
    first = run.all("segment-out", "client", len=lambda size: size > 0)[0]
    last = run.one("segment-out", "client", -1, len=lambda size: size > 0)
    assert last is not None
    assert (first["seq"], last["seq"]) == (1, 15201)
    assert run.gap(first, first) == 0
    assert run.gap(None, first) is None
    assert at(first) == first["t"] == 450 * MS
    assert at(7) == 7


def test_frames_in_the_order_in_which_they_were_sent(run: Played) -> None:
    lost = run.frames("client>server", seq=4001, len=800)
    assert [frame["kind"] for frame in lost] == ["died", "wire"]
    assert run.sent("client>server", 1, seq=4001, len=800) == 550 * MS
    assert run.sent("client>server", 2, seq=4001, len=800) == 650 * MS
    assert run.sent("client>server", 3, seq=4001, len=800) is None
    times = [frame["sent"] for frame in run.frames("client>server")]
    assert times == sorted(times)
    assert run.cause(lost[1]["frame"]) == "fast"
    assert run.cause(-1) == ""


def test_a_mistake_in_a_change_is_the_scenarios() -> None:
    with pytest.raises(ScenarioError, match="pigeon"):
        play(SCENARIO, ["device.pigeon.mtu=1"])


def test_the_ladder_says_what_died_and_why_frames_were_sent(run: Played) -> None:
    lines = ladder(run).splitlines()
    assert lines[0].split() == ["seconds", "client", "server"]
    assert not [line for line in lines if "ARP" in line]
    assert sum(line.endswith("|  lost") for line in lines) == 1
    assert sum(line.endswith("fast retransmit") for line in lines) == 1
    assert sum(line.endswith("at once: out of order") for line in lines) == 6
    assert [line for line in ladder(run, arp=True).splitlines() if "ARP who has" in line]


def test_remarks_are_optional(run: Played) -> None:
    assert "SYN_SENT" not in ladder(run)
    assert "client: CLOSED -> SYN_SENT" in ladder(run, states=True)
    assert "client writes 6400 bytes" in ladder(run, calls=True)
    assert "server reads 800 bytes" in ladder(run, calls=True)


def test_a_frame_that_was_changed_is_shown_as_it_arrived() -> None:
    run = play(SCENARIO, ["fault.1.on=server>client kind=syn-ack", "fault.1.do=rewrite tcp.window=1234"])
    assert "SYN ACK 0 ack 1 win 1234 mss 800" in ladder(run)
    assert "changed by lost" in ladder(run)
