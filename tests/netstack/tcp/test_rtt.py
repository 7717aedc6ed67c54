"""Round-trip times and the time-out, in slow ticks of 500 ms (``rtt``)."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstack.profiles import named
from netstack.tcp.rtt import back_off, reset_backoff, sample
from netstack.tcp.tcb import TF_NODELAY, Tcb
from tests.netstack.tcp.conversation import ACK, PSH, SYN, Conversation, established


def fresh() -> Tcb:
    return Tcb(named("lwip-default"), 64, 0, 0)


@pytest.mark.parametrize(
    ("m", "expected"),
    [
        (0, [(0, 5, 5), (0, 4, 4), (0, 3, 3), (0, 3, 3)]),
        (1, [(1, 6, 6), (2, 6, 6), (3, 6, 6), (4, 6, 6)]),
        (2, [(2, 7, 7), (4, 8, 8), (6, 8, 8), (8, 8, 9)]),
    ],
)
def test_estimators(m: int, expected: list[tuple[int, int, int]]) -> None:
    pcb = fresh()
    for values in expected:
        pcb.rttest = 100
        sample(pcb, 100 + m)
        assert (pcb.sa, pcb.sv, pcb.rto) == values
        assert pcb.rttest == 0


@given(st.lists(st.integers(0, 500), min_size=1, max_size=40))
def test_the_estimators_are_van_jacobsons(times: list[int]) -> None:
    """Against the recursion in real numbers (RFC 6298 2: alpha 1/8, beta 1/4), rounded as integers are: each
    step loses less than one unit of the scaled value.
    """
    pcb = fresh()
    smoothed, deviation = 0.0, 6 / 4
    for m in times:
        pcb.rttest = 1000
        sample(pcb, 1000 + m)
        error = m - smoothed
        smoothed += error / 8
        deviation += (abs(error) - deviation) / 4
        assert abs(pcb.sa / 8 - smoothed) <= 1
        assert abs(pcb.sv / 4 - deviation) <= 2
        assert pcb.rto == (pcb.sa >> 3) + pcb.sv


def test_the_tick_counter_may_wrap_during_a_sample() -> None:
    pcb = fresh()
    pcb.rttest = 0xFFFFFFFF
    sample(pcb, 1)
    assert (pcb.sa, pcb.sv, pcb.rto) == (2, 7, 7)


def test_back_off_is_capped() -> None:
    pcb = fresh()
    rtos = []
    for nrtx in range(10):
        pcb.nrtx = nrtx
        back_off(pcb)
        rtos.append(pcb.rto)
    assert rtos == [12, 24, 48, 96, 192, 384, 768, 768, 768, 768]
    pcb.nrtx = 255  # beyond the table
    back_off(pcb)
    assert pcb.rto == 768
    pcb.sv = 0x7FFF
    back_off(pcb)
    assert pcb.rto == 0x7FFF


def test_new_data_acknowledged_ends_the_back_off() -> None:
    pcb = fresh()
    pcb.nrtx = 4
    back_off(pcb)
    assert pcb.rto == 192
    reset_backoff(pcb)
    assert pcb.rto == 6


def answered_after(talk: Conversation, at: int, ms: int) -> None:
    """The device sends a byte, ``at`` so far; we acknowledge it ``ms`` later."""
    talk.write(b"x")
    talk.expect(PSH | ACK, seq=1 + at)
    talk.advance(ms=ms)
    talk.segment(ACK, 1, 2 + at)


def test_a_fast_lan_brings_the_time_out_down_to_three_ticks() -> None:
    talk = established()
    talk.advance(ms=600)  # a sample that starts at tick 0 is none
    rtos = []
    for at in range(5):
        answered_after(talk, at, 1)
        rtos.append(talk.pcb.rto)
    assert rtos == [5, 4, 3, 3, 3]


def test_a_slow_peer_raises_the_time_out() -> None:
    talk = established()
    talk.advance(ms=600)
    rtos = []
    for at in range(4):
        answered_after(talk, at, 2_000)
        rtos.append(talk.pcb.rto)
    assert rtos == [9, 12, 13, 13]


def test_a_segment_sent_at_tick_zero_is_not_timed() -> None:
    """lwIP: rttest 0 means that no sample is under way."""
    talk = established()
    answered_after(talk, 0, 1_000)
    assert (talk.pcb.sa, talk.pcb.sv) == (0, 6)


def test_one_segment_is_timed_at_a_time() -> None:
    talk = established("micropython", mss=800)
    talk.advance(ms=1_000)
    talk.write(bytes(800))
    talk.advance(ms=1_000)
    talk.write(bytes(800))
    assert (talk.pcb.rttest, talk.pcb.rtseq) == (2, talk.pcb.unacked[0].seq)
    talk.segment(ACK, 1, 1601)  # the first one took two ticks
    assert (talk.pcb.sa, talk.pcb.sv) == (2, 7)


def test_what_is_sent_again_is_timed_anew() -> None:
    """lwIP departs from Karn's algorithm (RFC 6298 3): the sample under way is forgotten, but the segment
    that is sent again starts the next one.
    """
    talk = established()
    talk.advance(ms=600)
    talk.write(b"x")
    talk.advance(ms=3_000)
    assert talk.pcb.nrtx == 1
    talk.advance(ms=1_000)
    talk.segment(ACK, 1, 2)
    assert (talk.pcb.sa, talk.pcb.sv) == (2, 7)  # two ticks, not eight


@pytest.mark.parametrize(("off", "idle"), list(product([(), ("syn_rtt_sample_late",)], [0, 10_000])))
def test_the_openers_syn_is_timed_to_the_first_segment_after_the_handshake(
    off: tuple[str, ...], idle: int
) -> None:
    talk = Conversation(quirks_off=off)
    talk.segment(SYN, 0)  # a half-open connection lets the timer run
    talk.advance(ms=1_000)
    talk.frames.clear()
    talk.connect()
    talk.expect(SYN)
    talk.segment(SYN | ACK, 0, 0)
    talk.expect(ACK)
    talk.advance(ms=idle)
    talk.segment(PSH | ACK, 1, 0, b"x")
    assert (talk.pcb.sa, talk.pcb.sv, talk.pcb.rto) == ((20, 25, 27) if idle and not off else (0, 5, 5))


# A segment that is sent again


def lost(off: tuple[str, ...] = ()) -> Conversation:
    """A byte was sent, in tick 2, and again after a time-out of 6 ticks."""
    talk = established(quirks_off=off)
    talk.advance(ms=600)
    talk.write(b"x")
    talk.expect(PSH | ACK, seq=1)
    talk.advance(ms=3_000)
    talk.expect(PSH | ACK, seq=1)
    assert talk.pcb.rto == 12
    return talk


KARN = ("retransmission_timed",)


@pytest.mark.parametrize(("off", "timed", "sv", "rto"), [((), True, 5, 5), (KARN, False, 6, 12)])
def test_the_ack_of_what_was_sent_again(off: tuple[str, ...], timed: bool, sv: int, rto: int) -> None:
    """lwIP takes a sample, of the last transmission, and the back-off is over (RFC 6298 3: Karn)."""
    talk = lost(off)
    assert bool(talk.pcb.rttest) is timed
    talk.segment(ACK, 1, 2)
    assert (talk.pcb.sv, talk.pcb.rto) == (sv, rto)


def test_with_karn_the_doubled_time_out_stays_until_a_sample_and_is_doubled_again() -> None:
    talk = lost(KARN)
    talk.segment(ACK, 1, 2)
    talk.write(b"y")
    assert talk.pcb.rttest
    talk.expect(PSH | ACK, seq=2)
    talk.advance(ms=6_000)
    talk.expect(PSH | ACK, seq=2)
    assert talk.pcb.rto == 24
    talk.segment(ACK, 1, 3)
    assert talk.pcb.rto == 24
    answered_after(talk, 2, 1)
    assert talk.pcb.rto == 5


def test_what_was_sent_behind_a_loss_is_timed_although_the_loss_is_not() -> None:
    talk = lost(KARN)
    talk.pcb.flags |= TF_NODELAY
    talk.pcb.cwnd = 5_000
    talk.write(b"new")
    talk.expect(PSH | ACK, seq=2)
    assert talk.pcb.rttest
    assert talk.pcb.rtseq - talk.pcb.lastack == 1
    talk.segment(ACK, 1, 5)
    assert talk.pcb.rto == 5


@pytest.mark.parametrize(("off", "timed"), [((), True), (KARN, False)])
def test_a_segment_whose_first_byte_was_a_probe(off: tuple[str, ...], timed: bool) -> None:
    """The answer to the probe could be taken for one to the segment."""
    talk = established(quirks_off=off)
    talk.segment(PSH | ACK, 1, 1, b"!")
    talk.segment(ACK, 2, 1, win=0)
    talk.write(b"xyz")
    talk.advance(ms=2_500)
    talk.frames.clear()
    assert talk.pcb.snd_nxt - talk.pcb.lastack == 1
    talk.segment(ACK, 2, 1, win=1000)
    talk.expect(PSH | ACK, seq=1, data=b"xyz")
    assert bool(talk.pcb.rttest) is timed


@pytest.mark.parametrize("off", [(), KARN])
def test_a_syn_is_timed_when_it_is_sent_first(off: tuple[str, ...]) -> None:
    talk = established(quirks_off=off)
    talk.advance(ms=600)
    talk.connect()
    assert talk.pcb.rttest
    talk.advance(ms=3_500)
    assert bool(talk.pcb.rttest) is not off
