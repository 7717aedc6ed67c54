"""``netstack lesson`` in processes of its own, as users run it."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from lab.lessons.catalogue import lessons
from tests.lab.commands import ENVIRONMENT, NETSTACK, netstack


def test_the_list() -> None:
    done = netstack("lesson")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.strip() for line in lines[:-2]] == [
        f"{one.number}  {one.title}" for one in lessons().values()
    ]


def test_one_lesson(tmp_path: Path) -> None:
    done = netstack("lesson", "1", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The handshake and its losses" in done.stdout
    assert done.stdout.count("SYN 0 win 6400 mss 800") == 2
    for hidden in ("<details>", "<!--", "Answer", ".svg"):
        assert hidden not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_its_report(tmp_path: Path) -> None:
    done = netstack("lesson", "1", "-o", "lesson.html", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.endswith("lesson.html: the report of this run\n")
    assert "<title>The handshake and its losses</title>" in (tmp_path / "lesson.html").read_text("utf-8")


def test_what_a_change_does(tmp_path: Path) -> None:
    change = "device.client.profile=micropython-esp32"
    done = netstack("lesson", "1", "--set", change, "-o", "esp.html", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the SYN came again" in done.stdout
    row = next(
        line for line in done.stdout.splitlines() if line.startswith("from the first SYN to the second")
    )
    assert row.split()[-4:] == ["2.75", "s", "1.25", "s"]
    assert "micropython-esp32" in (tmp_path / "esp.html").read_text("utf-8")


def predict(typed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*NETSTACK, "lesson", "1", "--predict"],
        env=ENVIRONMENT, input=typed, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_predictions_are_scored_and_wrong_ones_explained() -> None:
    done = predict("2.75\nb\n18.25 s\n")
    assert (done.returncode, done.stderr) == (0, "")
    before, _, after = done.stdout.partition("  seconds  client")
    assert "A client connects to a server." in before
    assert "5.52" not in before, "the setting must not tell what happens"
    assert "1. 2.75 s: right\n" in after
    assert "2. a) 2 SYNs and 2 SYN-ACKs: you said b) 3 SYNs and 2 SYN-ACKs\n" in after
    assert "With an ESP32 as client" in " ".join(after.split())
    assert "2 of 3 right\n" in after


def test_what_makes_no_sense_is_asked_again() -> None:
    done = predict("soon\n3\nz\na\n20\n")
    assert done.returncode == 0
    assert "no time: write it as" in done.stdout
    assert "type one of a, b, c" in done.stdout
    assert "1 of 3 right\n" in done.stdout


def test_input_that_ends_in_the_middle_gets_one_line() -> None:
    done = predict("2.75\n")
    assert done.returncode == 2
    assert "the input ended before question 2 was answered" in done.stderr
    assert done.stderr.count("\n") == 1


def test_ctrl_c_in_the_middle() -> None:
    with subprocess.Popen(
        [*NETSTACK, "lesson", "1", "--predict"],
        env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        while not process.stdout.readline().startswith("1. "):
            pass
        time.sleep(0.2)  # it asks now
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["99"], "there is no lesson 99: they go from 1 to"),
        (["one"], "is not a valid integer"),
        (["--predict"], "give the NUMBER of a lesson"),
        (["1", "--predict", "--set", "run.seed=1"], "leave --set out"),
        (["1", "--set", "device.pigeon.mtu=1"], "device.pigeon"),
        (["1", "--set", "pigeon"], "write it as device.client.options.tcp_mss=536"),
        (["1", "-o", "nowhere/lesson.html"], "nowhere/lesson.html cannot be written"),
    ],
)
def test_mistakes_get_one_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = netstack("lesson", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
