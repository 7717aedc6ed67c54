"""Text: delayed ACKs, trimming to the window (``receive``)."""

import pytest

from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, Conversation, established


def test_every_second_segment_is_acknowledged_at_once() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"a")
    talk.expect_nothing()
    talk.segment(PSH | ACK, 2, 1, b"b")
    talk.expect(ACK, ack=3)
    talk.segment(PSH | ACK, 3, 1, b"c")
    talk.advance(ms=249)
    talk.expect_nothing()
    talk.advance(ms=1)  # the global 250 ms tick
    talk.expect(ACK, ack=4)


def test_old_and_overlapping_segments() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"abcd")
    talk.segment(PSH | ACK, 1, 1, b"abcd")
    talk.expect(ACK, ack=5)
    talk.segment(PSH | ACK, 3, 1, b"cdef")
    assert talk.received == b"abcdef"


def test_out_of_window_is_acknowledged_and_dropped() -> None:
    talk = established()
    talk.segment(PSH | ACK, 3000, 1, b"far")
    talk.expect(ACK, ack=1)
    assert not talk.received


def test_a_keepalive_of_the_peer_is_answered() -> None:
    talk = established()
    talk.segment(ACK, 0, 1)
    talk.expect(ACK, seq=1, ack=1)
    talk.segment(ACK, 1, 1)
    talk.expect_nothing()


def test_data_beyond_the_window_is_cut_with_its_fin() -> None:
    talk = established(tcp_wnd=1072)
    talk.segment(PSH | ACK, 1, 1, bytes(536))
    talk.consumes = False
    talk.segment(PSH | ACK | FIN, 537, 1, bytes(1400))
    assert len(talk.received) == 536 + 1072
    assert talk.state == "ESTABLISHED"


def test_after_the_fin_text_in_the_window_is_ignored() -> None:
    talk = established()
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(ACK, ack=2)
    talk.segment(PSH | ACK, 2, 1, b"zombie")
    talk.expect_nothing()
    assert talk.happened() == ["fin"]


@pytest.mark.parametrize("quirk", ["data_without_ack_accepted", "data_with_future_ack_accepted"])
def test_data_with_a_missing_or_future_ack(quirk: str) -> None:
    for off, delivered in ((), b"data"), ((quirk,), b""):
        talk = established(quirks_off=off)
        if quirk == "data_without_ack_accepted":
            talk.segment(PSH, 1, None, b"data")
        else:
            talk.segment(PSH | ACK, 1, 99, b"data")
            talk.expect(ACK)
        assert talk.received == delivered


def test_a_filled_hole_is_acknowledged_late_unless_the_quirk_is_off() -> None:
    for off, at_once in ((), False), (("hole_fill_ack_delayed",), True):
        talk = established(quirks_off=off)
        talk.segment(PSH | ACK, 2, 1, b"b")
        talk.expect(ACK, ack=1)
        talk.segment(PSH | ACK, 1, 1, b"a")
        assert bool(talk.frames) is at_once


def test_a_segment_with_a_fin_takes_one_number_more() -> None:
    talk = established()
    talk.segment(PSH | ACK | FIN, 1, 1, b"end")
    talk.expect(ACK, seq=1, ack=5)
    assert talk.happened() == ["recv 3", "fin"]


def test_a_repeated_fin_is_acknowledged_again() -> None:
    talk = established()
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(ACK, ack=2)
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(ACK, ack=2)
    assert talk.happened() == ["fin"]


def test_the_last_byte_of_the_window_is_taken_and_the_next_is_not() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1 + 2143, 1, b"z")
    talk.expect(ACK, ack=1)
    assert [seg.length for seg in talk.pcb.ooseq] == [1]
    talk.segment(PSH | ACK, 1 + 2144, 1, b"z")
    talk.expect(ACK, ack=1)
    assert len(talk.pcb.ooseq) == 1


def test_into_a_closed_window_nothing_goes() -> None:
    talk = established(tcp_wnd=536)
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, bytes(536))
    talk.advance(ms=250)
    talk.expect(ACK, ack=537, win=0)
    talk.segment(PSH | ACK, 537, 1, b"x")
    talk.expect(ACK, ack=537, win=0)
    assert len(talk.received) == 536
    assert not talk.pcb.ooseq


def test_a_syn_with_data_does_not_come_to_text() -> None:
    talk = established()
    talk.segment(SYN | ACK, 1, 1, b"data")
    talk.expect(ACK, seq=1, ack=1)
    assert not talk.received


def test_an_out_of_order_segment_does_not_touch_the_delayed_ack_of_an_earlier_one() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"a")
    talk.segment(PSH | ACK, 3, 1, b"c")
    talk.expect(ACK, ack=2)  # at once, and it satisfies what was delayed
    talk.advance(ms=250)
    talk.expect_nothing()


def test_an_out_of_order_segment_is_only_acknowledged_where_nothing_is_queued() -> None:
    talk = established(tcp_queue_ooseq=0)
    talk.segment(PSH | ACK, 3, 1, b"c")
    talk.expect(ACK, ack=1)
    assert not talk.pcb.ooseq
    talk.expect_no_queue()


def test_a_hole_that_is_partly_filled_is_acknowledged_with_what_is_left() -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0, options=(("SAckOK", b""),))
    talk.expect(SYN | ACK)
    talk.segment(ACK, 1, 1)
    for seq in (3, 6):
        talk.segment(PSH | ACK, seq, 1, b"x")
        talk.expect(ACK, ack=1)
    talk.segment(PSH | ACK, 1, 1, b"ab")
    assert "SAck" in dict(talk.expect(ACK, ack=4).options)
