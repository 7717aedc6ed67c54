"""A segment arrives for a connection: the RFC's steps in lwIP's order (``process``)."""

import pytest

from netstack.errors import ERR_ABRT, ERR_IF, ERR_OK, ERR_VAL
from netstack.tcp.tcb import Tcb
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established

# SYN-SENT


def test_syn_sent_refuses_a_wrong_ack_and_repeats_the_syn() -> None:
    talk = Conversation()
    talk.connect()
    talk.expect(SYN)
    talk.segment(ACK, 500, 77)
    talk.expect(RST | ACK, seq=77, ack=500)
    talk.expect(SYN)
    assert talk.state == "SYN_SENT"


def test_syn_sent_ignores_a_plain_syn_unless_the_quirk_is_off() -> None:
    talk = Conversation()
    talk.connect()
    talk.expect(SYN)
    talk.segment(SYN, 0)
    talk.expect_nothing()
    assert talk.state == "SYN_SENT"


def test_simultaneous_open_without_the_quirk() -> None:
    talk = Conversation(quirks_off=("no_simultaneous_open",))
    talk.connect()
    talk.expect(SYN)
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK, ack=1)
    talk.segment(SYN | ACK, 0, 0)  # the peer's SYN-ACK acknowledges our SYN
    talk.segment(ACK, 1, 0)
    assert talk.state == "ESTABLISHED"
    assert talk.happened() == ["connected"]


@pytest.mark.parametrize(("ack", "flags"), [(0, RST | ACK), (None, RST), (0, RST)])
def test_reset_in_syn_sent_needs_the_right_number_but_no_ack_flag(ack: int | None, flags: int) -> None:
    talk = Conversation()
    talk.connect()
    talk.expect(SYN)
    talk.segment(flags, 0, ack)
    refused = ack == 0
    assert talk.happened() == (["err -14"] if refused else [])
    assert talk.state == ("CLOSED" if refused else "SYN_SENT")


def test_the_payload_of_a_syn_ack_is_ignored() -> None:
    talk = Conversation()
    talk.connect()
    talk.expect(SYN)
    talk.segment(SYN | ACK, 0, 0, b"early")
    talk.expect(ACK, seq=0, ack=1)
    assert talk.happened() == ["connected"]


def test_the_window_of_a_syn_ack_is_replaced_by_that_of_the_next_segment_whatever_it_is() -> None:
    talk = Conversation()
    talk.connect()
    talk.segment(SYN | ACK, 0, 0, win=9000)
    assert talk.pcb.snd_wnd == 9000
    talk.segment(ACK, 1, 0, win=10)
    assert talk.pcb.snd_wnd == 10


def test_the_callback_of_connect_may_abort() -> None:
    talk = Conversation()
    talk.connect()
    talk.expect(SYN)

    def connected(pcb: Tcb, err: int) -> int:
        talk.tcp.abort(pcb)
        return ERR_ABRT

    talk.pcb.connected = connected
    talk.segment(SYN | ACK, 0, 0)
    talk.expect(RST | ACK, seq=0, ack=1)
    talk.expect_nothing()
    assert talk.state == "CLOSED"
    talk.expect_no_queue()


def test_after_the_last_repetition_a_wrong_ack_is_only_refused() -> None:
    talk = Conversation(tcp_synmaxrtx=1)
    talk.connect()
    talk.expect(SYN)
    talk.segment(ACK, 500, 77)
    talk.expect(RST | ACK)
    talk.expect(SYN)
    talk.segment(ACK, 500, 77)
    talk.expect(RST | ACK, seq=77, ack=500)
    talk.expect_nothing()


# SYN-RECEIVED


def test_duplicate_syn_brings_the_syn_ack_again() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK, seq=0, ack=1)
    talk.segment(SYN, 50)
    talk.expect_nothing()


def test_wrong_ack_in_syn_rcvd_is_reset_and_the_pcb_stays() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    talk.segment(ACK, 1, 5)
    talk.expect(RST | ACK, seq=5, ack=1)
    talk.segment(ACK, 1, 1)
    assert talk.happened() == ["accept"]


def test_data_and_fin_with_the_last_ack_of_the_handshake() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    talk.segment(PSH | ACK | FIN, 1, 1, b"all at once")
    assert talk.happened() == ["accept", "recv 11", "fin"]
    assert talk.state == "CLOSE_WAIT"
    talk.expect(ACK, seq=1, ack=13)


@pytest.mark.parametrize(("version", "state"), [("2.2.1", "SYN_RCVD"), ("2.1.3", "ESTABLISHED")])
def test_a_syn_with_a_right_ack_establishes_only_in_the_older_version(version: str, state: str) -> None:
    talk = Conversation(lwip_version=version)
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    talk.pcb = talk.tcp.active_pcbs[0]
    talk.segment(SYN | ACK, 1, 1)
    assert talk.state == state


@pytest.mark.parametrize("answer", [ERR_VAL, ERR_ABRT])
def test_an_application_that_refuses_the_connection(answer: int) -> None:
    """ERR_ABRT says that it has aborted it already; anything else has it reset."""
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)

    def accept(pcb: Tcb | None, err: int) -> int:
        assert pcb is not None
        if answer == ERR_ABRT:
            talk.tcp.abort(pcb)
        return answer

    talk.listener.accept = accept
    talk.segment(PSH | ACK, 1, 1, b"data")
    talk.expect(RST | ACK, seq=1, ack=1)
    talk.expect_nothing()
    assert not talk.tcp.active_pcbs
    talk.expect_no_queue()


def test_a_listener_without_an_application_resets() -> None:
    talk = Conversation()
    talk.listener.accept = None
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    talk.segment(ACK, 1, 1)
    talk.expect(RST | ACK, seq=1, ack=1)


def test_the_handshakes_own_acknowledgement_is_no_news_for_the_application() -> None:
    talk = established()
    talk.write(b"x")
    talk.segment(ACK, 1, 2)
    assert talk.happened() == ["sent 1"]


def test_without_an_ack_flag_nothing_happens() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    talk.segment(PSH, 1, None, b"data")
    talk.expect_nothing()
    assert talk.happened() == []


# Resets and SYNs


def test_a_reset_counts_only_at_the_next_sequence_number() -> None:
    talk = established()
    talk.segment(RST, 0)
    talk.expect_nothing()
    talk.segment(RST, 2)
    talk.expect(ACK, seq=1, ack=1)  # challenge
    talk.segment(RST, 1 + 2144)
    talk.expect(ACK, seq=1, ack=1)  # lwIP: one past the right edge, too
    talk.segment(RST, 1 + 2145)
    talk.expect_nothing()
    talk.segment(RST, 1)
    assert talk.happened() == ["err -14"]
    assert talk.state == "CLOSED"


@pytest.mark.parametrize("seq", [0, 1, 2000, 3000, 1_000_000])
def test_a_syn_in_a_connection_is_challenged_wherever_it_is(seq: int) -> None:
    talk = established()
    for flags in (SYN, SYN | ACK):
        talk.segment(flags, seq, 1, mss=100)
        talk.expect(ACK, seq=1, ack=1)
    assert talk.state == "ESTABLISHED"
    assert talk.pcb.mss == 536  # its options were not looked at


def test_a_reset_forgets_the_delayed_ack() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.segment(RST, 2)
    talk.expect_nothing()
    assert talk.happened() == ["recv 1", "err -14"]


def test_a_segment_with_everything_set_is_a_reset() -> None:
    talk = established()
    talk.segment(0x3F, 1, 1, b"data")
    assert talk.happened() == ["err -14"]
    talk.expect_nothing()


# What every segment does


def test_a_segment_proves_that_the_peer_lives() -> None:
    talk = established()
    talk.pcb.so_options |= 8
    talk.pcb.keep_idle = 10_000
    talk.advance(ms=100_000)
    assert talk.pcb.keep_cnt_sent == 2
    talk.segment(ACK, 1, 1)
    assert talk.pcb.keep_cnt_sent == 0
    talk.frames.clear()
    talk.advance(ms=9_000)
    talk.expect_nothing()
    talk.advance(ms=2_000)
    talk.expect(ACK, seq=0)


@pytest.mark.parametrize(("off", "moved"), [((), False), (("frozen_timer_after_close",), True)])
def test_after_close_segments_do_not_move_the_idle_time(off: tuple[str, ...], moved: bool) -> None:
    talk = established(quirks_off=off)
    talk.close()
    before = talk.pcb.tmr
    talk.advance(ms=2_000)
    talk.segment(ACK, 1, 2)
    assert (talk.pcb.tmr != before) is moved


# FIN


@pytest.mark.parametrize(
    ("ack", "state"),
    [(1, "CLOSING"), (2, "TIME_WAIT")],
)
def test_a_fin_in_fin_wait_1(ack: int, state: str) -> None:
    talk = established()
    talk.close()
    talk.expect(ACK | FIN)
    talk.segment(ACK | FIN, 1, ack)
    talk.expect(ACK, seq=2, ack=2)
    assert talk.state == state


def test_a_fin_behind_a_hole_waits_for_it() -> None:
    talk = established()
    talk.tcp.shutdown(talk.pcb, rx=False, tx=True)
    talk.expect(ACK | FIN)
    talk.segment(ACK, 1, 2)
    talk.segment(ACK | FIN, 3, 2)
    talk.expect(ACK, ack=1)
    assert talk.state == "FIN_WAIT_2"
    talk.segment(PSH | ACK, 1, 2, b"ab")
    assert talk.state == "TIME_WAIT"
    assert talk.happened() == ["recv 2", "fin"]
    talk.expect(ACK, seq=2, ack=4)


def test_closing_waits_for_the_ack_of_our_fin() -> None:
    talk = established()
    talk.write(b"data")
    talk.expect(PSH | ACK)
    talk.close()
    talk.expect(ACK | FIN, seq=5)
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(ACK, ack=2)
    talk.segment(ACK, 2, 5)  # the data, not the FIN
    assert talk.state == "CLOSING"
    talk.segment(ACK, 2, 6)
    assert talk.state == "TIME_WAIT"


def test_last_ack_ends_without_a_word_to_an_application_that_has_closed() -> None:
    talk = established()
    talk.segment(ACK | FIN, 1, 1)
    talk.close()
    talk.happened()
    talk.segment(ACK, 2, 2)
    assert talk.state == "CLOSED"
    assert talk.happened() == []
    assert talk.stack.mem.tcp_pcb.used == 0


def test_last_ack_after_a_half_close_says_err_clsd() -> None:
    talk = established()
    talk.segment(ACK | FIN, 1, 1)
    assert talk.tcp.shutdown(talk.pcb, rx=False, tx=True) == ERR_OK
    talk.happened()
    talk.segment(ACK, 2, 2)
    assert talk.happened() == ["err -15"]


# What only profiles without lwIP's quirks do


def test_an_ack_of_a_segment_outside_the_window_does_not_count_without_the_quirk() -> None:
    """RFC 9293 3.10.7.4, first step."""
    for off, counts in ((), True), (("ack_from_any_segment",), False):
        talk = established(quirks_off=off)
        talk.write(b"x")
        talk.frames.clear()
        talk.segment(ACK, 100_000, 2)
        assert (talk.happened() == ["sent 1"]) is counts
        talk.expect(ACK, seq=2, ack=1)
        talk.segment(PSH | ACK, -2, 2, b"abcd")  # its end is in the window
        assert talk.received == b"d"


def test_a_wrong_syn_in_syn_rcvd_is_challenged_without_the_quirk() -> None:
    for off, answers in ((), 0), (("other_syn_ignored",), 1):
        talk = Conversation(quirks_off=off)
        talk.segment(SYN, 0)
        talk.expect(SYN | ACK)
        talk.segment(SYN, 50)
        assert len(talk.frames) == answers


def test_a_right_ack_without_syn_in_syn_sent_is_ignored_without_the_quirk() -> None:
    for off, answers in ((), [RST | ACK, SYN]), (("syn_sent_resets_any_ack",), []):
        talk = Conversation(quirks_off=off)
        talk.connect()
        talk.expect(SYN)
        talk.segment(ACK, 500, 0)
        for answer in answers:
            talk.expect(answer)
        talk.expect_nothing()
        assert talk.state == "SYN_SENT"


def test_data_queued_before_the_handshake_keeps_the_timer_running() -> None:
    talk = Conversation(quirks_off=("no_simultaneous_open",))
    talk.connect()
    talk.expect(SYN)
    talk.write(b"early")
    talk.segment(SYN | ACK, 0, 0)
    talk.expect(PSH | ACK, seq=0, ack=1, data=b"early")
    assert talk.pcb.rtime == 0


def test_a_syn_whose_repetition_could_not_be_sent_is_answered_all_the_same() -> None:
    talk = Conversation()
    talk.connect()
    talk.err = ERR_IF
    talk.advance(ms=3_000)
    talk.err = ERR_OK
    talk.frames.clear()
    assert talk.pcb.unsent
    assert not talk.pcb.unacked
    talk.segment(SYN | ACK, 0, 0)
    assert talk.happened() == ["connected"]
    talk.expect(ACK, seq=0, ack=1)
    talk.expect_no_queue()
