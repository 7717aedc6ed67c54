"""The output engine: Nagle, windows, what an error leaves behind (``output``, ``control``)."""

from scapy.layers.inet import IP, TCP

from netstack.errors import ERR_IF, ERR_OK
from netstack.tcp.tcb import TF_NODELAY
from tests.netstack.peer import OURS, PEER
from tests.netstack.tcp.conversation import ACK, PSH, RST, SYN, Conversation, established


def test_nagle_holds_one_short_segment_behind_unacknowledged_data() -> None:
    talk = established()
    talk.write(b"a")
    talk.expect(PSH | ACK, seq=1, data=b"a")
    talk.write(b"b")
    talk.write(b"c")
    talk.expect_nothing()
    talk.segment(ACK, 1, 2)
    talk.expect(PSH | ACK, seq=2, data=b"bc")


def test_nodelay_sends_at_once() -> None:
    talk = established()
    talk.pcb.flags |= TF_NODELAY
    for i in range(3):
        talk.write(b"x")
        talk.expect(PSH | ACK, seq=1 + i, data=b"x")


def test_acks_starve_behind_nagle_unless_the_quirk_is_off() -> None:
    for off, starving in ((), True), (("ack_starvation_behind_nagle",), False):
        talk = established("micropython", mss=800, quirks_off=off)
        talk.write(bytes(100))
        talk.expect(PSH | ACK)
        talk.write(bytes(50))
        for i in range(4):
            talk.segment(PSH | ACK, 1 + i, 1, b"x")
        assert bool(talk.frames) is not starving


def test_a_segment_that_does_not_fit_the_window_waits() -> None:
    talk = established("micropython", mss=800, win=1000)
    talk.write(bytes(1500))
    talk.expect(ACK, seq=1, data=bytes(500))  # half of the largest window the peer ever offered
    talk.expect(ACK, seq=501, data=bytes(500))
    talk.expect_nothing()
    talk.segment(ACK, 1, 1001, win=1000)
    talk.expect(PSH | ACK, seq=1001, data=bytes(500))


def test_segments_of_a_peer_with_a_small_window_without_the_quirk() -> None:
    talk = established("micropython", mss=800, win=1000, quirks_off=("segment_cap_half_window",))
    talk.write(bytes(1500))
    talk.expect(ACK, seq=1, data=bytes(800))


def test_a_refusing_driver_leaves_the_segment_to_the_timer() -> None:
    talk = established()
    talk.err = ERR_IF
    talk.write(b"x")
    talk.expect(PSH | ACK)
    assert len(talk.pcb.unsent) == 1
    talk.err = ERR_OK
    talk.advance(ms=500)  # the poll at the slow tick calls tcp_output
    talk.expect(PSH | ACK, seq=1, data=b"x")
    assert not talk.pcb.unsent


def test_a_segment_waiting_for_arp_is_not_sent_twice() -> None:
    talk = Conversation(known=False)
    talk.send(IP(src=PEER, dst=OURS) / TCP(sport=40000, dport=80, flags="S", seq=0xFFFFFF00))
    assert [bytes(frame)[12:14] for frame in talk.frames] == [b"\x08\x06"]
    assert talk.stack.tcp.active_pcbs[0].unacked[0].busy
    talk.advance(ms=4_000)  # the retransmission time-out passes: five ARP requests, no second SYN-ACK queued
    assert len(talk.frames) in {4, 5}
    assert talk.stack.tcp.active_pcbs[0].nrtx == 0


def test_every_reset_has_the_window_byte_swapped_and_the_ack_flag() -> None:
    talk = established("micropython")
    talk.tcp.abort(talk.pcb)
    talk.expect(RST | ACK, seq=1, ack=1, win=25)
    assert talk.happened() == ["err -13"]
    talk = established("micropython", quirks_off=("rst_window_byteswap",))
    talk.tcp.abort(talk.pcb)
    talk.expect(RST | ACK, win=6400)


def test_an_answer_to_an_ack_is_a_bare_reset_without_the_quirk() -> None:
    talk = Conversation(quirks_off=("rst_ack_flag_always",))
    talk.segment(ACK, 5, 9)
    talk.expect(RST, seq=9)
    talk.segment(SYN, 5, to=99)
    talk.expect(RST | ACK, ack=6)


def test_the_peer_can_be_kept_alive() -> None:
    talk = established()
    talk.pcb.so_options |= 8
    talk.pcb.keep_idle = 10_000
    talk.advance(ms=10_400)
    talk.expect(ACK, seq=0, ack=1)
    talk.segment(ACK, 1, 1)
    talk.advance(ms=9 * 75_000)
    assert len(talk.frames) == 9
    talk.frames.clear()
    talk.advance(ms=75_000)
    talk.expect(RST | ACK, seq=1, ack=1)
    assert talk.happened() == ["err -13"]
