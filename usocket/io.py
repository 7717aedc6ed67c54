"""MicroPython's ``io``: ``open``, files in memory, and ``IOBase`` for streams that a program makes itself.

Source: micropython/micropython:extmod/modio.c, py/objstringio.c.
"""

from __future__ import annotations

import io
from typing import Any

from usocket.files import open_file as open
from usocket.stream import buffer_of, part_of

__all__ = ["BytesIO", "IOBase", "StringIO", "open"]


class IOBase:
    """A stream that a program makes: ``readinto(buf)``, ``write(buf)`` and ``ioctl(request, arg)`` are its
    part; with ``ioctl`` it can be polled.
    """


class BytesIO(io.BytesIO):
    """A binary file in memory. ``BytesIO(data)``, or ``BytesIO(n)``: nothing yet, with room for n bytes."""

    def __init__(self, data: Any = b"", /) -> None:
        super().__init__(b"" if isinstance(data, int) else buffer_of(data))

    def write(self, data: Any, offset: int = -1, size: int = -1, /) -> int:
        """Write bytes or a str, or a part of them (``write(data, size)``, ``write(data, offset, size)``)."""
        return super().write(part_of(data, offset, size))


class StringIO(io.StringIO):
    """A text file in memory."""

    def __init__(self, text: str | int = "", /) -> None:
        super().__init__("" if isinstance(text, int) else text, newline="")

    def write(self, data: Any, offset: int = -1, size: int = -1, /) -> int:
        """Write a str or bytes, or a part of them."""
        return super().write(part_of(data, offset, size).decode())
