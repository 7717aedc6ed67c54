"""Text: delayed ACKs, trimming, the receive window (``receive``, ``window``)."""

import pytest

from tests.netstack.tcp.conversation import ACK, FIN, PSH, established


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


def test_the_window_is_announced_in_steps() -> None:
    talk = established("micropython", mss=800)
    talk.consumes = False
    for i in range(8):
        talk.segment(PSH | ACK, 1 + 800 * i, 1, bytes(800))
        if i % 2:
            talk.expect(ACK, win=6400 - 800 * (i + 1))
    talk.segment(PSH | ACK, 6401, 1, b"x")
    talk.expect(ACK, ack=6401, win=0)
    for i in range(8):  # updates after the fourth and the eighth: 1600 bytes is the threshold
        talk.tcp.recved(talk.pcb, 400)
        if i in {3, 7}:
            talk.expect(ACK, win=400 * (i + 1))
        talk.expect_nothing()


def test_a_fin_takes_a_byte_of_the_window_that_comes_back_unannounced() -> None:
    talk = established("micropython")
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(ACK, ack=2, win=6399)
    assert talk.pcb.rcv_wnd == 6400


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
