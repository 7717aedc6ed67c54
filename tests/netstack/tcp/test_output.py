"""The output engine: Nagle, windows, what an error leaves behind (``output``)."""

from scapy.layers.inet import IP, TCP

from netstack.errors import ERR_IF, ERR_MEM, ERR_OK, ERR_RTE
from netstack.pbuf import Pbuf
from netstack.tcp.tcb import TF_NODELAY, Tcb
from tests.netstack.peer import OURS, PEER
from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, Conversation, established


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


def test_nagle_lets_go_when_the_send_buffer_is_stuck() -> None:
    talk = established(mss=536, mem_size=4000)
    talk.write(bytes(500))
    talk.expect(PSH | ACK, seq=1)
    talk.write(bytes(500))
    talk.expect_nothing()
    talk.write(bytes(72))  # TCP_SND_BUF is full
    talk.expect(PSH | ACK, seq=501, data=bytes(536))
    talk.expect(PSH | ACK, seq=1037, data=bytes(36))


def test_a_fin_is_not_held_back_by_nagle() -> None:
    talk = established()
    talk.write(b"a")
    talk.expect(PSH | ACK, seq=1)
    talk.write(b"b")
    talk.expect_nothing()
    talk.close()
    talk.expect(PSH | ACK | FIN, seq=2, data=b"b")


def test_output_nagle_leaves_alone_what_nagle_holds_back() -> None:
    """What MicroPython's send calls."""
    talk = established()
    talk.write(b"a")
    talk.expect(PSH | ACK)
    talk.tcp.write(talk.pcb, b"b")
    assert talk.tcp.output_nagle(talk.pcb) == ERR_OK
    talk.expect_nothing()
    talk.segment(ACK, 1, 2)
    talk.expect(PSH | ACK, data=b"b")
    talk.segment(ACK, 1, 3)
    talk.tcp.write(talk.pcb, b"c")
    assert talk.tcp.output_nagle(talk.pcb) == ERR_OK
    talk.expect(PSH | ACK, data=b"c")


def test_data_takes_the_acknowledgement_along() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"question")
    talk.write(b"answer")
    talk.expect(PSH | ACK, seq=1, ack=9, data=b"answer")
    talk.advance(ms=1_000)
    talk.expect_nothing()


def test_answers_written_in_a_callback_leave_with_the_acknowledgement_behind_it() -> None:
    talk = established("micropython", mss=800)

    def answer(pcb: Tcb, p: Pbuf | None, err: int) -> int:
        assert p is not None
        p.free()
        talk.write(b"one")
        return talk.write(b"two")

    talk.pcb.recv = answer
    talk.segment(PSH | ACK, 1, 1, b"question")
    talk.expect(PSH | ACK, seq=1, ack=9, data=b"onetwo")
    talk.expect_nothing()


def test_the_slower_of_the_two_windows_counts() -> None:
    for cwnd, win in ((1600, 8000), (8000, 1600)):
        talk = established("micropython", mss=800, win=win)
        talk.pcb.cwnd = cwnd
        talk.write(bytes(4000))
        assert sum(len(seg.data) for seg in talk.pcb.unacked) == 1600


def test_without_a_route_segments_stay() -> None:
    talk = established()
    talk.stack.netif.set_link(False)
    talk.tcp.write(talk.pcb, b"x")
    assert talk.tcp.output(talk.pcb) == ERR_RTE
    talk.expect_nothing()
    talk.stack.netif.set_link(True)
    talk.frames.clear()
    talk.advance(ms=500)
    talk.expect(PSH | ACK, seq=1, data=b"x")


def test_the_window_of_a_syn_is_not_scaled() -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0, mss=1460, options=(("WScale", 0),))
    talk.expect(SYN | ACK, win=0xFFFF)
    talk.segment(ACK, 1, 1)
    talk.write(b"x")
    talk.expect(PSH | ACK, win=116800 >> 1)


def test_ttl_and_tos_are_those_of_the_pcb() -> None:
    talk = established()
    talk.pcb.ttl, talk.pcb.tos = 9, 0x10
    talk.write(b"x")
    packet = talk.expect(PSH | ACK).underlayer
    assert (packet.ttl, packet.tos) == (9, 0x10)


def test_what_does_not_fit_the_window_lets_the_acknowledgement_pass() -> None:
    talk = established("micropython", mss=800, win=1000)
    talk.write(bytes(1500))
    talk.frames.clear()
    for seq in (1, 2):
        talk.segment(PSH | ACK, seq, 1, b"x", win=1000)
    talk.expect(ACK, seq=1001, ack=3, data=b"")
    assert len(talk.pcb.unsent) == 1


def test_a_closed_window_starts_the_persist_timer_only_when_nothing_is_in_flight() -> None:
    talk = established("micropython", mss=800, win=1000)
    talk.write(bytes(1500))
    assert talk.pcb.persist_backoff == 0
    talk.segment(ACK, 1, 501, win=0)
    assert talk.pcb.persist_backoff == 0
    talk.segment(ACK, 1, 1001, win=0)
    assert (talk.pcb.persist_backoff, talk.pcb.persist_cnt, talk.pcb.persist_probe) == (1, 0, 0)
    talk.segment(ACK, 1, 1001, win=5000)
    assert talk.pcb.persist_backoff == 0


def test_a_segment_that_goes_again_takes_its_place_before_what_was_sent_after_it() -> None:
    talk = established("micropython", mss=800)
    talk.write(bytes(3200))
    talk.frames.clear()
    talk.segment(ACK, 1, 801)
    for _ in range(3):
        talk.segment(ACK, 1, 801)
    talk.expect(ACK, seq=801)
    assert [seg.seq - talk.pcb.lastack for seg in talk.pcb.unacked] == [0, 800, 1600]


def test_memory_that_was_short_makes_the_next_output_ignore_nagle() -> None:
    talk = established()
    talk.write(b"a")
    talk.expect(PSH | ACK)
    talk.write(b"b")
    assert talk.tcp.write(talk.pcb, bytes(5_000)) == ERR_MEM
    talk.tcp.output(talk.pcb)
    talk.expect(PSH | ACK, seq=2, data=b"b")
    talk.write(b"c")
    talk.expect_nothing()
