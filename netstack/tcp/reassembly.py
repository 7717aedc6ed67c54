"""The out-of-order queue: segments kept as received, sorted, without overlaps (RFC 9293 3.10.7.4, lwIP
``tcp_receive``).

Each entry holds one element of the TCP_SEG pool and its receive buffers, which is why a small receive pool
can run dry on holes.
"""

from __future__ import annotations

from netstack.tcp.header import FIN, SYN
from netstack.tcp.sack import add_sack, remove_sacks_above, remove_sacks_below
from netstack.tcp.segment import (
    GOT_FIN,
    TCP_OOSEQ_COVERED,
    TCP_OOSEQ_LIMIT,
    TCP_OOSEQ_NO_ELEMENT,
    Segment,
    free_ooseq_segment,
)
from netstack.tcp.seq import between, geq, gt, lt
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSE_WAIT, ESTABLISHED, set_state
from netstack.tcp.tcb import TF_SACK, Tcb

MASK = 0xFFFFFFFF


def trim_tail(seg: Segment, length: int) -> None:
    """Keep the first ``length`` bytes of data."""
    seg.length = length
    seg.p.trim(length)


def make_room(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """``seg`` is in sequence: drop queued segments it covers, cut its tail where the next one starts.

    A FIN in sequence means that nothing can come after it: the whole queue goes. The FIN of a covered segment
    moves to ``seg``.
    """
    queue = pcb.ooseq
    if seg.flags & FIN:
        for entry in queue:
            free_ooseq_segment(tcp, entry, TCP_OOSEQ_COVERED)
        queue.clear()
        return
    while queue and geq(seg.seq + seg.tcplen, queue[0].seq + queue[0].length):
        entry = queue.pop(0)
        if entry.flags & FIN and not seg.flags & SYN:
            seg.flags |= FIN
            seg.tcplen = seg.seq_len()
        free_ooseq_segment(tcp, entry, TCP_OOSEQ_COVERED)
    if queue and gt(seg.seq + seg.tcplen, queue[0].seq):
        length = queue[0].seq - seg.seq & MASK
        trim_tail(seg, length - 1 if seg.flags & SYN else length)
        seg.tcplen = seg.seq_len()


def deliver_contiguous(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """Move queued segments that are in sequence now behind the data of ``seg``."""
    queue = pcb.ooseq
    while queue and queue[0].seq == pcb.rcv_nxt:
        entry = queue.pop(0)
        length = entry.seq_len()
        pcb.rcv_nxt = pcb.rcv_nxt + length & MASK
        pcb.rcv_wnd = pcb.rcv_wnd - length & tcp.wnd_limit
        tcp.parts.window.update_rcv_ann_wnd(tcp, pcb)
        if len(entry.p):
            if seg.delivered is None:
                seg.delivered = entry.p
            else:
                seg.delivered.append(entry.p)
            tcp.core.mem.tcp_seg.give()
        else:
            free_ooseq_segment(tcp, entry)
        if entry.flags & FIN:
            seg.events |= GOT_FIN
            if pcb.state == ESTABLISHED:
                set_state(tcp, pcb, CLOSE_WAIT)
    if pcb.flags & TF_SACK:
        if queue:
            remove_sacks_below(pcb, queue[0].seq)
        else:
            pcb.rcv_sacks.clear()


def queue_out_of_order(tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
    """Store ``seg``, which begins beyond RCV.NXT, where it belongs, describe it in SACK, and keep the queue's
    limits.
    """
    queue = pcb.ooseq
    if not queue:
        _take(tcp, queue, 0, seg)
        if pcb.flags & TF_SACK:
            pcb.rcv_sacks = [(seg.seq, seg.seq + seg.length & MASK)] if seg.length else []
    else:
        place = _insert(tcp, pcb, seg)
        if pcb.flags & TF_SACK and place < len(queue):
            _describe(tcp, pcb, place, seg.seq)
    _keep_limits(tcp, pcb)


def _take(tcp: TcpShared, queue: list[Segment], index: int, seg: Segment) -> bool:
    """Put ``seg`` at ``index``; False when the TCP_SEG pool is empty (``tcp_seg_copy``)."""
    if not tcp.core.mem.tcp_seg.take():
        tcp.core.drop(TCP_OOSEQ_NO_ELEMENT)
        return False
    queue.insert(index, seg)
    seg.taken = True
    return True


def _insert(tcp: TcpShared, pcb: Tcb, seg: Segment) -> int:
    """Find the place of ``seg`` in the queue and put it there, or ignore it; returns the place."""
    queue = pcb.ooseq
    seq = seg.seq
    for index, entry in enumerate(queue):
        if seq == entry.seq:
            last = index == len(queue) - 1
            longer = seg.length > entry.length
            if longer and (not last or "ooseq_last_replaced" in tcp.quirks) and _take(tcp, queue, index, seg):
                _swallow_followers(tcp, queue, index)
            return index
        if index == 0:
            if lt(seq, entry.seq):
                if _take(tcp, queue, 0, seg):
                    _swallow_followers(tcp, queue, 0)
                return 0
        elif between(seq, queue[index - 1].seq + 1, entry.seq - 1):
            if _take(tcp, queue, index, seg):
                _trim_overlap(queue[index - 1], seq)
                _swallow_followers(tcp, queue, index)
            return index
    last_entry = queue[-1]
    if gt(seq, last_entry.seq) and not last_entry.flags & FIN:
        tcplen = seg.tcplen
        if _take(tcp, queue, len(queue), seg):
            _trim_overlap(last_entry, seq)
            if gt(tcplen + seq, pcb.rcv_nxt + pcb.rcv_wnd):
                seg.flags &= ~FIN
                trim_tail(seg, pcb.rcv_nxt + pcb.rcv_wnd - seq & 0xFFFF)
                seg.tcplen = seg.seq_len()
            return len(queue) - 1
    return len(queue)


def _trim_overlap(entry: Segment, seq: int) -> None:
    """Cut the tail of ``entry`` where the new segment at ``seq`` starts."""
    if gt(entry.seq + entry.length, seq):
        trim_tail(entry, seq - entry.seq & MASK)


def _swallow_followers(tcp: TcpShared, queue: list[Segment], index: int) -> None:
    """Drop what the segment at ``index`` covers, or cut its tail where the next one starts
    (``tcp_oos_insert_segment``).
    """
    seg = queue[index]
    after = index + 1
    if seg.flags & FIN:
        for entry in queue[after:]:
            free_ooseq_segment(tcp, entry, TCP_OOSEQ_COVERED)
        del queue[after:]
        return
    while after < len(queue) and geq(seg.seq + seg.length, queue[after].seq + queue[after].length):
        entry = queue.pop(after)
        seg.flags |= entry.flags & FIN
        free_ooseq_segment(tcp, entry, TCP_OOSEQ_COVERED)
    if after < len(queue) and gt(seg.seq + seg.length, queue[after].seq):
        trim_tail(seg, queue[after].seq - seg.seq & MASK)


def _describe(tcp: TcpShared, pcb: Tcb, place: int, seq: int) -> None:
    """The newest SACK block is the contiguous run around the entry at ``place``, where the segment at ``seq``
    went.

    lwIP: a segment before all others is part of the block even if the pool had no element to store it.
    """
    queue = pcb.ooseq
    first = place
    while first and queue[first - 1].seq + queue[first - 1].length & MASK == queue[first].seq:
        first -= 1
    end = queue[place].seq
    for entry in queue[place:]:
        if entry.seq != end:
            break
        end = end + entry.length & MASK
    left = seq if not first and lt(seq, queue[0].seq) else queue[first].seq
    add_sack(pcb, left, end, tcp.profile.lwip_tcp_max_sack_num)


def _keep_limits(tcp: TcpShared, pcb: Tcb) -> None:
    """Throw away everything from the first entry that exceeds TCP_OOSEQ_MAX_BYTES or TCP_OOSEQ_MAX_PBUFS."""
    max_bytes = tcp.profile.tcp_ooseq_max_bytes
    max_pbufs = tcp.profile.tcp_ooseq_max_pbufs
    if not max_bytes and not max_pbufs:
        return
    octets = buffers = 0
    for index, entry in enumerate(pcb.ooseq):
        octets += len(entry.p)
        buffers += entry.p.buffers
        if (max_bytes and octets > max_bytes) or (max_pbufs and buffers > max_pbufs):
            if pcb.flags & TF_SACK:
                remove_sacks_above(pcb, entry.seq)
            for dropped in pcb.ooseq[index:]:
                free_ooseq_segment(tcp, dropped, TCP_OOSEQ_LIMIT)
            del pcb.ooseq[index:]
            return
