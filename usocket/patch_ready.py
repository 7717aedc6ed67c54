"""A descriptor that tells ``select``, ``poll`` and ``epoll`` whether a socket of a device is ready. No data
goes through it.

It is one end of a pair of Unix sockets. A byte in it says that the socket can be read, a full send buffer
that it cannot be written. (An eventfd would be smaller, but it can be always read or written, and a socket
that connects can neither.) What is sent and received stays in the stack, so that its windows and limits are
seen.

Source: Linux net/unix/af_unix.c, ``unix_poll``.
"""

from __future__ import annotations

import os
import socket

TOKEN = b"\0"
FILLING = bytes(2048)
SMALLEST_BUFFER = 1  # as small as Linux allows (4608 bytes): two or three writes fill it


class Readiness:
    """The pair. ``descriptor`` is for the socket object, which closes it; not readable and not writable.

    ``number`` is its inode: what it is known by, also under another number (after dup).
    """

    def __init__(self) -> None:
        near, far = socket._socket.socketpair()  # type: ignore[attr-defined]  # not those that are replaced
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALLEST_BUFFER)
        self.number = os.fstat(near.fileno()).st_ino
        # A second descriptor of our own: the object may close its one, and Linux give that number away, while
        # another thread is here.
        self._near, self._far = os.dup(near.fileno()), far.detach()
        os.set_blocking(self._near, False)
        os.set_blocking(self._far, False)
        self.descriptor: int = near.detach()
        self._readable, self._writable = False, True
        self.show(False, False)

    def show(self, readable: bool, writable: bool) -> None:
        """Tell whoever polls. Called by one thread at a time."""
        if self._far < 0:
            return
        if readable != self._readable:
            self._readable = readable
            if readable:
                os.write(self._far, TOKEN)
            else:
                self._empty(self._near)
        if writable != self._writable:
            self._writable = writable
            if writable:
                self._empty(self._far)
            else:
                self._fill()

    def close(self) -> None:
        """Close what the socket object does not; twice is fine."""
        if self._far >= 0:
            os.close(self._near)
            os.close(self._far)
            self._near = self._far = -1

    def _fill(self) -> None:
        try:
            while True:
                os.write(self._near, FILLING)
        except BlockingIOError:
            pass

    @staticmethod
    def _empty(descriptor: int) -> None:
        try:
            while os.read(descriptor, 65536):
                pass
        except BlockingIOError:
            pass
