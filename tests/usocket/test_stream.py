"""The stream methods of py/stream.c: loops, None without blocking, what a time-out throws away."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import pytest

from tests.usocket.support import SERVER, Pair, raises, two_devices
from usocket import SOCK_DGRAM, socket
from usocket.errno import ETIMEDOUT
from usocket.stream import buffer_of


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


@pytest.fixture
def ends(pair: Pair) -> tuple[socket, socket, socket]:
    return pair.connected()


def test_read_waits_for_all_of_it(pair: Pair, ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    client.send(b"x" * 3000)
    assert accepted.read(2500) == b"x" * 2500
    client.close()
    assert accepted.read(2500) == b"x" * 500
    assert accepted.read(2500) == b""


def test_read_of_everything(pair: Pair, ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    client.send(b"x" * 3000)
    client.close()
    assert accepted.read() == b"x" * 3000
    assert accepted.read(-1) == b""
    assert accepted.read(None) == b""
    assert accepted.read(0) == b""
    with pytest.raises(MemoryError):
        accepted.read(-2)


def test_without_blocking_what_there_is_or_none(pair: Pair, ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    accepted.setblocking(False)
    assert accepted.read(5) is None
    assert accepted.read() is None
    assert accepted.readline() is None
    assert accepted.readinto(bytearray(5)) is None
    for read, expected in (
        (lambda: accepted.read(5), b"abc"),
        (accepted.read, b"abc"),
        (accepted.readline, b"abc"),
    ):
        client.send(b"abc")
        pair.advance(500)
        assert read() == expected
    client.setblocking(False)
    assert client.write(bytes(7000)) == 6400
    assert client.write(b"x") is None


def test_a_time_out_loses_what_was_read(pair: Pair, ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    accepted.settimeout(0.5)
    client.send(b"x" * 490)
    with raises(ETIMEDOUT):
        accepted.read(500)
    client.send(b"y" * 10)
    assert accepted.recv(500) == b"y" * 10


def test_readline(ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    client.send(b"one\ntwo\r\nthree")
    client.close()
    assert accepted.readline() == b"one\n"
    assert accepted.readline(2) == b"tw"
    assert accepted.readline(0) == b""
    assert accepted.readline(100) == b"o\r\n"
    assert accepted.readline() == b"three"
    assert accepted.readline() == b""


def test_readinto(ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    client.send(b"abcdefgh")
    client.close()
    buf = bytearray(b"......")
    assert accepted.readinto(buf, 2) == 2
    assert buf == b"ab...."
    words = array("H", [0])
    assert accepted.readinto(words) == 2
    assert words.tobytes() == b"cd"
    assert accepted.readinto(memoryview(buf)[4:], 100) == 2
    assert buf == b"ab..ef"
    assert accepted.readinto(buf) == 2
    assert accepted.readinto(buf) == 0
    with pytest.raises(TypeError):
        accepted.readinto(b"cannot be changed")


def test_write_of_parts(ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    assert client.write(b"abcdef") == 6
    assert client.write("abcdef", 2) == 2
    assert client.write(b"abcdef", 2, 3) == 3
    assert client.write(b"abcdef", 9, 3) == 0
    assert client.write(array("B", [65, 66])) == 2
    assert accepted.read(13) == b"abcdefabcdeAB"


def test_write_waits_until_all_is_queued(pair: Pair, ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    assert client.write(bytes(8000)) == 8000
    assert accepted.read(8000) == bytes(8000)


def test_a_read_joins_datagrams_and_an_empty_one_ends_it(pair: Pair) -> None:
    server = pair.server.socket(2, SOCK_DGRAM)
    server.bind(("", 7))
    client = pair.client.socket(2, SOCK_DGRAM)
    client.connect((SERVER, 7))
    client.write(b"arp")
    assert server.read(3) == b"arp"
    client.write(b"abcd")
    client.write(b"efgh")
    assert server.read(6) == b"abcdef"  # gh is lost
    client.write(b"ij")
    assert client.write(b"") == 0  # sends nothing
    client.send(b"")
    assert server.read(6) == b"ij"


def test_makefile_is_the_socket_itself(ends: tuple[socket, socket, socket]) -> None:
    _, accepted, client = ends
    assert accepted.makefile() is accepted
    assert accepted.makefile("rb", 0) is accepted
    with pytest.raises(TypeError):
        accepted.makefile("rb", 0, "more")
    assert client.makefile("wb").write(b"x") == 1


def test_buffers() -> None:
    assert buffer_of("é") == "é".encode()
    assert buffer_of(memoryview(b"abc")[1:]) == b"bc"
    with pytest.raises(TypeError, match="object with buffer protocol required"):
        buffer_of(5)
