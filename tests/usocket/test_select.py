"""select: the flags in each state, literally as measured, and the ways of asking."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tap.clock import MS
from tests.usocket.support import SERVER, Pair, listening, raises, two_devices
from usocket import SOCK_DGRAM, socket
from usocket.errno import EINPROGRESS, ENOENT
from usocket.select import POLLERR, POLLHUP, POLLIN, POLLOUT, poll, select


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


def flags(sock: socket, mask: int = POLLIN | POLLOUT) -> int:
    """What poll reports at once, 0 for nothing."""
    poller = poll()
    poller.register(sock, mask)
    reports = poller.poll(0)
    return reports[0][1] if reports else 0


def all_masks(sock: socket) -> list[int]:
    return [flags(sock), flags(sock, POLLIN), flags(sock, 0)]


class TestFlags:
    """Section 1.13 of the measurements, for the masks IN+OUT, IN and 0."""

    def test_new_and_connecting(self, pair: Pair) -> None:
        sock = pair.client.socket()
        assert all_masks(sock) == [20, 16, 16]
        sock.setblocking(False)
        with raises(EINPROGRESS):
            sock.connect(("10.0.0.77", 80))
        assert all_masks(sock) == [0, 0, 0]
        pair.advance(40_000)  # ECONNABORTED
        assert flags(sock) == POLLERR

    def test_connected(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        assert all_masks(accepted) == [POLLOUT, 0, 0]
        client.send(b"x")
        pair.advance(10)
        assert all_masks(accepted) == [POLLIN | POLLOUT, POLLIN, 0]
        pair.server_link.close()
        client.send(bytes(6400))
        assert all_masks(client) == [0, 0, 0]

    def test_listening(self, pair: Pair) -> None:
        listener = listening(pair.server)
        assert all_masks(listener) == [0, 0, 0]
        pair.client.socket().connect((SERVER, 80))
        pair.advance(10)
        assert all_masks(listener) == [POLLIN, POLLIN, 0]

    def test_the_peers_fin(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        client.close()
        pair.advance(10)
        assert all_masks(accepted) == [5, 1, 0]

    def test_a_reset(self, pair: Pair) -> None:
        """[29] [25] and so on, until the error was told: 17; and 32 for closed."""
        _, accepted, client = pair.connected()
        accepted.send(b"unread")
        pair.advance(10)
        client.close()
        pair.advance(10)
        assert all_masks(accepted) == [29, 25, 24]
        with pytest.raises(OSError):
            accepted.recv(1)
        assert all_masks(accepted) == [17, 17, 16]
        accepted.close()
        assert all_masks(accepted) == [32, 32, 32]

    def test_refused(self, pair: Pair) -> None:
        sock = pair.client.socket()
        with pytest.raises(OSError):
            sock.connect((SERVER, 81))
        assert all_masks(sock) == [29, 25, 24]

    def test_datagrams(self, pair: Pair) -> None:
        server = pair.server.socket(2, SOCK_DGRAM)
        server.bind(("", 7))
        assert all_masks(server) == [POLLOUT, 0, 0]
        pair.client.socket(2, SOCK_DGRAM).sendto(b"x", (SERVER, 7))
        pair.advance(10)
        assert all_masks(server) == [5, 1, 0]
        server.close()
        assert flags(server) == 32


def test_poll_waits_until_something_is_there(pair: Pair) -> None:
    listener = listening(pair.server)
    poller = poll()
    poller.register(listener, POLLIN)
    start = pair.clock.now()
    assert poller.poll(250) == []
    assert pair.clock.now() - start == 250 * MS
    client = pair.client.socket()
    client.setblocking(False)
    with raises(EINPROGRESS):
        client.connect((SERVER, 80))
    assert poller.poll() == [(listener, POLLIN)]
    assert pair.clock.now() - start < 300 * MS


def test_register_modify_unregister(pair: Pair) -> None:
    sock = pair.client.socket(2, SOCK_DGRAM)
    poller = poll()
    with raises(ENOENT):
        poller.modify(sock, POLLIN)
    poller.register(sock)
    assert poller.poll(0) == [(sock, POLLOUT)]
    poller.register(sock, POLLIN)  # again: the mask is replaced
    assert poller.poll(0) == []
    poller.modify(sock, POLLOUT)
    assert poller.poll(0) == [(sock, POLLOUT)]
    poller.unregister(sock)
    poller.unregister(sock)
    assert len(poller._masks) == 0
    with pytest.raises(TypeError):
        poller.poll(1.5)
    with pytest.raises(OSError, match="stream operation not supported"):
        poller.register(object())


def test_without_any_socket_it_sleeps_on_the_current_device(pair: Pair) -> None:
    start = pair.clock.now()
    assert poll().poll(100) == []
    assert pair.clock.now() - start == 100 * MS


def test_ipoll_yields_one_and_the_same_pair(pair: Pair) -> None:
    one, two = pair.client.socket(2, SOCK_DGRAM), pair.client.socket(2, SOCK_DGRAM)
    poller = poll()
    poller.register(one)
    poller.register(two)
    assert [tuple(report) for report in poller.ipoll(0)] == [(one, POLLOUT), (two, POLLOUT)]
    assert list(poller.ipoll(0)) == [(two, POLLOUT)] * 2
    assert len(list(poller.ipoll(0, 1))) == 2  # one shot: not asked again
    assert list(poller.ipoll(0)) == []
    poller.modify(one, POLLOUT)
    (report,) = poller.ipoll(0)
    assert repr(report) == repr((one, POLLOUT))
    assert (report[0], len(report)) == (one, 2)


class Custom:
    """A pollable of the program's own; ready from the n-th question on."""

    def __init__(self, answers: list[int]) -> None:
        self.answers = answers

    def ioctl(self, request: int, arg: int) -> int:
        assert request == 3
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_objects_of_the_program(pair: Pair) -> None:
    poller = poll()
    custom = Custom([0, 0, 0, POLLIN])
    poller.register(custom)
    start = pair.clock.now()
    assert poller.poll(100) == [(custom, POLLIN)]
    assert 0 < pair.clock.now() - start <= 4 * MS
    custom.answers = [0]
    assert poller.poll(10) == []
    custom.answers = [-1000]
    with raises(1000):
        poller.poll(10)


def test_select(pair: Pair) -> None:
    listener, accepted, client = pair.connected()
    client.send(b"x")
    pair.advance(10)
    new = pair.server.socket()
    closed = pair.server.socket()
    closed.close()
    assert select([listener, accepted], [accepted], [], 0) == ([accepted], [accepted], [])
    assert select([], [new], [], 0) == ([], [new], [new])  # a hang-up is an exception, unasked
    assert select([], [closed], [], 0) == ([], [], [closed])
    start = pair.clock.now()
    assert select([listener], [], [], 0.2) == ([], [], [])
    assert pair.clock.now() - start == 200 * MS


def test_names() -> None:
    assert (POLLIN, POLLOUT, POLLERR, POLLHUP) == (1, 4, 8, 16)


def test_what_has_flags_as_sockets_have_is_polled_like_one() -> None:
    class Bell:
        rung = 0

        def _poll(self, mask: int) -> int:
            return mask & self.rung

    with two_devices() as pair:
        bell, sock = Bell(), pair.client.socket()
        poller = poll()
        poller.register(bell, POLLIN)
        poller.register(sock, 0)
        pair.clock.call_at(50 * MS, lambda: setattr(bell, "rung", 1))
        poller.unregister(sock)
        assert poller.poll(1000) == [(bell, 1)]
        assert pair.clock.now() == 50 * MS


def test_reports_come_in_the_order_of_registering() -> None:
    class Ready:
        def ioctl(self, request: int, mask: int) -> int:
            return mask

    with two_devices() as pair:
        first, second, third = pair.client.socket(2, 2), Ready(), pair.client.socket(2, 2)
        poller = poll()
        for obj in (first, second, third):
            poller.register(obj, POLLOUT)
        assert [obj for obj, _ in poller.poll(0)] == [first, second, third]
