"""MicroPython's ``struct``: lenient with counts, and all errors are ValueErrors.

``unpack`` takes a buffer that is too long. ``pack`` leaves zeros for values that are missing and ignores
those that are too many; an int is cut to its field.

Source: micropython/micropython:py/modstruct.c.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

from usocket.addrinfo import integer, number
from usocket.stream import buffer_of

__all__ = ["calcsize", "pack", "pack_into", "unpack", "unpack_from"]

_FIELD = re.compile(r"(\d*)([xbBhHiIlLqQfdsP])")
_TOO_SMALL = "buffer too small"
_WORD = "@=<>!"


def calcsize(fmt: Any, /) -> int:
    """Bytes that ``fmt`` takes."""
    return struct.calcsize(_native(fmt))


def unpack(fmt: Any, data: Any, /) -> tuple[Any, ...]:
    """The values at the beginning of ``data``."""
    return unpack_from(fmt, data)


def unpack_from(fmt: Any, data: Any, offset: int = 0, /) -> tuple[Any, ...]:
    """The values at ``offset``, which counts from the end when it is negative."""
    buffer = buffer_of(data)
    form = _native(fmt)
    start = _offset(offset, len(buffer))
    if start + struct.calcsize(form) > len(buffer):
        raise ValueError(_TOO_SMALL)
    return struct.unpack_from(form, buffer, start)


def pack(fmt: Any, /, *values: Any) -> bytes:
    """The values as bytes."""
    form = _native(fmt)
    return struct.pack(form, *_fitted(form, values))


def pack_into(fmt: Any, buffer: Any, offset: int, /, *values: Any) -> None:
    """Write the values into a buffer at ``offset``."""
    with memoryview(buffer) as view, view.cast("B") as target:
        start = _offset(offset, len(target))
        data = pack(fmt, *values)
        if start + len(data) > len(target):
            raise ValueError(_TOO_SMALL)
        target[start : start + len(data)] = data


def _native(fmt: Any) -> str:
    """The format for CPython. Native sizes and alignment are those of a 32-bit CPU: a long has 4 bytes."""
    text = fmt if isinstance(fmt, str) else buffer_of(fmt).decode()
    order = text[0] if text[:1] in tuple(_WORD) else "@"
    fields = text.removeprefix(order)
    if re.sub(_FIELD, "", fields):
        raise ValueError("bad typecode")
    if order != "@":
        return order + fields.replace("P", "L")
    return "@" + fields.replace("l", "i").replace("L", "I").replace("P", "I")


def _offset(offset: int, size: int) -> int:
    start = integer(offset)
    if start < 0:
        start += size
        if start < 0:
            raise ValueError(_TOO_SMALL)
    return start


def _fitted(form: str, values: tuple[Any, ...]) -> Iterator[Any]:
    """As many values as the format has, each cut to its field."""
    given = iter(values)
    for count, code in _FIELD.findall(form):
        if code == "x":
            continue
        if code == "s":
            yield buffer_of(next(given, b""))
            continue
        for _ in range(int(count or 1)):
            value = next(given, 0)
            yield _cut(form[0] + code, value) if code in "bBhHiIlLqQ" else number(value)


def _cut(field: str, value: Any) -> int:
    bits = 8 * struct.calcsize(field)
    number = integer(value) & (1 << bits) - 1
    return number - (1 << bits) if field[1].islower() and number >> bits - 1 else number
