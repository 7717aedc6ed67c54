"""Handing data to the application, and keeping what it refuses (lwIP ``tcp_in.c``: tcp_input; ``tcp.c``:
tcp_process_refused_data, tcp_recv_null).
"""

from __future__ import annotations

from netstack.errors import ERR_ABRT, ERR_CLSD, ERR_OK
from netstack.pbuf import Pbuf
from netstack.tcp.close import abort, close
from netstack.tcp.lists import free_pcb, remove_pcb
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSED
from netstack.tcp.tcb import TF_RXCLOSED, Tcb


def report_acked(pcb: Tcb, acked: int) -> bool:
    """Tell the application how much was acknowledged, 16 bits at a time; False when the pcb is gone."""
    while acked:
        part = min(acked, 0xFFFF)
        acked -= part
        if pcb.sent is not None and pcb.sent(pcb, part) == ERR_ABRT:
            return False
    return True


def deliver(tcp: TcpShared, pcb: Tcb, data: Pbuf) -> bool:
    """Hand data to the application, in pieces of less than 64 KiB; what it refuses is parked. False when the
    pcb is gone.
    """
    while True:
        rest = None if data.parts is None else data.split_64k()
        if pcb.flags & TF_RXCLOSED:  # data after close: the peer must know that it is lost
            data.free()
            if rest is not None:
                rest.free()
            abort(tcp, pcb, "rst-after-close")
            return False
        recv = pcb.recv
        err = _consume(tcp, pcb, data) if recv is None else recv(pcb, data, ERR_OK)
        if err == ERR_OK:
            if rest is None:
                return True
            data = rest
            continue
        if err == ERR_ABRT:
            if rest is not None:
                rest.free()
            return False
        if rest is not None:
            data.append(rest)
        pcb.refused_data = data
        pcb.refused_fin = False
        return True


def _consume(tcp: TcpShared, pcb: Tcb, data: Pbuf) -> int:
    """lwIP's default receive callback (``tcp_recv_null``)."""
    tcp.parts.window.recved(tcp, pcb, len(data))
    data.free()
    return ERR_OK


def end_of_stream(tcp: TcpShared, pcb: Tcb) -> bool:
    """Tell the application of the peer's FIN; the byte of window it took comes back. False when the pcb is
    gone.
    """
    if pcb.rcv_wnd != tcp.wnd_max(pcb):
        pcb.rcv_wnd += 1
    err = pcb.recv(pcb, None, ERR_OK) if pcb.recv is not None else close(tcp, pcb)
    return err != ERR_ABRT


def delayed_close(tcp: TcpShared, pcb: Tcb) -> bool:
    """Free a pcb that LAST_ACK, or a reset inside a callback, has finished (``tcp_input_delayed_close``);
    False if nothing did.
    """
    if not tcp.input_closed:
        return False
    tcp.input_closed = False
    if not pcb.flags & TF_RXCLOSED and pcb.errf is not None:
        pcb.errf(ERR_CLSD)
    remove_pcb(tcp, pcb)
    free_pcb(tcp, pcb)
    return True


def offer_refused(tcp: TcpShared, pcb: Tcb) -> bool:
    """Offer parked data again (``tcp_process_refused_data``); False when the pcb is gone.

    An application that closes now, with data unread, frees the pcb at once; lwIP goes on with it all the
    same.
    """
    while pcb.refused_data is not None:
        data, pcb.refused_data = pcb.refused_data, None
        rest = pcb.refused_data = data.split_64k()
        recv = pcb.recv
        err = _consume(tcp, pcb, data) if recv is None else recv(pcb, data, ERR_OK)
        if err == ERR_ABRT or pcb.state == CLOSED:
            return False
        if err != ERR_OK:
            if rest is not None:
                data.append(rest)
            pcb.refused_data = data
            return True
        if rest is None and pcb.refused_fin:
            pcb.refused_fin = False
            return end_of_stream(tcp, pcb) and pcb.state != CLOSED
    return True
