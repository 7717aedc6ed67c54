"""``setsockopt`` and ``getsockopt`` of CPython programs on a device: the options that lwIP has, by Linux's
numbers. Any other is ENOPROTOOPT at once, as in lwIP's own ``lwip_setsockopt``.

Source: lwIP ``api/sockets.c``; Linux socket(7), tcp(7), ip(7).
"""

from __future__ import annotations

import errno
import socket
import struct

from netstack.api.common import ERR_BADF
from netstack.errors import ERR_OK
from netstack.ipv4 import SOF_BROADCAST, SOF_REUSEADDR
from netstack.tcp.tcb import SOF_KEEPALIVE, TF_NODELAY, ListenTcb, Tcb
from usocket.patch_end import STREAM, End, lwip_error, os_error

SOL, TCP, IP = socket.SOL_SOCKET, socket.IPPROTO_TCP, socket.IPPROTO_IP

_LINGER = struct.Struct("ii")  # struct linger

_NAMES = {
    (SOL, socket.SO_REUSEADDR): "SO_REUSEADDR",
    (SOL, socket.SO_KEEPALIVE): "SO_KEEPALIVE",
    (SOL, socket.SO_BROADCAST): "SO_BROADCAST",
    (TCP, socket.TCP_NODELAY): "TCP_NODELAY",
    (TCP, socket.TCP_KEEPIDLE): "TCP_KEEPIDLE",
    (TCP, socket.TCP_KEEPINTVL): "TCP_KEEPINTVL",
    (TCP, socket.TCP_KEEPCNT): "TCP_KEEPCNT",
    (IP, socket.IP_TTL): "IP_TTL",
    (IP, socket.IP_TOS): "IP_TOS",
    (IP, socket.IP_MULTICAST_TTL): "IP_MULTICAST_TTL",
}
_MEMBERSHIPS = (socket.IP_ADD_MEMBERSHIP, socket.IP_DROP_MEMBERSHIP)
_SOF = {
    socket.SO_REUSEADDR: SOF_REUSEADDR,
    socket.SO_KEEPALIVE: SOF_KEEPALIVE,
    socket.SO_BROADCAST: SOF_BROADCAST,
}


def _unknown(level: int, option: int) -> OSError:
    return os_error(errno.ENOPROTOOPT, f"lwIP has no socket option {option} of level {level}")


def set_option(end: End, level: int, option: int, value: int | bytes | None) -> None:
    """Set one. ENOPROTOOPT, EINVAL. Called with the lock."""
    if (level, option) == (SOL, socket.SO_LINGER):
        end.linger = _LINGER.unpack(_bytes(value))
    elif level == IP and option in _MEMBERSHIPS:
        _set_membership(end, option == socket.IP_ADD_MEMBERSHIP, _bytes(value))
    elif (level, option) in _NAMES:
        number = value if isinstance(value, int) else int.from_bytes(_bytes(value), "little")
        err = end.layer.setsockopt(_NAMES[level, option], number)
        if err not in (ERR_OK, ERR_BADF):  # a connection that has failed takes them on Linux, too
            raise lwip_error(err)
    else:
        raise _unknown(level, option)


def _bytes(value: int | bytes | None) -> bytes:
    if value is None or isinstance(value, int):
        raise os_error(errno.EINVAL)
    return bytes(value)


def _set_membership(end: End, join: bool, value: bytes) -> None:
    """``struct ip_mreq``, or ``ip_mreqn``, whose index of an interface has to be 0: there is only one."""
    if len(value) not in (8, 12) or any(value[8:]):
        raise os_error(errno.EINVAL)
    stack = end.device.stack
    if int.from_bytes(value[4:8], "big") not in (0, stack.netif.ip):
        raise os_error(errno.EADDRNOTAVAIL)
    group = int.from_bytes(value[:4], "big")
    err = stack.igmp.join(group) if join else stack.igmp.leave(group)
    if err != ERR_OK:
        raise lwip_error(err)


def get_option(end: End, kind: int, level: int, option: int) -> int | bytes:
    """The value of one: an int, or bytes for SO_LINGER. ENOPROTOOPT. Called with the lock."""
    pcb = end.layer.pcb
    if (level, option) == (SOL, socket.SO_LINGER):
        return _LINGER.pack(*end.linger)
    if level == SOL:
        return _socket_option(end, kind, option)
    if level == TCP and kind == STREAM:
        if option == socket.TCP_NODELAY:
            return int(isinstance(pcb, Tcb) and bool(pcb.flags & TF_NODELAY))
        if option == socket.TCP_MAXSEG:
            return pcb.mss if isinstance(pcb, Tcb) else end.device.profile.tcp_mss
    if level == IP and option in (socket.IP_TTL, socket.IP_TOS):
        return int(getattr(pcb, "ttl" if option == socket.IP_TTL else "tos", 0))
    raise _unknown(level, option)


def _socket_option(end: End, kind: int, option: int) -> int:
    profile, pcb = end.device.profile, end.layer.pcb
    if option == socket.SO_ERROR:
        err = end.pending_error()
        return 0 if err == ERR_OK else lwip_error(err).errno or 0
    if option in _SOF:
        return int(bool(getattr(pcb, "so_options", 0) & _SOF[option]))
    values = {
        socket.SO_TYPE: kind,
        socket.SO_ACCEPTCONN: int(isinstance(pcb, ListenTcb)),
        socket.SO_RCVBUF: profile.tcp_wnd,
        socket.SO_SNDBUF: profile.tcp_snd_buf,
        socket.SO_DOMAIN: socket.AF_INET,
        socket.SO_PROTOCOL: socket.IPPROTO_TCP if kind == STREAM else 0,
    }
    if option not in values:
        raise _unknown(SOL, option)
    return values[option]


def switched_on(end: End, kind: int) -> list[tuple[int, int]]:
    """(level, option) of the switches that are on: what a socket keeps that leaves the device."""
    switches = [(SOL, option) for option in _SOF]
    if kind == STREAM:
        switches.append((TCP, socket.TCP_NODELAY))
    return [(level, option) for level, option in switches if get_option(end, kind, level, option)]
