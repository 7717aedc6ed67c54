"""The lists of pcbs: who is found, in which order, and what is given back (``lists``)."""

import pytest

from netstack.errors import ERR_OK, ERR_USE
from netstack.tcp.lists import find_active, find_listener, find_time_wait, new_port, port_in_use
from netstack.tcp.shared import PORT_RANGE_END, PORT_RANGE_START
from netstack.tcp.tcb import SOF_REUSEADDR, ListenTcb, Tcb
from tests.netstack.peer import OURS, PEER, Peer, ip_of
from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, Conversation, established

US, THEM = ip_of(OURS), ip_of(PEER)


def bound(peer: Peer, port: int, ip: int = 0, *, reuse: bool = False) -> Tcb:
    """A new pcb on a port."""
    pcb = peer.stack.tcp.new()
    assert pcb is not None
    if reuse:
        pcb.so_options |= SOF_REUSEADDR
    assert peer.stack.tcp.bind(pcb, ip, port) == ERR_OK
    return pcb


def listening(peer: Peer, port: int, ip: int = 0, *, reuse: bool = False) -> ListenTcb:
    """A new listener on a port."""
    listener, err = peer.stack.tcp.listen(bound(peer, port, ip, reuse=reuse), 5)
    assert err == ERR_OK
    assert listener is not None
    return listener


# Order


def test_the_newest_is_first_and_a_hit_becomes_first() -> None:
    talk = Conversation("full")
    for port in (1, 2, 3):
        talk.segment(SYN, 0, port=port)

    def ports() -> list[int]:
        return [pcb.remote_port for pcb in talk.tcp.active_pcbs]

    assert ports() == [3, 2, 1]
    found = find_active(talk.tcp, US, 80, THEM, 1)
    assert found is not None
    assert found.remote_port == 1
    assert ports() == [1, 3, 2]
    assert find_active(talk.tcp, US, 80, THEM, 1) is found
    assert ports() == [1, 3, 2]


@pytest.mark.parametrize(
    "wrong", [(US, 80, THEM, 9), (US, 81, THEM, 1), (US, 80, US, 1), (THEM, 80, THEM, 1)]
)
def test_all_four_numbers_count(wrong: tuple[int, int, int, int]) -> None:
    talk = Conversation()
    talk.segment(SYN, 0, port=1)
    assert find_active(talk.tcp, US, 80, THEM, 1) is not None
    assert find_active(talk.tcp, *wrong) is None
    assert find_time_wait(talk.tcp, US, 80, THEM, 1) is None


def test_time_wait_is_a_list_of_its_own() -> None:
    talk = established()
    talk.close()
    talk.segment(ACK | FIN, 1, 2)
    assert talk.tcp.active_pcbs == []
    assert talk.tcp.tw_pcbs == [talk.pcb]
    assert find_time_wait(talk.tcp, US, 80, THEM, 40000) is talk.pcb
    assert find_active(talk.tcp, US, 80, THEM, 40000) is None


def test_a_listener_that_was_hit_becomes_first() -> None:
    peer = Peer()
    first, second = listening(peer, 1), listening(peer, 2)
    assert peer.stack.tcp.listen_pcbs == [second, first]
    assert find_listener(peer.stack.tcp, US, 1) is first
    assert peer.stack.tcp.listen_pcbs == [first, second]
    assert find_listener(peer.stack.tcp, US, 3) is None


def test_with_so_reuse_the_listener_of_the_very_address_is_preferred() -> None:
    peer = Peer(so_reuse=1)
    specific = listening(peer, 80, US, reuse=True)
    general = listening(peer, 80, reuse=True)
    tcp = peer.stack.tcp
    assert tcp.listen_pcbs == [general, specific]
    assert find_listener(tcp, US, 80) is specific
    assert find_listener(tcp, THEM, 80) is general


def test_without_so_reuse_the_first_one_wins() -> None:
    peer = Peer("lwip-default")
    specific = listening(peer, 80, US)
    general = listening(peer, 81)
    general.local_port = 80  # bind forbids it; an address change can bring it about
    tcp = peer.stack.tcp
    assert tcp.listen_pcbs == [general, specific]
    assert find_listener(tcp, US, 80) is general


def test_a_listener_of_another_address_is_none() -> None:
    peer = Peer()
    listening(peer, 80, THEM)
    assert find_listener(peer.stack.tcp, US, 80) is None


def test_binding_twice_leaves_one_entry() -> None:
    peer = Peer()
    pcb = bound(peer, 1)
    assert peer.stack.tcp.bind(pcb, 0, 2) == ERR_OK
    assert peer.stack.tcp.bound_pcbs == [pcb]


# Ports


@pytest.mark.parametrize(
    ("held", "asked", "taken"),
    [(0, 0, True), (0, US, True), (US, 0, True), (US, US, True), (US, THEM, False), (THEM, US, False)],
)
def test_addresses_of_one_port_clash_where_they_overlap(held: int, asked: int, taken: bool) -> None:
    peer = Peer()
    bound(peer, 7, held)
    other = peer.stack.tcp.new()
    assert other is not None
    assert port_in_use(peer.stack.tcp, other, asked, 7) is taken
    assert not port_in_use(peer.stack.tcp, other, asked, 8)


def test_a_port_is_in_use_in_every_list() -> None:
    talk = Conversation("full", so_reuse=0)
    spare = talk.tcp.new()
    assert spare is not None
    assert port_in_use(talk.tcp, spare, 0, 80)  # listening
    talk.connect()
    assert port_in_use(talk.tcp, spare, 0, 5000)  # active
    talk.segment(SYN | ACK, 0, 0)
    talk.close()
    talk.segment(ACK | FIN, 1, 1)
    assert talk.state == "TIME_WAIT"
    assert port_in_use(talk.tcp, spare, 0, 5000)


@pytest.mark.parametrize(
    ("mine", "theirs", "taken"), [(0, 0, True), (1, 0, True), (0, 1, True), (1, 1, False)]
)
def test_so_reuseaddr_must_be_set_on_both(mine: bool, theirs: bool, taken: bool) -> None:
    peer = Peer(so_reuse=1)
    bound(peer, 7, reuse=theirs)
    pcb = peer.stack.tcp.new()
    assert pcb is not None
    pcb.so_options = SOF_REUSEADDR if mine else 0
    assert port_in_use(peer.stack.tcp, pcb, 0, 7) is taken
    assert (peer.stack.tcp.bind(pcb, 0, 7) == ERR_USE) is taken


def test_so_reuseaddr_does_not_see_time_wait() -> None:
    talk = established("full", so_reuse=1)
    talk.close()
    talk.segment(ACK | FIN, 1, 2)
    talk.tcp.close(talk.listener)
    pcb = talk.tcp.new()
    assert pcb is not None
    assert port_in_use(talk.tcp, pcb, 0, 80)
    pcb.so_options = SOF_REUSEADDR
    assert not port_in_use(talk.tcp, pcb, 0, 80)


def test_ephemeral_ports_go_up_wrap_before_the_last_and_leave_out_what_is_taken() -> None:
    peer = Peer()
    tcp = peer.stack.tcp
    bound(peer, 49154)
    assert [new_port(tcp), new_port(tcp)] == [49153, 49155]
    tcp.port = PORT_RANGE_END - 2
    bound(peer, PORT_RANGE_START)
    assert [new_port(tcp), new_port(tcp)] == [PORT_RANGE_END - 1, PORT_RANGE_START + 1]


def test_when_all_ports_are_taken_there_is_none() -> None:
    tcp = Peer().stack.tcp
    pcbs = []
    for port in range(PORT_RANGE_START, PORT_RANGE_END):
        pcb = Tcb(tcp.profile, 64, 0, 0)
        pcb.local_port = port
        pcbs.append(pcb)
    tcp.bound_pcbs = pcbs
    assert new_port(tcp) == 0
    tcp.bound_pcbs.pop(5)
    assert new_port(tcp) == PORT_RANGE_START + 5


# Backlog


def test_the_application_can_keep_a_connection_in_the_backlog() -> None:
    talk = Conversation("micropython", backlog=1)
    talk.segment(SYN, 0, port=1)
    assert talk.listener.accepts_pending == 1
    accept = talk.listener.accept
    assert accept is not None

    def accept_later(pcb: Tcb | None, err: int) -> int:
        assert pcb is not None
        talk.tcp.backlog_delayed(pcb)
        talk.tcp.backlog_delayed(pcb)  # counted once
        return accept(pcb, err)

    talk.listener.accept = accept_later
    talk.segment(ACK, 1, 1, port=1)
    assert talk.listener.accepts_pending == 1
    talk.frames.clear()
    talk.segment(SYN, 0, port=2, to=80)
    talk.expect_drop("tcp_backlog")
    talk.tcp.backlog_accepted(talk.pcb)
    talk.tcp.backlog_accepted(talk.pcb)
    assert talk.listener.accepts_pending == 0


def test_a_half_open_connection_that_dies_leaves_the_backlog() -> None:
    talk = Conversation("micropython", backlog=1)
    talk.segment(SYN, 0)
    talk.segment(4, 1)  # RST
    assert talk.listener.accepts_pending == 0
    assert talk.tcp.active_pcbs == []


# Giving back


def test_a_listener_that_goes_leaves_its_connections() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    talk.tcp.close(talk.listener)
    (half_open,) = talk.tcp.active_pcbs
    assert half_open.listener is None
    assert talk.tcp.listen_pcbs == []
    assert talk.stack.mem.tcp_pcb_listen.used == 0
    assert talk.stack.mem.tcp_pcb.used == 1


def test_an_end_gives_back_all_queues_of_a_connection() -> None:
    talk = established("micropython", mss=800)
    talk.consumes = False
    talk.write(bytes(800))
    talk.tcp.write(talk.pcb, bytes(100))  # unsent
    talk.segment(PSH | ACK, 50, 1, b"out of order")
    talk.answer = -1
    talk.segment(PSH | ACK, 1, 1, b"refused")
    mem = talk.stack.mem
    assert (mem.tcp_seg.used, mem.pbuf_pool.used) == (3, 2)
    assert mem.heap.used
    talk.tcp.abort(talk.pcb)
    talk.expect_no_queue()
    assert mem.heap.used == 0
    assert mem.tcp_pcb.used == 0
    assert talk.pcb.rtime == -1


def test_the_timer_starts_with_the_first_pcb_and_stops_after_the_last() -> None:
    talk = Conversation()
    assert not talk.tcp.timer.armed
    talk.segment(SYN, 0)
    assert talk.tcp.timer.armed
    talk.tcp.abort(talk.tcp.active_pcbs[0])
    assert talk.tcp.timer.armed  # one more run
    talk.advance(ms=250)
    assert not talk.tcp.timer.armed
