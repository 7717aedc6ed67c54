"""``netstack museum`` in processes of its own, as users run it."""

from __future__ import annotations

import re
from pathlib import Path

from lab.museum import exhibits
from tests.lab.commands import netstack


def test_the_list() -> None:
    done = netstack("museum")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.strip() for line in lines[:-2]] == [f"{one.number}  {one.title}" for one in exhibits()]


def test_one_exhibit(tmp_path: Path) -> None:
    done = netstack("museum", "17", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert text.startswith("17  One write too many")
    for head in ("Seen: ", "Why: ", "Cure: ", "Reported: "):
        assert f"\n{head}" in text
    assert "MEMP_NUM_TCP_SEG" in text
    assert re.findall("(?m)^=> (.*)$", text) == [
        "340 bytes sent, 320 arrive", "340 bytes sent, 340 arrive", "340 bytes sent, 340 arrive",
    ]  # fmt: skip
    assert "  10.0040   send() number 33 returns 10 after 10.0 s" in text
    assert list(tmp_path.iterdir()) == []


def test_several_and_what_the_visitor_changes() -> None:
    done = netstack("museum", "9", "15", "--set", "UDP_RXQ=6", "--set", "tcp_snd_buf=3200")
    assert (done.returncode, done.stderr) == (0, "")
    outcomes = re.findall("(?m)^=> (.*)$", done.stdout)
    assert outcomes[0] == "6 of 10 datagrams arrive"
    assert outcomes[3] == "3200 of 10000 bytes arrive"
    assert set(outcomes[1:3] + outcomes[4:]) == {"10 of 10 datagrams arrive", "10000 of 10000 bytes arrive"}


def test_segments_are_in_order_with_what_is_said() -> None:
    done = netstack("museum", "16", "--trace")
    assert (done.returncode, done.stderr) == (0, "")
    times = [float(found) for found in re.findall(r"(?m)^ +(\d+\.\d{4}) ", done.stdout.partition("=>")[0])]
    assert times == sorted(times)
    first = done.stdout.index("who has 10.0.0.1?")
    assert first < done.stdout.index("sent: first") < done.stdout.index("10.0.0.1 is at")


def test_all_of_them() -> None:
    done = netstack("museum", "--all")
    assert (done.returncode, done.stderr) == (0, "")
    scenes = sum(len(one.scenes) for one in exhibits())
    assert len(re.findall("(?m)^=> ", done.stdout)) == scenes


def test_mistakes_get_one_line() -> None:
    for arguments, words in (
        (["99"], "there is no exhibit 99: they go from 1 to "),
        (["0"], "0 is not in the range"),
        (["one"], "'one' is not a valid integer"),
        (["1", "--set", "UDP_RXK=1"], "did you mean UDP_RXQ?"),
        (["1", "--set", "MEMP_NUM_TCP_PCB=0"], "MEMP_NUM_TCP_PCB"),
    ):
        done = netstack("museum", *arguments)
        assert done.returncode == 2
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_options_with_which_a_scene_cannot_be_played() -> None:
    done = netstack("museum", "4", "--set", "MEMP_NUM_TCP_PCB=1", timeout=100)
    assert done.returncode == 1
    assert "it cannot be played with these options: " in done.stdout
    assert done.stderr == ""
