"""Opening: handshakes in both directions, binding, listening (``open``)."""


from netstack.errors import ERR_ISCONN, ERR_OK, ERR_RTE, ERR_USE, ERR_VAL
from netstack.tcp.tcb import Tcb
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
