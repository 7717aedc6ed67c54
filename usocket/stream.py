"""MicroPython's stream methods on top of one read and one write: ``read``, ``readinto``, ``readline``,
``write``.

They loop until all is there, where ``recv`` and ``send`` do one step. On a socket that does not block, what
was done so far is returned, and None if that is nothing; any other error, a time-out included, throws away
what was read already.

Source: micropython/micropython:py/stream.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from usocket.addrinfo import integer
from usocket.errno import EAGAIN, MicroPythonError

READ_ALL_STEP = 256  # bytes that read() asks for at a time (DEFAULT_BUFFER_SIZE)


def buffer_of(value: object) -> bytes:
    """The bytes of an argument with the buffer protocol, which str has, too. Raises TypeError."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    try:
        return memoryview(value).tobytes()  # type: ignore[arg-type]
    except TypeError:
        raise TypeError("object with buffer protocol required") from None


def part_of(buf: Any, offset: int = -1, size: int = -1) -> bytes:
    """What ``write(buf)``, ``write(buf, size)`` and ``write(buf, offset, size)`` write."""
    data = buffer_of(buf)
    if size != -1:
        return data[integer(offset) :][: integer(size)]
    return data if offset == -1 else data[: integer(offset)]


class Stream:
    """Subclasses say what one read and one write are."""

    __slots__ = ()

    def _read_some(self, size: int) -> bytes:
        """Up to ``size`` bytes, ``b""`` at the end; OSError."""
        raise NotImplementedError

    def _write_some(self, data: bytes) -> int:
        """Write as much as goes in one step; OSError."""
        raise NotImplementedError

    def read(self, size: int | None = -1, /) -> bytes | None:
        """``size`` bytes, fewer only at the end; all until the end without ``size``."""
        limit = -1 if size is None else integer(size)
        if limit == -1:
            return self._read_all()
        if limit < 0:
            raise MemoryError("memory allocation failed")
        return _gather(self._read_some, limit)

    def readinto(self, buf: Any, nbytes: int = -1, /) -> int | None:
        """Fill ``buf`` (its first ``nbytes``): how many bytes were read."""
        with memoryview(buf) as view:
            if view.readonly:
                raise TypeError("object with buffer protocol required")
            with view.cast("B") as target:
                limit = len(target) if nbytes == -1 else min(integer(nbytes), len(target))
                data = _gather(self._read_some, limit)
                if data is None:
                    return None
                target[: len(data)] = data
                return len(data)

    def readline(self, size: int = -1, /) -> bytes | None:
        """Up to and with the next newline, at most ``size`` bytes."""
        limit = integer(size)
        line = bytearray()
        while limit < 0 or len(line) < limit:
            try:
                byte = self._read_some(1)
            except MicroPythonError as error:
                if error.errno != EAGAIN:
                    raise
                return bytes(line) if line else None
            line += byte
            if not byte or byte == b"\n":
                break
        return bytes(line)

    def write(self, buf: Any, offset: int = -1, size: int = -1, /) -> int | None:
        """Write all of ``buf``: how many bytes. ``write(buf, size)``, ``write(buf, offset, size)`` for parts
        of it.
        """
        data = part_of(buf, offset, size)
        done = 0
        while done < len(data):
            try:
                done += self._write_some(data[done:] if done else data)
            except MicroPythonError as error:
                if error.errno != EAGAIN:
                    raise
                return done or None
        return done

    def makefile(self, mode: str = "rb", buffering: int = 0, /) -> Self:
        """The socket itself: closing one closes both."""
        return self

    def _read_all(self) -> bytes | None:
        data = bytearray()
        room = READ_ALL_STEP
        while True:
            try:
                some = self._read_some(room)
            except MicroPythonError as error:
                if error.errno != EAGAIN:
                    raise
                return bytes(data) if data else None
            if not some:
                return bytes(data)
            data += some
            room = room - len(some) or READ_ALL_STEP


def _gather(read: Callable[[int], bytes], size: int) -> bytes | None:
    """Read until ``size`` bytes or the end (``mp_stream_rw``)."""
    data = bytearray()
    while len(data) < size:
        try:
            some = read(size - len(data))
        except MicroPythonError as error:
            if error.errno != EAGAIN:
                raise
            return bytes(data) if data else None
        if not some:
            break
        data += some
    return bytes(data)
