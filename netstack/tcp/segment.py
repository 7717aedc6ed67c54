"""Segments: one received (``Segment``) and one queued for transmission (``TxSegment``).

Sources: lwIP ``tcp_priv.h``: struct tcp_seg, and the file-scope variables of ``tcp_in.c`` that belong to the
segment under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netstack.stats import Drop
from netstack.tcp.header import FIN, SYN

if TYPE_CHECKING:
    from netstack.pbuf import Pbuf, TxBuf
    from netstack.tcp.shared import TcpShared

# What options a queued segment carries (lwIP tcp_priv.h: TF_SEG_OPTS_*)
OPT_MSS = 0x01
OPT_TS = 0x02
OPT_WND_SCALE = 0x08
OPT_SACK_PERM = 0x10


# Why a segment that came out of order goes no further
TCP_OOSEQ_NO_ELEMENT = Drop("tcp_ooseq_no_element", "tcp", (), "out of order, and no TCP_SEG to keep it with")
TCP_OOSEQ_COVERED = Drop(
    "tcp_ooseq_covered",
    "tcp",
    (),
    "kept out of order, and replaced: a later segment brought all of it, or a FIN before it",
    kept=True,
)
TCP_OOSEQ_LIMIT = Drop(
    "tcp_ooseq_limit",
    "tcp",
    (),
    "out of order, and more than is kept (TCP_OOSEQ_MAX_BYTES, TCP_OOSEQ_MAX_PBUFS)",
    kept=True,
)
TCP_OOSEQ_EXPIRED = Drop(
    "tcp_ooseq_expired",
    "tcp",
    (),
    "kept out of order, and given up: what is missing did not come (TCP_OOSEQ_TIMEOUT)",
    kept=True,
)
TCP_OOSEQ_POOL = Drop(
    "tcp_ooseq_pool", "tcp", (), "kept out of order, and given up: the receive pool ran dry", kept=True
)
TCP_OOSEQ_CLOSED = Drop(
    "tcp_ooseq_closed", "tcp", (), "kept out of order, and the connection has ended", kept=True
)

# Segment.events (lwIP tcp_priv.h: TF_GOT_FIN, TF_RESET of recv_flags)
GOT_FIN, RESET = 1, 2


class Segment:
    """A received segment and what its processing has brought so far.

    ``length`` is the data length, ``tcplen`` counts SYN or FIN as one more. ``taken``: the pbuf belongs to
    the application or to the out-of-order queue now. ``delivered`` is data for the application, ``acked`` the
    bytes of our data it acknowledged, ``events`` what else there is to tell: GOT_FIN, RESET. ``verdict`` and
    ``ack_kind`` are for the trace (``netstack.trace.VERDICTS``, ``ACK_KINDS``).
    """

    __slots__ = (
        "ack",
        "ack_kind",
        "acked",
        "delivered",
        "events",
        "flags",
        "length",
        "options",
        "p",
        "seq",
        "taken",
        "tcplen",
        "verdict",
        "wnd",
    )

    def __init__(
        self, p: Pbuf, seq: int, ack: int, flags: int, wnd: int, options: bytes, length: int
    ) -> None:
        self.p = p
        self.seq = seq
        self.ack = ack
        self.flags = flags
        self.wnd = wnd
        self.options = options
        self.length = length
        self.tcplen = length + 1 if flags & 3 else length
        self.taken = False
        self.delivered: Pbuf | None = None
        self.acked = 0
        self.events = 0
        self.verdict = ""
        self.ack_kind = "none"

    def seq_len(self) -> int:
        """Data plus one for SYN or FIN, as they are now (TCP_TCPLEN)."""
        return self.length + 1 if self.flags & (FIN | SYN) else self.length


class TxSegment:
    """A segment in unsent or unacked: its data, header flags and options, and the heap blocks it occupies.

    ``parts`` holds the data length in each block when there is more than one. ``data_residue`` is the
    checksum of the data, kept for retransmissions. ``xmits`` counts transmissions.
    """

    __slots__ = ("buf", "data", "data_residue", "flags", "options", "parts", "seq", "xmits")

    def __init__(self, seq: int, data: bytes, flags: int, options: int, buf: TxBuf) -> None:
        self.seq = seq
        self.data = data
        self.flags = flags
        self.options = options
        self.buf = buf
        self.parts: list[int] | None = None
        self.data_residue: int | None = None
        self.xmits = 0

    def seq_len(self) -> int:
        """Data plus one for SYN or FIN (TCP_TCPLEN)."""
        return len(self.data) + 1 if self.flags & (FIN | SYN) else len(self.data)

    @property
    def busy(self) -> bool:
        """Still held by a lower layer, which waits to send it (``tcp_output_segment_busy``)."""
        return self.buf.refs != 1


def free_segment(tcp: TcpShared, seg: TxSegment) -> None:
    """Give back a queued segment and its heap blocks (``tcp_seg_free``)."""
    seg.buf.free()
    tcp.core.mem.tcp_seg.give()


def free_ooseq_segment(tcp: TcpShared, seg: Segment, reason: Drop | None = None) -> None:
    """Give back one segment of an out-of-order queue and its receive buffers; ``reason``: its data goes no
    further.
    """
    if reason is not None:
        tcp.core.drop(reason)
    seg.p.free()
    tcp.core.mem.tcp_seg.give()
