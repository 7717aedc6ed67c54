"""``netstack scenario FILE --seeds N`` as its users see it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from lab.campaign.command import alike
from lab.campaign.job import Job, Record
from lab.campaign.table import failures, first_detail
from tests.lab.campaign.planted import plant
from tests.lab.commands import ENVIRONMENT, NETSTACK, PATIENCE, netstack


def test_all_pass(tmp_path: Path) -> None:
    plant(tmp_path, forth="")
    done = netstack("scenario", "planted.toml", "--seeds", "4", "-j", "2", cwd=tmp_path)
    assert done.returncode == 0
    title, head, row = done.stdout.splitlines()
    assert title.strip() == "planted.toml, 4 runs"
    assert head.split()[:2] == ["runs", "passed"]
    assert row.split()[:2] == ["4", "4"]
    assert done.stderr.splitlines()[-1] == "4 of 4 runs, 0 failed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["planted.toml", "planted_programs.py"]


def test_failures_come_with_their_reproduction_and_are_shrunk(tmp_path: Path) -> None:
    plant(tmp_path, forth='"loss rate=30%"')
    command = ("scenario", "planted.toml", "--seeds", "20", "--seed", "100", "-j", "2", "--artifacts", "art",
               "--set", "link.wire.delay=1ms,7ms", "--results", "r.sqlite")  # fmt: skip
    done = netstack(*command, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    reproductions = re.findall(r"^    netstack (scenario .*)$", done.stdout, re.MULTILINE)
    what = r"^seed (\d+), link.wire.delay=(\w+): program server.pair ends well: failed with RuntimeError"
    shown = re.findall(what, done.stdout, re.MULTILINE)
    assert len(reproductions) == len(shown) >= 2
    for line, (seed, delay) in zip(reproductions, shown, strict=True):
        assert line == f"scenario planted.toml --seed {seed} --set link.wire.delay={delay}"
        assert 100 <= int(seed) < 120
    again = netstack(*shlex.split(reproductions[0]), cwd=tmp_path)
    assert again.returncode == 1
    assert "FAIL program server.pair ends well" in again.stdout
    # one is shrunk for each point of the grid
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines.count("drop on client>server kind=udp n=3 conn=1") == 2
    assert lines.count("drop on client>server kind=udp n=7 conn=1") == 2
    files = re.findall(r"^  netstack scenario (art/shrunk-\w+\.toml)$", done.stdout, re.MULTILINE)
    assert len(files) == 2
    assert all((tmp_path / file).is_file() for file in files)
    with closing(sqlite3.connect(tmp_path / "r.sqlite")) as base:
        rows = base.execute("SELECT faults, minimal, file FROM shrunk ORDER BY file").fetchall()
    assert [(json.loads(faults)[0], minimal) for faults, minimal, _ in rows] == [
        ("drop on client>server kind=udp n=3 conn=1", 1)
    ] * 2
    assert sorted(files) == [file for *_, file in rows]


def test_what_is_shrunk_and_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    plant(tmp_path, forth='"loss rate=30%"')
    command = ("scenario", "planted.toml", "--seeds", "20", "--seed", "100", "-j", "0", "--artifacts", "art")
    small = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")  # no file may grow
    done = netstack(*command, cwd=tmp_path, launcher=small)
    assert done.returncode == 1
    assert "  2 of 2 faults are left, but cannot be written to art (File too large): free some" in re.sub(
        r"\d+ of \d+", "2 of 2", done.stdout
    )
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "art").iterdir()) == []


def test_no_shrink_writes_nothing(tmp_path: Path) -> None:
    plant(tmp_path, "broken")
    done = netstack("scenario", "planted.toml", "--seeds", "2", "-j", "0", "--no-shrink", cwd=tmp_path)
    assert done.returncode == 1
    assert "faults are left" not in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["planted.toml", "planted_programs.py"]


def test_what_fails_without_any_fault_is_called_so(tmp_path: Path) -> None:
    plant(tmp_path, "broken")
    done = netstack("scenario", "planted.toml", "--seeds", "2", "-j", "0", cwd=tmp_path)
    assert "it fails also without any fault" in done.stdout
    assert not list(tmp_path.glob("shrunk-*"))


def test_a_worker_that_is_killed_is_reported_and_its_run_given_up(tmp_path: Path) -> None:
    """As the kernel does it when it is out of memory; a run that is started again tries it once more."""
    plant(tmp_path, "dies", forth="")
    (tmp_path / "armed").touch()
    command = ("scenario", "planted.toml", "--seeds", "3", "-j", "2", "--no-shrink", "--results", "r.sqlite")
    done = netstack(*command, cwd=tmp_path)
    assert done.returncode == 1
    assert "a worker died (BrokenProcessPool" in done.stderr
    assert done.stdout.splitlines()[2].split()[:2] == ["3", "3"]  # all of them died
    assert "seed 0: its worker died twice (BrokenProcessPool" in done.stdout
    (tmp_path / "armed").unlink()
    again = netstack(*command, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "already" not in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-j", "2"), "netstack scenario: -j goes with --seeds N"),
        (("--seeds", "0"), "netstack scenario: Invalid value for '--seeds'"),
        (("--seeds", "2", "--journal", "x"), "netstack scenario: --journal is for a single run"),
        (("--seeds", "2", "--set", "a=1,1"), "--set a=1,1: a value is given twice"),
        (("--seeds", "2", "--set", "link.wire.delay=1ms,1"), "--set link.wire.delay=1: link wire delay: "),
        (("--seeds", "2", "--results", "no/r.sqlite"), "no/r.sqlite cannot be written (No such file"),
        (("--seeds", "2", "--artifacts", "planted.toml/art"), "--artifacts planted.toml/art cannot be "),
        (("--seeds", "2", "--results", "planted.toml"), "planted.toml is no file of results"),
    ],
)
def test_mistakes_are_one_line_before_anything_runs(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    file = plant(tmp_path)
    before = file.read_bytes()
    done = netstack("scenario", "planted.toml", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert file.read_bytes() == before


def test_on_a_terminal_there_is_a_bar(tmp_path: Path) -> None:
    plant(tmp_path, forth="")
    here, there = pty.openpty()
    command = [*NETSTACK, "scenario", "planted.toml", "--seeds", "60", "-j", "1"]
    environment = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=there, stderr=there) as process:
        os.close(there)
        shown = _read(here)
        assert process.wait(PATIENCE) == 0
    assert "━" in shown
    assert "60/60" in shown
    assert "0 failed" in shown
    assert "planted.toml, 60 runs" in shown
    assert "of 60 runs, 0 failed" not in shown  # the plain line


def _read(terminal: int) -> str:
    shown = b""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # nobody has the other end
                break
    os.close(terminal)
    return shown.decode()


def failed(seed: int, verdicts: int, reason: str, point: tuple[str, ...] = ()) -> tuple[Job, Record]:
    record = Record(seed, point, "failed", (reason,), (f"{reason}: so",), verdicts=verdicts)
    return Job("", "a.toml", seed, point), record


def test_of_failures_that_are_alike_the_one_with_the_fewest_verdicts_is_shrunk() -> None:
    runs = [
        failed(1, 9, "a"),
        failed(2, 3, "a"),
        failed(3, 3, "a"),
        failed(4, 7, "b"),
        failed(5, 1, "a", ("x=1",)),
    ]
    assert [(job.seed, times) for job, times in alike(runs)] == [(2, 3), (4, 1), (5, 1)]


def test_many_failures_are_counted_rather_than_shown() -> None:
    lines = failures([failed(seed, 1, "a") for seed in range(30)], 2)
    assert lines == [
        "seed 0: a: so", "    netstack scenario a.toml --seed 0",
        "seed 1: a: so", "    netstack scenario a.toml --seed 1",
        "and 28 more: --results FILE.sqlite has them all",
    ]  # fmt: skip


def test_a_failure_is_one_line() -> None:
    assert first_detail(Record(1, (), "failed", (), ("a: x", "b: y"))) == "a: x (and 1 more)"
    assert first_detail(Record(1, (), "died", error="why")) == "why"
