"""The receive window: what is announced, and when (``window``)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.netstack.tcp.conversation import ACK, FIN, PEER_ISS, PSH, SYN, Conversation, established


def filled(count: int) -> Conversation:
    """``count`` segments of 800 bytes, of a window of 8, wait for the application."""
    talk = established("micropython", mss=800)
    talk.consumes = False
    for i in range(count):
        talk.segment(PSH | ACK, 1 + 800 * i, 1, bytes(800))
    talk.advance(ms=250)
    talk.frames.clear()
    return talk


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


def test_less_than_a_segment_does_not_move_the_right_edge() -> None:
    talk = filled(8)
    talk.tcp.recved(talk.pcb, 799)
    assert (talk.pcb.rcv_wnd, talk.pcb.rcv_ann_wnd) == (799, 0)
    talk.segment(ACK, 0, 1)
    talk.expect(ACK, ack=6401, win=0)
    talk.tcp.recved(talk.pcb, 1)
    assert (talk.pcb.rcv_wnd, talk.pcb.rcv_ann_wnd) == (800, 800)
    talk.expect_nothing()  # not enough for a segment of its own
    talk.segment(ACK, 0, 1)
    talk.expect(ACK, ack=6401, win=800)


def test_a_peer_that_sends_beyond_the_announced_edge_is_told_that_it_is_closed() -> None:
    talk = filled(8)
    talk.tcp.recved(talk.pcb, 100)  # free, but not announced
    talk.segment(PSH | ACK, 6401, 1, bytes(50))
    talk.advance(ms=250)
    talk.expect(ACK, ack=6451, win=0)
    assert (talk.pcb.rcv_wnd, talk.pcb.rcv_ann_wnd) == (50, 0)


def test_half_of_a_small_window_is_a_step_too() -> None:
    talk = established("lwip-default", mss=536, tcp_wnd=800, tcp_wnd_update_threshold=400)
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, bytes(536))
    talk.segment(PSH | ACK, 537, 1, bytes(264))
    talk.expect(ACK, ack=801, win=0)
    talk.tcp.recved(talk.pcb, 399)
    talk.expect_nothing()
    talk.tcp.recved(talk.pcb, 1)
    talk.expect(ACK, win=400)


def test_the_threshold_is_the_profiles() -> None:
    for threshold, updates in ((800, 4), (1600, 2), (3200, 1)):
        talk = established("micropython", mss=800, tcp_wnd_update_threshold=threshold)
        talk.consumes = False
        for i in range(4):
            talk.segment(PSH | ACK, 1 + 800 * i, 1, bytes(800))
        talk.frames.clear()
        for _ in range(8):
            talk.tcp.recved(talk.pcb, 400)
        assert len(talk.frames) == updates


def test_more_than_was_received_does_not_open_the_window_beyond_its_size() -> None:
    talk = filled(2)
    talk.tcp.recved(talk.pcb, 60_000)
    assert talk.pcb.rcv_wnd == talk.pcb.rcv_ann_wnd == 6400
    talk.expect(ACK, win=6400)


@pytest.mark.parametrize(("options", "largest"), [((), 0xFFFF), ((("WScale", 0),), 116800)])
def test_the_window_is_limited_to_16_bits_without_scaling(
    options: tuple[tuple[str, int], ...], largest: int
) -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0, mss=1460, options=options)
    talk.segment(ACK, 1, 1)
    assert talk.pcb.rcv_wnd == largest
    talk.tcp.recved(talk.pcb, 10_000)
    assert talk.pcb.rcv_wnd == largest


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 800), st.integers(0, 3000)), max_size=30))
def test_the_announced_right_edge_never_moves_back(steps: list[tuple[int, int]]) -> None:
    """Whatever comes and whatever is read: each header announces at least what an earlier one has (RFC 9293
    3.8.6: shrinking the window is discouraged), and never more than is free.
    """
    talk = established("micropython", mss=800, pbuf_pool_size=64)
    talk.consumes = False
    sent = read = edge = 0
    for size, consumed in steps:
        size = min(size, 6400 - (sent - read))
        talk.segment(PSH | ACK, 1 + sent, 1, bytes(size))
        sent += size
        consumed = min(consumed, sent - read)
        talk.tcp.recved(talk.pcb, consumed)
        read += consumed
        talk.advance(ms=250)
        for frame in talk.replies():
            tcp = frame["TCP"]
            right = ((tcp.ack - PEER_ISS) & 0xFFFFFFFF) + tcp.window
            assert right >= edge, talk.story
            assert right <= 1 + read + 6400, talk.story
            edge = right
    assert talk.pcb.rcv_wnd == 6400 - (sent - read)
