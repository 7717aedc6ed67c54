"""Addresses as MicroPython takes them, and ``getaddrinfo`` for numeric ones.

Sources: lwIP ``ip4_addr.c:ip4addr_aton``; micropython/micropython:extmod/modlwip.c, ``lwip_getaddrinfo``.
"""

from __future__ import annotations

import re
import sys

from netstack.address import format_ip
from netstack.errors import ERR_ARG, ERR_VAL
from usocket.constants import AF_INET, AF_INET6, SOCK_STREAM
from usocket.errno import MicroPythonError

LONGEST_NAME = 255  # DNS_MAX_NAME_LENGTH - 1

_NUMBER = r"(0[xX][0-9a-fA-F]*|0[0-7]*|[1-9][0-9]*)"
_DOTTED = re.compile(rf"{_NUMBER}" + rf"(?:\.{_NUMBER})?" * 3 + r"(?:[ \f\n\r\t\v]|\Z)", re.ASCII)


def inet_aton(text: str) -> int | None:
    """The address in one to four numbers (decimal, 0 octal, 0x hexadecimal; the last fills the rest); None if
    it is none.

    What follows a blank is ignored.
    """
    found = _DOTTED.match(text)
    if found is None:
        return None
    *parts, last = (_number(digits) for digits in found.groups() if digits is not None)
    bits = 32 - 8 * len(parts)
    if any(part > 0xFF for part in parts) or last >= 1 << bits:
        return None
    return sum(part << 24 - 8 * index for index, part in enumerate(parts)) | last


def _number(digits: str) -> int:
    if digits[:2] in ("0x", "0X"):
        return int(digits[2:] or "0", 16) & 0xFFFFFFFF
    return int(digits, 8 if digits[0] == "0" else 10) & 0xFFFFFFFF


def integer(value: object) -> int:
    """An int argument (``mp_obj_get_int``). TypeError as on a board."""
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"can't convert {type(value).__name__} to int")


def text(value: object) -> str:
    """A str or bytes argument as str (``mp_obj_str_get_data``)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    raise TypeError(f"can't convert '{type(value).__name__}' object to str implicitly")


def parse_address(address: object) -> tuple[int, int]:
    """(ip, port) of an address argument: a tuple or list of a numeric host (``''``: any) and a port, cut to
    16 bits.

    TypeError, or ValueError for a wrong length and for a name.
    """
    if not isinstance(address, tuple | list):
        raise TypeError(f"object '{type(address).__name__}' isn't a tuple or list")
    if len(address) != 2:
        raise ValueError(f"requested length 2 but object has length {len(address)}")
    host, port = text(address[0]), integer(address[1]) & 0xFFFF
    ip = inet_aton(host) if host else 0
    if ip is None:
        raise ValueError("invalid arguments")
    return ip, port


AddrInfo = tuple[int, int, int, str, tuple[str, int]]


def getaddrinfo(
    host: str | bytes,
    port: int,
    af: int = 0,
    type: int = 0,
    proto: int = 0,
    flags: int = 0,
    /,
) -> list[AddrInfo]:
    """``[(AF_INET, SOCK_STREAM, 0, '', (ip, port))]`` for a numeric host.

    A name needs a DNS server; the device has none, so OSError(-6), as on a board without one. ``''`` and
    names of 256 characters or more: OSError(-16).
    """
    name, port = text(host), integer(port)
    usual = integer(af) in (0, AF_INET, AF_INET6) and integer(type) in (0, SOCK_STREAM)
    if not usual or proto or flags:
        sys.stdout.write("Warning: unsupported getaddrinfo constraints\n")
    if not name or len(name) > LONGEST_NAME:
        raise MicroPythonError(ERR_ARG)
    ip = inet_aton(name)
    if ip is None:
        raise MicroPythonError(ERR_VAL)
    return [(AF_INET, SOCK_STREAM, 0, "", (format_ip(ip), port))]
