"""MicroPython's ``binascii``, which takes a str as well as bytes.

Source: micropython/micropython:extmod/modbinascii.c.
"""

from __future__ import annotations

import binascii
from typing import Any

from usocket.stream import buffer_of

__all__ = ["a2b_base64", "b2a_base64", "crc32", "hexlify", "unhexlify"]


def hexlify(data: Any, sep: Any = b"", /) -> bytes:
    """Two hexadecimal digits for each byte, with ``sep`` (its first byte) between them."""
    separator = buffer_of(sep)[:1]
    return binascii.hexlify(buffer_of(data), separator) if separator else binascii.hexlify(buffer_of(data))


def unhexlify(data: Any, /) -> bytes:
    """The opposite of ``hexlify``. ValueError."""
    digits = buffer_of(data)
    if len(digits) % 2:
        raise ValueError("odd-length string")
    try:
        return binascii.unhexlify(digits)
    except ValueError:
        raise ValueError("non-hex digit found") from None


def b2a_base64(data: Any, *, newline: bool = True) -> bytes:
    """``data`` in base 64."""
    return binascii.b2a_base64(buffer_of(data), newline=newline)


def a2b_base64(data: Any, /) -> bytes:
    """The opposite; what is no digit is passed over. ValueError."""
    try:
        return binascii.a2b_base64(buffer_of(data))
    except ValueError:
        raise ValueError("incorrect padding") from None


def crc32(data: Any, crc: int = 0, /) -> int:
    """The checksum; ``crc`` is that of what goes before."""
    return binascii.crc32(buffer_of(data), crc)
