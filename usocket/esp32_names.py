"""The constants of the esp32 port's ``socket``, and how it turns names into addresses.

Source: micropython/micropython:ports/esp32/modsocket.c; lwIP ``api/netdb.c``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netstack.address import aton, format_ip
from usocket.addrinfo import AddrInfo, integer, resolve, text
from usocket.constants import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM
from usocket.current import current_device
from usocket.errno import MicroPythonError

if TYPE_CHECKING:
    from usocket.device import Device

NAMES: dict[str, object] = {
    "AF_INET": AF_INET,
    "AF_INET6": AF_INET6,
    "IPPROTO_IP": 0,
    "IPPROTO_TCP": 6,
    "IPPROTO_UDP": 17,
    "IP_ADD_MEMBERSHIP": 3,
    "MSG_DONTWAIT": 8,
    "MSG_PEEK": 1,
    "SOCK_DGRAM": SOCK_DGRAM,
    "SOCK_RAW": SOCK_RAW,
    "SOCK_STREAM": SOCK_STREAM,
    "SOL_SOCKET": 0x0FFF,
    "SO_BINDTODEVICE": 0x100B,
    "SO_BROADCAST": 0x20,
    "SO_REUSEADDR": 0x04,
    "TCP_NODELAY": 1,
}

EAI_SERVICE, EAI_FAIL = -201, -202


def looked_up(device: Device, address: Any) -> tuple[int, int]:
    """(ip, port) of an address whose host may be a name, and whose port a str."""
    if not isinstance(address, tuple | list):
        raise TypeError(f"object '{type(address).__name__}' isn't a tuple or list")
    if len(address) != 2:
        raise ValueError(f"requested length 2 but object has length {len(address)}")
    return _host(device, text(address[0])), _port(address[1])


def _host(device: Device, name: str) -> int:
    ip = aton(name) if name else 0
    if ip is not None:
        return ip
    try:
        return resolve(device, name)
    except MicroPythonError:
        raise MicroPythonError(EAI_FAIL) from None


def _port(port: object) -> int:
    try:
        number = int(text(port)) if isinstance(port, str | bytes) else integer(port)
    except ValueError:
        number = -1
    if not 0 <= number <= 0xFFFF:
        raise MicroPythonError(EAI_SERVICE)
    return number


def getaddrinfo(
    host: str | bytes, port: object, af: int = 0, type: int = 0, proto: int = 0, flags: int = 0, /
) -> list[AddrInfo]:
    """``[(AF_INET, type, proto, host, (ip, port))]``. OSError: -202 (not found), -201 (no such port)."""
    name, number = text(host), _port(port)
    ip = _host(current_device(), name)
    integer(af), integer(flags)
    shown = name or "0.0.0.0"
    return [(AF_INET, integer(type) or SOCK_STREAM, integer(proto), shown, (format_ip(ip), number))]
