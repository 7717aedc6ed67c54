"""lwIP's socket layer: what each call does and returns, in every situation of a connection."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import IP, TCP

from netstack.api.common import ERR_BADF
from netstack.api.netconn import TcpSocket, tcp_socket
from netstack.errors import (
    ERR_ABRT,
    ERR_ALREADY,
    ERR_CLSD,
    ERR_CONN,
    ERR_INPROGRESS,
    ERR_ISCONN,
    ERR_MEM,
    ERR_OK,
    ERR_RST,
    ERR_RTE,
    ERR_USE,
    ERR_VAL,
    ERR_WOULDBLOCK,
)
from tests.netstack.peer import OURS, PEER, Peer, ip_of

PORT = 80
PEER_PORT = 4000


class Client:
    """A peer's end of one connection with port 80: keeps the numbers, sends segments, sees answers."""

    def __init__(self, peer: Peer, port: int = PEER_PORT) -> None:
        self.peer = peer
        self.port = port
        self.seq = 100
        self.ack = 0

    def send(self, flags: str, data: bytes = b"") -> None:
        segment = TCP(sport=self.port, dport=PORT, flags=flags, seq=self.seq, ack=self.ack, window=8000)
        self.peer.send(IP(src=PEER, dst=OURS) / segment / data)
        self.seq += len(data) + ("S" in flags) + ("F" in flags)

    def answers(self) -> list[Any]:
        """The segments for this port since the last look; the acknowledgement number follows them."""
        answers = [frame[TCP] for frame in self.peer.replies() if frame[TCP].dport == self.port]
        for segment in answers:
            self.ack = segment.seq + len(segment.payload) + ("S" in segment.flags) + ("F" in segment.flags)
        return answers

    def flags(self) -> list[str]:
        return [str(segment.flags) for segment in self.answers()]

    def open(self) -> None:
        """The whole handshake with a listener."""
        self.send("S")
        assert self.flags() == ["SA"]
        self.send("A")


class Events:
    """An event hook that remembers (kind, fields without sockets)."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def __call__(self, kind: str, sock: Any, conn: Any, **fields: Any) -> None:
        fields.pop("listener", None)
        self.seen.append((kind, next(iter(fields.values()), None)))

    def take(self) -> list[tuple[str, Any]]:
        seen, self.seen = self.seen, []
        return seen


def new(peer: Peer, events: Events | None = None) -> TcpSocket:
    sock, err = tcp_socket(peer.stack, events)
    assert err == ERR_OK
    assert sock is not None
    return sock


def listener(peer: Peer, backlog: int = 5, events: Events | None = None) -> TcpSocket:
    sock = new(peer, events)
    assert sock.bind(0, PORT) == ERR_OK
    assert sock.listen(backlog) == ERR_OK
    return sock


def accepted(
    profile: str = "lwip-default", events: Events | None = None, **options: int
) -> tuple[Peer, Client, TcpSocket]:
    """A connection that was opened by the peer and accepted."""
    peer = Peer(profile, **options)
    listening = listener(peer, events=events)
    client = Client(peer)
    client.open()
    sock, err = listening.accept()
    assert err == ERR_OK
    assert sock is not None
    return peer, client, sock


def connecting(events: Events | None = None) -> tuple[Peer, Client, TcpSocket]:
    peer = Peer("lwip-default")
    sock = new(peer, events)
    assert sock.bind(0, PORT) == ERR_OK
    assert sock.connect(ip_of(PEER), PEER_PORT) == ERR_INPROGRESS
    client = Client(peer)
    assert client.flags() == ["S"]
    return peer, client, sock


# Opening


def test_a_socket_takes_a_pcb_at_once_and_close_gives_it_back() -> None:
    peer = Peer("lwip-default", memp_num_tcp_pcb=1)
    sock = new(peer)
    assert tcp_socket(peer.stack) == (None, ERR_MEM)
    assert sock.close() == ERR_OK
    assert sock.pcb is None
    assert sock.close() == ERR_OK
    peer.expect_no_leak()


def test_a_bound_port_is_taken_and_a_second_bind_is_refused() -> None:
    peer = Peer("lwip-default")
    assert new(peer).bind(0, PORT) == ERR_OK
    other = new(peer)
    assert other.bind(0, PORT) == ERR_USE
    assert other.bind(0, 81) == ERR_OK
    other.close()
    assert other.bind(0, 82) == ERR_VAL


def test_connect_is_under_way_until_the_peer_answers() -> None:
    events = Events()
    _, client, sock = connecting(events)
    assert sock.connect(ip_of(PEER), PEER_PORT) == ERR_ALREADY
    assert sock.write(b"x") == (0, ERR_INPROGRESS)
    assert sock.read(1) == (None, ERR_WOULDBLOCK)
    assert sock.shutdown(True, True) == ERR_CONN
    assert sock.listen(1) == ERR_CONN
    client.send("SA")
    assert client.flags() == ["A"]
    assert events.take() == [("connected", None)]
    assert sock.conn == (PORT, ip_of(PEER), PEER_PORT)
    assert sock.connect(ip_of(PEER), PEER_PORT) == ERR_ISCONN
    assert sock.listen(1) == ERR_VAL
    assert sock.write(b"x") == (1, ERR_OK)


def test_a_refused_connect_tells_twice_and_the_socket_is_spent() -> None:
    events = Events()
    peer, client, sock = connecting(events)
    client.send("RA")
    assert events.take() == [("err", ERR_RST)]
    assert [sock.read(1), sock.read(1), sock.read(1)] == [(None, ERR_RST), (None, ERR_RST), (None, ERR_CONN)]
    assert sock.write(b"x") == (0, ERR_CONN)
    assert sock.connect(ip_of(PEER), PEER_PORT) == ERR_CLSD
    assert sock.setsockopt("TCP_NODELAY", 1) == ERR_BADF
    sock.close()
    peer.expect_no_leak()


def test_connect_that_cannot_begin_leaves_the_socket_as_it_was() -> None:
    peer = Peer("lwip-default", up=False)
    sock = new(peer)
    assert sock.connect(ip_of(PEER), PEER_PORT) == ERR_RTE
    peer.stack.netif.set_up(True)
    assert sock.connect(ip_of(PEER), PEER_PORT) == ERR_INPROGRESS


def test_calls_that_a_listener_refuses() -> None:
    sock = listener(Peer("lwip-default"))
    assert sock.connect(ip_of(PEER), 1) == ERR_ISCONN
    assert sock.read(1) == (None, ERR_CONN)
    assert sock.write(b"x") == (0, ERR_INPROGRESS)
    assert sock.shutdown(True, False) == ERR_CONN
    assert sock.bind(0, 81) == ERR_VAL
    assert sock.accept() == (None, ERR_WOULDBLOCK)
    assert sock.shutdown(True, True) == ERR_OK
    assert sock.pcb is None


def test_accept_needs_a_listener() -> None:
    assert new(Peer("lwip-default")).accept() == (None, ERR_VAL)


def test_a_connection_counts_in_the_backlog_until_it_is_accepted() -> None:
    events = Events()
    peer = Peer("lwip-default", tcp_listen_backlog=1)
    sock = listener(peer, 2, events)
    clients = [Client(peer, port) for port in (1, 2, 3)]
    for client in clients[:2]:
        client.open()
    assert events.take() == [("pending", None)] * 2
    assert sock.queued == 2
    clients[2].send("S")
    assert clients[2].flags() == []
    first, _ = sock.accept()
    assert first is not None
    assert first.conn == (PORT, ip_of(PEER), 1)
    clients[2].seq = 100
    clients[2].send("S")
    assert clients[2].flags() == ["SA"]


def test_listen_again_changes_the_backlog() -> None:
    peer = Peer("lwip-default", tcp_listen_backlog=1)
    sock = listener(peer, 0)
    assert peer.stack.tcp.listen_pcbs[0].backlog == 1
    assert sock.listen(300) == ERR_OK
    assert peer.stack.tcp.listen_pcbs[0].backlog == 255


@pytest.mark.parametrize(("queue", "backlog"), [(1, 5), (0, 1)])  # 0: as many as listen said
def test_a_full_accept_queue_resets_the_connection(queue: int, backlog: int) -> None:
    events = Events()
    peer = Peer("lwip-default", api_listen_queue=queue)
    sock = listener(peer, backlog, events)
    Client(peer, 1).open()
    second = Client(peer, 2)
    second.open()
    assert second.flags() == ["RA"]
    assert events.take() == [("pending", None), ("accept-full", None)]
    assert sock.queued == 1


def test_a_syn_that_finds_no_pcb_makes_accept_fail_once() -> None:
    events = Events()
    peer = Peer("lwip-default", memp_num_tcp_pcb=1)
    sock = listener(peer, 5, events)
    new(peer)
    Client(peer).send("S")
    peer.expect_nothing()
    assert events.take() == [("accept-err", ERR_MEM)]
    assert sock.accept() == (None, ERR_ABRT)
    assert sock.accept() == (None, ERR_WOULDBLOCK)


# Reading


def test_read_gathers_over_deliveries_and_opens_the_window_once() -> None:
    events = Events()
    _, client, sock = accepted(events=events)
    for part in (b"abc", b"defg"):
        client.send("PA", part)
    assert events.take() == [("pending", None), ("recv", 3), ("recv", 4)]
    pcb = sock.pcb
    assert pcb is not None
    window = pcb.rcv_wnd
    assert sock.read(5) == (b"abcde", ERR_OK)
    assert pcb.rcv_wnd == window + 5
    assert sock.read(5) == (b"fg", ERR_OK)
    assert sock.read(5) == (None, ERR_WOULDBLOCK)


def test_data_and_the_end_arrive_before_accept() -> None:
    peer = Peer("lwip-default")
    listening = listener(peer)
    client = Client(peer)
    client.open()
    client.send("PA", b"early")
    client.send("FA")
    sock, _ = listening.accept()
    assert sock is not None
    assert sock.read(100) == (b"early", ERR_OK)
    assert sock.read(100) == (b"", ERR_OK)


def test_the_end_is_told_once_and_shuts_the_receiving_side() -> None:
    events = Events()
    peer, client, sock = accepted(events=events)
    client.send("FA")
    assert events.take()[-1] == ("fin", None)
    assert [sock.read(1), sock.read(1)] == [(b"", ERR_OK), (None, ERR_CONN)]
    assert sock.write(b"still") == (5, ERR_OK)
    client.answers()
    client.send("A")
    sock.close()
    assert client.flags() == ["FA"]
    client.send("A")
    peer.advance(ms=1000)
    peer.expect_nothing()


def test_the_end_behind_data_waits_for_the_next_read() -> None:
    _, client, sock = accepted()
    client.send("PA", b"last")
    client.send("FA")
    assert [sock.read(100), sock.read(100), sock.read(100)] == [
        (b"last", ERR_OK),
        (b"", ERR_OK),
        (None, ERR_CONN),
    ]


def test_an_error_is_told_behind_the_data_twice() -> None:
    events = Events()
    _, client, sock = accepted(events=events)
    client.send("PA", b"last words")
    client.send("RA")
    assert events.take()[-1] == ("err", ERR_RST)
    assert sock.pcb is None
    assert sock.read(100) == (b"last words", ERR_OK)
    assert [sock.read(1) for _ in range(3)] == [(None, ERR_RST), (None, ERR_RST), (None, ERR_CONN)]


def test_the_pending_error_is_cleared_by_asking() -> None:
    _, client, sock = accepted()
    client.send("RA")
    assert [sock.error(), sock.error()] == [ERR_RST, ERR_OK]


def test_a_reset_after_the_end_takes_its_place() -> None:
    _, client, sock = accepted()
    client.send("FA")
    client.send("RA")
    assert sock.read(1) == (None, ERR_RST)


# Writing


def test_write_takes_what_fits_and_no_more() -> None:
    _, client, sock = accepted(tcp_snd_buf=1000, tcp_mss=500)
    assert sock.write(bytes(1500)) == (1000, ERR_OK)
    assert [len(segment.payload) for segment in client.answers()] == [500, 500]
    assert sock.write(b"x") == (0, ERR_WOULDBLOCK)
    client.send("A")
    assert sock.write(b"") == (0, ERR_OK)
    assert sock.write(b"x") == (1, ERR_OK)


def test_sent_is_told_when_the_peer_acknowledges() -> None:
    events = Events()
    _, client, sock = accepted(events=events)
    events.take()
    sock.write(bytes(7))
    client.answers()
    client.send("A")
    assert events.take() == [("sent", 7)]


def test_more_holds_the_push_flag_back() -> None:
    _, client, sock = accepted()
    sock.write(bytes(10), more=True)
    assert client.flags() == ["A"]


def test_a_write_without_memory_fails_and_leaves_nothing_behind() -> None:
    peer, _, sock = accepted()
    pool = peer.stack.mem.tcp_seg
    taken = pool.size - pool.used
    assert pool.take(taken)
    assert sock.write(b"x") == (0, ERR_MEM)
    pool.give(taken)
    assert sock.write(b"x") == (1, ERR_OK)


def test_a_write_without_a_way_out_fails_though_the_data_stays_queued() -> None:
    peer, _, sock = accepted()
    peer.stack.netif.set_up(False)
    assert sock.write(bytes(10)) == (0, ERR_RTE)
    pcb = sock.pcb
    assert pcb is not None
    assert len(pcb.unsent) == 1


def test_a_write_needs_a_connection() -> None:
    assert new(Peer("lwip-default")).write(b"x") == (0, ERR_CONN)


# Closing


def test_close_with_unread_data_resets() -> None:
    peer, client, sock = accepted()
    client.send("PA", b"unread")
    client.answers()
    sock.close()
    assert client.flags() == ["RA"]
    assert sock.read(1) == (None, ERR_CONN)
    assert peer.stack.mem.pbuf_pool.used == 0


def test_close_with_data_read_in_part_gives_its_buffers_back() -> None:
    peer, client, sock = accepted()
    client.send("PA", b"half of it")
    sock.read(4)
    sock.close()
    assert peer.stack.mem.pbuf_pool.used == 0


def test_close_of_a_listener_resets_who_waits_and_says_nothing_of_it() -> None:
    events = Events()
    peer = Peer("lwip-default")
    sock = listener(peer, 5, events)
    client = Client(peer)
    client.open()
    events.take()
    sock.close()
    assert client.flags() == ["RA"]
    assert events.take() == []
    peer.expect_no_leak()


def test_abort_resets_and_says_nothing_of_it() -> None:
    events = Events()
    peer, client, sock = accepted(events=events)
    events.take()
    sock.abort()
    assert client.flags() == ["RA"]
    assert (sock.pcb, events.take()) == (None, [])
    sock.abort()
    peer.expect_nothing()


def test_shutting_one_side_leaves_the_other() -> None:
    events = Events()
    _, client, sock = accepted(events=events)
    assert sock.shutdown(False, True) == ERR_OK
    assert client.flags() == ["FA"]
    assert sock.write(b"x")[1] == ERR_CONN
    client.send("PA", b"answer")
    assert sock.read(100) == (b"answer", ERR_OK)
    assert ("sent", 0) not in events.take()


def test_data_for_a_shut_receiving_side_resets() -> None:
    _, client, sock = accepted()
    assert sock.shutdown(True, False) == ERR_OK
    client.send("PA", b"too late")
    assert client.flags() == ["RA"]
    assert sock.read(1) == (None, ERR_CONN)


def test_shutting_the_second_side_closes() -> None:
    _, client, sock = accepted()
    assert sock.shutdown(True, False) == ERR_OK
    assert sock.shutdown(False, True) == ERR_OK
    assert client.flags() == ["FA"]
    assert sock.pcb is None
    assert sock.shutdown(False, True) == ERR_CONN


def test_output_is_retried_every_second_slow_tick() -> None:
    pcb = accepted()[2].pcb
    assert pcb is not None
    assert pcb.pollinterval == 2


@pytest.mark.parametrize("when", ["new", "connecting", "open", "peer closed"])
def test_nothing_leaks_whenever_it_is_closed(when: str) -> None:
    if when == "new":
        peer = Peer("lwip-default")
        sock = new(peer)
    elif when == "connecting":
        peer, _, sock = connecting()
    else:
        peer, client, sock = accepted()
        client.send("PA", bytes(100))
        if when == "peer closed":
            client.send("FA")
        peer.stack.tcp.close(peer.stack.tcp.listen_pcbs[0])
    sock.close()
    peer.advance(ms=200_000)
    peer.expect_no_leak()


def test_a_connection_that_time_wait_ended_is_gone() -> None:
    peer, client, sock = accepted()
    peer.stack.tcp.close(peer.stack.tcp.listen_pcbs[0])
    sock.shutdown(False, True)
    client.answers()
    client.send("A")
    client.send("FA")
    assert client.flags() == ["A"]
    assert sock.pcb is not None
    peer.advance(ms=200_000)
    assert sock.pcb is None
    assert sock.write(b"x") == (0, ERR_CONN)
    assert sock.read(1) == (None, ERR_RST)
    assert sock.close() == ERR_OK
    peer.expect_no_leak()
