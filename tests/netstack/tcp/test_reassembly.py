"""The out-of-order queue and its SACK blocks (``reassembly``, ``sack``)."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.netstack.tcp.conversation import ACK, FIN, PSH, Conversation, established

STREAM = bytes(range(1, 101))


def put(talk: Conversation, start: int, end: int, flags: int = PSH | ACK) -> None:
    """Bytes [start, end) of the stream."""
    talk.segment(flags, 1 + start, 1, STREAM[start:end])


@pytest.mark.parametrize("order", list(permutations([(0, 10), (10, 20), (20, 30), (30, 40)])))
def test_any_order_gives_the_stream(order: tuple[tuple[int, int], ...]) -> None:
    talk = established()
    for start, end in order:
        put(talk, start, end)
    assert talk.received == STREAM[:40]
    assert not talk.pcb.ooseq
    talk.expect_no_queue()


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(1, 40)), max_size=30))
def test_any_overlaps_give_the_stream(pieces: list[tuple[int, int]]) -> None:
    talk = established("full")
    for start, length in pieces:
        put(talk, start, start + length)
        seqs = [(seg.seq, seg.length) for seg in talk.pcb.ooseq]
        for (seq, length_), (next_seq, _) in zip(seqs, seqs[1:], strict=False):
            assert (next_seq - seq - length_) & 0xFFFFFFFF < 0x80000000, "entries overlap"
    put(talk, 0, 100)
    assert talk.received == STREAM
    assert not talk.pcb.ooseq
    talk.expect_no_queue()


def test_every_out_of_order_segment_is_acknowledged_at_once() -> None:
    talk = established()
    put(talk, 10, 20)
    talk.expect(ACK, ack=1)
    put(talk, 30, 40)
    talk.expect(ACK, ack=1)
    put(talk, 0, 10)
    talk.expect_nothing()
    talk.advance(ms=250)
    talk.expect(ACK, ack=21)


def test_a_longer_segment_replaces_one_of_the_same_start_unless_it_is_the_last() -> None:
    talk = established()
    put(talk, 10, 15)
    put(talk, 10, 20)
    assert [seg.length for seg in talk.pcb.ooseq] == [5]
    put(talk, 30, 40)
    put(talk, 10, 20)
    assert [seg.length for seg in talk.pcb.ooseq] == [10, 10]


def test_a_fin_out_of_order_comes_with_its_data() -> None:
    talk = established()
    put(talk, 10, 20, PSH | ACK | FIN)
    put(talk, 5, 10)
    assert talk.state == "ESTABLISHED"
    put(talk, 0, 5)
    assert talk.happened() == ["recv 20", "fin"]
    assert talk.state == "CLOSE_WAIT"


def test_limits_of_bytes_and_buffers() -> None:
    talk = established(tcp_ooseq_max_pbufs=4)
    for i in range(6):
        put(talk, 10 + 10 * i, 15 + 10 * i)
    assert len(talk.pcb.ooseq) == 4
    talk = established(tcp_ooseq_max_bytes=12)
    for i in range(6):
        put(talk, 10 + 10 * i, 15 + 10 * i)
    assert len(talk.pcb.ooseq) == 2


def test_without_a_free_segment_it_is_not_kept() -> None:
    talk = established(memp_num_tcp_seg=8)
    for i in range(9):
        put(talk, 10 + 2 * i, 11 + 2 * i)
        talk.expect(ACK, ack=1)
    assert len(talk.pcb.ooseq) == 8
    assert talk.stack.mem.tcp_seg.err == 1


def test_the_queue_is_thrown_away_after_six_time_outs() -> None:
    talk = established()
    put(talk, 10, 20)
    talk.advance(ms=17_000)
    assert talk.pcb.ooseq
    talk.advance(ms=2_000)
    assert not talk.pcb.ooseq
    talk.expect_no_queue()


def sack_talk() -> Conversation:
    talk = Conversation("full")
    talk.segment(2, 0, mss=1460, options=(("SAckOK", b""),))
    talk.expect(18)
    talk.segment(ACK, 1, 1)
    return talk


def test_sack_blocks_newest_first() -> None:
    talk = sack_talk()

    def blocks() -> list[int]:
        option = dict(talk.expect(ACK).options).get("SAck", ())
        return [(edge + 0x100 - 1) & 0xFFFFFFFF for edge in option]

    put(talk, 10, 20)
    assert blocks() == [10, 20]
    put(talk, 30, 40)
    assert blocks() == [30, 40, 10, 20]
    put(talk, 20, 25)
    assert blocks() == [10, 25, 30, 40]
    put(talk, 0, 10)  # in order, but a block is left: an empty ACK at once
    assert blocks() == [30, 40]
    put(talk, 25, 30)
    talk.expect_nothing()


def test_at_most_four_blocks() -> None:
    talk = sack_talk()
    for i in range(6):
        put(talk, 10 + 10 * i, 15 + 10 * i)
    assert len(talk.pcb.rcv_sacks) == 4
    assert len(dict(talk.expect(ACK).options)["SAck"]) == 2
