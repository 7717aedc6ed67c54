"""tcp_write: application data becomes segments (lwIP ``tcp_out.c``: tcp_write, tcp_pbuf_prealloc, tcp_write_checks).

Segments are cut here, once and for all. First the spare room in the last unsent segment is filled, then one more buffer is chained
to it, then new segments are made; all or nothing. Lengths are 16 bits wide and wrap, as they do in lwIP: where its assertions
would stop the device (see the profile of a peer with a tiny window) this goes on as a build without assertions does.
"""

from __future__ import annotations

from netstack.errors import ERR_CONN, ERR_MEM, ERR_OK
from netstack.pbuf import TxBuf
from netstack.tcp.header import PSH
from netstack.tcp.options import TS_LEN, options_len
from netstack.tcp.segment import OPT_TS, TxSegment, free_segment
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSE_WAIT, ESTABLISHED, SYN_RCVD, SYN_SENT
from netstack.tcp.tcb import TF_NAGLEMEMERR, TF_NODELAY, TF_TIMESTAMP, Tcb

U16 = 0xFFFF


def write(tcp: TcpShared, pcb: Tcb, data: bytes, more: bool = False) -> int:
    """Queue all of ``data`` or nothing. ``more``: the application will write more at once (TCP_WRITE_FLAG_MORE: no PSH).

    ERR_CONN in a state that cannot send; ERR_MEM when ``snd_buf``, the queue length, TCP_SEG or the heap does not suffice.
    """
    length = len(data)
    if pcb.state not in {ESTABLISHED, CLOSE_WAIT, SYN_SENT, SYN_RCVD}:
        return ERR_CONN
    if not length:
        return ERR_OK
    if length > pcb.snd_buf:
        pcb.flags |= TF_NAGLEMEMERR
        return ERR_MEM
    if pcb.snd_queuelen >= min(tcp.profile.tcp_snd_queuelen, U16 - 2):
        tcp.stats.memerr += 1
        pcb.flags |= TF_NAGLEMEMERR
        return ERR_MEM
    return _Write(tcp, pcb, data, more).run()


class _Write:
    """One call of tcp_write: what it has put together before it commits."""

    __slots__ = (
        "concat",
        "concat_len",
        "data",
        "mss_local",
        "more",
        "options",
        "optlen",
        "oversize",
        "oversize_used",
        "pcb",
        "pos",
        "queue",
        "queuelen",
        "tail",
        "tcp",
    )

    def __init__(self, tcp: TcpShared, pcb: Tcb, data: bytes, more: bool) -> None:
        self.tcp = tcp
        self.pcb = pcb
        self.data = data
        self.more = more
        self.pos = 0
        self.tail = pcb.unsent[-1] if pcb.unsent else None
        self.oversize = 0
        self.oversize_used = 0
        self.concat: TxBuf | None = None
        self.concat_len = 0
        self.queue: list[TxSegment] = []
        self.queuelen = pcb.snd_queuelen
        # lwIP: never more than half of the largest window the peer ever offered
        cap = min(pcb.snd_wnd_max >> 1, U16) if "segment_cap_half_window" in tcp.quirks else U16
        mss_local = min(pcb.mss, cap) or pcb.mss
        if pcb.flags & TF_TIMESTAMP:
            self.options, self.optlen = OPT_TS, TS_LEN
            mss_local = max(mss_local, 11)  # lwIP means "one byte more than the option", but sends it with two NOPs
        else:
            self.options = self.optlen = 0
        self.mss_local = mss_local

    def run(self) -> int:
        """The three phases, then commit or roll back."""
        if self.tail is not None and not self._fill_tail(self.tail):
            return self._roll_back()
        while self.pos < len(self.data):
            if not self._new_segment():
                return self._roll_back()
        self._commit()
        return ERR_OK

    def _fill_tail(self, tail: TxSegment) -> bool:
        """Phases 1 and 2: into the last unsent segment, in its spare room, then in one more buffer."""
        length = len(self.data)
        space = self.mss_local - len(tail.data) - options_len(tail.options) & U16
        self.oversize = self.pcb.unsent_oversize
        if self.oversize:
            used = min(space, self.oversize, length)
            self.oversize_used = self.pos = used
            self.oversize -= used
            space -= used
        if self.pos < length and space and tail.data and not self.tcp.profile.lwip_netif_tx_single_pbuf:
            seglen = min(space, length - self.pos)
            self.concat = self._alloc(seglen, space, first=True, raw=True)
            if self.concat is None:
                return False
            self.concat_len = seglen
            self.queuelen += 1
            self.pos += seglen
        return True

    def _new_segment(self) -> bool:
        """Phase 3: one more segment."""
        tcp = self.tcp
        seglen = min(len(self.data) - self.pos, self.mss_local - self.optlen & U16)
        buf = self._alloc(seglen + self.optlen, self.mss_local, first=not self.queue, raw=False)
        if buf is None:
            return False
        self.queuelen += 1
        if self.queuelen > tcp.queuelen_limit or not tcp.core.mem.tcp_seg.take():
            buf.free()
            return False
        data = self.data[self.pos : self.pos + seglen]
        self.queue.append(TxSegment(self.pcb.snd_lbb + self.pos & 0xFFFFFFFF, data, 0, self.options, buf))
        self.pos += seglen
        return True

    def _alloc(self, length: int, max_length: int, first: bool, raw: bool) -> TxBuf | None:
        """A block for ``length`` bytes, larger when more is likely to come before it is sent (``tcp_pbuf_prealloc``)."""
        profile = self.tcp.profile
        pcb = self.pcb
        size = length
        if profile.lwip_netif_tx_single_pbuf:
            size = max(length, max_length)
        elif length < max_length and profile.tcp_oversize:
            held_back = not pcb.flags & TF_NODELAY and (not first or pcb.unsent or pcb.unacked)
            if self.more or held_back:
                size = min(max_length, profile.align(length + profile.tcp_oversize))
        tx = self.tcp.core.mem.tx
        buf = tx.raw(size) if raw else tx.transport(size)
        if buf is not None:
            self.oversize = size - length
        return buf

    def _commit(self) -> None:
        pcb = self.pcb
        last = self.tail if self.oversize_used or self.concat is not None else None
        if self.tail is not None and last is not None:
            self._commit_tail(self.tail)
        pcb.unsent_oversize = self.oversize
        if self.queue:
            pcb.unsent.extend(self.queue)
            last = self.queue[-1]
        length = len(self.data)
        pcb.snd_lbb = pcb.snd_lbb + length & 0xFFFFFFFF
        pcb.snd_buf -= length
        pcb.snd_queuelen = self.queuelen
        if last is not None and not self.more:
            last.flags |= PSH

    def _commit_tail(self, tail: TxSegment) -> None:
        """Add the bytes of phases 1 and 2 to the last unsent segment."""
        used = self.oversize_used
        added = used + self.concat_len
        if tail.parts is not None:
            tail.parts[-1] += used
        if self.concat is not None:
            if tail.parts is None:
                tail.parts = [len(tail.data) + used]
            tail.parts.append(self.concat_len)
            tail.buf.blocks += self.concat.blocks
        tail.data += self.data[:added]
        tail.data_residue = None

    def _roll_back(self) -> int:
        self.pcb.flags |= TF_NAGLEMEMERR
        self.tcp.stats.memerr += 1
        if self.concat is not None:
            self.concat.free()
        for seg in self.queue:
            free_segment(self.tcp, seg)
        return ERR_MEM
