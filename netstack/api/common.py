"""What the two socket layers share: the events they report, options set on a pcb, and an err_t's name as an
errno.

A layer is a module with two factories, ``tcp_socket(stack, on_event=None)`` and ``udp_socket(stack,
on_event=None)``; each returns ``(socket, ERR_OK)`` or ``(None, err)``. Their sockets have the methods of
``StreamSocket`` and ``DatagramSocket``. Every operation is one try that returns a result or an err_t. Two
codes of the layers' own follow lwIP's: ``ERR_BADF`` and ``ERR_NOPROTOOPT``.

``EventHook`` is how an observer (a replay, ``--explain``) learns of callbacks into the application. Kinds and
fields:

=============  ==========================  ============================================================
kind           fields                      meaning
=============  ==========================  ============================================================
pending        listener: the socket        a handshake finished and the connection waits to be accepted
connected                                  a connection that was asked for is there
recv           len                         data arrived and was queued for the application
sent           len                         the peer acknowledged this much
fin                                        the peer closed its side
err            err: err_t                  the connection is gone
refused        len                         data arrived that the application does not take yet
fin-lost                                   the peer's FIN arrived where nobody is told of it
accept-full                                no place in the accept queue: the new connection is reset
accept-err     err: err_t                  a SYN was lost for want of a pcb
udp-recv       len, src: (ip, port)        a datagram was queued
udp-drop       len, src: (ip, port)        a datagram was lost: the socket's queue is full
send           data: bytes                 a call of ``usocket`` said that this part of a stream was sent
receive        data: bytes                 a call of ``usocket`` gave this part of a stream to the program
=============  ==========================  ============================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

from netstack.errors import ERR_OK, ERR_VAL
from netstack.ipv4 import SOF_BROADCAST, SOF_REUSEADDR
from netstack.tcp.tcb import PRIO_MAX, SOF_KEEPALIVE, TF_NODELAY

if TYPE_CHECKING:
    from netstack.profile import Profile

ERR_BADF = -17  # the socket is closed, or its connection is gone and has been told of
ERR_NOPROTOOPT = -18  # there is no such socket option in this build

Conn = tuple[int, int, int]  # local port, remote ip, remote port

_ERRNO: dict[int, str] = {
    -1: "ENOMEM",
    -2: "ENOBUFS",
    -3: "EAGAIN",
    -4: "EHOSTUNREACH",
    -5: "EINPROGRESS",
    -6: "EINVAL",
    -7: "EAGAIN",
    -8: "EADDRINUSE",
    -9: "EALREADY",
    -10: "EISCONN",
    -11: "ENOTCONN",
    -12: "EIO",
    -13: "ECONNABORTED",
    -14: "ECONNRESET",
    -15: "ENOTCONN",
    -16: "EIO",
    ERR_BADF: "EBADF",
    ERR_NOPROTOOPT: "ENOPROTOOPT",
}


class EventHook(Protocol):
    """Called as things happen: ``sock`` is the socket concerned, None where there is none yet (modlwip before
    accept); for accept-full and accept-err it is the listener. ``conn`` is the connection (accept-full: the
    one that is reset), None for UDP. ``fields`` as in the table above."""

    def __call__(self, kind: str, sock: Any, conn: Conn | None, **fields: Any) -> None: ...


class BaseSocket(Protocol):
    """What all sockets do. Addresses are ints; results are err_t ints."""

    @property
    def pcb(self) -> Any:
        """lwIP's control block; None once it is freed or the socket is closed."""

    def bind(self, ip: int, port: int) -> int: ...
    def connect(self, ip: int, port: int) -> int: ...
    def read(self, size: int) -> tuple[bytes | None, int]: ...
    def write(self, data: bytes, more: bool = False) -> tuple[int, int]: ...
    def setsockopt(self, name: str, value: int) -> int: ...
    def close(self) -> int: ...
    def abort(self) -> None: ...


class StreamSocket(BaseSocket, Protocol):
    """A TCP socket of either layer. ``queued`` is how many connections wait to be accepted."""

    @property
    def queued(self) -> int: ...
    def listen(self, backlog: int) -> int: ...
    def accept(self) -> tuple[Self | None, int]: ...
    def shutdown(self, rx: bool, tx: bool) -> int: ...


class DatagramSocket(BaseSocket, Protocol):
    """A UDP socket of either layer. ``recvfrom`` gives (data, ip, port) or an err_t."""

    def sendto(self, data: bytes, ip: int, port: int) -> tuple[int, int]: ...
    def recvfrom(self, size: int) -> tuple[bytes, int, int] | int: ...


def errno_name(err: int) -> str:
    """The errno an err_t turns into (lwIP ``err.c``: ``err_to_errno``), by name."""
    return _ERRNO[err]


def conn_of(pcb: Any) -> Conn:
    """(local port, remote ip, remote port) of a TCP pcb; a listener has no remote end."""
    return pcb.local_port, getattr(pcb, "remote_ip", 0), getattr(pcb, "remote_port", 0)


_SOF = {"SO_REUSEADDR": SOF_REUSEADDR, "SO_KEEPALIVE": SOF_KEEPALIVE, "SO_BROADCAST": SOF_BROADCAST}
_IP_FIELDS = {"IP_TTL": "ttl", "IP_TOS": "tos", "IP_MULTICAST_TTL": "mcast_ttl"}


def set_pcb_option(pcb: Any, name: str, value: int, profile: Profile) -> int:
    """Set a socket option on a TCP, listening or UDP pcb (``lwip_setsockopt_impl``).

    SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST, IP_TTL, IP_TOS, IP_MULTICAST_TTL (UDP); on a TCP pcb that is no
    listener TCP_NODELAY, TCP_KEEPIDLE (s), TCP_KEEPINTVL (s) and TCP_KEEPCNT (only with LWIP_TCP_KEEPALIVE),
    TCP_PRIO. ERR_NOPROTOOPT for what the pcb has not, ERR_VAL for a TCP option on a listener.
    """
    if name in _SOF:
        pcb.so_options = pcb.so_options | _SOF[name] if value else pcb.so_options & ~_SOF[name]
        return ERR_OK
    if name in _IP_FIELDS:
        if not hasattr(pcb, _IP_FIELDS[name]):
            return ERR_NOPROTOOPT
        setattr(pcb, _IP_FIELDS[name], value & 0xFF)
        return ERR_OK
    return _set_tcp_option(pcb, name, value, profile)


def _set_tcp_option(pcb: Any, name: str, value: int, profile: Profile) -> int:
    if hasattr(pcb, "mcast_ttl") or not name.startswith("TCP_"):
        return ERR_NOPROTOOPT
    if not hasattr(pcb, "snd_buf"):
        return ERR_VAL
    if name == "TCP_NODELAY":
        pcb.flags = pcb.flags | TF_NODELAY if value else pcb.flags & ~TF_NODELAY
    elif name == "TCP_KEEPIDLE":
        pcb.keep_idle = value * 1000 & 0xFFFFFFFF
    elif name == "TCP_PRIO":
        pcb.prio = min(value, PRIO_MAX)
    elif not profile.lwip_tcp_keepalive:
        return ERR_NOPROTOOPT
    elif name == "TCP_KEEPINTVL":
        pcb.keep_intvl = value * 1000 & 0xFFFFFFFF
    elif name == "TCP_KEEPCNT":
        pcb.keep_cnt = value & 0xFFFFFFFF
    else:
        return ERR_NOPROTOOPT
    return ERR_OK
