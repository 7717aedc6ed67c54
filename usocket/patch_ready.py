"""A descriptor that tells ``select``, ``poll`` and ``epoll`` whether a socket of a device is ready. No data
goes through it.

It is one end of a pair of Unix sockets. A byte in it says that the socket can be read, a full send buffer
that it cannot be written. (An eventfd would be smaller, but it can be always read or written, and a socket
that connects can neither.) What is sent and received stays in the stack, so that its windows and limits are
seen.

Source: Linux net/unix/af_unix.c, ``unix_poll``.
"""

from __future__ import annotations

import _socket
import os
from socket import AF_UNIX, MSG_DONTWAIT, SO_SNDBUF, SOCK_STREAM, SOL_SOCKET

TOKEN = b"\0"
FILLING = bytes(2048)
SMALLEST_BUFFER = 1  # as small as Linux allows (4608 bytes): two or three writes fill it


class Readiness:
    """The pair. ``descriptor`` is for the socket object, which closes it; not readable and not writable.

    ``number`` is its inode: what it is known by, also under another number (after dup).
    """

    def __init__(self) -> None:
        near, self._far = _socket.socketpair(AF_UNIX, SOCK_STREAM)
        near.setsockopt(SOL_SOCKET, SO_SNDBUF, SMALLEST_BUFFER)
        self.number = os.fstat(near.fileno()).st_ino
        # A second descriptor of our own: the object may close its one, and Linux give that number away, while
        # another thread is here.
        self._near = _socket.socket(AF_UNIX, SOCK_STREAM, 0, os.dup(near.fileno()))
        for end in (self._near, self._far):
            end.settimeout(None)  # whatever setdefaulttimeout was told: MSG_DONTWAIT is enough
        self.descriptor: int = near.detach()
        self._readable, self._writable = False, True
        self.show(False, False)

    def show(self, readable: bool, writable: bool) -> None:
        """Tell whoever polls. Called by one thread at a time."""
        if self._far.fileno() < 0:
            return
        if readable != self._readable:
            self._readable = readable
            if readable:
                self._far.send(TOKEN)
            else:
                _empty(self._near)
        if writable != self._writable:
            self._writable = writable
            if writable:
                _empty(self._far)
            else:
                _fill(self._near)

    def close(self) -> None:
        """Close what the socket object does not; twice is fine."""
        self._near.close()
        self._far.close()


def _fill(end: _socket.socket) -> None:
    try:
        while True:
            end.send(FILLING, MSG_DONTWAIT)
    except BlockingIOError:
        pass


def _empty(end: _socket.socket) -> None:
    try:
        while end.recv(65536, MSG_DONTWAIT):
            pass
    except BlockingIOError:
        pass
