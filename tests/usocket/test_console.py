"""The serial line: print, input, sys.stdin that can be polled, and dupterm."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.usocket.support import two_devices
from usocket import console, select
from usocket.console import Input, input_, print_


@pytest.fixture(autouse=True)
def device() -> Iterator[None]:
    with two_devices():
        yield


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where to type what standard input reads."""
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(console, "stdin", Input())
        yield writing
    os.close(writing)


def test_print_to_any_stream(capsys: pytest.CaptureFixture[str]) -> None:
    print_("a", 1, sep="-", end="!")
    pieces: list[str] = []
    print_("b", 2, file=SimpleNamespace(write=pieces.append))
    assert (capsys.readouterr().out, pieces) == ("a-1!", ["b", " ", "2", "\n"])


def test_stdout_takes_text_and_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.stdout.write("é") == 1
    assert console.stdout.buffer.write(b"\xc3\xa9") == 2
    console.stderr.write("err")
    assert capsys.readouterr() == ("éé", "err")
    assert console.stdout.ioctl(3, 5) == 4


def test_a_second_terminal_sees_all_output(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = io.BytesIO()
    console.duplicates()[:] = [terminal]
    print_("hello")
    assert terminal.getvalue() == b"hello\n"
    assert capsys.readouterr().out == "hello\n"


def test_reading_and_polling_a_line(keyboard: int) -> None:
    poller = select.poll()
    poller.register(console.stdin, select.POLLIN)
    assert poller.poll(0) == []
    os.write(keyboard, "zwölf\nnext".encode())
    assert poller.poll(0) == [(console.stdin, select.POLLIN)]
    assert console.stdin.readline() == "zwölf\n"
    assert poller.poll(0) == [(console.stdin, select.POLLIN)]
    assert console.stdin.read(2) == "ne"
    assert console.stdin.buffer.read(1) == b"x"
    buffer = bytearray(1)
    assert console.stdin.buffer.readinto(buffer) == 1
    assert buffer == b"t"


def test_a_character_is_not_cut(keyboard: int) -> None:
    os.write(keyboard, "éa".encode())
    assert console.stdin.read(1) == "é"
    assert console.stdin.read(1) == "a"


def test_input(keyboard: int, capsys: pytest.CaptureFixture[str]) -> None:
    os.write(keyboard, b"yes\r\n")
    assert input_("really? ") == "yes"
    assert capsys.readouterr().out == "really? "


def test_the_end_of_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\nb"))
    stdin = Input()
    assert stdin.readlines() == ["a\n", "b"]
    assert stdin.read() == ""
    monkeypatch.setattr(console, "stdin", stdin)
    with pytest.raises(EOFError):
        input_()
