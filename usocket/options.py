"""``setsockopt``: what its numbers do. The level is ignored; a number nobody knows earns a line of warning.

Option 20 has no name: it sets a function that is called with the socket when something has arrived (WebREPL
and FTP servers use it): a connection for a listener, data, the peer's FIN, a datagram.

Source: micropython/micropython:extmod/modlwip.c, ``lwip_socket_setsockopt``.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from netstack.api.common import Conn
from netstack.api.modlwip import AnySocket, PacketSocket
from netstack.errors import ERR_OK, ERR_VAL
from usocket.addrinfo import integer
from usocket.constants import IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, SO_BROADCAST, SO_REUSEADDR, TCP_NODELAY
from usocket.errno import EBADF
from usocket.stream import buffer_of

if TYPE_CHECKING:
    from usocket.device import Device
    from usocket.socket import socket as Socket

CALLBACK = 20

_NAMES = {SO_REUSEADDR: "SO_REUSEADDR", SO_BROADCAST: "SO_BROADCAST", TCP_NODELAY: "TCP_NODELAY"}
_ARRIVALS = ("recv", "fin", "udp-recv")


def set_option(device: Device, sock: Socket, layer: AnySocket, option: int, value: Any) -> None:
    """Set ``option`` to ``value``. TypeError (not an int); EBADF where a board crashes: the connection is
    gone.
    """
    if option == CALLBACK:
        _set_callback(device, sock, layer, value)
        return
    if option in (IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP) and device.profile.lwip_igmp:
        _set_membership(device, option == IP_ADD_MEMBERSHIP, value)
        return
    if option not in _NAMES:
        sys.stdout.write("Warning: lwip.setsockopt() not implemented\n")
        return
    number = integer(value)
    if layer.pcb is None:
        error = device.error(EBADF)
        error.add_note(device.note("setsockopt-closed"))
        raise error
    if option == TCP_NODELAY and isinstance(layer, PacketSocket):
        device.note("setsockopt-udp-nodelay")
        return
    layer.setsockopt(_NAMES[option], number)  # TCP_NODELAY means nothing to a listener


def _set_membership(device: Device, join: bool, value: Any) -> None:
    """Join or leave a group: 4 bytes of its address and 4 of the interface's (0.0.0.0: the one there is).

    The membership is the interface's and outlives the socket.
    """
    data = buffer_of(value)
    if len(data) != 8:
        raise ValueError("8 bytes expected: group and interface")
    group, interface = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")
    igmp = device.stack.igmp
    err = ERR_VAL
    if interface in (0, device.stack.netif.ip):
        err = igmp.join(group) if join else igmp.leave(group)
    if err != ERR_OK:
        raise device.error_of(err)


def _set_callback(device: Device, owner: Socket, layer: AnySocket, callback: Any) -> None:
    if callback is None:
        layer.on_event = device.on_event
        return
    owned = weakref.ref(owner)

    def call() -> None:
        alive = owned()
        if alive is not None:
            callback(alive)

    def on_event(kind: str, sock: Any, conn: Conn | None, **fields: Any) -> None:
        if device.on_event is not None:
            device.on_event(kind, sock, conn, **fields)
        if fields.get("listener") is layer or (sock is layer and kind in _ARRIVALS):
            device.schedule(call)

    layer.on_event = on_event
