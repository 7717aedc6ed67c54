"""The receive window: what is free, and what the peer is told (RFC 9293 3.8.6.2.2, RFC 1122 4.2.3.3).

``rcv_wnd`` is what is really free; ``rcv_ann_wnd`` is what headers say. The announced right edge moves only
in steps of a full segment (or half the window), so the peer is not tempted into silly small segments. Source:
lwIP ``tcp.c`` (tcp_update_rcv_ann_wnd, tcp_recved).
"""

from __future__ import annotations

from netstack.tcp import observe
from netstack.tcp.output import output
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import TF_ACK_NOW, Tcb


def update_rcv_ann_wnd(tcp: TcpShared, pcb: Tcb) -> int:
    """Compute what the next header announces; returns by how much the right edge moves (0: it stays)."""
    moved = pcb.rcv_nxt + pcb.rcv_wnd - pcb.rcv_ann_right_edge & 0xFFFFFFFF
    step = pcb.mss
    if step > tcp.half_wnd:
        step = tcp.half_wnd
    if not (moved - step) & 0x80000000:
        pcb.rcv_ann_wnd = pcb.rcv_wnd
        return moved
    left = pcb.rcv_ann_right_edge - pcb.rcv_nxt & 0xFFFFFFFF
    pcb.rcv_ann_wnd = 0 if left & 0x80000000 else left
    return 0


def recved(tcp: TcpShared, pcb: Tcb, length: int) -> None:
    """The application has consumed ``length`` bytes: open the window, and say so if it is worth a segment."""
    limit = tcp.wnd_max(pcb)
    free = pcb.rcv_wnd + length
    pcb.rcv_wnd = free if free < limit else limit
    moved = tcp.parts.window.update_rcv_ann_wnd(tcp, pcb)
    if moved >= tcp.update_threshold:
        pcb.flags |= TF_ACK_NOW
        pcb.ack_why = "window-update"
        output(tcp, pcb)
    elif tcp.core.trace is not None:
        observe.small_update(tcp, pcb, length)
