"""Segments: how long they are, who holds them, what they cost (``segment``)."""

import pytest

from netstack.pbuf import Pbuf
from netstack.pool import Pool
from netstack.tcp.segment import (
    GOT_FIN,
    RESET,
    Segment,
    TxSegment,
    free_ooseq_segment,
    free_segment,
)
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established


@pytest.mark.parametrize(
    ("flags", "length"),
    [(ACK, 0), (SYN, 1), (FIN | ACK, 1), (SYN | FIN, 1), (RST, 0), (PSH | ACK, 0), (0x3F, 1)],
)
def test_syn_and_fin_take_one_sequence_number_together(flags: int, length: int) -> None:
    """lwIP: TCP_TCPLEN adds one, even for both flags."""
    talk = Conversation()
    pool = Pool("PBUF_POOL", 1)
    received = Segment(Pbuf(b"data", pool, 1, None), 0, 0, flags, 0, b"", 4)
    buf = talk.stack.mem.tx.transport(4)
    assert buf is not None
    queued = TxSegment(0, b"data", flags, 0, buf)
    assert received.tcplen == received.seq_len() == queued.seq_len() == 4 + length


def test_the_length_of_a_received_segment_follows_its_trimming() -> None:
    seg = Segment(Pbuf(b"data", Pool("PBUF_POOL", 1), 1, None), 0, 0, FIN | ACK, 0, b"", 4)
    seg.flags &= ~FIN
    seg.length = 2
    assert seg.seq_len() == 2
    assert seg.tcplen == 5  # what came


def test_a_new_one_has_brought_nothing_yet() -> None:
    seg = Segment(Pbuf(b"", Pool("PBUF_POOL", 1), 1, None), 1, 2, ACK, 3, b"\x01" * 4, 0)
    assert (seg.seq, seg.ack, seg.flags, seg.wnd, seg.options) == (1, 2, ACK, 3, b"\x01" * 4)
    assert (seg.taken, seg.delivered, seg.acked, seg.events) == (False, None, 0, 0)


def test_events_are_bits_that_can_come_together() -> None:
    assert {GOT_FIN, RESET} == {1, 2}


def test_a_segment_that_somebody_else_holds_is_busy() -> None:
    talk = established()
    talk.write(b"x")
    seg = talk.pcb.unacked[0]
    assert not seg.busy
    seg.buf.ref()
    assert seg.busy
    seg.buf.free()
    assert not seg.busy


def test_transmissions_are_counted_and_the_checksum_is_kept() -> None:
    talk = established()
    talk.tcp.write(talk.pcb, b"xy")
    seg = talk.pcb.unsent[0]
    assert (seg.xmits, seg.data_residue) == (0, None)
    talk.tcp.output(talk.pcb)
    assert (seg.xmits, seg.data_residue) == (1, 0x7879)
    talk.advance(ms=3_000)
    assert (seg.xmits, seg.data_residue) == (2, 0x7879)


def test_a_queued_segment_gives_back_its_heap_and_its_element() -> None:
    talk = established()
    talk.tcp.write(talk.pcb, bytes(100))
    mem = talk.stack.mem
    assert mem.heap.used
    assert mem.tcp_seg.used == 1
    free_segment(talk.tcp, talk.pcb.unsent.pop())
    assert mem.heap.used == mem.tcp_seg.used == 0


def test_an_out_of_order_segment_gives_back_its_buffers_and_its_element() -> None:
    talk = established(pbuf_pool_bufsize=100)
    talk.segment(PSH | ACK, 3, 1, bytes(200))
    mem = talk.stack.mem
    assert (mem.pbuf_pool.used, mem.tcp_seg.used) == (3, 1)
    free_ooseq_segment(talk.tcp, talk.pcb.ooseq.pop())
    assert mem.pbuf_pool.used == mem.tcp_seg.used == 0
