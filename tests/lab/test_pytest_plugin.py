"""The pytest plugin as a user of it sees it: small test files of one's own, run by a pytest of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tap.journal import read

PROGRAMS = """
import pytest
import usocket

def serve():
    listener = usocket.socket()
    listener.bind(("", 80))
    listener.listen(2)
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"hello" + connection.recv(100))
        connection.close()

def ask():
    sock = usocket.socket()
    sock.connect(("10.0.0.2", 80))
    sock.sendall(b" world")
    got = b""
    while piece := sock.recv(100):
        got += piece
    return got
"""

PASSES = """
def test_the_reply(net, device, peer, fault):
    net.program(serve, on=device, daemon=True)
    fault("drop kind=syn-ack n=1")
    asked = net.program(ask, on=peer)
    net.run()
    assert asked.result == b"hello world"
    assert 1e9 < net.clock.now() < 4e9
"""

FAILS = """
@pytest.mark.netstack(profile="lwip-default", options={"tcp_mss": 300})
def test_fails(net, device, peer, fault):
    net.program(serve, on=device, daemon=True)
    with fault("drop kind=data n=1", on="peer>device"):
        asked = net.program(ask, on=peer)
        net.run()
    assert asked.result == b"something else"
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a test file; its artifacts and caches stay in the test's own folder. ``installed``: with all
    plugins that are, which takes longer.
    """

    def run_file(text: str, *options: str, installed: bool = False) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "test_mine.py"
        file.write_text(PROGRAMS + text)
        own = [f"--basetemp={tmp_path / 'base'}", "-p", "no:cacheprovider", "--strict-markers"]
        command = [sys.executable, "-m", "pytest", "-q", *own, *options, file.name]
        environment = dict(os.environ)
        if not installed:
            environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            command[3:3] = ["-p", "lab.pytest_plugin"]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
        )

    return run_file


def kept(tmp_path: Path) -> list[str]:
    """The artifacts that were left."""
    return sorted(path.name for path in tmp_path.rglob("*") if path.suffix in {".pcapng", ".jsonl"})


def test_a_test_that_passes_leaves_nothing(run: Run, tmp_path: Path) -> None:
    done = run(PASSES, installed=True)  # the fixtures are there without a word
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert kept(tmp_path) == []


def test_a_failure_shows_ladder_seed_and_reproduction(run: Run, tmp_path: Path) -> None:
    done = run(FAILS)
    assert done.returncode == 1
    shown = done.stdout
    assert "again: pytest test_mine.py::test_fails --netstack-seed 0" in shown
    assert re.search(r"\|<-+ SYN 0 win \d+ mss \d+ .*-\|", shown) or re.search(r"SYN 0 win", shown), shown
    lost = next(line for line in shown.splitlines() if "X" in line and "lost" in line)
    assert "PSH ACK 1:7" in lost
    assert "drop kind=data n=1" in lost
    assert "mss 300" in shown, "the marker's options are the device's"
    assert kept(tmp_path) == ["frames.pcapng", "journal.jsonl"]
    journal = next(tmp_path.rglob("journal.jsonl"))
    assert [line["action"] for line in read(journal).verdicts] == ["drop"]
    assert str(journal) in shown


def test_artifacts_go_where_they_are_wanted(run: Run, tmp_path: Path) -> None:
    done = run(FAILS, "--netstack-artifacts", "left", "--netstack-seed", "7")
    assert "again: pytest test_mine.py::test_fails --netstack-seed 7" in done.stdout
    left = tmp_path / "left" / "test_mine.py--test_fails"
    assert sorted(path.name for path in left.iterdir()) == ["frames.pcapng", "journal.jsonl"]
    assert read(left / "journal.jsonl").seed == 7
    assert str(Path("left", "test_mine.py--test_fails", "frames.pcapng")) in done.stdout


def test_the_seed_of_marker_and_option(run: Run) -> None:
    text = """
@pytest.mark.netstack(seed=5)
def test_marked(net, request):
    assert net.seed == (request.config.getoption("netstack_seed") or 5)

def test_unmarked(net, request):
    assert net.seed == (request.config.getoption("netstack_seed") or 0)
"""
    for options in ((), ("--netstack-seed", "9")):
        done = run(text, *options)
        assert done.returncode == 0, done.stdout


def test_a_random_run_repeats(run: Run) -> None:
    """Twice with the same seed fails at the same nanosecond, with another seed elsewhere."""
    text = """
def test_noisy(net, device, peer, fault):
    fault.wire("loss rate=30%")
    fault.netem("delay 10ms 5ms")
    net.program(serve, on=device, daemon=True)
    net.program(ask, on=peer)
    net.run()
    assert net.clock.now() == 0
"""
    times = [re.search(r"assert (\d+) == 0", run(text, "--netstack-seed", seed).stdout) for seed in "112"]
    first, again, other = [time and time[1] for time in times]
    assert first is not None
    assert first == again != other


def test_a_fault_in_the_device(run: Run) -> None:
    done = run('''
def test_no_memory(net, device, peer, fault):
    fault("pool-fail pool=TCP_PCB nth=1 persistent=true")
    net.program(serve, on=device, daemon=True)
    asked = net.program(ask, on=peer)
    with pytest.raises(OSError):
        net.run()
    assert device.stack.mem.tcp_pcb.err > 0
''')  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_a_marker_that_means_nothing(run: Run) -> None:
    done = run("@pytest.mark.netstack(profil='full')\ndef test_it(net): pass\n")
    assert "the marker netstack has no profil: give options, profile, seed" in done.stdout
    assert done.returncode == 1


def test_a_seed_that_is_none(run: Run) -> None:
    done = run("@pytest.mark.netstack(seed='x')\ndef test_it(net): pass\n")
    assert "the marker netstack has seed 'x': give a whole number" in done.stdout
    assert done.returncode == 1


def test_artifacts_that_have_nowhere_to_go(run: Run) -> None:
    done = run(FAILS, "--netstack-artifacts", "test_mine.py/art")
    assert done.returncode == 4
    assert "test_mine.py is no folder to write to: name one" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.tap
@pytest.mark.needs("ping")
def test_a_device_on_a_real_tap(run: Run, tmp_path: Path) -> None:
    done = run('''
def test_ping(tap_device):
    ping = tap_device.link.namespace.popen(["ping", "-c", "1", "-W", "5", "192.168.7.2"])
    assert ping.wait(20) == 0
    assert False, "see what is left"
''')  # fmt: skip
    assert "see what is left" in done.stdout
    assert "echo request" in done.stdout
    assert kept(tmp_path) == ["frames.pcapng"]


def test_without_a_tap_the_reason_is_printed(run: Run) -> None:
    done = run('''
@pytest.fixture(autouse=True)
def no_tap(monkeypatch):
    def refuse(*args, **options):
        from tap.link import TapError
        raise TapError("no right to open /dev/net/tun: run as root (sudo)")
    monkeypatch.setattr("tap.tun.TapLink.open", refuse)

def test_ping(tap_device):
    pass
''', "-rs")  # fmt: skip
    assert "no TAP can be had here: no right to open /dev/net/tun" in done.stdout
    assert done.returncode == 0


def test_the_example_of_the_manual(run: Run) -> None:
    """The test in docs/testing.md, with its programs."""
    page = Path(__file__, "../../../docs/testing.md").resolve().read_text(encoding="utf-8")
    example, programs = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[:2]
    done = run(programs + "\n\n" + example)
    assert "1 passed" in done.stdout, done.stdout


def test_the_ladder_of_the_manual(run: Run) -> None:
    """What docs/testing.md shows of a failure is what it shows."""
    page = Path(__file__, "../../../docs/testing.md").resolve().read_text(encoding="utf-8")
    shown = re.findall(r"```text\n-+ netstack.*?```", page, re.DOTALL)
    ladder = [line for line in shown[0].splitlines() if "|" in line]
    assert len(ladder) == 10
    assert [
        line
        for line in run(FAILS).stdout.splitlines()
        if ("    |" in line and "0000" in line) or "7500" in line
    ] == ladder


def test_the_plugin_costs_nothing_until_it_is_used() -> None:
    heavy = ("netstack", "usocket", "scapy", "pytun")
    code = f"import sys, lab.pytest_plugin; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
