"""Acknowledgements and the congestion window (``ack``, ``congestion``, ``retransmit``, ``rtt``)."""

import pytest

from netstack.tcp.rtt import back_off, sample
from netstack.tcp.tcb import Tcb
from netstack.profiles import named
from tests.netstack.tcp.conversation import ACK, PSH, Conversation, established


def sending(count: int, cwnd: int = 8000) -> Conversation:
    """``count`` segments of 800 bytes in flight."""
    talk = established("micropython", mss=800)
    talk.pcb.cwnd = cwnd
    talk.write(bytes(800 * count))
    for i in range(count):
        talk.expect(PSH | ACK if i == count - 1 else ACK, seq=1 + 800 * i)
    return talk


def test_slow_start_adds_what_is_acknowledged_up_to_two_segments() -> None:
    talk = sending(4, cwnd=3200)
    talk.segment(ACK, 1, 801)
    assert talk.pcb.cwnd == 4000
    talk.segment(ACK, 1, 3201)
    assert talk.pcb.cwnd == 5600
    assert talk.happened() == ["sent 800", "sent 2400"]


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
    talk.segment(ACK, 1, 1)
    talk.segment(ACK, 1, 1)
    assert talk.pcb.cwnd == 6000
    talk.segment(ACK, 1, 801)  # even a partial ACK ends it
    assert talk.pcb.cwnd == 2000
    talk.expect_nothing()


def test_what_is_no_duplicate() -> None:
    talk = established("micropython", mss=800, win=60000)
    talk.write(bytes(800))
    talk.segment(ACK, 1, 1, win=65535)  # moves the right edge
    talk.segment(PSH | ACK, 1, 1, b"x")  # carries data
    assert talk.pcb.dupacks == 0
    talk.segment(ACK, 2, 1, win=60000)  # newer by sequence: shrinks the window
    assert talk.pcb.dupacks == 0
    talk.segment(ACK, 2, 1, win=60000)
    assert talk.pcb.dupacks == 1


@pytest.mark.parametrize(("off", "dupacks"), [((), 3), (("dupack_count_not_reset",), 1)])
def test_data_between_duplicates_does_not_reset_the_count(off: tuple[str, ...], dupacks: int) -> None:
    talk = established("micropython", mss=800, quirks_off=off)
    talk.write(bytes(2400))
    talk.segment(ACK, 1, 1)
    talk.segment(ACK, 1, 1)
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.segment(ACK, 2, 1)
    assert talk.pcb.dupacks == dupacks


def test_an_ack_of_what_was_never_sent_is_answered() -> None:
    talk = sending(1)
    talk.segment(ACK, 1, 5000)
    talk.expect(ACK, seq=801, ack=1)
    assert talk.pcb.lastack == talk.pcb.unacked[0].seq


def test_a_partial_ack_of_a_segment_frees_nothing() -> None:
    talk = sending(2)
    talk.segment(ACK, 1, 401)
    assert talk.pcb.snd_buf == 6400 - 1600
    talk.segment(ACK, 1, 1601)
    assert talk.happened() == ["sent 1600"]
    talk.expect_no_queue()


def test_retransmission_timeout_goes_back() -> None:
    talk = sending(4)
    talk.advance(ms=3_000)
    talk.expect(ACK, seq=1, data=bytes(800))
    talk.expect_nothing()
    assert (talk.pcb.cwnd, talk.pcb.ssthresh) == (800, 4000)
    talk.segment(ACK, 1, 801)  # while resending, one segment more for each ACK
    talk.expect(ACK, seq=801)
    talk.expect(ACK, seq=1601)


def test_give_up_after_twelve_retransmissions() -> None:
    talk = sending(1)
    talk.advance(ms=2_400_000)
    assert len(talk.frames) == 12
    assert talk.happened() == ["err -13"]
    talk.expect_no_queue()


@pytest.mark.parametrize(
    ("m", "expected"),
    [
        (0, [(0, 5, 5), (0, 4, 4), (0, 3, 3), (0, 3, 3)]),
        (1, [(1, 6, 6), (2, 6, 6), (3, 6, 6), (4, 6, 6)]),
        (2, [(2, 7, 7), (4, 8, 8), (6, 8, 8), (8, 8, 9)]),
    ],
)
def test_estimators(m: int, expected: list[tuple[int, int, int]]) -> None:
    pcb = Tcb(named("lwip-default"), 64, 0, 0)
    for values in expected:
        pcb.rttest = 100
        sample(pcb, 100 + m)
        assert (pcb.sa, pcb.sv, pcb.rto) == values
        assert pcb.rttest == 0


def test_back_off_is_capped() -> None:
    pcb = Tcb(named("lwip-default"), 64, 0, 0)
    rtos = []
    for nrtx in range(10):
        pcb.nrtx = nrtx
        back_off(pcb)
        rtos.append(pcb.rto)
    assert rtos == [12, 24, 48, 96, 192, 384, 768, 768, 768, 768]
    pcb.sv = 0x7FFF
    back_off(pcb)
    assert pcb.rto == 0x7FFF


def test_the_openers_syn_is_timed_to_the_first_segment_after_the_handshake() -> None:
    talk = established()
    talk.advance(ms=1000)  # tcp_ticks is not 0 any more
    talk.connect()
    talk.expect(2)
    talk.segment(18, 0, 0)
    talk.expect(ACK)
    talk.advance(ms=10_000)
    talk.segment(PSH | ACK, 1, 0, b"x")
    assert (talk.pcb.sa, talk.pcb.sv, talk.pcb.rto) == (20, 25, 27)
