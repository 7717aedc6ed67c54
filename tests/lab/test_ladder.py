"""Ladders in plain text."""

from lab.ladder import LEFT, REMARK, RIGHT, WIDTH, FrameText, Step, render
from netstack.tcp.header import ACK, SYN
from tests.netstack.peer import PEER, ip_of
from tests.netstack.tcp.conversation import Conversation


def test_a_ladder() -> None:
    steps = [
        Step(0, LEFT, "SYN 0"),
        Step(1_500_000, RIGHT, "SYN ACK 0 ack 1", "half open"),
        Step(250_000_000, RIGHT, "1:537", died=True),
        Step(250_000_000, REMARK, "rto() = 2000 ms"),
    ]
    names, syn, answer, lost, remark = render(steps, "server", "client").splitlines()
    assert names.split() == ["seconds", "server", "client"]
    assert syn.startswith("   0.0000    |<---")
    assert " SYN 0 " in syn
    assert syn.endswith("-|")
    assert "--->|  half open" in answer
    assert "---X" in lost
    assert lost.endswith("|  lost")
    assert remark == "   0.2500      . rto() = 2000 ms"
    assert len({line.rindex("|") for line in (syn, answer, lost)}) == 1
    assert syn.rindex("|") - syn.index("|") - 1 == WIDTH


def test_only_the_last_steps_are_shown() -> None:
    text = render([Step(i, RIGHT, f"number {i}") for i in range(10)], last=3)
    assert "7 before" in text
    assert "number 6" not in text
    assert [f"number {i}" in text for i in (7, 8, 9)] == [True] * 3


def test_a_text_too_long_for_the_ladder_stays_readable() -> None:
    text = "sack " + " ".join(f"{i}:{i + 1}" for i in range(1000, 1040, 2))
    assert f" {text} " in render([Step(0, LEFT, text)])


def test_fragments_fit_between_the_lifelines() -> None:
    fragment = "IPv4 fragment 1480:2960 of packet 65535, more follow"
    lines = render([
        Step(0, RIGHT, f"{fragment} 192.168.100.2 > 192.168.100.1"),
        Step(0, LEFT, f"{fragment} 192.168.100.1 > 192.168.100.2"),
        Step(0, LEFT, "ACK 1"),
    ]).splitlines()[1:]  # fmt: skip
    assert len({line.rindex("|") for line in lines}) == 1
    assert f"- {fragment} -" in lines[0]
    assert "UDP 68 > 67 308 bytes 0.0.0.0 > 255.255.255.255" in render(
        [Step(0, RIGHT, "UDP 68 > 67 308 bytes 0.0.0.0 > 255.255.255.255")]
    )  # where there is room the addresses stay


def test_what_died_has_a_shaft_and_does_not_arrive() -> None:
    for text in (
        "ACK 1",
        "ARP who has 10.0.0.1? tell 10.0.0.2",
        "IPv4 fragment 0:1480 of packet 1, more follow",
    ):
        right, left = render([Step(0, RIGHT, text, died=True), Step(0, LEFT, text, died=True)]).splitlines()[
            1:
        ]
        assert f"- {text} -" in right
        assert f"- {text} -" in left
        assert right.endswith("|  lost")
        assert "X  " in right
        assert "  X" in left


def test_frames_are_read_with_numbers_from_0_and_without_ports() -> None:
    talk = Conversation("micropython")
    text = FrameText(ip_of(PEER))
    talk.segment(SYN, 0, mss=800)
    first = text.read(talk.frames[0], RIGHT)
    # the peer's own SYN was not seen: its first number is that which is acknowledged
    assert first.startswith("SYN ACK 0 ack 0 win 6400 mss 800")
    talk.segment(ACK, 1, 1)
    talk.write(b"hello")
    assert text.read(talk.frames[1], RIGHT).startswith("PSH ACK 1:6 ack 0 win")
