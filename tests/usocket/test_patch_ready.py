"""The descriptor that tells of readiness: all four states, as select, poll and epoll see them."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator

import pytest

from usocket.patch_ready import Readiness

STATES = [(False, False), (True, False), (False, True), (True, True)]


@pytest.fixture
def ready() -> Iterator[Readiness]:
    made = Readiness()
    yield made
    made.close()
    os.close(made.descriptor)


def polled(fd: int) -> tuple[bool, bool]:
    """What poll says, which select and epoll have to say, too."""
    poller = select.poll()
    poller.register(fd, select.POLLIN | select.POLLOUT)
    flags = dict(poller.poll(0)).get(fd, 0)
    assert flags & ~(select.POLLIN | select.POLLOUT) == 0
    readable, writable, _ = select.select([fd], [fd], [fd], 0)
    assert (bool(readable), bool(writable)) == (bool(flags & select.POLLIN), bool(flags & select.POLLOUT))
    with select.epoll() as epoll:
        epoll.register(fd, select.EPOLLIN | select.EPOLLOUT)
        assert dict(epoll.poll(0)).get(fd, 0) == flags
    return bool(flags & select.POLLIN), bool(flags & select.POLLOUT)


def test_at_first_neither(ready: Readiness) -> None:
    assert polled(ready.descriptor) == (False, False)


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("after", STATES)
def test_every_change(ready: Readiness, before: tuple[bool, bool], after: tuple[bool, bool]) -> None:
    for state in (before, after, before, after):
        ready.show(*state)
        assert polled(ready.descriptor) == state


def test_an_epoll_that_is_waited_for_sees_the_change(ready: Readiness) -> None:
    with select.epoll() as epoll:
        epoll.register(ready.descriptor, select.EPOLLIN | select.EPOLLET)
        assert epoll.poll(0) == []
        ready.show(True, False)
        assert epoll.poll(0) == [(ready.descriptor, select.EPOLLIN)]
        assert epoll.poll(0) == []
        ready.show(False, False)
        ready.show(True, False)
        assert epoll.poll(0) == [(ready.descriptor, select.EPOLLIN)]


@pytest.mark.parametrize("blocking", [True, False])
def test_whether_the_socket_object_blocks_does_not_matter(ready: Readiness, blocking: bool) -> None:
    os.set_blocking(ready.descriptor, blocking)
    for state in STATES * 2:
        ready.show(*state)
        assert polled(ready.descriptor) == state


def test_a_default_time_out_does_not_matter() -> None:
    socket.setdefaulttimeout(5)
    try:
        made = Readiness()
    finally:
        socket.setdefaulttimeout(None)
    made.show(True, True)
    made.show(False, False)  # would wait 5 s
    assert polled(made.descriptor) == (False, False)
    made.close()
    os.close(made.descriptor)


def test_it_is_known_by_its_inode_and_not_inherited(ready: Readiness) -> None:
    copy = os.dup(ready.descriptor)
    assert os.fstat(copy).st_ino == ready.number
    assert not os.get_inheritable(ready.descriptor)
    os.close(copy)


def test_closing_leaves_nothing() -> None:
    before = set(os.listdir("/proc/self/fd"))
    made = Readiness()
    os.close(made.descriptor)  # as the socket object does, in whatever order
    made.show(True, True)
    made.close()
    made.close()
    made.show(False, False)
    assert set(os.listdir("/proc/self/fd")) == before
