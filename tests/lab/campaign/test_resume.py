"""A campaign that is killed goes on where it was, and comes to the same as one that was not."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.lab.campaign.planted import plant
from tests.lab.commands import PATIENCE, Running, Traces, netstack

RUNS = 160
SWEEP = ("--seeds", str(RUNS // 2), "--set", "link.wire.delay=1ms,20ms", "-j", "2", "--no-shrink")


def rows(file: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as base:
        return base.execute("SELECT * FROM runs ORDER BY scenario, code, overrides, seed").fetchall()


def count(file: Path) -> int:
    """The results that are in a file that is being written."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as base:
            return int(base.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.Error:
        return 0


def wait_for(file: Path, results: int, campaign: Running) -> None:
    deadline = time.monotonic() + PATIENCE
    while count(file) < results:
        assert campaign.process.poll() is None, f"it ended too early: {campaign.log}"
        assert time.monotonic() < deadline, campaign.log
        time.sleep(0.005)


def test_killed_with_sigkill_it_goes_on_and_the_final_table_is_the_same(tmp_path: Path) -> None:
    plant(tmp_path)
    whole = netstack("scenario", "planted.toml", *SWEEP, "--results", "whole.sqlite", cwd=tmp_path)
    assert whole.returncode == 1
    file = tmp_path / "killed.sqlite"
    command = ("scenario", "planted.toml", *SWEEP, "--results", file.name)
    done = [0]
    for _ in range(2):
        with Running(tmp_path, *command, cwd=tmp_path) as campaign:
            wait_for(file, done[-1] + 10, campaign)
            traces = Traces(campaign.process)
            os.kill(campaign.process.pid, signal.SIGKILL)  # it alone: its workers have to notice
            campaign.process.wait(PATIENCE)
            assert traces.left() == []
        done.append(count(file))
    assert 0 < done[1] < done[2] < RUNS, "it was to be killed in the middle of it"
    last = netstack(*command, cwd=tmp_path)
    assert f"{done[2]} of {RUNS} runs are in {file.name} already" in last.stderr
    assert (last.stdout, last.returncode) == (whole.stdout, whole.returncode)
    assert rows(file) == rows(tmp_path / "whole.sqlite")
    assert len(rows(file)) == RUNS
    assert (tmp_path / "killed.jsonl").read_text() == (tmp_path / "whole.jsonl").read_text()


def test_ctrl_c_keeps_what_is_done_and_ends_with_130(tmp_path: Path) -> None:
    plant(tmp_path)
    file = tmp_path / "r.sqlite"
    command = ("scenario", "planted.toml", *SWEEP, "--results", file.name)
    with Running(tmp_path, *command, cwd=tmp_path) as campaign:
        wait_for(file, 10, campaign)
        traces = Traces(campaign.process)
        assert campaign.ctrl_c() == 130
        done = count(file)
        assert 10 <= done < RUNS
        assert f"interrupted: {done} of {RUNS} runs are in r.sqlite; the same command goes on" in campaign.log
        assert f"planted.toml, {done} runs" in campaign.log  # the table of what is done
        assert "Traceback" not in campaign.log
        assert traces.left() == []
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == done
    again = netstack(*command, cwd=tmp_path)
    assert f"{done} of {RUNS} runs are in r.sqlite already" in again.stderr
    assert len(rows(file)) == RUNS


def test_nothing_is_run_again_when_all_is_there(tmp_path: Path) -> None:
    plant(tmp_path)
    command = ("scenario", "planted.toml", "--seeds", "5", "-j", "0", "--no-shrink", "--results", "r.sqlite")
    first = netstack(*command, cwd=tmp_path)
    second = netstack(*command, cwd=tmp_path)
    assert second.stderr == "5 of 5 runs are in r.sqlite already\n"
    assert second.stdout == first.stdout
