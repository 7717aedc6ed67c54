"""Streams below TLS: sockets and objects of the program."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from tests.usocket.support import Pair, two_devices
from usocket.errno import EAGAIN, EBADF, ECONNRESET, ENOTCONN, ETIMEDOUT, MicroPythonError
from usocket.tls_transport import StreamFailed, Transport


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


def test_a_socket(pair: Pair) -> None:
    _, accepted, client = pair.connected()
    here, there = Transport(accepted), Transport(client)
    assert there.send(b"hello") == 5
    assert here.receive(3) == b"hel"
    accepted.setblocking(False)
    assert here.receive(9) == b"lo"
    assert here.receive(9) is None
    assert here.poll(5) == 4
    there.close()
    pair.advance(10)
    assert here.receive(9) == b""
    assert here.poll(5) == 5
    with pytest.raises(StreamFailed) as caught:
        there.send(b"x")
    assert caught.value.number == EBADF


def test_a_socket_that_waits_in_vain(pair: Pair) -> None:
    _, accepted, _client = pair.connected()
    accepted.settimeout(0.5)
    with pytest.raises(StreamFailed) as caught:
        Transport(accepted).receive(1)
    assert caught.value.number == ETIMEDOUT
    with pytest.raises(StreamFailed) as caught:
        Transport(pair.client.socket()).send(b"x")
    assert caught.value.number == ENOTCONN


def test_a_buffer() -> None:
    buffer = io.BytesIO(b"abc")
    transport = Transport(buffer)
    assert (transport.receive(2), transport.send(b"X"), transport.receive(2)) == (b"ab", 1, b"")
    assert buffer.getvalue() == b"abX"
    assert transport.poll(5) == 5
    transport.close()
    assert buffer.closed


class Custom:
    """``answer`` is what its next call gives or raises."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[Any] = []

    def _say(self, *what: Any) -> Any:
        self.calls.append(what)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def read(self, size: int) -> Any:
        return self._say("read", size)

    def write(self, data: bytes) -> Any:
        return self._say("write", data)

    def ioctl(self, request: int, arg: int) -> Any:
        return self._say("ioctl", request, arg)


def test_a_programs_own() -> None:
    custom = Custom(None)
    transport = Transport(custom)
    assert transport.receive(5) is None
    assert transport.send(b"x") is None
    custom.answer = 1
    assert transport.poll(5) == 1
    transport.close()
    assert custom.calls == [("read", 5), ("write", b"x"), ("ioctl", 3, 5), ("ioctl", 4, 0)]


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (MicroPythonError(EAGAIN), None),
        (BlockingIOError(EAGAIN, "text"), None),
        (MicroPythonError(ECONNRESET), ECONNRESET),
        (ConnectionResetError(ECONNRESET, "text"), ECONNRESET),
        (OSError(), 5),
        (OSError("text"), 5),
    ],
)
def test_its_errors(error: OSError, number: int | None) -> None:
    transport = Transport(Custom(error))
    for call in (lambda: transport.receive(1), lambda: transport.send(b"x")):
        if number is None:
            assert call() is None
        else:
            with pytest.raises(StreamFailed) as caught:
                call()
            assert caught.value.number == number


@pytest.mark.parametrize("thing", [5, None, object(), "text"])
def test_what_is_no_stream(thing: Any) -> None:
    with pytest.raises(OSError, match="stream operation not supported"):
        Transport(thing)
