"""The device's serial line: ``sys.stdin``, ``sys.stdout`` and ``sys.stderr``, ``print`` and ``input``.

All lead to this process's standard streams. ``sys.stdin`` can be polled, so a program can wait for a line and
a socket at once. ``os.dupterm(stream)`` shows all output on a second stream, too.

Sources: micropython/micropython:shared/runtime/sys_stdio_mphal.c, extmod/os_dupterm.c.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from typing import Any, Self

from usocket.current import PerDevice
from usocket.stream import buffer_of

IOCTL_POLL = 3
POLLIN, POLLOUT = 1, 4
PIECE = 256

duplicates: PerDevice[list[Any]] = PerDevice(lambda _: [])  # at most one: what os.dupterm was given


class Output:
    """``sys.stdout`` or ``sys.stderr``; ``buffer`` takes bytes. Everything is seen at once."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def buffer(self) -> Self:
        return self

    def write(self, data: Any, /) -> int:
        """Write a str or bytes; how many of its items."""
        text = data if isinstance(data, str) else buffer_of(data).decode("utf-8", "replace")
        out = getattr(sys, self._name)
        out.write(text)
        out.flush()
        for stream in duplicates():
            stream.write(text.encode())
        return len(data)

    def flush(self) -> None:
        """Nothing: all has been written."""

    def ioctl(self, request: int, argument: int) -> int:
        """For poll: it can always be written to."""
        return argument & POLLOUT if request == IOCTL_POLL else -22

    def fileno(self) -> int:
        number: int = getattr(sys, self._name).fileno()
        return number


class Input:
    """``sys.stdin``: text, ``buffer`` the bytes of it. Reading waits; poll says whether it would have to."""

    def __init__(self, waiting: bytearray | None = None, *, text: bool = True) -> None:
        self._waiting = bytearray() if waiting is None else waiting  # what the program has not read yet
        self._text = text

    @property
    def buffer(self) -> Input:
        return Input(self._waiting, text=False)

    def read(self, size: int | None = -1, /) -> Any:
        """``size`` characters (bytes of ``buffer``), all until the end without."""
        limit = -1 if size is None else size
        while limit < 0 or len(self._waiting) < limit:
            if not self._more():
                break
        return self._take(len(self._waiting) if limit < 0 else limit)

    def readinto(self, buf: Any, nbytes: int = -1, /) -> int:
        """Fill a buffer: how many bytes."""
        with memoryview(buf) as view, view.cast("B") as target:
            limit = len(target) if nbytes < 0 else min(nbytes, len(target))
            while len(self._waiting) < limit and self._more():
                pass
            data = bytes(self._waiting[:limit])
            del self._waiting[:limit]
            target[: len(data)] = data
            return len(data)

    def readline(self, size: int = -1, /) -> Any:
        """Up to and with the next newline."""
        while (end := self._waiting.find(b"\n") + 1) == 0 and self._more():
            pass
        end = end or len(self._waiting)
        return self._take(end if size < 0 else min(size, end))

    def readlines(self) -> list[Any]:
        """All lines until the end."""
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        while line := self.readline():
            yield line

    def ioctl(self, request: int, argument: int) -> int:
        """For poll: whether a read would not wait."""
        if request != IOCTL_POLL:
            return -22
        there = self._waiting or select.select([sys.stdin], [], [], 0)[0]
        return argument & POLLIN if there else 0

    def fileno(self) -> int:
        return sys.stdin.fileno()

    def _more(self) -> bool:
        """Wait for more of it; False at its end."""
        try:
            data = os.read(sys.stdin.fileno(), PIECE)
        except (AttributeError, OSError, ValueError):  # no descriptor: a test's, or an editor's
            data = sys.stdin.readline().encode()
        self._waiting += data
        return bool(data)

    def _take(self, size: int) -> Any:
        """The first bytes, in text mode not cut inside a character."""
        if self._text:
            while size < len(self._waiting) and self._waiting[size] & 0xC0 == 0x80:
                size += 1
        data = bytes(self._waiting[:size])
        del self._waiting[:size]
        return data.decode("utf-8", "replace") if self._text else data


stdin = Input()  # of this process: there is one for all devices
stdout = Output("stdout")
stderr = Output("stderr")


def print_(*values: object, sep: str = " ", end: str = "\n", file: Any = None) -> None:
    """The builtin ``print``: to the serial line, or to any stream (a socket is one) in as many writes."""
    if file is None:
        stdout.write(sep.join(map(str, values)) + end)
        return
    for index, value in enumerate(values):
        if index:
            file.write(sep)
        file.write(str(value))
    file.write(end)


def input_(prompt: str = "", /) -> str:
    """The builtin ``input``. Raises EOFError."""
    stdout.write(prompt)
    line: str = stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")
