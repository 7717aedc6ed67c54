"""Closing, half-closing, aborting (``close``, the closing states of ``process``)."""

import pytest

from netstack.errors import ERR_CONN, ERR_MEM, ERR_OK
from netstack.tcp.tcb import TF_CLOSEPEND
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established


def test_active_close_through_fin_wait_2() -> None:
    talk = established()
    assert talk.close() == ERR_OK
    talk.expect(ACK | FIN, seq=1, ack=1)
    assert talk.state == "FIN_WAIT_1"
    talk.segment(ACK, 1, 2)
    assert talk.state == "FIN_WAIT_2"
    talk.segment(ACK | FIN, 1, 2)
    talk.expect(ACK, seq=2, ack=2)
    assert talk.state == "TIME_WAIT"


def test_simultaneous_close() -> None:
    talk = established()
    talk.close()
    talk.expect(ACK | FIN)
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(ACK, seq=2, ack=2)
    assert talk.state == "CLOSING"
    talk.segment(ACK, 2, 2)
    assert talk.state == "TIME_WAIT"


def test_passive_close() -> None:
    talk = established()
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(ACK, ack=2)
    assert talk.state == "CLOSE_WAIT"
    talk.write(b"bye")
    talk.expect(PSH | ACK, data=b"bye")
    talk.close()
    talk.expect(ACK | FIN, seq=4)
    assert talk.state == "LAST_ACK"
    talk.segment(ACK, 2, 5)
    assert talk.state == "CLOSED"
    talk.expect_no_queue()


def test_the_fin_rides_on_unsent_data() -> None:
    talk = established()
    talk.tcp.write(talk.pcb, b"last")
    talk.close()
    talk.expect(FIN | PSH | ACK, seq=1, data=b"last")
    talk.segment(ACK, 1, 6)
    assert talk.state == "FIN_WAIT_2"


def test_unread_data_means_reset() -> None:
    talk = established()
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, b"unread")
    assert talk.close() == ERR_OK
    talk.expect(RST | ACK, seq=1, ack=7)
    assert talk.happened() == ["accept", "recv 6"][1:]
    for p in talk.unread:
        p.free()
    talk.expect_no_queue()


def test_data_after_close_means_reset() -> None:
    talk = established()
    talk.close()
    talk.expect(ACK | FIN)
    talk.segment(PSH | ACK, 1, 2, b"too late")
    talk.expect(RST | ACK, seq=2, ack=9)
    assert talk.state == "CLOSED"


def test_half_close_leaves_reception_open_for_ever() -> None:
    talk = established()
    assert talk.tcp.shutdown(talk.pcb, rx=False, tx=True) == ERR_OK
    talk.expect(ACK | FIN)
    talk.segment(ACK, 1, 2)
    talk.advance(ms=100_000)
    assert talk.state == "FIN_WAIT_2"
    talk.segment(PSH | ACK, 1, 2, b"still here")
    assert talk.received == b"still here"
    assert talk.tcp.shutdown(talk.pcb, rx=False, tx=True) == ERR_CONN


def test_shutdown_of_reception_resets_on_data() -> None:
    talk = established()
    assert talk.tcp.shutdown(talk.pcb, rx=True, tx=False) == ERR_OK
    talk.expect_nothing()
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.expect(RST | ACK, ack=2)


@pytest.mark.parametrize(("off", "limit"), [((), 20_500), (("frozen_timer_after_close",), 35_500)])
def test_fin_wait_2_is_measured_from_the_last_segment_before_close(off: tuple[str, ...], limit: int) -> None:
    talk = established(quirks_off=off)
    talk.close()
    talk.expect(ACK | FIN)
    talk.advance(ms=2_000)
    talk.frames.clear()
    talk.advance(ms=13_000)
    talk.frames.clear()
    talk.segment(ACK, 1, 2)
    assert talk.state == "FIN_WAIT_2"
    talk.advance(ms=limit - 15_000 - 1_000)
    assert talk.state == "FIN_WAIT_2"
    talk.advance(ms=1_000)
    assert talk.state == "CLOSED"


def test_abort_with_a_delayed_ack_sends_the_ack_first() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.tcp.abort(talk.pcb)
    talk.expect(ACK, ack=2)
    talk.expect(RST | ACK, ack=2)
    talk = established(quirks_off=("abort_sends_ack_first",))
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.tcp.abort(talk.pcb)
    talk.expect(RST | ACK, ack=2)
    talk.expect_nothing()


def test_without_memory_the_fin_is_sent_later() -> None:
    talk = established()
    heap = talk.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    assert talk.close() == ERR_OK
    assert talk.pcb.flags & TF_CLOSEPEND
    talk.expect_nothing()
    talk.advance(ms=250)
    talk.expect_nothing()
    heap.free(hog)
    talk.advance(ms=250)
    talk.expect(ACK | FIN, seq=1)


def test_closing_a_listener_orphans_its_half_open_connections() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    talk.tcp.close(talk.listener)
    assert talk.stack.mem.tcp_pcb_listen.used == 0
    talk.segment(ACK, 1, 1, to=80)
    talk.expect(RST | ACK, seq=1, ack=1)


def test_closing_in_syn_sent_is_silent() -> None:
    talk = Conversation()
    talk.connect()
    talk.expect(SYN)
    talk.close()
    talk.expect_nothing()
    talk.expect_no_queue()
    assert talk.stack.mem.tcp_pcb.used == 0


def test_closing_in_syn_rcvd() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    pcb = talk.tcp.active_pcbs[0]
    talk.tcp.close(pcb)
    talk.expect(ACK | FIN, seq=1)
    assert pcb.state == 5


def test_a_lost_fin_is_repeated_until_last_ack_runs_out() -> None:
    talk = established()
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(ACK)
    talk.close()
    talk.expect(ACK | FIN)
    talk.advance(ms=121_000)
    assert talk.state == "CLOSED"
    for _ in range(5):
        talk.expect(ACK | FIN, seq=1)
    talk.expect_nothing()  # no reset


def test_closing_a_listener_twice_changes_nothing() -> None:
    talk = Conversation()
    assert talk.tcp.close(talk.listener) == ERR_OK
    assert talk.tcp.close(talk.listener) == ERR_OK
    assert talk.stack.mem.tcp_pcb_listen.used == 0


def test_a_pcb_that_was_never_opened_is_given_back() -> None:
    talk = Conversation()
    for end in (talk.tcp.close, talk.tcp.abort):
        pcb = talk.tcp.new()
        assert pcb is not None
        talk.tcp.bind(pcb, 0, 99)
        end(pcb)
        assert talk.tcp.bound_pcbs == []
        assert talk.stack.mem.tcp_pcb.used == 0
        talk.expect_nothing()


def test_shutdown_of_both_directions_is_a_close() -> None:
    talk = established()
    assert talk.tcp.shutdown(talk.pcb, rx=True, tx=True) == ERR_OK
    talk.expect(ACK | FIN, seq=1)
    talk.segment(PSH | ACK, 1, 2, b"late")
    talk.expect(RST | ACK)


def test_shutdown_throws_refused_data_away() -> None:
    talk = established()
    talk.answer = ERR_MEM
    talk.segment(PSH | ACK, 1, 1, b"refused")
    assert talk.tcp.shutdown(talk.pcb, rx=True, tx=False) == ERR_OK
    talk.expect_no_queue()


def test_closing_twice_sends_one_fin() -> None:
    talk = established()
    talk.close()
    talk.expect(ACK | FIN)
    assert talk.tcp.close(talk.pcb) == ERR_OK
    talk.expect_nothing()
    assert talk.state == "FIN_WAIT_1"


def test_aborting_in_time_wait_is_silent() -> None:
    talk = established()
    talk.close()
    talk.segment(ACK | FIN, 1, 2)
    talk.frames.clear()
    talk.happened()
    talk.tcp.abort(talk.pcb)
    talk.expect_nothing()
    assert talk.happened() == []
    assert talk.stack.mem.tcp_pcb.used == 0


def test_without_a_segment_element_the_fin_is_sent_later_and_the_heap_given_back() -> None:
    talk = established(memp_num_tcp_seg=2)
    for seq in (10, 20):
        talk.segment(PSH | ACK, seq, 1, b"x")
    talk.frames.clear()
    talk.close()
    assert talk.pcb.flags & TF_CLOSEPEND
    assert talk.stack.mem.heap.used == 0
    talk.expect_nothing()
