"""The ACK field: duplicates, new acknowledgements, the peer's window (``ack``)."""

from typing import Any

import pytest

from netstack.errors import ERR_OK
from netstack.tcp.control import MAX_CHALLENGES
from netstack.tcp.tcb import TF_RTO, Tcb
from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, Conversation, established


def sending(count: int, **options: Any) -> Conversation:
    """``count`` segments of 800 bytes in flight."""
    talk = established("micropython", mss=800, **options)
    talk.pcb.cwnd = 8000
    talk.write(bytes(800 * count))
    for i in range(count):
        talk.expect(PSH | ACK if i == count - 1 else ACK, seq=1 + 800 * i)
    return talk


# What is a duplicate


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


def test_with_nothing_in_flight_there_are_no_duplicates() -> None:
    talk = established()
    for _ in range(5):
        talk.segment(ACK, 1, 1)
    assert talk.pcb.dupacks == 0


def test_an_ack_older_than_the_last_is_no_duplicate() -> None:
    talk = sending(3)
    talk.segment(ACK, 1, 801)
    for _ in range(5):
        talk.segment(ACK, 1, 1)
    assert talk.pcb.dupacks == 0
    talk.expect_nothing()


@pytest.mark.parametrize(("off", "dupacks"), [((), 3), (("dupack_count_not_reset",), 1)])
def test_data_between_duplicates_does_not_reset_the_count(off: tuple[str, ...], dupacks: int) -> None:
    talk = established("micropython", mss=800, quirks_off=off)
    talk.write(bytes(2400))
    talk.segment(ACK, 1, 1)
    talk.segment(ACK, 1, 1)
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.segment(ACK, 2, 1)
    assert talk.pcb.dupacks == dupacks


def test_a_new_ack_resets_the_count() -> None:
    talk = sending(3)
    talk.segment(ACK, 1, 1)
    talk.segment(ACK, 1, 1)
    talk.segment(ACK, 1, 801)
    assert talk.pcb.dupacks == 0


def test_the_count_of_duplicates_ends_at_255_and_the_window_at_16_bits() -> None:
    talk = sending(5)
    for _ in range(300):
        talk.segment(ACK, 1, 1)
    assert talk.pcb.dupacks == 255
    assert talk.pcb.cwnd == 0xFFFF


# What a new acknowledgement frees


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


def test_an_ack_into_the_third_segment_frees_two() -> None:
    talk = sending(4)
    heap = talk.stack.mem.heap.used
    talk.segment(ACK, 1, 2000)
    assert talk.happened() == ["sent 1600"]
    assert [len(seg.data) for seg in talk.pcb.unacked] == [800, 800]
    assert talk.pcb.snd_queuelen == 2
    assert talk.pcb.snd_buf == 6400 - 1600
    assert talk.stack.mem.heap.used == heap // 2
    assert talk.stack.mem.tcp_seg.used == 2


def test_the_fin_counts_in_the_queue_but_not_for_the_application() -> None:
    talk = sending(1)
    talk.close()
    talk.expect(ACK | FIN, seq=801)
    assert talk.pcb.snd_queuelen == 2
    talk.segment(ACK, 1, 802)
    assert talk.happened() == ["sent 800"]
    assert talk.pcb.snd_queuelen == 0
    assert talk.pcb.snd_buf == 6400
    talk.expect_no_queue()


def test_the_timer_runs_from_the_last_new_ack_while_something_is_in_flight() -> None:
    talk = sending(2)
    talk.advance(ms=2_000)
    assert talk.pcb.rtime == 4
    talk.segment(ACK, 1, 801)
    assert talk.pcb.rtime == 0
    talk.advance(ms=2_500)
    talk.expect_nothing()
    talk.segment(ACK, 1, 1601)
    assert talk.pcb.rtime == -1
    talk.advance(ms=60_000)
    talk.expect_nothing()


def test_a_new_ack_forgets_the_retries() -> None:
    talk = sending(1)
    talk.advance(ms=9_500)
    assert talk.pcb.nrtx == 2
    assert talk.pcb.rto == 24
    talk.segment(ACK, 1, 801)
    assert talk.pcb.nrtx == 0
    assert talk.pcb.rto == 6  # what the estimators say: nothing was measured


def test_after_a_time_out_an_ack_frees_what_was_to_be_sent_again() -> None:
    talk = sending(4)
    talk.advance(ms=3_000)
    talk.expect(ACK, seq=1)
    assert len(talk.pcb.unsent) == 3
    talk.segment(ACK, 1, 3201)  # everything had arrived
    talk.expect_nothing()
    assert talk.happened() == ["sent 3200"]
    talk.expect_no_queue()


def test_a_poll_waits_anew_after_each_new_ack() -> None:
    talk = sending(1)
    polls: list[int] = []

    def poll(pcb: Tcb) -> int:
        polls.append(talk.now)
        return ERR_OK

    talk.pcb.poll = poll
    talk.pcb.pollinterval = 4
    talk.advance(ms=1_500)
    talk.segment(ACK, 1, 801)
    talk.advance(ms=1_500)
    assert polls == []
    talk.advance(ms=500)
    assert polls == [3_250]


# The peer's window


def test_a_window_that_shrinks_needs_a_newer_segment() -> None:
    talk = established(win=5000)
    talk.segment(ACK, 1, 1, win=4000)  # same numbers, smaller: not believed
    assert talk.pcb.snd_wnd == 5000
    talk.segment(ACK, 1, 1, win=6000)
    assert talk.pcb.snd_wnd == 6000
    talk.segment(PSH | ACK, 1, 1, b"x", win=4500)
    assert talk.pcb.snd_wnd == 6000  # not newer than the last one that counted: the handshake's ACK
    talk.segment(PSH | ACK, 2, 1, b"x", win=4500)
    assert talk.pcb.snd_wnd == 4500
    talk.write(b"data")
    talk.segment(ACK, 3, 5, win=100)
    assert talk.pcb.snd_wnd == 100
    assert talk.pcb.snd_wnd_max == 6000


def test_an_old_segment_does_not_change_the_window_unless_it_opens_it() -> None:
    talk = established(win=5000)
    talk.segment(PSH | ACK, 1, 1, b"abc", win=5000)
    talk.segment(PSH | ACK, 4, 1, b"def", win=4000)
    talk.segment(PSH | ACK, 1, 1, b"abc", win=3000)
    assert talk.pcb.snd_wnd == 4000
    talk.segment(PSH | ACK, 1, 1, b"abc", win=7000)
    assert talk.pcb.snd_wnd == 7000


@pytest.mark.parametrize(("off", "window"), [((), 9000), (("window_update_from_any_segment",), 65535)])
def test_the_window_of_a_segment_outside_the_window_is_believed(off: tuple[str, ...], window: int) -> None:
    talk = established(quirks_off=off)
    talk.segment(ACK, 100_000, 1, win=9000)
    assert talk.pcb.snd_wnd == window
    assert talk.happened() == []


def test_the_window_is_scaled_as_agreed_but_not_that_of_a_syn() -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0, mss=1460, win=1000, options=(("WScale", 3),))
    assert talk.tcp.active_pcbs[0].snd_wnd == 1000
    talk.segment(ACK, 1, 1, win=1000)
    assert talk.pcb.snd_wnd == 8000
    assert talk.pcb.snd_wnd_max == 8000


def test_everything_counts_modulo_two_to_the_32() -> None:
    talk = Conversation()
    talk.tcp.iss_hook = lambda: 0xFFFFFF00
    talk.segment(SYN, 0, mss=536)
    talk.expect(SYN | ACK, seq=0, iss=0xFFFFFF00)
    talk.segment(ACK, 1, 1, iss=0xFFFFFF00)
    talk.write(bytes(536))
    talk.expect(PSH | ACK, seq=1, iss=0xFFFFFF00)
    talk.segment(ACK, 1, 537, iss=0xFFFFFF00)
    assert talk.pcb.lastack == 537 - 0x100
    assert talk.happened() == ["accept", "sent 536"]
    talk.expect_no_queue()


def test_what_a_probe_byte_began_goes_on_behind_it_without_the_quirk() -> None:
    talk = established("micropython", mss=800, quirks_off=("probe_byte_sent_again",))
    talk.segment(PSH | ACK, 1, 1, b"x", win=0)
    talk.advance(ms=250)
    talk.segment(ACK, 2, 1, win=0)
    talk.write(b"hello")
    talk.advance(ms=2_000)
    talk.frames.clear()
    assert talk.pcb.snd_buf == 6395
    talk.segment(ACK, 2, 2, win=5000)
    assert talk.pcb.snd_buf == 6396
    talk.expect(PSH | ACK, seq=2, data=b"ello")
    talk.segment(ACK, 2, 6)
    assert talk.pcb.snd_buf == 6400


def test_answers_to_acks_of_what_was_never_sent_have_a_limit_without_the_quirk() -> None:
    for off, answers in ((), 150), (("no_rate_limits",), MAX_CHALLENGES):
        talk = established(quirks_off=off)
        for _ in range(150):
            talk.segment(ACK, 1, 5_000)
        assert len(talk.frames) == answers


@pytest.mark.parametrize("partial", [False, True])
def test_resending_ends_with_the_last_byte_that_was_in_flight(partial: bool) -> None:
    talk = sending(3)
    talk.advance(ms=3_000)
    talk.write(bytes(100))  # new data behind
    assert talk.pcb.flags & TF_RTO
    talk.segment(ACK, 1, 1601 if partial else 2401)
    assert bool(talk.pcb.flags & TF_RTO) is partial


def test_a_fin_that_rides_on_data_is_acknowledged_by_itself() -> None:
    talk = established()
    talk.tcp.write(talk.pcb, b"last")
    talk.close()
    talk.expect(FIN | PSH | ACK, seq=1, data=b"last")
    talk.segment(ACK, 1, 5)
    assert len(talk.pcb.unacked) == 1
    assert talk.state == "FIN_WAIT_1"
    talk.segment(ACK, 1, 6)
    assert talk.state == "FIN_WAIT_2"
    talk.expect_no_queue()
