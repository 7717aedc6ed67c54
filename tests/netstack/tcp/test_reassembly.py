"""The out-of-order queue (``reassembly``)."""

from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, Conversation, established

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
        for (seq, length_), (next_seq, _) in pairwise(seqs):
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


def test_a_fin_in_sequence_throws_the_queue_away() -> None:
    talk = established()
    put(talk, 20, 30)
    put(talk, 0, 10, PSH | ACK | FIN)
    assert talk.happened() == ["recv 10", "fin"]
    assert not talk.pcb.ooseq
    talk.expect_no_queue()


def test_beyond_a_queued_fin_nothing_is_kept() -> None:
    talk = established()
    put(talk, 10, 20, PSH | ACK | FIN)
    put(talk, 30, 40)
    assert [seg.length for seg in talk.pcb.ooseq] == [10]
    put(talk, 0, 10)
    assert talk.happened() == ["recv 20", "fin"]


def test_a_hole_is_filled_by_a_segment_that_overlaps_both_sides() -> None:
    talk = established()
    put(talk, 0, 10)
    put(talk, 20, 30)
    put(talk, 5, 25)
    assert talk.received == STREAM[:30]
    talk.expect_no_queue()


def test_the_tail_beyond_the_window_is_cut_with_its_fin() -> None:
    talk = established()
    put(talk, 10, 20)
    talk.segment(PSH | ACK | FIN, 1 + 2100, 1, bytes(100))
    assert [(seg.length, seg.flags & FIN) for seg in talk.pcb.ooseq] == [(10, 0), (44, 0)]


def test_what_is_queued_is_given_back_when_the_connection_ends() -> None:
    talk = established()
    put(talk, 10, 20)
    put(talk, 30, 40)
    assert talk.stack.mem.tcp_seg.used == talk.stack.mem.pbuf_pool.used == 2
    talk.tcp.abort(talk.pcb)
    talk.expect_no_queue()


def test_without_the_queue_only_the_next_segment_is_taken() -> None:
    talk = established(tcp_queue_ooseq=0)
    put(talk, 10, 20)
    talk.expect(ACK, ack=1)
    talk.expect_no_queue()
    put(talk, 0, 10)
    assert talk.received == STREAM[:10]


@pytest.mark.parametrize(("version", "lengths"), [("2.2.1", [5]), ("2.1.3", [10])])
def test_a_longer_last_segment_replaces_only_in_the_older_version(version: str, lengths: list[int]) -> None:
    talk = established(lwip_version=version)
    put(talk, 10, 15)
    put(talk, 10, 20)
    assert [seg.length for seg in talk.pcb.ooseq] == lengths


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


def lengths(talk: Conversation) -> list[tuple[int, int]]:
    """Start and length of each entry, by bytes of the stream."""
    return [(seg.seq - talk.pcb.rcv_nxt & 0xFFFFFFFF, seg.length) for seg in talk.pcb.ooseq]


def test_a_segment_before_all_others_is_cut_where_the_first_begins() -> None:
    talk = established()
    put(talk, 20, 30)
    put(talk, 10, 25)
    assert lengths(talk) == [(10, 10), (20, 10)]


def test_a_segment_that_covers_others_takes_their_place_and_their_fin() -> None:
    talk = established()
    put(talk, 20, 30)
    put(talk, 40, 50, PSH | ACK | FIN)
    put(talk, 10, 60)
    assert lengths(talk) == [(10, 50)]
    assert talk.stack.mem.tcp_seg.used == talk.stack.mem.pbuf_pool.used == 1
    put(talk, 0, 10)
    assert talk.happened() == ["recv 60", "fin"]
    talk.expect_no_queue()


def test_a_queued_fin_throws_away_what_came_after_it() -> None:
    talk = established()
    put(talk, 30, 40)
    put(talk, 50, 60)
    put(talk, 10, 20, PSH | ACK | FIN)
    assert lengths(talk) == [(10, 10)]
    assert talk.stack.mem.tcp_seg.used == talk.stack.mem.pbuf_pool.used == 1


def test_a_segment_between_two_is_fitted_in() -> None:
    talk = established()
    put(talk, 10, 20)
    put(talk, 40, 50)
    put(talk, 15, 45)
    assert lengths(talk) == [(10, 5), (15, 25), (40, 10)]


def test_the_next_segment_swallows_what_it_covers_with_its_fin() -> None:
    talk = established()
    put(talk, 10, 15)
    put(talk, 20, 25, PSH | ACK | FIN)
    put(talk, 0, 25)
    assert talk.happened() == ["recv 25", "fin"]
    assert talk.state == "CLOSE_WAIT"
    talk.expect_no_queue()


def test_the_next_segment_is_cut_where_the_queue_begins() -> None:
    talk = established()
    put(talk, 10, 30)
    put(talk, 0, 15)
    assert talk.received == STREAM[:30]
    talk.expect_no_queue()


def test_a_lone_fin_out_of_order_brings_no_data() -> None:
    talk = established()
    put(talk, 10, 10, ACK | FIN)
    assert lengths(talk) == [(10, 0)]
    put(talk, 0, 10)
    assert talk.happened() == ["recv 10", "fin"]
    talk.expect_no_queue()


def test_a_segment_over_several_buffers_counts_each_of_them() -> None:
    talk = established(pbuf_pool_bufsize=60, tcp_ooseq_max_pbufs=4)
    put(talk, 10, 40)  # 84 bytes with its headers
    put(talk, 50, 80)
    assert lengths(talk) == [(10, 30), (50, 30)]
    put(talk, 85, 95)
    assert lengths(talk) == [(10, 30), (50, 30)]
    assert talk.stack.mem.pbuf_pool.used == 4


def test_without_an_element_a_segment_in_the_middle_is_not_kept_either() -> None:
    talk = established(memp_num_tcp_seg=2)
    put(talk, 10, 20)
    put(talk, 40, 50)
    for start, end in ((25, 30), (5, 8), (60, 70), (10, 25)):
        put(talk, start, end)
        assert lengths(talk) == [(10, 10), (40, 10)]
    assert talk.stack.mem.pbuf_pool.used == 2


def test_a_sack_block_grows_to_both_sides() -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0, mss=1460, options=(("SAckOK", b""),))
    talk.segment(ACK, 1, 1)
    for start, end in ((10, 20), (30, 40), (50, 60), (20, 30)):
        put(talk, start, end)
    first = talk.pcb.rcv_nxt
    blocks = [(left - first & 0xFFFFFFFF, right - first & 0xFFFFFFFF) for left, right in talk.pcb.rcv_sacks]
    assert blocks == [(10, 40), (50, 60)]


# What becomes of what is thrown away


def dropped(talk: Conversation) -> dict[str, int]:
    """Reasons since the last look. lwIP's counters hear of none of them."""
    stats = talk.stack.stats
    assert (stats.tcp.drop, stats.tcp.memerr, stats.tcp.proterr) == (0, 0, 0)
    drops, stats.drops = stats.drops, {}
    return drops


def test_what_is_delivered_is_not_dropped() -> None:
    talk = established()
    put(talk, 20, 30)
    put(talk, 30, 30, ACK | FIN)
    put(talk, 10, 20)
    put(talk, 0, 10)
    assert talk.received == STREAM[:30]
    assert dropped(talk) == {}


def test_what_a_later_segment_covers_is_dropped_for_that() -> None:
    talk = established()
    put(talk, 10, 20)
    put(talk, 25, 30)
    put(talk, 10, 30)  # out of order, too
    assert dropped(talk) == {"tcp_ooseq_covered": 2}
    put(talk, 0, 30)
    assert dropped(talk) == {"tcp_ooseq_covered": 1}
    put(talk, 40, 50)
    put(talk, 60, 70)
    put(talk, 35, 38, PSH | ACK | FIN)
    assert dropped(talk) == {"tcp_ooseq_covered": 2}
    put(talk, 30, 34, PSH | ACK | FIN)
    assert dropped(talk) == {"tcp_ooseq_covered": 1}
    talk.expect_no_queue()


@pytest.mark.parametrize("limit", ["tcp_ooseq_max_bytes", "tcp_ooseq_max_pbufs"])
def test_what_exceeds_a_limit_is_dropped_for_that(limit: str) -> None:
    talk = established(**{limit: 25 if limit.endswith("bytes") else 2})
    put(talk, 20, 30)
    put(talk, 40, 50)
    put(talk, 60, 70)  # itself
    assert dropped(talk) == {"tcp_ooseq_limit": 1}
    put(talk, 10, 20)  # in front: it is the last one that goes
    assert dropped(talk) == {"tcp_ooseq_limit": 1}
    assert lengths(talk) == [(10, 10), (20, 10)]


def test_what_waits_too_long_is_dropped_for_that() -> None:
    talk = established()
    put(talk, 10, 20)
    put(talk, 30, 40)
    talk.advance(ms=60_000)
    assert dropped(talk) == {"tcp_ooseq_expired": 2}
    talk.expect_no_queue()


def test_what_a_dry_pool_costs_is_dropped_for_that() -> None:
    talk = established(pbuf_pool_size=2)
    put(talk, 10, 20)
    put(talk, 30, 40)
    put(talk, 50, 60)
    talk.advance(ms=250)
    assert talk.stack.stats.drops == {"pbuf_pool": 1, "tcp_ooseq_pool": 2}
    talk.expect_no_queue()


def test_what_finds_no_element_is_dropped_for_that() -> None:
    talk = established(memp_num_tcp_seg=1)
    put(talk, 10, 20)
    for start, end in (30, 40), (5, 8), (15, 25), (10, 20):
        put(talk, start, end)
    assert dropped(talk) == {"tcp_ooseq_no_element": 3}  # the last is there already


def test_what_a_connection_leaves_behind_is_dropped_for_that() -> None:
    talk = established()
    put(talk, 10, 20)
    talk.tcp.abort(talk.pcb)
    assert dropped(talk) == {"tcp_ooseq_closed": 1}
    talk.expect_no_queue()
