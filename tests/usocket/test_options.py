"""setsockopt: flags on the pcb, memberships, callbacks, and what is ignored."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from netstack.address import parse_ip
from tests.usocket.support import CLIENT, SERVER, Pair, listening, raises, two_devices
from usocket import IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, SOCK_DGRAM, SOL_SOCKET, TCP_NODELAY, socket
from usocket.errno import EBADF, EINVAL


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


def test_flags_end_up_on_the_pcb(pair: Pair) -> None:
    sock = pair.server.socket()
    sock.setsockopt(SOL_SOCKET, 4, 1)
    sock.setsockopt(12345, 0x20, True)  # the level is ignored
    assert sock._layer.pcb.so_options == 0x24
    sock.setsockopt(SOL_SOCKET, 4, 0)
    assert sock._layer.pcb.so_options == 0x20
    sock.setsockopt(6, TCP_NODELAY, 1)
    assert sock._layer.pcb.flags & 0x40


def test_nodelay_sends_small_writes_at_once(pair: Pair) -> None:
    _, _, client = pair.connected()
    frames: list[bytes] = []
    pair.client.stack.trace = lambda event: frames.append(event.frame) if event.kind == "frame-out" else None
    client.send(b"one")
    client.send(b"two")
    assert len(frames) == 1  # Nagle
    client.setsockopt(6, TCP_NODELAY, 1)
    client.send(b"three")
    assert len(frames) == 2


def test_nodelay_where_it_means_nothing(pair: Pair) -> None:
    listening(pair.server).setsockopt(6, TCP_NODELAY, 1)
    pair.server.socket(2, SOCK_DGRAM).setsockopt(6, TCP_NODELAY, 1)


@pytest.mark.parametrize("value", [None, b"\1\0\0\0", "1"])
def test_an_int_is_needed(pair: Pair, value: object) -> None:
    with pytest.raises(TypeError):
        pair.server.socket().setsockopt(SOL_SOCKET, 4, value)


def test_unknown_options_earn_a_line(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    assert pair.server.socket().setsockopt(SOL_SOCKET, 8, 1) is None
    assert capsys.readouterr().out == "Warning: lwip.setsockopt() not implemented\n"


def test_on_a_closed_socket_a_board_crashes(pair: Pair) -> None:
    sock = pair.server.socket()
    sock.close()
    with raises(EBADF):
        sock.setsockopt(SOL_SOCKET, 4, 1)
    assert pair.server.oddities == {"setsockopt-closed": 1}


def test_membership_is_the_interfaces(pair: Pair) -> None:
    group = parse_ip("239.1.2.3").to_bytes(4, "big")
    server, client = pair.server.socket(2, SOCK_DGRAM), pair.client.socket(2, SOCK_DGRAM)
    server.bind(("", 7))
    server.settimeout(0.1)
    client.sendto(b"too early", ("239.1.2.3", 7))
    with pytest.raises(OSError):
        server.recv(10)
    server.setsockopt(0, IP_ADD_MEMBERSHIP, group + bytes(4))
    client.sendto(b"heard", ("239.1.2.3", 7))
    assert server.recv(10) == b"heard"
    server.setsockopt(0, IP_DROP_MEMBERSHIP, group + parse_ip(SERVER).to_bytes(4, "big"))
    client.sendto(b"too late", ("239.1.2.3", 7))
    with pytest.raises(OSError):
        server.recv(10)


def test_bad_memberships(pair: Pair) -> None:
    sock = pair.server.socket(2, SOCK_DGRAM)
    with pytest.raises(ValueError):
        sock.setsockopt(0, IP_ADD_MEMBERSHIP, bytes(4))
    with raises(EINVAL):
        sock.setsockopt(0, IP_ADD_MEMBERSHIP, parse_ip(CLIENT).to_bytes(4, "big") + bytes(4))
    with raises(EINVAL):
        sock.setsockopt(0, IP_ADD_MEMBERSHIP, b"\xef\1\2\3" + parse_ip(CLIENT).to_bytes(4, "big"))


class TestCallback:
    """Option 20: called in the program with the socket when something has arrived."""

    def test_for_connections_data_and_the_end(self, pair: Pair) -> None:
        calls: list[tuple[str, socket]] = []
        listener = listening(pair.server)
        listener.setsockopt(SOL_SOCKET, 20, lambda sock: calls.append(("listener", sock)))
        client = pair.client.socket()
        client.connect((SERVER, 80))
        pair.advance(10)
        assert calls == [("listener", listener)]
        accepted, _ = listener.accept()
        client.send(b"not heard")  # a new socket has no callback
        pair.advance(10)
        assert len(calls) == 1
        accepted.setsockopt(SOL_SOCKET, 20, lambda sock: calls.append((sock.recv(20).decode(), sock)))
        accepted.recv(20)
        client.send(b"heard")
        pair.advance(10)
        client.close()
        pair.advance(10)
        assert calls[1:] == [("heard", accepted), ("", accepted)]
        accepted.setsockopt(SOL_SOCKET, 20, None)

    def test_for_datagrams_and_not_for_resets(self, pair: Pair) -> None:
        calls: list[object] = []
        server = pair.server.socket(2, SOCK_DGRAM)
        server.bind(("", 7))
        server.setsockopt(SOL_SOCKET, 20, calls.append)
        pair.client.socket(2, SOCK_DGRAM).sendto(b"x", (SERVER, 7))
        pair.advance(10)
        assert calls == [server]
        _, accepted, client = pair.connected()
        accepted.setsockopt(SOL_SOCKET, 20, calls.append)
        accepted.send(b"unread")
        pair.advance(10)
        client.close()
        pair.advance(10)
        assert calls == [server]

    def test_it_may_block_and_runs_inside_a_waiting_call(self, pair: Pair) -> None:
        listener = listening(pair.server)
        answered: list[bytes] = []

        def serve(sock: socket) -> None:
            accepted, _ = sock.accept()
            answered.append(accepted.recv(10))
            accepted.send(b"answer")
            accepted.close()

        listener.setsockopt(SOL_SOCKET, 20, serve)
        client = pair.client.socket()
        client.connect((SERVER, 80))
        client.send(b"question")
        pair.server.sleep(1)
        assert answered == [b"question"]
        assert client.recv(10) == b"answer"

    def test_one_is_not_interrupted_by_another(self, pair: Pair) -> None:
        """``mp_sched_run_pending`` of py/scheduler.c keeps the scheduler locked meanwhile."""
        course: list[str] = []
        _, accepted, client = pair.connected()

        def read(_: socket) -> None:
            course.append("begins")
            if len(course) == 1:
                client.send(b"more")
            pair.server.sleep(1)
            course.append("ends")

        accepted.setsockopt(SOL_SOCKET, 20, read)
        client.send(b"something")
        pair.server.sleep(5)
        assert course == ["begins", "ends"] * 2

    def test_when_eight_wait_the_ninth_is_lost(self, pair: Pair) -> None:
        calls: list[object] = []
        server = pair.server.socket(2, SOCK_DGRAM)
        for _ in range(10):
            pair.server.schedule(lambda: calls.append(1))
        pair.advance(1)
        assert len(calls) == 8
        assert pair.server.oddities == {"callback-lost": 2}
        assert server is not None

    def test_it_does_not_keep_the_socket_alive(self, pair: Pair) -> None:
        sock = pair.server.socket()
        sock.setsockopt(SOL_SOCKET, 20, print)
        del sock
        gc.collect()
        pair.advance(1)
        assert pair.server.stack.mem.tcp_pcb.used == 0
