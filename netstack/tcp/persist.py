"""The persist timer: a window too small for the head of unsent (RFC 9293 3.8.6.1, RFC 1122 4.2.2.17).

Into a closed window goes a probe of one byte; for a window smaller than the head the head is split.
Source: lwIP ``tcp.c`` (tcp_slowtmr), ``tcp_out.c`` (tcp_split_unsent_seg).
"""

from __future__ import annotations

from netstack.errors import ERR_MEM, ERR_OK, ERR_VAL
from netstack.tcp import observe
from netstack.tcp.control import zero_window_probe
from netstack.tcp.header import FIN, PSH
from netstack.tcp.options import options_len
from netstack.tcp.output import PERSIST_BACKOFF, output
from netstack.tcp.segment import TxSegment
from netstack.tcp.shared import TcpShared
from netstack.tcp.tcb import Tcb


def persist_tick(tcp: TcpShared, pcb: Tcb) -> bool:
    """One slow tick with the persist timer running; True when too many probes were left unanswered."""
    if pcb.persist_probe >= tcp.profile.tcp_maxrtx:
        if tcp.core.trace is not None:
            limit = tcp.profile.tcp_maxrtx
            observe.timer_fired(tcp, pcb, "persist", pcb.persist_probe, limit, "give-up")
        return True
    ticks = PERSIST_BACKOFF[pcb.persist_backoff - 1]
    if pcb.persist_cnt < ticks:
        pcb.persist_cnt += 1
    if pcb.persist_cnt >= ticks and _act(tcp, pcb, ticks):
        pcb.persist_cnt = 0
        if pcb.persist_backoff < len(PERSIST_BACKOFF):
            pcb.persist_backoff += 1
        if tcp.core.trace is not None and pcb.persist_backoff:
            observe.timer_armed(tcp, pcb, "persist", PERSIST_BACKOFF[pcb.persist_backoff - 1])
    return False


def _act(tcp: TcpShared, pcb: Tcb, ticks: int) -> bool:
    """Probe or split and send; whether the next stage begins (else the same one is tried again at the next
    tick).
    """
    if tcp.core.trace is not None:
        action = "split" if pcb.snd_wnd else "probe"
        numbers = {"stage": pcb.persist_backoff, "snd_wnd": pcb.snd_wnd}
        observe.timer_fired(tcp, pcb, "persist", pcb.persist_cnt, ticks, action, **numbers)
    if not pcb.snd_wnd:
        return zero_window_probe(tcp, pcb) == ERR_OK
    cause, pcb.rexmit_cause = pcb.rexmit_cause, "persist-split"
    failed = split_unsent(tcp, pcb, pcb.snd_wnd & 0xFFFF) != ERR_OK or output(tcp, pcb) != ERR_OK
    pcb.rexmit_cause = cause
    return failed


def split_unsent(tcp: TcpShared, pcb: Tcb, split: int) -> int:
    """Cut the head of unsent to ``split`` bytes; the rest becomes a segment of its own
    (``tcp_split_unsent_seg``).

    The queue may exceed its limit by the one buffer this takes. ERR_MEM, ERR_VAL (nothing would be left).
    """
    if not pcb.unsent:
        return ERR_MEM
    if not split:
        return ERR_VAL
    head = pcb.unsent[0]
    if len(head.data) <= split:
        return ERR_OK
    rest = head.data[split:]
    buf = tcp.core.mem.tx.transport(len(rest) + options_len(head.options))
    if buf is None or not tcp.core.mem.tcp_seg.take():
        if buf is not None:
            buf.free()
        tcp.stats.memerr += 1
        return ERR_MEM
    remainder = TxSegment(head.seq + split & 0xFFFFFFFF, rest, head.flags & (PSH | FIN), head.options, buf)
    pcb.snd_queuelen -= len(head.buf.blocks)
    _trim(tcp, head, split)
    # lwIP: the code that should take PSH and FIN from the head only ever adds flags, so it keeps them.
    if "psh_kept_on_split" not in tcp.quirks:
        head.flags &= ~PSH
    if "zero_window_split_keeps_fin" not in tcp.quirks:
        head.flags &= ~FIN
    pcb.snd_queuelen += len(head.buf.blocks) + len(buf.blocks)
    pcb.unsent.insert(1, remainder)
    if len(pcb.unsent) == 2:
        pcb.unsent_oversize = 0
    return ERR_OK


def _trim(tcp: TcpShared, seg: TxSegment, length: int) -> None:
    """Cut the data of ``seg`` to ``length`` bytes and shrink its heap blocks (``pbuf_realloc``)."""
    tx = tcp.core.mem.tx
    blocks = seg.buf.blocks
    parts = seg.parts or [len(seg.data)]
    keep = 0
    left = length
    while left > parts[keep]:
        left -= parts[keep]
        keep += 1
    if left != parts[keep]:
        if keep:
            tx.shrink_raw(blocks[keep], left)
        else:
            tx.shrink_transport(blocks[0], options_len(seg.options) + left)
    for block in blocks[keep + 1 :]:
        tx.heap.free(block)
    del blocks[keep + 1 :]
    parts[keep] = left
    seg.parts = parts[: keep + 1] if keep else None
    seg.data = seg.data[:length]
    seg.data_residue = None
