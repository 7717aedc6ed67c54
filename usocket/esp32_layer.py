"""What the esp32 port asks of lwIP's sockets beyond their calls: select, and a look at what has arrived.

Source: lwIP ``api/sockets.c``: ``event_callback``, ``lwip_selscan``, ``lwip_recv_tcp`` with MSG_PEEK.
"""

from __future__ import annotations

from typing import TypeAlias

from netstack.api.modlwip import RawSocket
from netstack.api.netconn import TcpSocket
from netstack.api.netconn_udp import UdpSocket
from netstack.errors import ERR_OK
from netstack.tcp.states import CLOSE_WAIT, ESTABLISHED
from netstack.tcp.tcb import Tcb

Layer: TypeAlias = TcpSocket | UdpSocket | RawSocket


def taken(layer: Layer, size: int, peek: bool) -> tuple[tuple[bytes, int, int] | None, int]:
    """(data, ip, port) of what waits, and an err_t. A look at a stream goes no further than one segment."""
    if isinstance(layer, TcpSocket):
        if peek and layer._mbox and not isinstance(first := layer._mbox[0], int):
            return (first.data[:size], *layer.conn[1:]), ERR_OK
        data, err = layer.read(size)
        return (None, err) if data is None else ((data, *layer.conn[1:]), ERR_OK)
    if isinstance(layer, RawSocket):
        got = layer.recvfrom(size, peek)
    elif peek and layer._queue:
        first, ip, port = layer._queue[0]
        return (first.data[:size], ip, port), ERR_OK
    else:
        got = layer.recvfrom(size)
    return (None, got) if isinstance(got, int) else (got, ERR_OK)


def can_read(layer: Layer) -> bool:
    """Whether lwIP's select says that it can be read (``rcvevent``)."""
    if isinstance(layer, TcpSocket):
        return bool(layer._mbox or layer.queued)
    return bool(layer.queue if isinstance(layer, RawSocket) else layer._queue)


def can_write(layer: Layer) -> bool:
    """Whether lwIP's select says that it can be written (``sendevent``); also when the connection failed."""
    if not isinstance(layer, TcpSocket):
        return True
    pcb = layer.pcb
    if not isinstance(pcb, Tcb):
        return pcb is None
    profile = layer._stack.profile
    return (
        pcb.state in (ESTABLISHED, CLOSE_WAIT)
        and pcb.snd_buf > profile.tcp_sndlowat
        and pcb.snd_queuelen < profile.tcp_sndqueuelowat
    )
