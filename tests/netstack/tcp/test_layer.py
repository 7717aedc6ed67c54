"""The raw API: what each call does, and what an observer hears of it; events from below (``layer``)."""

from typing import Any

import pytest

from netstack.core import MS
from netstack.errors import ERR_CONN, ERR_MEM, ERR_OK, ERR_USE
from netstack.tcp.header import PROTO_TCP
from netstack.trace import ApiCall, Event
from tests.netstack.peer import OURS, PEER, Peer, ip_of
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established

US, THEM, NEW = ip_of(OURS), ip_of(PEER), ip_of("10.0.0.7")


def test_it_is_the_handler_of_protocol_6() -> None:
    peer = Peer()
    assert PROTO_TCP == 6
    assert peer.stack.ipv4.handlers[6].args == (peer.stack.tcp,)  # type: ignore[attr-defined]


# The raw API


def test_an_observer_hears_of_every_call_with_its_result() -> None:
    talk = Conversation()
    calls: list[ApiCall] = []

    def hook(event: Event) -> None:
        if isinstance(event, ApiCall):
            calls.append(event)

    talk.stack.trace = hook
    talk.advance(ms=30)
    server = talk.tcp.new(prio=7)
    assert server is not None
    talk.tcp.bind(server, US, 80)
    talk.tcp.bind(server, US, 81)
    listener, _ = talk.tcp.listen(server, 3)
    assert listener is not None
    talk.tcp.shutdown(listener, True, True)  # type: ignore[arg-type]
    talk.tcp.close(listener)
    talk.connect()
    talk.segment(SYN | ACK, 0, 0)
    talk.tcp.write(talk.pcb, b"data", more=True)
    talk.tcp.write(talk.pcb, bytes(5000))
    talk.tcp.output(talk.pcb)
    talk.tcp.recved(talk.pcb, 12)
    talk.tcp.shutdown(talk.pcb, rx=False, tx=True)
    talk.tcp.abort(talk.pcb)
    assert {call.time for call in calls} == {30 * MS}
    assert [(call.call, call.args, call.result) for call in calls] == [
        ("tcp_new", (0, 7), True),
        ("tcp_bind", (0, US, 80), ERR_USE),
        ("tcp_bind", (81, US, 81), ERR_OK),
        ("tcp_listen", (81, 3), ERR_OK),
        ("tcp_shutdown", (81, True, True), ERR_CONN),
        ("tcp_close", (81,), ERR_OK),
        ("tcp_new", (0, 64), True),
        ("tcp_bind", (5000, 0, 5000), ERR_OK),
        ("tcp_connect", (5000, THEM, 40000), ERR_OK),
        ("tcp_write", (5000, 4, True), ERR_OK),
        ("tcp_write", (5000, 5000, False), ERR_MEM),
        ("tcp_output", (5000,), ERR_OK),
        ("tcp_recved", (5000, 12), None),
        ("tcp_shutdown", (5000, False, True), ERR_OK),
        ("tcp_abort", (5000,), None),
    ]


def test_a_call_that_finds_no_pcb_is_told_too() -> None:
    talk = Conversation(memp_num_tcp_pcb=1)
    talk.segment(SYN, 0)
    calls: list[Event] = []
    talk.stack.trace = calls.append
    assert talk.tcp.new(prio=1) is None
    assert calls[-1] == ApiCall(0, "tcp_new", (0, 1), False)


def test_the_same_calls_without_an_observer_have_the_same_results() -> None:
    frames = []
    for observed in (False, True):
        talk = Conversation()
        if observed:
            talk.stack.trace = lambda event: None
        talk.connect()
        talk.segment(SYN | ACK, 0, 0)
        talk.write(b"data")
        talk.segment(PSH | ACK, 1, 4, b"answer")
        talk.close()
        talk.segment(ACK | FIN, 7, 5)
        frames.append(list(talk.frames))
    assert frames[0] == frames[1]
    assert len(frames[0]) > 4


def test_memory_that_a_call_takes_comes_back_with_close() -> None:
    talk = Conversation()
    used = talk.stack.mem.tcp_pcb.used
    pcb = talk.tcp.new()
    assert pcb is not None
    talk.tcp.bind(pcb, 0, 99)
    assert talk.stack.mem.tcp_pcb.used == used + 1
    assert talk.tcp.close(pcb) == ERR_OK
    assert talk.stack.mem.tcp_pcb.used == used
    assert talk.tcp.bound_pcbs == []


# A changed address


def test_connections_from_the_old_address_are_reset() -> None:
    talk = established()
    bound = talk.tcp.new()
    elsewhere = talk.tcp.new()
    assert bound is not None
    assert elsewhere is not None
    talk.tcp.bind(bound, US, 99)
    talk.tcp.bind(elsewhere, 0, 98)
    talk.stack.netif.set_addr(NEW, 0xFFFFFF00, 0)
    talk.expect(RST | ACK, seq=1, ack=1)
    assert talk.happened() == ["err -13"]
    assert talk.tcp.active_pcbs == []
    assert talk.tcp.bound_pcbs == [elsewhere]


def test_listeners_move_to_the_new_address() -> None:
    peer = Peer()
    tcp = peer.stack.tcp
    listeners = []
    for port, ip in ((1, US), (2, 0), (3, THEM)):
        pcb = tcp.new()
        assert pcb is not None
        tcp.bind(pcb, ip, port)
        listener, _ = tcp.listen(pcb)
        assert listener is not None
        listeners.append(listener)
    peer.stack.netif.set_addr(NEW, 0xFFFFFF00, 0)
    assert [listener.local_ip for listener in listeners] == [NEW, 0, THEM]


def test_an_address_that_is_taken_away_leaves_listeners_where_they_are() -> None:
    talk = established()
    talk.listener.local_ip = US
    talk.stack.netif.set_addr(0, 0, 0)
    talk.expect(RST | ACK)  # the old address still finds its way out
    assert talk.listener.local_ip == US


def test_the_first_address_resets_nothing() -> None:
    peer = Peer(ip="0.0.0.0", netmask="0.0.0.0", gateway="0.0.0.0")
    pcb = peer.stack.tcp.new()
    assert pcb is not None
    peer.stack.tcp.bind(pcb, 0, 99)
    peer.stack.netif.set_addr(NEW, 0xFFFFFF00, 0)
    assert peer.stack.tcp.bound_pcbs == [pcb]


# The receive pool runs dry


def starved(**options: Any) -> Conversation:
    """Two connections hold the receive pool's buffers with out-of-order data; a frame has been lost."""
    talk = Conversation(pbuf_pool_size=4, memp_num_tcp_pcb=3, **options)
    for port in (1, 2):
        talk.segment(SYN, 0, port=port, to=80)
        talk.segment(ACK, 1, 1, port=port, to=80)
        for seq in (10, 20):
            talk.segment(PSH | ACK, seq, 1, b"x", port=port, to=80)
    talk.frames.clear()
    assert talk.stack.mem.pbuf_pool.used == 4
    talk.segment(PSH | ACK, 1, 1, b"lost", port=1, to=80)
    talk.expect_drop("pbuf_pool")
    return talk


def queues(talk: Conversation) -> list[tuple[int, int]]:
    """How much each connection has queued, by its port, in the order of the list."""
    return [(pcb.remote_port, len(pcb.ooseq)) for pcb in talk.tcp.active_pcbs]


@pytest.mark.parametrize(("interval", "when"), [(1, 100), (64, 64)])
def test_the_first_connection_with_out_of_order_data_loses_it_when_the_port_looks_next(
    interval: int, when: int
) -> None:
    """A port that sleeps looks when IGMP's timer, the most frequent one, is due; one that polls, at its next
    interval.
    """
    talk = starved(poll_interval_ms=interval)
    assert talk.stack.next_deadline() == when * MS
    talk.advance(ms=when - 1)
    assert queues(talk) == [(2, 2), (1, 2)]
    talk.advance(ms=1)
    assert queues(talk) == [(2, 0), (1, 2)]
    assert talk.stack.mem.pbuf_pool.used == 2
    talk.segment(PSH | ACK, 1, 1, b"comes in", port=1, to=80)
    assert talk.received == b"comes in"


def test_several_lost_frames_free_one_queue() -> None:
    talk = starved()
    for _ in range(5):
        talk.segment(PSH | ACK, 1, 1, b"lost", port=2, to=80)
    talk.advance(ms=250)
    assert queues(talk) == [(2, 0), (1, 2)]


def test_without_any_queue_nothing_is_freed() -> None:
    talk = Conversation()
    talk.tcp.receive_pool_empty()
    assert talk.stack.next_deadline() is not None
    talk.advance(ms=10_000)
    assert talk.tcp.free_ooseq_at is None
    talk.expect_nothing()
