"""Addresses as MicroPython takes them, and ``getaddrinfo``, which asks the device's name server.

Source: micropython/micropython:extmod/modlwip.c, ``lwip_getaddrinfo``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from netstack.address import aton, format_ip
from netstack.errors import ERR_INPROGRESS, ERR_OK
from usocket.constants import AF_INET, AF_INET6, SOCK_STREAM
from usocket.current import current_device
from usocket.errno import MicroPythonError

if TYPE_CHECKING:
    from usocket.device import Device

NOT_FOUND = -2  # no such name, or no answer


def integer(value: object) -> int:
    """An int argument (``mp_obj_get_int``). TypeError as on a board."""
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"can't convert {type(value).__name__} to int")


def number(value: object) -> float:
    """A float argument (``mp_obj_get_float``). TypeError as on a board."""
    if isinstance(value, int | float):
        return float(value)
    raise TypeError(f"can't convert {type(value).__name__} to float")


def milliseconds(seconds: object) -> int:
    """1000 * seconds, cut off, of the number as a float holds it: 0.03 makes 29."""
    numerator, denominator = number(seconds).as_integer_ratio()
    return 1000 * numerator // denominator


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
    ip = aton(host) if host else 0
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
    """``[(AF_INET, SOCK_STREAM, 0, '', (ip, port))]``: the first address of a name, or a numeric host.

    OSError: -2 (no such name; no answer, after 7 s), -6 (no name server is set), -16 (``''``, or a name of
    256 characters and more), -1 (no UDP pcb, or four questions under way). Nothing else of the program runs
    meanwhile.
    """
    name, number = text(host), integer(port)
    usual = integer(af) in (0, AF_INET, AF_INET6) and integer(type) in (0, SOCK_STREAM)
    if not usual or proto or flags:
        sys.stdout.write("Warning: unsupported getaddrinfo constraints\n")
    return [(AF_INET, SOCK_STREAM, 0, "", (format_ip(resolve(current_device(), name)), number))]


def resolve(device: Device, name: str) -> int:
    """The address of a name, from the device's name server. Raises OSError as ``getaddrinfo``."""
    found: list[int | None] = []
    device.enter()
    with device.host.lock:
        ip, err = device.stack.dns.gethostbyname(name, lambda _, address: found.append(address))
    if err == ERR_INPROGRESS:
        device.wait(lambda: bool(found), None, f"the address of {name}")
        ip = found[0]
        if ip is None:
            raise MicroPythonError(NOT_FOUND)
    elif err != ERR_OK:
        raise MicroPythonError(err)
    assert ip is not None
    return ip
