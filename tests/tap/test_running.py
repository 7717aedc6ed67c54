"""The files by which running devices are found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tap.link import TapError
from tap.running import announce, running, started, state_file


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own runtime folder, so that devices of others are neither seen nor touched."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def test_nothing_is_running_at_first(runtime_folder: Path) -> None:
    assert running() == []
    assert (runtime_folder / "netstack").stat().st_mode & 0o777 == 0o700


def test_what_is_announced_is_found() -> None:
    announce(os.getpid(), {"name": "board", "ip": "10.0.0.2"})
    (found,) = running()
    assert (found["name"], found["ip"], found["holder"]) == ("board", "10.0.0.2", os.getpid())
    state_file(os.getpid()).unlink()
    assert running() == []


def test_those_whose_holder_is_gone_are_removed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        announce(process.pid, {"name": "short"})
        assert [found["name"] for found in running()] == ["short"]
    assert running() == []
    assert not state_file(process.pid).exists()


def test_another_process_with_the_same_pid_is_not_the_holder() -> None:
    announce(os.getpid(), {})
    path = state_file(os.getpid())
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**facts, "started": facts["started"] - 1}), encoding="utf-8")
    assert running() == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"holder": "x", "started": 1}', "\x00"])
def test_a_file_of_nonsense_is_removed(text: str) -> None:
    running()
    path = state_file(1234567)
    path.write_text(text, encoding="utf-8")
    assert running() == []
    assert not path.exists()


def test_a_folder_that_others_may_write_to_is_refused(runtime_folder: Path) -> None:
    (runtime_folder / "netstack").mkdir()
    (runtime_folder / "netstack").chmod(0o777)
    with pytest.raises(TapError, match=r"is not yours alone: remove it, or set XDG_RUNTIME_DIR"):
        announce(os.getpid(), {})


def test_without_a_runtime_folder_it_is_one_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for unusable in (None, "/nonexistent", "/tmp"):
        if unusable is None:
            monkeypatch.delenv("XDG_RUNTIME_DIR")
        else:
            monkeypatch.setenv("XDG_RUNTIME_DIR", unusable)
        assert state_file(7) == Path(f"/tmp/netstack-{os.geteuid()}/7.json")


def test_the_start_of_a_process_is_found_whatever_its_name(tmp_path: Path) -> None:
    odd = tmp_path / "a) b (c"
    odd.symlink_to("/usr/bin/sleep")
    with subprocess.Popen([str(odd), "100"]) as process:
        assert started(process.pid) >= started(os.getpid())
        process.kill()
