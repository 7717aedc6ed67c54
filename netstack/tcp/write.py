"""tcp_write: application data becomes segments (lwIP ``tcp_out.c``: tcp_write, tcp_pbuf_prealloc,
tcp_write_checks).

Segments are cut here, once and for all. First the spare room in the last unsent segment is filled, then one
more buffer is chained to it, then new segments are made; all or nothing. Lengths are 16 bits wide and wrap,
as they do in lwIP: where its assertions would stop the device (see the profile of a peer with a tiny window)
this goes on as a build without assertions does.
"""

from __future__ import annotations

from netstack.errors import ERR_CONN, ERR_MEM, ERR_OK
from netstack.pbuf import TxBuf
from netstack.tcp import observe
from netstack.tcp.header import PSH
from netstack.tcp.options import TS_LEN, options_len
from netstack.tcp.segment import OPT_TS, TxSegment, free_segment
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSE_WAIT, ESTABLISHED, SYN_RCVD, SYN_SENT
from netstack.tcp.tcb import TF_NAGLEMEMERR, TF_NODELAY, TF_TIMESTAMP, Tcb

U16 = 0xFFFF


def write(tcp: TcpShared, pcb: Tcb, data: bytes, more: bool = False) -> int:
    """Queue all of ``data`` or nothing. ``more``: the application will write more at once
    (TCP_WRITE_FLAG_MORE: no PSH).

    ERR_CONN in a state that cannot send; ERR_MEM when ``snd_buf``, the queue length, TCP_SEG or the heap does
    not suffice.
    """
    length = len(data)
    if pcb.state not in {ESTABLISHED, CLOSE_WAIT, SYN_SENT, SYN_RCVD}:
        if tcp.core.trace is not None:
            observe.write_refused(tcp, pcb, "not-connected", length)
        return ERR_CONN
    if not length:
        return ERR_OK
    if length > pcb.snd_buf:
        pcb.flags |= TF_NAGLEMEMERR
        if tcp.core.trace is not None:
            observe.write_refused(tcp, pcb, "snd-buf", length)
        return ERR_MEM
    if pcb.snd_queuelen >= tcp.profile.tcp_snd_queuelen or pcb.snd_queuelen >= U16 - 2:
        tcp.stats.memerr += 1
        pcb.flags |= TF_NAGLEMEMERR
        if tcp.core.trace is not None:
            observe.write_refused(tcp, pcb, "snd-queuelen", length)
        return ERR_MEM
    return _queue(tcp, pcb, data, more)


def _queue(tcp: TcpShared, pcb: Tcb, data: bytes, more: bool) -> int:
    """The three phases, then commit; whatever fails, everything is as before."""
    length = len(data)
    mss_local, options, optlen = _limits(tcp, pcb)
    tail = pcb.unsent[-1] if pcb.unsent else None
    if tail is not None and not tcp.extends_resent and not is_newest(pcb, tail):
        tail = None
    pos = used = oversize = 0
    concat: TxBuf | None = None
    concat_len = 0
    queuelen = pcb.snd_queuelen
    queue: list[TxSegment] = []
    if tail is not None:
        space = mss_local - len(tail.data) - options_len(tail.options) & U16
        oversize = pcb.unsent_oversize
        if oversize:  # phase 1: the spare room of the last unsent segment
            used = pos = min(space, oversize, length)
            oversize -= used
            space -= used
        if pos < length and space and tail.data and not tcp.profile.lwip_netif_tx_single_pbuf:
            concat_len = min(space, length - pos)  # phase 2: one more buffer for it
            size = _room(tcp, pcb, concat_len, space, more, first=True)
            concat = tcp.core.mem.tx.raw(size)
            if concat is None:
                return _roll_back(tcp, pcb, None, queue, "heap", length)
            oversize = size - concat_len
            queuelen += 1
            pos += concat_len
    while pos < length:  # phase 3: new segments
        seglen = min(length - pos, mss_local - optlen & U16)
        size = seglen + optlen
        if size < mss_local:
            size = _room(tcp, pcb, size, mss_local, more, first=not queue)
        buf = tcp.core.mem.tx.transport(size)
        if buf is None:
            return _roll_back(tcp, pcb, concat, queue, "heap", length)
        oversize = size - seglen - optlen
        queuelen += 1
        too_many = queuelen > tcp.queuelen_limit
        if too_many or not tcp.core.mem.tcp_seg.take():
            buf.free()
            return _roll_back(tcp, pcb, concat, queue, "snd-queuelen" if too_many else "tcp-seg", length)
        queue.append(TxSegment(pcb.snd_lbb + pos & 0xFFFFFFFF, data[pos : pos + seglen], 0, options, buf))
        pos += seglen
    last = None
    if tail is not None and (used or concat is not None):
        _extend(tail, data[: used + concat_len], used, concat)
        last = tail
    pcb.unsent_oversize = oversize
    if queue:
        pcb.unsent.extend(queue)
        last = queue[-1]
    pcb.snd_lbb = pcb.snd_lbb + length & 0xFFFFFFFF
    pcb.snd_buf -= length
    pcb.snd_queuelen = queuelen
    if last is not None and not more:
        last.flags |= PSH
    return ERR_OK


def is_newest(pcb: Tcb, seg: TxSegment) -> bool:
    """Whether the next byte, or the FIN, has its place behind ``seg``.

    lwIP takes that for granted of the last unsent segment. One that waits there to be sent again after
    duplicate ACKs is older than what is in flight: what is added to it comes too early in the stream.
    """
    return seg.seq + seg.seq_len() & 0xFFFFFFFF == pcb.snd_lbb


def _limits(tcp: TcpShared, pcb: Tcb) -> tuple[int, int, int]:
    """Bytes a segment may hold, options included, and the options of data segments with their length.

    lwIP: never more than half of the largest window the peer ever offered.
    """
    mss_local = pcb.mss
    half = pcb.snd_wnd_max >> 1
    if 0 < half < mss_local and tcp.caps_segments:
        mss_local = half
    if pcb.flags & TF_TIMESTAMP:
        # lwIP means "one byte more than the option", but counts it without the two NOPs that it sends
        return max(mss_local, 11), OPT_TS, TS_LEN
    return mss_local, 0, 0


def _room(tcp: TcpShared, pcb: Tcb, length: int, max_length: int, more: bool, first: bool) -> int:
    """How large a buffer to take for ``length`` bytes: larger when more is likely to come before it is sent
    (``tcp_pbuf_prealloc``)."""
    profile = tcp.profile
    if profile.lwip_netif_tx_single_pbuf:
        return max(length, max_length)
    if length < max_length and profile.tcp_oversize:
        held_back = not pcb.flags & TF_NODELAY and (not first or pcb.unsent or pcb.unacked)
        if more or held_back:
            return min(max_length, profile.align(length + profile.tcp_oversize))
    return length


def _extend(tail: TxSegment, data: bytes, used: int, concat: TxBuf | None) -> None:
    """Add the bytes of phases 1 (``used`` of them) and 2 to the last unsent segment."""
    if tail.parts is not None:
        tail.parts[-1] += used
    if concat is not None:
        if tail.parts is None:
            tail.parts = [len(tail.data) + used]
        tail.parts.append(len(data) - used)
        tail.buf.blocks += concat.blocks
    tail.data += data
    tail.data_residue = None


def _roll_back(
    tcp: TcpShared, pcb: Tcb, concat: TxBuf | None, queue: list[TxSegment], why: str, length: int
) -> int:
    """Memory ran out: give back what was taken."""
    if tcp.core.trace is not None:
        observe.write_refused(tcp, pcb, why, length)
    pcb.flags |= TF_NAGLEMEMERR
    tcp.stats.memerr += 1
    if concat is not None:
        concat.free()
    for seg in queue:
        free_segment(tcp, seg)
    return ERR_MEM
