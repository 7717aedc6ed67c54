"""MicroPython's socket layer on streams: what each call does and returns, wherever a connection is."""

from __future__ import annotations

import pytest

from netstack.api.common import ERR_BADF
from netstack.api.modlwip import (
    CONNECTED,
    CONNECTING,
    LISTENING,
    NEW,
    PEER_CLOSED,
    PEER_RST_HANDLED,
    TcpSocket,
    tcp_socket,
)
from netstack.errors import (
    ERR_ABRT,
    ERR_ALREADY,
    ERR_ARG,
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
from tests.netstack.api.test_netconn import PEER_PORT, PORT, Client, Events
from tests.netstack.peer import PEER, Peer, ip_of


def new(peer: Peer, events: Events | None = None) -> TcpSocket:
    sock, err = tcp_socket(peer.stack, events)
    assert err == ERR_OK
    assert sock is not None
    return sock


def listener(peer: Peer, backlog: int = 2, events: Events | None = None) -> TcpSocket:
    sock = new(peer, events)
    assert sock.bind(0, PORT) == ERR_OK
    assert sock.listen(backlog) == ERR_OK
    return sock


def accepted(events: Events | None = None, **options: int) -> tuple[Peer, Client, TcpSocket]:
    """A connection that was opened by the peer and accepted."""
    peer = Peer("micropython", **options)
    listening = listener(peer, events=events)
    client = Client(peer)
    client.open()
    sock, err = listening.accept()
    assert err == ERR_OK
    assert sock is not None
    return peer, client, sock


def connecting(events: Events | None = None) -> tuple[Peer, Client, TcpSocket]:
    peer = Peer("micropython")
    sock = new(peer, events)
    assert sock.bind(0, PORT) == ERR_OK
    assert sock.connect(ip_of(PEER), PEER_PORT) == ERR_INPROGRESS
    client = Client(peer)
    assert client.flags() == ["S"]
    return peer, client, sock


class TestOpening:
    def test_new(self) -> None:
        peer = Peer("micropython", memp_num_tcp_pcb=1)
        sock = new(peer)
        assert tcp_socket(peer.stack) == (None, ERR_MEM)
        assert sock.state == NEW
        assert sock.read(10) == (None, ERR_WOULDBLOCK)
        assert sock.write(b"x") == (0, ERR_CONN)
        assert sock.accept() == (None, ERR_VAL)
        assert sock.room == 6400
        sock.close()
        peer.expect_no_leak()

    def test_bind(self) -> None:
        peer = Peer("micropython")
        one, two = new(peer), new(peer)
        assert one.bind(0, PORT) == ERR_OK
        assert one.bind(0, PORT) == ERR_USE  # with itself
        assert one.bind(0, PORT + 1) == ERR_VAL  # the board would hang
        assert two.bind(0, PORT) == ERR_USE
        assert two.bind(0, 0) == ERR_OK
        assert two.pcb is not None
        assert two.pcb.local_port == 49153

    def test_listen(self) -> None:
        peer = Peer("micropython", memp_num_tcp_pcb_listen=1)
        sock = new(peer)
        assert sock.listen(0) == ERR_OK  # not bound: a port of its own
        assert sock.pcb is not None
        assert sock.pcb.local_port == 49153
        assert (sock.state, sock.slots, sock.room) == (LISTENING, 1, 0)
        assert peer.stack.mem.tcp_pcb.used == 0
        assert sock.listen(5) == ERR_OK
        assert sock.slots == 1
        assert sock.bind(0, 1) == ERR_VAL
        assert sock.connect(ip_of(PEER), 1) == ERR_ALREADY
        assert sock.read(1) == (None, ERR_CONN)
        assert sock.write(b"x") == (0, ERR_CONN)
        assert sock.output() == ERR_CONN
        assert sock.shutdown(True, True) == ERR_CONN
        other = new(peer)
        assert other.listen(1) == ERR_MEM
        assert other.state == NEW
        sock.abort()
        assert other.listen(1) == ERR_OK

    def test_connect(self) -> None:
        events = Events()
        peer, client, sock = connecting(events)
        assert sock.state == CONNECTING
        assert sock.connect(ip_of(PEER), 1) == ERR_ALREADY
        assert sock.listen(1) == ERR_CLSD
        assert sock.write(b"x") == (0, ERR_WOULDBLOCK)
        assert sock.read(1) == (None, ERR_WOULDBLOCK)
        client.send("SA")
        assert client.flags() == ["A"]
        assert sock.state == CONNECTED
        assert sock.connect(ip_of(PEER), 1) == ERR_ISCONN
        assert events.take() == [("connected", None)]
        assert sock.peer == (ip_of(PEER), PEER_PORT)
        assert peer.stack.mem.tcp_pcb.used == 1

    def test_refused(self) -> None:
        events = Events()
        peer, client, sock = connecting(events)
        client.send("RA")
        assert events.take() == [("err", ERR_RST)]
        assert (sock.state, sock.pcb) == (ERR_RST, None)
        assert sock.connect(ip_of(PEER), 1) == ERR_BADF
        assert sock.read(1) == (None, ERR_RST)
        assert sock.read(1) == (b"", ERR_OK)
        assert sock.write(b"x") == (0, ERR_CONN)
        peer.expect_no_leak()

    def test_without_a_route_it_stays_new(self) -> None:
        peer = Peer("micropython", up=False)
        sock = new(peer)
        assert sock.connect(ip_of(PEER), 1) == ERR_RTE
        assert sock.state == NEW

    def test_nobody_answers(self) -> None:
        peer, _, sock = connecting()
        peer.advance(20_000)
        assert sock.state == ERR_ABRT
        assert sock.poll(5) == 8
        assert sock.read(1) == (None, ERR_ABRT)
        assert sock.read(1) == (None, ERR_BADF)


class TestAccepting:
    def test_queue_in_order(self) -> None:
        events = Events()
        peer = Peer("micropython")
        listening = listener(peer, events=events)
        assert listening.accept() == (None, ERR_WOULDBLOCK)
        clients = [Client(peer, port) for port in (4001, 4002)]
        for client in clients:
            client.open()
        assert events.take() == [("pending", None)] * 2
        assert listening.queued == 2
        for client in clients:
            sock, _ = listening.accept()
            assert sock is not None
            assert sock.conn == (PORT, ip_of(PEER), client.port)
            assert sock.state == CONNECTED
        assert listening.queued == 0

    def test_one_too_many_is_reset_after_its_handshake(self) -> None:
        events = Events()
        peer = Peer("micropython")
        listening = listener(peer, backlog=1, events=events)
        first, second = Client(peer, 4001), Client(peer, 4002)
        first.open()
        second.open()
        assert second.flags() == ["RA"]
        assert events.take() == [("pending", None), ("accept-full", None)]
        assert listening.queued == 1
        assert peer.stack.mem.tcp_pcb.used == 1

    def test_no_pcb_left(self) -> None:
        events = Events()
        peer = Peer("micropython", memp_num_tcp_pcb=1)
        listening = listener(peer, events=events)
        held = new(peer)
        Client(peer).send("S")
        peer.expect_nothing()
        assert events.take() == [("accept-err", ERR_MEM)]
        assert listening.accept() == (None, ERR_WOULDBLOCK)
        held.close()

    def test_data_is_refused_until_then(self) -> None:
        events = Events()
        peer = Peer("micropython")
        listening = listener(peer, events=events)
        client = Client(peer)
        client.open()
        client.send("PA", b"early")
        assert events.take() == [("pending", None), ("refused", 5)]
        peer.advance(500)
        assert events.take() == [("refused", 5)] * 2
        sock, _ = listening.accept()
        assert sock is not None
        assert sock.read(10) == (None, ERR_WOULDBLOCK)
        peer.advance(250)
        assert sock.read(10) == (b"early", ERR_OK)

    def test_a_lone_fin_is_never_noticed(self) -> None:
        events = Events()
        peer = Peer("micropython")
        listening = listener(peer, events=events)
        client = Client(peer)
        client.open()
        client.send("FA")
        assert events.take() == [("pending", None), ("fin-lost", None)]
        sock, _ = listening.accept()
        assert sock is not None
        peer.advance(5000)
        assert sock.read(10) == (None, ERR_WOULDBLOCK)
        assert sock.state == CONNECTED

    def test_a_lone_fin_is_the_end_of_file_without_the_quirk(self) -> None:
        events = Events()
        peer = Peer("micropython", quirks_off=("lone_fin_before_accept_lost",))
        listening = listener(peer, events=events)
        client = Client(peer)
        client.open()
        client.send("FA")
        assert events.take() == [("pending", None), ("fin", None)]
        sock, _ = listening.accept()
        assert sock is not None
        assert sock.read(10) == (b"", ERR_OK)

    def test_a_reset_takes_it_out(self) -> None:
        events = Events()
        peer = Peer("micropython")
        listening = listener(peer, events=events)
        lost, kept = Client(peer, 4001), Client(peer, 4002)
        lost.open()
        kept.open()
        events.take()
        lost.send("R")
        assert events.take() == [("err", ERR_RST)]
        sock, _ = listening.accept()
        assert sock is not None
        assert sock.conn[2] == 4002

    @pytest.mark.parametrize(
        ("backlog", "forget", "reset"), [(1, False, True), (1, True, False), (2, True, True)]
    )
    def test_closing_the_listener(self, backlog: int, forget: bool, reset: bool) -> None:
        peer = Peer("micropython")
        listening = listener(peer, backlog)
        client = Client(peer)
        client.open()
        listening.close(forget_single=forget)
        assert client.flags() == (["RA"] if reset else [])
        assert peer.stack.mem.tcp_pcb.used == (0 if reset else 1)
        client.send("PA", b"anybody there?")  # the forgotten connection refuses for ever
        peer.advance(1000)
        assert peer.stack.mem.pbuf_pool.used == (0 if reset else 1)
        client.send("R")
        if not reset:
            assert peer.stack.mem.tcp_pcb.used == 0


class TestReading:
    def test_at_most_the_first_buffer(self) -> None:
        peer, client, sock = accepted()
        client.send("A", b"a" * 300)
        client.send("A", b"b" * 300)
        assert sock.read(1000) == (b"a" * 300, ERR_OK)
        assert sock.read(100) == (b"b" * 100, ERR_OK)
        assert sock.read(1000) == (b"b" * 200, ERR_OK)
        assert sock.read(1000) == (None, ERR_WOULDBLOCK)
        assert peer.stack.mem.pbuf_pool.used == 0

    def test_a_frame_in_two_buffers(self) -> None:
        peer, client, sock = accepted()
        client.send("A", b"x" * 1000)  # 54 bytes of headers and 802 of data fill the first
        assert peer.stack.mem.pbuf_pool.used == 2
        assert sock.read(5000) == (b"x" * 802, ERR_OK)
        assert peer.stack.mem.pbuf_pool.used == 1
        assert sock.read(5000) == (b"x" * 198, ERR_OK)
        assert peer.stack.mem.pbuf_pool.used == 0

    def test_peeking_takes_nothing(self) -> None:
        _, client, sock = accepted()
        client.send("A", b"abc")
        assert sock.read(2, peek=True) == (b"ab", ERR_OK)
        assert sock.read(5, peek=True) == (b"abc", ERR_OK)
        assert sock.read(5) == (b"abc", ERR_OK)

    def test_it_opens_the_window(self) -> None:
        _, client, sock = accepted()
        for _ in range(4):
            client.send("A", bytes(800))
        assert sock.pcb is not None
        assert sock.pcb.rcv_wnd == 3200
        client.answers()
        sock.read(800)
        assert client.answers() == []
        sock.read(800)
        (update,) = client.answers()
        assert update.window == 4800

    def test_the_end_comes_again_and_again(self) -> None:
        events = Events()
        _, client, sock = accepted(events)
        client.send("PA", b"last")
        client.send("FA")
        assert events.take() == [("pending", None), ("recv", 4), ("fin", None)]
        assert sock.state == PEER_CLOSED
        assert sock.read(10) == (b"last", ERR_OK)
        assert sock.read(10) == (b"", ERR_OK)
        assert sock.read(10) == (b"", ERR_OK)
        assert sock.write(b"still open") == (10, ERR_OK)

    def test_data_before_a_reset_is_kept(self) -> None:
        peer, client, sock = accepted()
        client.send("PA", b"last")
        client.send("R")
        assert sock.read(10) == (b"last", ERR_OK)
        assert sock.read(10) == (None, ERR_RST)
        assert sock.state == PEER_RST_HANDLED
        assert sock.read(10) == (b"", ERR_OK)
        assert peer.stack.mem.pbuf_pool.used == 0

    def test_a_write_that_hears_of_the_reset_first(self) -> None:
        _, client, sock = accepted()
        client.send("PA", b"last")
        client.send("R")
        assert sock.write(b"x") == (0, ERR_RST)
        assert sock.write(b"x") == (0, ERR_BADF)
        assert sock.read(10) == (b"last", ERR_OK)
        assert sock.read(10) == (None, ERR_BADF)


class TestWriting:
    def test_what_the_send_buffer_takes(self) -> None:
        _, client, sock = accepted()
        assert sock.write(bytes(10_000)) == (6400, ERR_OK)
        assert sock.room == 0
        assert sock.write(b"x") == (0, ERR_WOULDBLOCK)
        assert sum(len(segment.payload) for segment in client.answers()) == 4 * 536  # the congestion window

    def test_nagle(self) -> None:
        events = Events()
        _, client, sock = accepted(events)
        events.take()
        assert sock.write(b"one") == (3, ERR_OK)
        assert sock.write(b"two") == (3, ERR_OK)
        assert client.flags() == ["PA"]
        client.send("A")
        assert events.take() == [("sent", 3)]
        assert client.flags() == ["PA"]
        assert sock.setsockopt("TCP_NODELAY", 1) == ERR_OK
        assert sock.write(b"three") == (5, ERR_OK)
        assert client.flags() == ["PA"]

    def test_without_memory(self) -> None:
        peer, client, sock = accepted(memp_num_tcp_seg=4)
        assert sock.setsockopt("TCP_NODELAY", 1) == ERR_OK
        for _ in range(4):
            assert sock.write(b"x") == (1, ERR_OK)
        assert sock.write(b"x") == (0, ERR_MEM)
        assert sock.output() == ERR_OK
        client.answers()
        client.send("A")
        assert sock.write(b"x") == (1, ERR_OK)
        assert peer.stack.mem.tcp_seg.used == 1


class TestShutdown:
    def test_sending(self) -> None:
        events = Events()
        _, client, sock = accepted(events)
        sock.write(b"x")
        client.answers()
        assert sock.shutdown(False, True) == ERR_OK
        assert client.flags() == ["FA"]
        client.send("A")
        assert events.take() == [("pending", None)]  # nobody is told that the byte has arrived
        assert sock.write(b"y") == (0, ERR_CONN)
        client.send("PA", b"answer")
        assert sock.read(10) == (b"answer", ERR_OK)

    def test_receiving(self) -> None:
        events = Events()
        _, client, sock = accepted(events)
        assert sock.shutdown(True, False) == ERR_OK
        client.send("PA", b"not wanted")
        assert client.flags() == ["RA"]
        assert events.take() == [("pending", None), ("err", ERR_ABRT)]
        assert sock.state == ERR_ABRT

    def test_both_of_a_connection_that_is_not_there_yet(self) -> None:
        peer, _, sock = connecting()
        assert sock.shutdown(True, True) == ERR_OK
        assert (sock.pcb, sock.state) == (None, ERR_CLSD)
        assert sock.shutdown(True, True) == ERR_CONN
        peer.expect_no_leak()


class TestClosing:
    def test_everything_read(self) -> None:
        peer, client, sock = accepted()
        assert sock.close() == ERR_OK
        assert client.flags() == ["FA"]
        client.send("FA")
        assert client.flags() == ["A"]
        peer.advance(121_000)
        assert peer.stack.mem.tcp_pcb.used == 0

    def test_unread_data_resets(self) -> None:
        peer, client, sock = accepted()
        client.send("PA", b"unread")
        client.answers()
        sock.close()
        assert client.flags() == ["RA"]
        assert peer.stack.mem.pbuf_pool.used == 0
        assert peer.stack.mem.tcp_pcb.used == 0

    def test_a_silent_peer_is_reset_after_ten_seconds(self) -> None:
        peer, client, sock = accepted()
        sock.close()
        peer.advance(9000)
        assert peer.stack.mem.tcp_pcb.used == 1
        client.answers()
        peer.advance(1600)
        assert client.flags()[-1] == "RA"
        assert peer.stack.mem.tcp_pcb.used == 0

    def test_the_ten_seconds_are_an_option(self) -> None:
        for timeout, used in ((2000, 0), (0, 1)):
            peer, _, sock = accepted(api_close_timeout_ms=timeout)
            sock.close()
            peer.advance(12_000)
            assert peer.stack.mem.tcp_pcb.used == used

    def test_closed(self) -> None:
        peer = Peer("micropython")
        sock = new(peer)
        sock.close()
        sock.close()
        sock.abort()
        assert sock.state == ERR_BADF
        assert sock.bind(0, 1) == ERR_ARG
        assert sock.listen(1) == ERR_BADF
        assert sock.accept() == (None, ERR_BADF)
        assert sock.connect(1, 1) == ERR_BADF
        assert sock.read(1) == (None, ERR_BADF)
        assert sock.write(b"x") == (0, ERR_BADF)
        assert sock.setsockopt("TCP_NODELAY", 1) == ERR_BADF
        assert sock.shutdown(True, True) == ERR_CONN
        assert sock.poll(5) == 32
        peer.expect_no_leak()

    def test_abort(self) -> None:
        peer, client, sock = accepted()
        sock.abort()
        assert client.flags() == ["RA"]
        assert sock.state == ERR_BADF
        assert peer.stack.mem.tcp_pcb.used == 0


@pytest.mark.parametrize("mask", [5, 1, 0])
def test_poll_flags(mask: int) -> None:
    """The table of the measurements; ``usocket`` shows the same from outside."""
    peer = Peer("micropython")
    assert new(peer).poll(mask) == mask & 4 | 16
    assert connecting()[2].poll(mask) == 0
    listening = listener(peer)
    assert listening.poll(mask) == 0
    client = Client(peer)
    client.open()
    assert listening.poll(mask) == mask & 1
    sock, _ = listening.accept()
    assert sock is not None
    assert sock.poll(mask) == mask & 4
    client.send("PA", b"x")
    assert sock.poll(mask) == mask & 5
    client.send("FA")
    assert sock.poll(mask) == mask & 5
    client.send("RA")
    assert sock.poll(mask) == mask & 5 | 24
    sock.read(1)
    sock.read(1)
    assert sock.poll(mask) == mask & 1 | 16
    sock.close()
    assert sock.poll(mask) == 32
