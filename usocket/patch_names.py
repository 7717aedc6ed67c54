"""Names and addresses of CPython programs on a device: what of ``socket`` turns one into the other.

Names are asked of the device's name server, through its own stack. ``localhost`` is the machine that the
program runs on, as is 127.0.0.0/8 (``usocket.patch_socket``).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, TypeAlias

from netstack.address import aton, format_ip
from usocket.addrinfo import resolve
from usocket.errno import MicroPythonError
from usocket.patch_end import Address

if TYPE_CHECKING:
    from usocket.device import Device

LOOPBACK = 0x7F000001
BROADCAST = 0xFFFFFFFF

_KINDS = (
    (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    (socket.SOCK_RAW, 0),
)
_FAILURES = {  # what usocket's getaddrinfo fails with
    -1: (socket.EAI_MEMORY, "the device has no UDP control block left for the question"),
    -2: (socket.EAI_NONAME, "Name or service not known"),
    -6: (socket.EAI_AGAIN, "the device has no name server: give it one with dns="),
    -16: (socket.EAI_NONAME, "Name or service not known"),
}

Info: TypeAlias = "tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int]]"


def is_local(ip: int) -> bool:
    """Whether it is an address of the machine that the program runs on."""
    return ip >> 24 == LOOPBACK >> 24


def host_address(device: Device, host: Any) -> int:
    """The address of a host by name or number; ``""`` is any, ``<broadcast>`` all. gaierror, TypeError."""
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii")
    if not isinstance(host, str):
        raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")
    if host == "<broadcast>":
        return BROADCAST
    if host.lower() in ("localhost", "localhost."):
        return LOOPBACK
    ip = aton(host) if host else 0
    if ip is not None:
        return ip
    if ":" in host:
        raise socket.gaierror(socket.EAI_ADDRFAMILY, "the device speaks IPv4 only")
    try:
        return resolve(device, host.encode("idna").decode() if not host.isascii() else host)
    except MicroPythonError as error:
        raise socket.gaierror(*_FAILURES[error.args[0]]) from None


def address_argument(device: Device, function: str, address: Any) -> Address:
    """An address as ``connect``, ``bind`` and ``sendto`` take it. TypeError, OverflowError, gaierror."""
    if not isinstance(address, tuple):
        kind = type(address).__name__
        raise TypeError(f"{function}(): AF_INET address must be tuple, not {kind}")
    if len(address) != 2:
        raise TypeError(f"{function}(): AF_INET address must be a pair (host, port)")
    host, port = address
    if not isinstance(port, int):
        raise TypeError(f"'{type(port).__name__}' object cannot be interpreted as an integer")
    if not 0 <= port <= 0xFFFF:
        raise OverflowError(f"{function}(): port must be 0-65535.")
    return host_address(device, host), port


def shown(address: Address) -> tuple[str, int]:
    """An address as programs see it."""
    return format_ip(address[0]), address[1]


# The functions of the module


def getaddrinfo(
    device: Device, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[Info]:
    """All kinds of socket that fit, on the first address of the host. gaierror."""
    if family not in (0, socket.AF_INET):
        raise socket.gaierror(socket.EAI_FAMILY, "the device speaks IPv4 only")
    kinds = [(kind, number) for kind, number in _KINDS if type in (0, kind) and proto in (0, number)]
    if not kinds:
        raise socket.gaierror(socket.EAI_SOCKTYPE, "ai_socktype not supported")
    number = _port(port, kinds[0][1])
    if not host:
        ip = 0 if flags & socket.AI_PASSIVE else LOOPBACK
    elif flags & socket.AI_NUMERICHOST:
        text = host.decode() if isinstance(host, bytes) else str(host)
        found = aton(text)
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        ip = found
    else:
        ip = host_address(device, host)
    name = str(host or "") if flags & socket.AI_CANONNAME else ""
    return [(socket.AF_INET, kind, number_of, name, (format_ip(ip), number)) for kind, number_of in kinds]


def _port(port: Any, protocol: int) -> int:
    if port is None:
        return 0
    if isinstance(port, bytes):
        port = port.decode("ascii")
    if isinstance(port, str) and not port.isdecimal():
        try:
            return socket.getservbyname(port, "udp" if protocol == socket.IPPROTO_UDP else "tcp")
        except OSError:
            raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype") from None
    return int(port) & 0xFFFF


def gethostbyname(device: Device, name: Any) -> str:
    """The address of a name, as text."""
    return format_ip(host_address(device, name))


def gethostbyname_ex(device: Device, name: Any) -> tuple[str, list[str], list[str]]:
    """(name, no aliases, [address])."""
    return str(name), [], [gethostbyname(device, name)]


def gethostbyaddr(device: Device, name: Any) -> tuple[str, list[str], list[str]]:
    """lwIP asks for addresses of names only: herror for all but this machine."""
    address = gethostbyname(device, name)
    if address == format_ip(LOOPBACK):
        return "localhost", [], [address]
    raise socket.herror(1, "lwIP cannot look up the name of an address")


def getnameinfo(device: Device, sockaddr: tuple[Any, ...], flags: int) -> tuple[str, str]:
    """(address, port), both in numbers. gaierror where a name is required."""
    if flags & socket.NI_NAMEREQD:
        raise socket.gaierror(socket.EAI_NONAME, "lwIP cannot look up the name of an address")
    host, port = sockaddr[:2]
    return gethostbyname(device, host), str(port)
