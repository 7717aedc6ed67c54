"""Opening: handshakes in both directions, binding, listening (``open``)."""

import pytest

from netstack.errors import (
    ERR_ALREADY,
    ERR_BUF,
    ERR_CLSD,
    ERR_ISCONN,
    ERR_MEM,
    ERR_OK,
    ERR_RTE,
    ERR_USE,
    ERR_VAL,
)
from netstack.tcp.states import LISTEN
from netstack.tcp.tcb import SOF_REUSEADDR, Tcb
from tests.netstack.peer import OURS, PEER, ip_of
from tests.netstack.tcp.conversation import ACK, RST, SYN, Conversation, established


def test_passive_open_announces_the_profiles_mss_and_window() -> None:
    talk = Conversation("micropython")
    talk.segment(SYN, 0, mss=1460)
    talk.expect(SYN | ACK, seq=0, ack=1, win=6400, mss=800)
    talk.segment(ACK, 1, 1)
    assert talk.happened() == ["accept"]
    assert talk.pcb.mss == 800
    assert talk.pcb.cwnd == 3200  # min(4 * 800, max(2 * 800, 4380))


def test_active_open() -> None:
    talk = Conversation("micropython")
    assert talk.connect() == ERR_OK
    talk.expect(SYN, seq=0xFFFFFFFF, win=6400, mss=800)  # lwIP numbers its SYN one before the ISS
    talk.segment(SYN | ACK, 0, 0, mss=400)
    talk.expect(ACK, seq=0, ack=1)
    assert talk.happened() == ["connected"]
    assert talk.pcb.mss == 400
    assert talk.state == "ESTABLISHED"


def test_without_mss_option_segments_have_536_bytes() -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK, mss=1460)
    talk.segment(ACK, 1, 1)
    talk.write(bytes(1000))
    talk.expect(ACK, seq=1, data=bytes(536))


def test_backlog_counts_half_open_connections() -> None:
    talk = Conversation("micropython", backlog=2)
    for port in (1, 2, 3):
        talk.segment(SYN, 0, port=port)
    talk.expect(SYN | ACK)
    talk.expect(SYN | ACK)
    talk.expect_drop("tcp_backlog")
    talk.segment(ACK, 1, 1, port=1)  # modlwip: established ones do not count
    talk.segment(SYN, 0, port=3)
    talk.expect(SYN | ACK)


def test_a_closed_port_answers_with_a_reset() -> None:
    talk = Conversation()
    talk.segment(SYN, 0, to=81)
    reset = talk.expect(RST | ACK, ack=1)
    assert reset.seq == 0
    talk.expect_drop("tcp_no_pcb")
    talk.segment(RST, 0, to=81)
    talk.expect_drop("tcp_rst_no_pcb")


def test_binding_the_same_port_twice() -> None:
    talk = Conversation()
    first, second = talk.tcp.new(), talk.tcp.new()
    assert first is not None
    assert second is not None
    assert talk.tcp.bind(first, 0, 80) == ERR_USE  # the listener has it
    assert talk.tcp.bind(first, 0, 81) == ERR_OK
    assert talk.tcp.bind(second, 0, 81) == ERR_USE
    assert talk.tcp.bind(second, 0, 0) == ERR_OK
    assert second.local_port == 49153
    assert talk.tcp.connect(talk_established(talk), 0x0A000002, 1) == ERR_ISCONN
    assert talk.tcp.bind(talk.pcb, 0, 90) == ERR_VAL


def talk_established(talk: Conversation) -> Tcb:
    talk.segment(SYN, 0)
    talk.expect(SYN | ACK)
    talk.segment(ACK, 1, 1)
    return talk.pcb


def test_connect_without_a_route() -> None:
    talk = established()
    talk.stack.netif.set_link(False)
    assert talk.connect() == ERR_RTE


def test_listening_needs_a_closed_pcb_and_room() -> None:
    talk = established(memp_num_tcp_pcb_listen=1)
    assert talk.tcp.listen(talk.pcb) == (None, ERR_CLSD)
    pcb = talk.tcp.new()
    assert pcb is not None
    talk.tcp.bind(pcb, 0, 81)
    assert talk.tcp.listen(pcb) == (None, ERR_MEM)
    assert talk.tcp.bound_pcbs == [pcb]  # it stays what it was
    pcb.state = LISTEN  # which no call makes of it
    assert talk.tcp.listen(pcb) == (None, ERR_ALREADY)


def test_two_listeners_with_so_reuseaddr_need_two_addresses() -> None:
    talk = Conversation("full", so_reuse=1)
    results = []
    for ip in (0, ip_of(OURS), ip_of(OURS)):
        pcb = talk.tcp.new()
        assert pcb is not None
        pcb.so_options |= SOF_REUSEADDR
        assert talk.tcp.bind(pcb, ip, 90) == ERR_OK
        results.append(talk.tcp.listen(pcb)[1])
    assert results == [ERR_OK, ERR_OK, ERR_USE]


def test_with_so_reuseaddr_a_four_tuple_is_used_once() -> None:
    talk = Conversation("full", so_reuse=1)
    results = []
    for peer_port in (7, 7, 8):
        pcb = talk.tcp.new()
        assert pcb is not None
        pcb.so_options |= SOF_REUSEADDR
        assert talk.tcp.bind(pcb, 0, 90) == ERR_OK
        results.append(talk.tcp.connect(pcb, ip_of(PEER), peer_port))
    assert results == [ERR_OK, ERR_USE, ERR_OK]


def test_connect_takes_an_address_and_a_port_where_none_is_bound() -> None:
    talk = Conversation()
    pcb = talk.tcp.new()
    assert pcb is not None
    assert talk.tcp.connect(pcb, ip_of(PEER), 7) == ERR_OK
    assert pcb.flow == (ip_of(OURS), 49153, ip_of(PEER), 7)


def test_without_a_free_port_nothing_is_bound_or_opened() -> None:
    talk = Conversation()
    pcb = talk.tcp.new()
    assert pcb is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netstack.tcp.open.new_port", lambda tcp: 0)
        assert talk.tcp.bind(pcb, 0, 0) == ERR_BUF
        assert talk.tcp.connect(pcb, ip_of(PEER), 7) == ERR_BUF
    talk.expect_nothing()
    assert not talk.tcp.active_pcbs


def test_a_syn_without_memory_is_not_sent_and_the_pcb_stays() -> None:
    talk = Conversation()
    heap = talk.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    assert talk.connect() == ERR_MEM
    assert talk.state == "CLOSED"
    heap.free(hog)
    assert talk.tcp.connect(talk.pcb, ip_of(PEER), 40_000) == ERR_OK
    talk.expect(SYN)


@pytest.mark.parametrize("address", ["10.0.0.255", "255.255.255.255", "224.0.0.251"])
def test_connecting_to_a_group_is_refused_without_the_quirk(address: str) -> None:
    for off, err in ((), ERR_OK), (("connect_to_broadcast",), ERR_VAL):
        talk = Conversation(quirks_off=off)
        pcb = talk.tcp.new()
        assert pcb is not None
        assert talk.tcp.connect(pcb, ip_of(address), 7) == err
