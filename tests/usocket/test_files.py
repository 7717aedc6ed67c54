"""The files of a device: this machine's, or a folder that is the board's flash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.usocket.support import Pair, raises, two_devices
from usocket.errno import EISDIR, ENOENT
from usocket.files import FileSystem, open_file


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with two_devices() as both:
        both.client.files = FileSystem(tmp_path)
        yield both


def test_a_root_is_not_left(tmp_path: Path) -> None:
    files = FileSystem(tmp_path)
    assert files.real("a.txt") == files.real("/a.txt") == files.real("../../a.txt") == tmp_path / "a.txt"
    assert files.real("//etc/../b") == tmp_path / "b"


def test_the_current_folder_is_each_devices_own(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    first, second = FileSystem(tmp_path), FileSystem(tmp_path)
    first.change("sub")
    assert (first.current, second.current) == ("/sub", "/")
    assert first.real("x") == tmp_path / "sub" / "x"
    first.change("..")
    assert first.current == "/"
    with raises(ENOENT):
        first.change("nowhere")


def test_without_a_root_paths_are_the_machines(tmp_path: Path) -> None:
    files = FileSystem()
    assert files.real(str(tmp_path / "x")) == tmp_path / "x"
    assert files.real("x") == Path.cwd() / "x"
    assert files.folder(tmp_path) == str(tmp_path)


def test_folders_from_outside_are_mounted(tmp_path: Path) -> None:
    (tmp_path / "flash").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "other" / "lib").mkdir(parents=True)
    files = FileSystem(tmp_path / "flash")
    assert files.folder(tmp_path / "lib") == "/lib"
    assert files.folder(tmp_path / "other" / "lib") == "/lib1"
    assert files.real("/lib/x.py") == tmp_path / "lib" / "x.py"
    assert files.real("/lib1/x.py") == tmp_path / "other" / "lib" / "x.py"
    assert files.folder(tmp_path / "flash") == "/"
    assert files.folder(tmp_path / "flash" / "a") == "/a"


def test_open(pair: Pair, tmp_path: Path) -> None:
    with open_file("a.txt", "w") as file:
        file.write("é\r\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == "é\r\nb\n".encode()
    with open_file("/a.txt") as file:
        assert file.readline() == "é\r\n"
    with open_file("a.bin", "wb") as file:
        assert file.write("text") == 4
        file.write(b"x\xffy", 1, 1)
    with open_file("a.bin", "r+b") as file:
        file.seek(1)
        file.write("E")
    with open_file("a.bin", "rb") as file:
        assert file.read() == b"tExt\xff"
    with raises(ENOENT):
        open_file("nothing")
    with raises(EISDIR):
        open_file("/")
