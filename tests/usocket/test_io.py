"""io: files in memory, and streams of a program's own."""

from __future__ import annotations

from usocket import io
from usocket.files import open_file


def test_bytes_in_memory() -> None:
    file = io.BytesIO(b"ab")
    assert file.read() == b"ab"
    assert file.write("cd") == 2
    assert file.getvalue() == b"abcd"
    file.write(b"012345", 2)
    file.write("012345", 4, 100)
    assert file.getvalue() == b"abcd0145"
    assert io.BytesIO(100).getvalue() == b""
    assert io.BytesIO("text").read() == b"text"


def test_text_in_memory() -> None:
    file = io.StringIO("a\r\n")
    assert file.readline() == "a\r\n"
    file.write(b"b")
    assert file.getvalue() == "a\r\nb"
    assert io.StringIO(100).getvalue() == ""


def test_a_programs_own_stream_and_open() -> None:
    class Mine(io.IOBase):
        def ioctl(self, request: int, argument: int) -> int:
            return argument

    assert Mine().ioctl(3, 1) == 1
    assert io.open is open_file
