"""os: files, the board's name, random bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstack.profiles import named
from tests.usocket.support import Pair, raises, two_devices
from usocket import console, os
from usocket.errno import EEXIST, ENOENT
from usocket.files import FileSystem


@pytest.fixture(autouse=True)
def pair(tmp_path: Path) -> Iterator[Pair]:
    with two_devices() as both:
        both.client.files = FileSystem(tmp_path)
        yield both


def test_files_and_folders(tmp_path: Path) -> None:
    os.mkdir("sub")
    (tmp_path / "b.txt").write_text("12345")
    (tmp_path / "a.txt").write_text("")
    assert os.listdir() == ["a.txt", "b.txt", "sub"]
    assert list(os.ilistdir("/"))[1:] == [("b.txt", 0x8000, 0, 5), ("sub", 0x4000, 0, os.stat("sub")[6])]
    assert (os.stat("b.txt")[0], os.stat("b.txt")[6], os.stat("sub")[0]) == (0x8000, 5, 0x4000)
    os.chdir("sub")
    assert os.getcwd() == "/sub"
    os.rename("/b.txt", "c.txt")
    assert os.listdir("") == ["c.txt"]
    os.remove("c.txt")
    os.chdir("/")
    os.rmdir("sub")
    os.sync()
    assert os.listdir("/") == ["a.txt"]
    assert os.unlink is os.remove
    assert len(os.statvfs("/")) >= 10


def test_their_errors() -> None:
    os.mkdir("sub")
    with raises(EEXIST):
        os.mkdir("sub")
    for call in (os.remove, os.stat, os.chdir, os.listdir, os.rmdir):
        with raises(ENOENT):
            call("nothing")
    with raises(ENOENT):
        os.rename("nothing", "x")


def test_uname() -> None:
    assert os.uname().sysname == "rp2"
    assert os.uname()[4] == os.uname().machine == "Raspberry Pi Pico W with RP2040"
    with two_devices(client=named("micropython-esp32")):
        assert os.uname().sysname == "esp32"


def test_random_bytes_are_the_devices_own(pair: Pair) -> None:
    first = os.urandom(10)
    assert len(first) == 10
    assert os.urandom(10) != first
    with pair.server.use():
        assert os.urandom(10) != first
    with two_devices():
        assert os.urandom(10) == first
    assert os.urandom(0) == b""


def test_dupterm(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = io.BytesIO()
    assert os.dupterm(terminal) is None
    console.print_("x")
    assert os.dupterm(None) is terminal
    console.print_("y")
    assert terminal.getvalue() == b"x\n"
    assert capsys.readouterr().out == "x\ny\n"
