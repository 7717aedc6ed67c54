"""What comes in is checked in lwIP's order; each bad segment has one reason and moves lwIP's counters
(``input``).
"""

import pytest
from scapy.layers.inet import IP, TCP, UDP

from netstack.errors import ERR_ABRT, ERR_MEM
from netstack.pbuf import Pbuf
from netstack.rate import BURST, GAP_MS
from netstack.tcp.tcb import Tcb
from tests.netstack.peer import OURS, PEER, Peer
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established

GOOD = IP(src=PEER, dst=OURS) / TCP(sport=1, dport=2, flags="A")


def damaged(**fields: object) -> bytes:
    """A packet whose TCP header has some fields set to what they should not be."""
    packet = GOOD.copy()
    for name, value in fields.items():
        setattr(packet[TCP], name, value)
    return bytes(packet)


@pytest.mark.parametrize(
    ("packet", "reason", "counter"),
    [
        (IP(src=PEER, dst=OURS, proto=6) / bytes(19), "tcp_short", "lenerr"),
        (IP(src=PEER, dst="10.0.0.255") / TCP(sport=1, dport=2, flags="S"), "tcp_broadcast", "proterr"),
        (IP(damaged(chksum=1)), "tcp_checksum", "chkerr"),
        (IP(damaged(dataofs=4)), "tcp_offset", "lenerr"),
        (IP(damaged(dataofs=6)), "tcp_offset", "lenerr"),
    ],
)
def test_bad_segments(packet: IP, reason: str, counter: str) -> None:
    peer = Peer()
    peer.send(packet)
    peer.expect_drop(reason)
    stats = peer.stack.stats.tcp
    assert (stats.recv, stats.drop, getattr(stats, counter)) == (1, 1, 1)
    peer.expect_no_leak()


@pytest.mark.parametrize("size", [56, 72])
def test_options_may_straddle_two_buffers(size: int) -> None:
    """They never need a third: the first has to hold the rest of the headers, so each holds 54 bytes or more.
    """
    peer = Peer("lwip-default", pbuf_pool_bufsize=size)
    packet = IP(src=PEER, dst=OURS) / TCP(sport=1, dport=2, flags="S", options=[("NOP", None)] * 40)
    peer.send(packet)
    assert peer.stack.stats.drops == {"tcp_no_pcb": 1}
    assert peer.reply()[TCP].flags == "RA"
    peer.expect_no_leak()


def test_a_listener_answers_an_ack_with_a_reset_and_ignores_the_rest() -> None:
    talk = Conversation()
    talk.segment(ACK, 7, 9)
    talk.expect(RST | ACK, seq=9, ack=7)
    talk.segment(RST, 7)
    talk.expect_drop("tcp_listen_other")
    talk.segment(FIN, 7)
    talk.expect_drop("tcp_listen_other")


def test_resets_without_a_connection_can_be_limited() -> None:
    """RFC 5961 7: lwIP answers every segment; the limit is not that of ICMP errors."""
    for off, answers in ((), 30), (("no_rate_limits",), BURST):
        talk = Conversation(quirks_off=off)
        for n in range(15):
            talk.segment(ACK, 7, 9)  # to a listener
            talk.segment(SYN, 7, to=81, port=1000 + n)
        assert len(talk.frames) == answers
        left, total = 15 - answers // 2, 30 - answers
        drops = {"tcp_no_pcb": 15 - left} | ({"tcp_rst_limit": total} if total else {})
        assert talk.stack.stats.drops == drops
        assert talk.stack.stats.tcp.proterr == 15 - left + total
        talk.frames.clear()
        talk.send(IP(src=PEER, dst=OURS) / UDP(sport=1, dport=2))
        assert len(talk.frames) == 1
        talk.frames.clear()
        talk.advance(ms=GAP_MS)
        talk.segment(SYN, 7, to=81)
        talk.expect(RST | ACK, ack=8)


def test_a_reset_that_ends_a_connection_is_not_limited() -> None:
    talk = established(quirks_off=("no_rate_limits",))
    for _ in range(15):
        talk.segment(SYN, 7, to=81)
    talk.frames.clear()
    talk.tcp.abort(talk.pcb)
    talk.expect(RST | ACK)


def test_a_syn_without_a_free_pcb_tells_the_application() -> None:
    talk = Conversation(memp_num_tcp_pcb=1)
    talk.segment(SYN, 0, port=1)
    talk.expect(SYN | ACK)
    talk.segment(SYN, 0, port=2)
    talk.expect_drop("tcp_pcb")
    assert talk.happened() == [f"accept {ERR_MEM}"]
    assert talk.stack.stats.tcp.memerr == 1


def test_refused_data_is_offered_again_and_what_follows_is_dropped() -> None:
    talk = established()
    talk.answer = ERR_MEM
    talk.segment(PSH | ACK, 1, 1, b"first")
    assert talk.happened() == ["refused 5"]
    talk.segment(PSH | ACK, 6, 1, b"second")
    assert talk.happened() == ["refused 5"]
    talk.expect_drop("tcp_refused")
    talk.segment(ACK, 6, 1)
    talk.advance(ms=250)  # the fast tick acknowledges what is parked, and offers it
    talk.expect(ACK, ack=6, win=2144 - 5)
    talk.answer = 0
    talk.advance(ms=250)
    assert talk.received == b"first"
    talk.segment(PSH | ACK, 6, 1, b"second")
    assert talk.received == b"firstsecond"


def test_a_fin_with_refused_data_is_delivered_after_it() -> None:
    talk = established()
    talk.answer = ERR_MEM
    talk.segment(PSH | ACK | FIN, 1, 1, b"last words")
    assert talk.happened() == ["refused 10"]
    assert talk.state == "CLOSE_WAIT"
    talk.answer = 0
    talk.advance(ms=250)
    assert talk.happened() == ["recv 10", "fin"]


def test_a_probe_into_a_closed_window_is_answered_while_data_is_refused() -> None:
    talk = established("lwip-default", mss=536)
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, bytes(1608))
    talk.answer = ERR_MEM
    talk.segment(PSH | ACK, 1609, 1, bytes(536))
    talk.expect(ACK, ack=2145, win=0)
    talk.segment(PSH | ACK, 2145, 1, b"?")
    talk.expect(ACK, ack=2145, win=0)


def test_time_wait() -> None:
    talk = established()
    talk.close()
    talk.expect(ACK | FIN, seq=1)
    talk.segment(ACK | FIN, 1, 2)
    talk.expect(ACK, seq=2, ack=2)
    assert talk.state == "TIME_WAIT"
    talk.segment(RST, 2)
    talk.expect_drop("tcp_rst_time_wait")
    talk.segment(ACK | FIN, 1, 2)
    talk.expect(ACK, seq=2, ack=2)
    talk.segment(SYN, 3)
    talk.expect(RST | ACK, ack=4)  # in the window: reset, and it stays
    talk.segment(SYN, 1_000_000)
    talk.expect(ACK, seq=2, ack=2)  # beyond it: never a new connection
    talk.advance(ms=121_000)
    assert talk.state == "CLOSED"
    talk.expect_nothing()


def test_time_wait_gives_way_to_a_new_connection_without_the_quirk() -> None:
    talk = established(quirks_off=("time_wait_never_reused",))
    talk.close()
    talk.expect(ACK | FIN)
    talk.segment(ACK | FIN, 1, 2)
    talk.expect(ACK)
    talk.segment(SYN, 5000)
    talk.expect(SYN | ACK, ack=5001)


def test_a_syn_without_memory_for_its_answer_leaves_nothing_behind() -> None:
    talk = Conversation()
    heap = talk.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    talk.segment(SYN, 0)
    talk.expect_drop("tcp_syn_ack")
    assert not talk.tcp.active_pcbs
    assert talk.stack.mem.tcp_pcb.used == 0
    heap.free(hog)
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)


def test_in_time_wait_data_is_acknowledged_and_a_pure_ack_is_not() -> None:
    talk = established()
    talk.close()
    talk.segment(ACK | FIN, 1, 2)
    talk.frames.clear()
    talk.segment(ACK, 2, 2)
    talk.expect_nothing()
    talk.segment(PSH | ACK, 2, 2, b"late")
    talk.expect(ACK, seq=2, ack=2)
    assert talk.happened()[-1] == "fin"


def test_an_application_that_aborts_in_the_sent_callback_gets_no_data() -> None:
    talk = established()
    talk.write(b"x")

    def sent(pcb: Tcb, length: int) -> int:
        talk.tcp.abort(pcb)
        return ERR_ABRT

    talk.pcb.sent = sent
    talk.frames.clear()
    talk.segment(PSH | ACK, 1, 2, b"answer")
    assert talk.received == b""
    talk.expect(RST | ACK)
    talk.expect_nothing()
    talk.expect_no_queue()


def test_an_application_that_closes_with_unread_data_in_the_sent_callback_gets_no_more() -> None:
    talk = established()
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, b"unread")
    talk.write(b"x")

    def sent(pcb: Tcb, length: int) -> int:
        return talk.tcp.close(pcb)

    talk.pcb.sent = sent
    talk.frames.clear()
    talk.segment(PSH | ACK, 7, 2, b"more")
    assert talk.received == b"unread"
    talk.expect(RST | ACK)
    assert talk.state == "CLOSED"
    for p in talk.unread:
        p.free()
    talk.expect_no_queue()


def test_an_application_that_aborts_at_the_end_of_the_stream() -> None:
    talk = established()

    def recv(pcb: Tcb, p: Pbuf | None, err: int) -> int:
        assert p is None
        talk.tcp.abort(pcb)
        return ERR_ABRT

    talk.pcb.recv = recv
    talk.segment(ACK | FIN, 1, 1)
    talk.expect(RST | ACK, ack=2)
    talk.expect_nothing()
    assert talk.stack.mem.tcp_pcb.used == 0


def test_a_reset_without_an_error_callback() -> None:
    talk = established()
    talk.pcb.errf = None
    talk.segment(RST, 1)
    assert talk.state == "CLOSED"
    assert talk.stack.mem.tcp_pcb.used == 0


def test_a_segment_over_several_buffers_gives_back_the_one_its_headers_filled() -> None:
    talk = established(pbuf_pool_bufsize=100)
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, bytes(range(200)))
    assert talk.received == bytes(range(200))
    assert talk.stack.mem.pbuf_pool.used == 3
    talk.read()
    assert talk.stack.mem.pbuf_pool.used == 0


@pytest.mark.parametrize("traced", [False, True])
def test_the_way_through_is_the_same_with_an_observer(traced: bool) -> None:
    talk = established()
    if traced:
        talk.stack.trace = lambda event: None
    talk.segment(PSH | ACK, 1, 1, b"a")
    talk.segment(PSH, 2, None, b"b")
    talk.expect(ACK, seq=1, ack=3)
    assert talk.received == b"ab"
