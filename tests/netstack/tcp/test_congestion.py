"""The congestion window: slow start, avoidance, recovery, and what a time-out does to it (``congestion``)."""

from typing import Any

import pytest

from netstack.tcp.congestion import initial_window
from netstack.tcp.tcb import TF_INFR
from tests.netstack.tcp.conversation import ACK, PSH, SYN, Conversation, established


def sending(count: int, cwnd: int = 8000, **options: Any) -> Conversation:
    """``count`` segments of 800 bytes in flight, all written at once."""
    talk = established("micropython", mss=800, **options)
    talk.pcb.cwnd = cwnd
    talk.write(bytes(800 * count))
    for i in range(count):
        talk.expect(PSH | ACK if i == count - 1 else ACK, seq=1 + 800 * i)
    return talk


@pytest.mark.parametrize(
    ("mss", "cwnd"),
    [(1, 4), (536, 2144), (800, 3200), (1095, 4380), (1096, 4380), (1460, 4380), (2190, 4380), (4000, 8000)],
)
def test_the_initial_window(mss: int, cwnd: int) -> None:
    assert initial_window(mss) == cwnd  # min(4 * MSS, max(2 * MSS, 4380)), RFC 3390 1


def test_before_the_handshake_ends_the_window_is_one_byte() -> None:
    talk = Conversation("micropython")
    talk.segment(SYN, 0, mss=800)
    assert talk.tcp.active_pcbs[0].cwnd == 1
    talk.segment(ACK, 1, 1)
    assert talk.pcb.cwnd == 3200
    talk.connect()
    assert talk.pcb.cwnd == 1


def test_slow_start_adds_what_is_acknowledged_up_to_two_segments() -> None:
    talk = sending(4, cwnd=3200)
    talk.segment(ACK, 1, 801)
    assert talk.pcb.cwnd == 4000
    talk.segment(ACK, 1, 3201)
    assert talk.pcb.cwnd == 5600
    assert talk.happened() == ["sent 800", "sent 2400"]


def test_slow_start_counts_bytes_not_segments() -> None:
    talk = sending(1, cwnd=3200)
    for acked in (1, 2, 3):  # RFC 3465: an ACK of one byte opens the window by one byte
        talk.segment(ACK, 1, 1 + acked)
        assert talk.pcb.cwnd == 3200 + acked


def test_congestion_avoidance_adds_one_segment_a_window() -> None:
    talk = sending(8, cwnd=6400)
    for i in range(7):
        talk.segment(ACK, 1, 801 + 800 * i)
        assert talk.pcb.cwnd == 6400
    talk.segment(ACK, 1, 6401)
    assert talk.pcb.cwnd == 7200


def test_third_duplicate_brings_fast_retransmit_and_reno_recovery() -> None:
    talk = sending(5, cwnd=4000)
    for _ in range(2):
        talk.segment(ACK, 1, 1)
        talk.expect_nothing()
    talk.segment(ACK, 1, 1)
    talk.expect(ACK, seq=1, data=bytes(800))
    assert (talk.pcb.ssthresh, talk.pcb.cwnd) == (2000, 4400)
    assert talk.pcb.flags & TF_INFR
    talk.segment(ACK, 1, 1)
    talk.segment(ACK, 1, 1)
    assert talk.pcb.cwnd == 6000
    talk.segment(ACK, 1, 801)  # even a partial ACK ends it
    assert talk.pcb.cwnd == 2000
    assert not talk.pcb.flags & TF_INFR
    talk.expect_nothing()


def test_duplicates_beyond_the_third_let_new_data_out() -> None:
    talk = sending(5, cwnd=4000)
    talk.write(bytes(800))
    talk.expect_nothing()  # the window is full
    for _ in range(3):
        talk.segment(ACK, 1, 1)
    talk.expect(ACK, seq=1)
    talk.expect_nothing()  # 4400
    talk.segment(ACK, 1, 1)
    talk.expect(PSH | ACK, seq=4001)  # 5200


def test_half_of_what_may_be_in_flight_but_two_segments_at_least() -> None:
    talk = sending(8, cwnd=7000)
    talk.advance(ms=3_000)
    assert (talk.pcb.cwnd, talk.pcb.ssthresh) == (800, 3500)
    talk.advance(ms=6_500)
    assert (talk.pcb.cwnd, talk.pcb.ssthresh) == (800, 1600)


def test_the_peers_window_limits_what_may_be_in_flight() -> None:
    talk = established("micropython", mss=800, win=5000)
    talk.pcb.cwnd = 8000
    talk.write(bytes(1600))
    talk.advance(ms=3_000)
    assert talk.pcb.ssthresh == 2500


def test_while_resending_an_ack_opens_by_one_segment_only() -> None:
    talk = sending(4)
    talk.advance(ms=3_000)
    talk.expect(ACK, seq=1)
    talk.segment(ACK, 1, 1601)  # two segments: L is 1 while resending (RFC 3465 2.3)
    assert talk.pcb.cwnd == 1600
    talk.expect(ACK, seq=1601)
    talk.expect(PSH | ACK, seq=2401)
    talk.segment(ACK, 1, 3201)
    assert talk.pcb.cwnd == 2400


def test_a_window_of_16_bits_stays_at_its_end() -> None:
    talk = sending(4, cwnd=65_000)
    talk.pcb.ssthresh = 0xFFFF
    talk.segment(ACK, 1, 1601)
    assert talk.pcb.cwnd == 0xFFFF


def test_a_time_out_forgets_what_was_counted_towards_the_next_segment() -> None:
    talk = sending(8, cwnd=6400)
    talk.segment(ACK, 1, 801)
    assert talk.pcb.bytes_acked == 800
    talk.advance(ms=3_500)
    assert talk.pcb.bytes_acked == 0


# A time-out during fast recovery, and a silence


@pytest.mark.parametrize(
    ("off", "recovering", "cwnd"), [((), True, 4000), (("recovery_outlives_timeout",), False, 1600)]
)
def test_a_time_out_in_recovery(off: tuple[str, ...], recovering: bool, cwnd: int) -> None:
    """lwIP: the next new ACK sets cwnd to ssthresh; RFC 5681 3.1: slow start from one segment on."""
    talk = sending(8, quirks_off=off)
    for _ in range(5):
        talk.segment(ACK, 1, 1)
    assert talk.pcb.flags & TF_INFR
    talk.advance(ms=12_500)
    assert bool(talk.pcb.flags & TF_INFR) is recovering
    assert talk.pcb.dupacks == (5 if recovering else 0)
    assert (talk.pcb.cwnd, talk.pcb.ssthresh) == (800, 4000)
    talk.segment(ACK, 1, 801)
    assert talk.pcb.cwnd == cwnd
    assert not talk.pcb.flags & TF_INFR


RESTART = ("no_restart_after_idle",)


def after_a_silence(ms: int, off: tuple[str, ...]) -> Conversation:
    """Eight segments are acknowledged, and eight more written ``ms`` later."""
    talk = sending(8, quirks_off=off)
    talk.segment(ACK, 1, 6401)
    assert talk.pcb.cwnd == 8000
    talk.pcb.bytes_acked = 700
    talk.advance(ms=ms)
    talk.frames.clear()
    talk.write(bytes(6400))
    return talk


@pytest.mark.parametrize(
    ("off", "ms", "segments"), [((), 60_000, 8), (RESTART, 60_000, 4), (RESTART, 3_000, 8)]
)
def test_a_burst_after_a_silence(off: tuple[str, ...], ms: int, segments: int) -> None:
    """RFC 5681 4.1: the initial window, after more than a time-out without data; lwIP: all of cwnd."""
    talk = after_a_silence(ms, off)
    assert len(talk.frames) == segments
    assert talk.pcb.cwnd == (3200 if segments == 4 else 8000)
    assert talk.pcb.bytes_acked == (0 if segments == 4 else 700)
    assert talk.pcb.ssthresh == 6400


def test_a_small_window_is_not_opened_by_a_silence() -> None:
    talk = established("micropython", mss=800, quirks_off=RESTART)
    talk.pcb.cwnd = 1600
    talk.advance(ms=60_000)
    talk.write(bytes(6400))
    assert talk.pcb.cwnd == 1600


def test_what_comes_in_does_not_end_a_silence() -> None:
    talk = sending(8, quirks_off=RESTART)
    talk.segment(ACK, 1, 6401)
    for n in range(20):
        talk.advance(ms=1_000)
        talk.segment(PSH | ACK, 1 + n, 6401, b"x")
    talk.write(bytes(6400))
    assert talk.pcb.cwnd == 3200


def test_a_retransmission_is_no_new_beginning() -> None:
    talk = sending(1, quirks_off=RESTART)
    talk.advance(ms=60_000)
    assert talk.pcb.cwnd == 800
    talk.pcb.cwnd = 8000
    talk.segment(ACK, 1, 801)
    assert talk.pcb.cwnd > 3200
