"""The control socket: who may open it, what it answers to nonsense, and what is left of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click
import pytest

from lab.control import client
from lab.control.board import Board
from lab.control.path import address, socket_file
from lab.control.server import LONGEST, ControlServer


class Lock:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class FakeBoard:
    """Answers "about" only; everything else fails inside."""

    def about(self) -> dict[str, object]:
        return {"pid": os.getpid(), "ip": "10.0.0.1"}


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder whose name is longer than the address of a socket may be."""
    folder = tmp_path / ("long" * 25)
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def server() -> Iterator[ControlServer]:
    with ControlServer(cast("Board", FakeBoard())) as running:
        yield running


def talk(*lines: bytes) -> list[Any]:
    """The answers to lines that are sent one after the other, on one connection."""
    answers = []
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        with address(socket_file(os.getpid())) as name:
            peer.connect(name)
        with peer.makefile("rb") as reader:
            for line in lines:
                peer.sendall(line)
                answers.append(json.loads(reader.readline()))
    return answers


def test_it_is_its_users_alone(server: ControlServer, runtime: Path) -> None:
    path = socket_file(os.getpid())
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.parent.stat().st_mode & 0o7777 == 0o700
    assert [found.about for found in client.running()] == [FakeBoard().about()]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as another user")
def test_another_user_cannot_open_it(server: ControlServer) -> None:
    """Even where the folder would let him in."""
    path = socket_file(os.getpid())
    for folder in (path.parent, *path.parents[1:-1]):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    code = (
        "import os, socket, sys\nos.setgid(65534); os.setuid(65534)\nos.chdir(sys.argv[1])\n"
        "try: socket.socket(socket.AF_UNIX).connect(sys.argv[2])\nexcept PermissionError: print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path.parent), path.name], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("refused\n", "")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"\n", 'that is no JSON: a request is a line like {"do": "ss"}'),
        (b"\xff\xfe\n", 'that is no JSON: a request is a line like {"do": "ss"}'),
        (b"[" * 5000 + b"\n", 'that is no JSON: a request is a line like {"do": "ss"}'),
        (b"[1]\n", 'a request is an object like {"do": "ss"}'),
        (b'{"do": 1}\n', 'a request is an object like {"do": "ss"}'),
        (b'{"do": "format"}\n', "there is no request 'format': there are about, ss, stats, "),
        (b'{"do": "ss"}\n', "an error of netstack itself, told where the device runs: AttributeError("),
    ],
)
def test_what_is_no_request_gets_one_line(
    server: ControlServer, line: bytes, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, right = talk(line, b'{"do":"about"}\n')
    assert list(wrong) == ["error"]
    assert wrong["error"].startswith(error)
    assert "\n" not in wrong["error"]
    assert right == {"ok": FakeBoard().about()}
    assert ("Traceback" in capsys.readouterr().err) == error.startswith("an error of netstack itself")


def test_a_request_without_end_is_cut_off(server: ControlServer) -> None:
    (answer,) = talk(b"x" * (LONGEST + 1))
    assert answer == {"error": f"a request has at most {LONGEST} bytes"}
    assert talk(b'{"do":"about"}\n') == [{"ok": FakeBoard().about()}]


def test_who_says_nothing_holds_up_others_for_a_moment_only(server: ControlServer) -> None:
    with socket.socket(socket.AF_UNIX) as silent, address(socket_file(os.getpid())) as name:
        silent.connect(name)
        assert talk(b'{"do":"about"}\n') == [{"ok": FakeBoard().about()}]


def test_nothing_is_left() -> None:
    threads = threading.active_count()
    with ControlServer(cast("Board", FakeBoard())):
        assert threading.active_count() == threads + 1
        assert os.listdir(socket_file(1).parent) == [f"{os.getpid()}.sock"]
    assert os.listdir(socket_file(1).parent) == []
    assert threading.active_count() == threads


def test_what_a_killed_process_left_is_ignored_and_removed() -> None:
    path = socket_file(99_999_999)
    with socket.socket(socket.AF_UNIX) as dead, address(path) as name:
        dead.bind(name)
    assert path.exists()
    with pytest.raises(click.ClickException, match="no device is running: start one"):
        client.choose(None)
    assert not path.exists()


def test_choosing() -> None:
    with ControlServer(cast("Board", FakeBoard())):
        assert client.choose(None).about["ip"] == "10.0.0.1"
        assert client.choose("10.0.0.1").about["pid"] == os.getpid()
        assert client.choose(str(os.getpid())).about["ip"] == "10.0.0.1"
        with pytest.raises(
            click.ClickException, match=r"no running device is 10\.9\.9\.9: there are 10\.0\.0\.1"
        ):
            client.choose("10.9.9.9")
