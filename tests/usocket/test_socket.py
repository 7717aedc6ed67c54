"""The socket class on two devices in virtual time: what was measured on modlwip."""

from __future__ import annotations

import gc

import pytest

from netstack.profiles import named
from tap.clock import MS, SECOND
from tests.usocket.support import CLIENT, SERVER, Pair, listening, raises, two_devices
from usocket import SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, Device, socket
from usocket.constants import MSG_DONTWAIT, MSG_PEEK
from usocket.errno import (
    EADDRINUSE,
    EAGAIN,
    EALREADY,
    EBADF,
    ECONNABORTED,
    ECONNRESET,
    EHOSTUNREACH,
    EINPROGRESS,
    EINVAL,
    EIO,
    ENOMEM,
    ENOTCONN,
    EOPNOTSUPP,
    ETIMEDOUT,
)

EISCONN = 106


@pytest.fixture
def pair():
    with two_devices() as both:
        yield both


def transfer(sender: socket, receiver: socket, data: bytes) -> bytes:
    """Send all of ``data``, reading as it comes."""
    sender.setblocking(False)
    received = bytearray()
    sent = 0
    while len(received) < len(data):
        if sent < len(data):
            sent += sender.write(data[sent:]) or 0
        received += receiver.recv(1000)
    return bytes(received)


class TestConstructor:
    def test_a_pcb_is_taken_at_once(self, pair: Pair) -> None:
        sockets = [pair.server.socket() for _ in range(5)]
        assert pair.server.stack.mem.tcp_pcb.used == 5
        with raises(ENOMEM):
            pair.server.socket()
        sockets.pop().close()
        for _ in range(20):
            pair.server.socket()  # nobody keeps it: its pcb is free for the next

    @pytest.mark.parametrize("args", [(), (999,), (10,), (2, 1), (2, 1, 6), (2, 1, 6, "ignored")])
    def test_streams(self, pair: Pair, args: tuple[int, ...]) -> None:
        assert repr(pair.server.socket(*args)) == "<socket state=0 timeout=4294967295 incoming=0 off=0>"

    def test_an_unknown_type(self, pair: Pair) -> None:
        with raises(EINVAL):
            pair.server.socket(2, 5)

    @pytest.mark.parametrize("args", [(None,), (2, None), ("2",), (2, 1, 0, 0, 0)])
    def test_bad_arguments(self, pair: Pair, args: tuple[object, ...]) -> None:
        with pytest.raises(TypeError):
            pair.server.socket(*args)
        assert pair.server.stack.mem.tcp_pcb.used == 0

    def test_what_it_prints_and_has_not(self, pair: Pair) -> None:
        sock = pair.server.socket()
        assert str(type(sock)) == "<class 'socket'>"
        with pytest.raises(AttributeError):
            sock.mine = 1
        for name in "fileno getsockname getpeername shutdown recv_into getsockopt gettimeout".split():
            assert not hasattr(sock, name)
        with pytest.raises(TypeError):
            sock.bind(address=("", 1))
        sock.close()
        assert sock
        assert repr(sock) == "<socket state=-17 timeout=4294967295 incoming=0 off=0>"
        assert repr(pair.server.socket(2, SOCK_DGRAM)) == "<socket state=4 timeout=4294967295 incoming=0>"


class TestStates:
    """Section 1.5 of the measurements: what each method does in each state."""

    def test_new(self, pair: Pair) -> None:
        sock = pair.server.socket()
        with raises(EINVAL):
            sock.accept()
        for call in (sock.recv, sock.recvfrom, sock.read, sock.readline):
            with raises(ENOTCONN):
                call(1)
        for call in (sock.send, sock.sendall, sock.write):
            with raises(ENOTCONN):
                call(b"x")
        sock.setblocking(False)
        with raises(EAGAIN):
            sock.recv(1)
        assert sock.read(1) is None

    def test_connecting(self, pair: Pair) -> None:
        sock = pair.client.socket()
        sock.setblocking(False)
        with raises(EINPROGRESS):
            sock.connect(("10.0.0.77", 80))
        with raises(EINVAL):
            sock.bind(("", 1))
        with raises(ENOTCONN):
            sock.listen(1)
        with raises(EINVAL):
            sock.accept()
        with raises(EALREADY):
            sock.connect((SERVER, 80))
        with raises(EAGAIN):
            sock.send(b"x")
        assert sock.write(b"x") is None
        with raises(EAGAIN):
            sock.sendall(b"x")
        with raises(EAGAIN):
            sock.recv(1)
        sock.setblocking(True)
        with raises(ENOTCONN):
            sock.recv(1)

    def test_connected(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        with raises(EINVAL):
            client.bind(("", 1))
        with raises(ENOTCONN):
            client.listen(1)
        with raises(EINVAL):
            client.accept()
        with raises(EISCONN):
            client.connect((SERVER, 80))
        accepted.setblocking(False)
        with raises(EAGAIN):
            accepted.recv(1)

    def test_listening(self, pair: Pair) -> None:
        listener = listening(pair.server)
        with raises(EINVAL):
            listener.bind(("", 1))
        with raises(ENOTCONN):
            listener.listen(1)
        with raises(EALREADY):
            listener.connect((CLIENT, 1))
        for call in (listener.send, listener.sendall):
            with raises(ENOTCONN):
                call(b"x")
        with raises(ENOTCONN):
            listener.recv(1)
        listener.settimeout(0.1)
        with raises(ETIMEDOUT):
            listener.accept()
        listener.setblocking(False)
        with raises(EAGAIN):
            listener.accept()

    def test_after_the_peers_fin(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        client.send(b"last words")
        client.close()
        assert accepted.recv(100) == b"last words"
        assert accepted.recv(100) == b""
        assert accepted.recv(100) == b""
        assert accepted.read() == b""
        assert accepted.send(b"x") == 1  # a half-closed connection can still be written to
        with raises(EINVAL):
            accepted.bind(("", 1))
        with raises(EALREADY):
            accepted.connect((CLIENT, 1))

    def test_after_a_reset_read_first(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        accepted.send(b"unread")
        pair.advance(10)
        client.close()  # with unread data: a reset
        pair.advance(10)
        with raises(EIO):
            accepted.bind(("", 1))
        with raises(EBADF):
            accepted.listen(1)
        with raises(EBADF):
            accepted.accept()
        with raises(EBADF):
            accepted.connect((CLIENT, 1))
        with raises(ECONNRESET):
            accepted.recv(1)
        assert accepted.recv(1) == b""
        assert accepted.recv(1) == b""
        with raises(EBADF):
            accepted.send(b"x")
        assert pair.server.oddities == {"send-after-reset": 1}

    def test_after_a_reset_send_first(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        accepted.send(b"unread")
        client.send(b"kept")
        pair.advance(300)
        client.close()
        pair.advance(10)
        with raises(ECONNRESET):
            accepted.send(b"x")
        with raises(EBADF):
            accepted.send(b"x")
        assert accepted.recv(10) == b"kept"
        with raises(EBADF):
            accepted.recv(10)

    def test_data_before_a_reset_is_kept(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        client.send(b"kept")
        accepted.send(b"unread")
        pair.advance(300)
        client.close()
        pair.advance(10)
        assert accepted.read(4) == b"kept"
        with raises(ECONNRESET):
            accepted.recv(1)

    def test_closed(self, pair: Pair) -> None:
        sock = pair.server.socket()
        sock.close()
        sock.close()
        with raises(EIO):
            sock.bind(("", 1))
        for call in (sock.listen, sock.recv, sock.read):
            with raises(EBADF):
                call(1)
        for call in (sock.send, sock.sendall, sock.write):
            with raises(EBADF):
                call(b"x")
        with raises(EBADF):
            sock.accept()
        with raises(EBADF):
            sock.connect((CLIENT, 1))
        with raises(EBADF):
            sock.setsockopt(1, 4, 1)
        sock.settimeout(3)
        sock.setblocking(True)
        assert sock.makefile("rb") is sock


class TestAddresses:
    @pytest.mark.parametrize("address", [("", 7, 0), ("",), ()])
    def test_wrong_length(self, pair: Pair, address: tuple[object, ...]) -> None:
        with pytest.raises(ValueError, match=f"requested length 2 but object has length {len(address)}"):
            pair.server.socket().bind(address)

    def test_names_are_not_resolved(self, pair: Pair) -> None:
        with pytest.raises(ValueError, match="invalid arguments"):
            pair.server.socket().connect(("localhost", 80))

    def test_lists_and_short_forms_will_do(self, pair: Pair) -> None:
        pair.server.socket().bind([b"10.1", 70000])  # 10.0.0.1 port 4464

    def test_bind(self, pair: Pair) -> None:
        listener = listening(pair.server, 80)
        other = pair.server.socket()
        with raises(EADDRINUSE):
            other.bind(("", 80))
        other.bind((SERVER, 81))
        with raises(EADDRINUSE):
            other.bind((SERVER, 81))
        with raises(EINVAL):
            other.bind((SERVER, 82))  # corrupts a list of lwIP's: the board hangs
        assert pair.server.oddities == {"second-bind": 1}
        listener.close()
        pair.server.socket().bind(("", 80))

    def test_reuseaddr_needs_both(self, pair: Pair) -> None:
        one, two = pair.server.socket(), pair.server.socket()
        two.setsockopt(1, 4, 1)
        one.bind(("", 80))
        with raises(EADDRINUSE):
            two.bind(("", 80))
        one.setsockopt(1, 4, 1)
        two.bind(("", 80))
        one.listen(1)
        with raises(EADDRINUSE):
            two.listen(1)

    def test_a_port_in_time_wait(self, pair: Pair) -> None:
        listener, accepted, client = pair.connected()
        accepted.close()  # first: TIME_WAIT is on this side
        assert client.recv(1) == b""
        client.close()
        listener.close()
        pair.advance(1000)
        again = pair.server.socket()
        with raises(EADDRINUSE):
            again.bind(("", 80))
        again.setsockopt(1, 4, 1)
        again.bind(("", 80))
        again.close()
        pair.advance(123_000)
        pair.server.socket().bind(("", 80))


class TestConnect:
    def test_refused_is_a_reset(self, pair: Pair) -> None:
        sock = pair.client.socket()
        with raises(ECONNRESET):
            sock.connect((SERVER, 81))
        with raises(EBADF):
            sock.connect((SERVER, 81))

    def test_a_host_that_is_not_there(self, pair: Pair) -> None:
        sock = pair.client.socket()
        start = pair.clock.now()
        with raises(ECONNABORTED):
            sock.connect(("10.0.0.77", 80))
        assert 18 <= (pair.clock.now() - start) / SECOND <= 31.5

    def test_a_silent_host_takes_18_seconds(self, pair: Pair) -> None:
        pair.connected()  # the neighbour's address is known
        pair.server_link.close()
        sock = pair.client.socket()
        start = pair.clock.now()
        with raises(ECONNABORTED):
            sock.connect((SERVER, 80))
        assert 18.0 <= (pair.clock.now() - start) / SECOND <= 18.7

    def test_the_attempt_outlives_a_time_out(self) -> None:
        with two_devices(delay=150 * MS) as pair:
            _listener = listening(pair.server)
            sock = pair.client.socket()
            sock.settimeout(0.25)
            start = pair.clock.now()
            with raises(ETIMEDOUT):
                sock.connect((SERVER, 80))
            assert pair.clock.now() - start == 250 * MS
            with raises(EALREADY):
                sock.connect((SERVER, 80))
            pair.advance(500)
            with raises(EISCONN):
                sock.connect((SERVER, 80))
            assert sock.send(b"x") == 1

    def test_without_blocking(self) -> None:
        with two_devices(delay=10 * MS) as pair:
            _listener = listening(pair.server)
            sock = pair.client.socket()
            sock.setblocking(False)
            start = pair.clock.now()
            with raises(EINPROGRESS):
                sock.connect((SERVER, 80))
            assert pair.clock.now() - start == MS

    def test_a_quick_neighbour_answers_even_who_does_not_wait(self) -> None:
        with two_devices(delay=0) as pair:
            _listener = listening(pair.server)
            sock = pair.client.socket()
            sock.setblocking(False)
            sock.connect((SERVER, 80))
            refused = pair.client.socket()
            refused.setblocking(False)
            with raises(ECONNRESET):
                refused.connect((SERVER, 81))

    @pytest.mark.parametrize("host", ["8.8.8.8", "255.255.255.255", "10.0.0.255", "224.0.0.5", "0.0.0.0"])
    def test_destinations_that_lead_nowhere_are_no_error(self, pair: Pair, host: str) -> None:
        """Off the subnet without a gateway, broadcast, multicast, nobody: just time."""
        sock = pair.client.socket()
        sock.settimeout(1)
        with raises(ETIMEDOUT):
            sock.connect((host, 80))

    def test_there_is_no_loopback(self, pair: Pair) -> None:
        with raises(EHOSTUNREACH):
            pair.client.socket().connect(("127.0.0.1", 80))

    def test_without_an_interface_it_can_be_tried_again(self, pair: Pair) -> None:
        _listener = listening(pair.server)
        sock = pair.client.socket()
        netif = pair.client.stack.netif
        with pair.client.host.lock:
            netif.set_up(False)
        with raises(EHOSTUNREACH):
            sock.connect((SERVER, 80))
        with pair.client.host.lock:
            netif.set_up(True)
        sock.connect((SERVER, 80))


class TestAccept:
    def test_gives_the_peers_address_and_inherits_the_time_out(self, pair: Pair) -> None:
        listener = listening(pair.server)
        client = pair.client.socket()
        client.bind(("", 5555))
        client.connect((SERVER, 80))
        listener.settimeout(1.5)
        accepted, address = listener.accept()
        assert address == (CLIENT, 5555)
        assert repr(accepted) == "<socket state=3 timeout=1500 incoming=0 off=0>"
        assert accepted.setblocking(False) is None
        client.send(b"x")
        pair.advance(10)
        assert accepted.recvfrom(1) == (b"x", ("0.0.0.0", 0))
        assert accepted.send(b"y") == 1
        assert client.recvfrom(1) == (b"y", (SERVER, 80))

    @pytest.mark.parametrize(("backlog", "places"), [(-3, 1), (0, 1), (1, 1), (2, 2), (4, 4)])
    def test_one_connection_too_many_is_reset_after_its_handshake(
        self, backlog: int, places: int
    ) -> None:
        with two_devices(client=named("micropython").replace(memp_num_tcp_pcb=10)) as pair:
            listener = listening(pair.server, backlog=backlog)
            clients = []
            for _ in range(places + 1):
                client = pair.client.socket()
                client.connect((SERVER, 80))  # this succeeds, all the same
                clients.append(client)
            pair.advance(10)
            with raises(ECONNRESET):
                clients[-1].recv(1)
            for _ in range(places):
                listener.accept()
            listener.setblocking(False)
            with raises(EAGAIN):
                listener.accept()

    def test_the_sixth_connection_of_a_device_with_five_pcbs_gets_no_answer(self) -> None:
        with two_devices(client=named("micropython").replace(memp_num_tcp_pcb=10)) as pair:
            _listener = listening(pair.server, backlog=8)
            clients = []
            for _ in range(5):
                client = pair.client.socket()
                client.connect((SERVER, 80))
                clients.append(client)
            sixth = pair.client.socket()
            sixth.settimeout(2)
            with raises(ETIMEDOUT):
                sixth.connect((SERVER, 80))
            assert pair.server.stack.mem.tcp_pcb.err > 0

    def test_listeners_have_pcbs_of_their_own(self, pair: Pair) -> None:
        listeners = [listening(pair.server, port) for port in range(8)]
        assert len(listeners) == 8
        assert pair.server.stack.mem.tcp_pcb.used == 0
        ninth = pair.server.socket()
        with raises(ENOMEM):
            ninth.listen(1)
        listeners.pop().close()
        ninth.listen(1)

    def test_data_sent_before_accept_comes_with_the_next_tick(self, pair: Pair) -> None:
        listener = listening(pair.server)
        client = pair.client.socket()
        client.connect((SERVER, 80))
        client.send(b"early")
        pair.advance(600)
        accepted, _ = listener.accept()
        start = pair.clock.now()
        assert accepted.recv(10) == b"early"
        assert 0 < pair.clock.now() - start <= 256 * MS

    def test_a_lone_fin_before_accept_is_never_noticed(self, pair: Pair) -> None:
        listener = listening(pair.server)
        client = pair.client.socket()
        client.connect((SERVER, 80))
        client.close()
        pair.advance(600)
        accepted, _ = listener.accept()
        accepted.settimeout(5)
        with raises(ETIMEDOUT):
            accepted.recv(1)

    def test_a_reset_before_accept_removes_the_connection(self, pair: Pair) -> None:
        listener = listening(pair.server)
        lost, kept = pair.client.socket(), pair.client.socket()
        lost.connect((SERVER, 80))
        kept.connect((SERVER, 80))
        with pair.client.host.lock:
            lost._layer.abort()
        pair.advance(10)
        accepted, _ = listener.accept()
        kept.send(b"still here")
        assert accepted.recv(20) == b"still here"
        listener.setblocking(False)
        with raises(EAGAIN):
            listener.accept()

    def test_closing_a_listener_resets_who_waits_unless_there_is_one_place(self, pair: Pair) -> None:
        for backlog, outcome in ((2, ECONNRESET), (1, EAGAIN)):
            listener = listening(pair.server, 80 + backlog, backlog)
            client = pair.client.socket()
            client.connect((SERVER, 80 + backlog))
            pair.advance(10)
            listener.close()
            pair.advance(10)
            client.setblocking(False)
            with raises(outcome):
                client.recv(1)
        assert pair.server.stack.mem.tcp_pcb.used == 1  # leaked until the client gives up


class TestSend:
    def test_takes_what_the_send_buffer_has_room_for(self, pair: Pair) -> None:
        _, _, client = pair.connected()
        assert client.send(bytes(10000)) == 6400
        client.setblocking(False)
        with raises(EAGAIN):
            client.send(b"x")
        assert client.write(b"x") is None

    def test_waits_for_room_and_goes_on_with_sixteen_bytes(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        assert client.send(bytes(6400)) == 6400
        start = pair.clock.now()
        assert client.send(bytes(6400)) >= 16
        assert pair.clock.now() > start
        client.settimeout(0.5)
        pair.server_link.close()
        with raises(ETIMEDOUT):
            client.sendall(bytes(20_000))
        assert accepted.recv(1) == b"\0"

    def test_sendall_without_blocking_is_all_or_nothing(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        client.setblocking(False)
        with raises(EAGAIN):
            client.sendall(bytes(6401))
        assert client.sendall(bytes(6400)) is None
        assert accepted.read(6400) == bytes(6400)

    @pytest.mark.parametrize("data", [b"abc", "abc", bytearray(b"abc"), memoryview(b"abc")])
    def test_whatever_has_a_buffer(self, pair: Pair, data: object) -> None:
        _, accepted, client = pair.connected()
        assert client.send(data) == 3
        assert accepted.recv(10) == b"abc"
        assert client.send(b"") == 0
        with pytest.raises(TypeError):
            client.send(3)

    def test_small_writes_run_out_of_segments_and_then_lie(self, pair: Pair) -> None:
        """34 sends of 2 bytes return 68; the peer gets 64: measured on the real thing."""
        _, accepted, client = pair.connected()
        client.setsockopt(6, 0x40, 1)
        client.setblocking(False)
        pair.server_link.close()  # nothing is acknowledged
        start = pair.clock.now()
        assert sum(client.send(b"ab") for _ in range(32)) == 64
        assert pair.clock.now() == start
        assert sum(client.send(b"ab") for _ in range(2)) == 4
        assert pair.clock.now() - start == 20 * SECOND
        assert pair.client.oddities == {"send-lost": 2}
        assert client._layer.pcb.snd_queuelen == 32
        assert accepted is not None

    def test_a_stream_ignores_the_address_of_sendto(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        assert client.sendto(b"abc", ("1.2.3.4", 5)) == 3
        assert accepted.recv(5) == b"abc"

    def test_a_megabyte_both_ways(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        data = bytes(range(251)) * 4000
        assert transfer(client, accepted, data) == data
        client.setblocking(True)
        assert transfer(accepted, client, data) == data

    def test_an_unanswered_connection_is_given_up_after_three_quarters_of_an_hour(self, pair: Pair) -> None:
        _, _, client = pair.connected()
        pair.server_link.close()
        client.send(b"x")
        start = pair.clock.now()
        with raises(ECONNABORTED):
            client.recv(1)
        assert 2200 <= (pair.clock.now() - start) / SECOND <= 2700


class TestRecv:
    def test_one_segment_at_most(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        client.send(bytes(3000))
        pair.advance(300)
        assert [len(accepted.recv(5000)) for _ in range(4)] == [800, 800, 800, 600]

    def test_part_of_a_segment_and_peeking(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        client.send(b"abcdef")
        pair.advance(10)
        assert accepted.recv(0) == b""
        assert accepted.recv(2, MSG_PEEK) == b"ab"
        assert accepted.recv(4) == b"abcd"
        assert accepted.recv(4) == b"ef"
        with raises(EAGAIN):
            accepted.recv(1, MSG_DONTWAIT)
        with pytest.raises(ValueError):
            accepted.recv(-1)

    def test_waits_longer_than_its_time_out(self, pair: Pair) -> None:
        _, accepted, _ = pair.connected()
        accepted.settimeout(0.25)
        start = pair.clock.now()
        with raises(ETIMEDOUT):
            accepted.recv(1)
        assert pair.clock.now() - start == 251 * MS

    def test_who_does_not_read_closes_the_window(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        client.setblocking(False)
        sent = 0
        for _ in range(100):
            try:
                sent += client.send(bytes(800))
            except OSError:
                pair.advance(100)
        assert sent == 12800  # the window of one, the send buffer of the other
        assert accepted._layer.pcb.rcv_wnd == 0
        assert accepted.read(12800) == bytes(12800)


class TestTimeouts:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [(None, 4294967295), (0, 0), (1.5, 1500), (0.0005, 0), (0.03, 29), (True, 1000), (-1, 0), (0.001, 1)],
    )
    def test_milliseconds_cut_off(self, pair: Pair, value: float | None, shown: int) -> None:
        sock = pair.server.socket()
        sock.settimeout(value)
        assert f"timeout={shown} " in repr(sock)

    def test_not_a_number(self, pair: Pair) -> None:
        with pytest.raises(TypeError, match="can't convert str to float"):
            pair.server.socket().settimeout("x")

    def test_setblocking(self, pair: Pair) -> None:
        sock = pair.server.socket()
        sock.setblocking(False)
        assert "timeout=0 " in repr(sock)
        sock.setblocking(True)
        assert "timeout=4294967295 " in repr(sock)

    def test_asking_in_a_loop_takes_virtual_time(self, pair: Pair) -> None:
        """A program that never waits would otherwise stop the clock."""
        _, accepted, client = pair.connected()
        accepted.setblocking(False)
        client.send(b"x")
        assert b"x" in (accepted.read(1) for _ in range(100))


class TestClose:
    def test_with_everything_read_it_is_a_fin(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        accepted.close()
        assert client.recv(1) == b""

    def test_with_unread_data_it_is_a_reset(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        client.send(b"never read")
        pair.advance(10)
        accepted.close()
        with raises(ECONNRESET):
            client.recv(1)

    def test_a_peer_that_stays_is_reset_after_ten_seconds(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        start = pair.clock.now()
        accepted.close()
        assert client.recv(1) == b""
        while pair.server.stack.mem.tcp_pcb.used:
            pair.advance(100)
        assert 9.0 <= (pair.clock.now() - start) / SECOND <= 10.6
        with raises(ECONNRESET):
            client.send(b"x")

    def test_five_that_linger_leave_no_socket(self, pair: Pair) -> None:
        listener = listening(pair.server, backlog=5)
        clients = [pair.client.socket() for _ in range(5)]
        for client in clients:
            client.connect((SERVER, 80))
            accepted, _ = listener.accept()
            accepted.close()
        with raises(ENOMEM):
            pair.server.socket()
        pair.advance(10_700)
        pair.server.socket()

    def test_with_closes(self, pair: Pair) -> None:
        with pair.server.socket() as sock:
            sock.bind(("", 80))
        with raises(EBADF):
            sock.listen(1)

    def test_the_collector_closes(self, pair: Pair) -> None:
        _, accepted, client = pair.connected()
        del accepted
        gc.collect()
        assert client.recv(1) == b""

    def test_all_memory_comes_back(self) -> None:
        with two_devices() as pair:
            listener, accepted, client = pair.connected()
            transfer(client, accepted, bytes(20_000))
            for sock in (client, accepted, listener):
                sock.close()
            pair.advance(130_000)
            mem = pair.server.stack.mem
        assert mem.heap.used == 0
        assert mem.tcp_pcb.used == 0
        assert mem.pbuf_pool.used == 0
        assert mem.tcp_seg.used == 0
        assert mem.tcp_pcb_listen.used == 0


class TestDatagrams:
    def two(self, pair: Pair) -> tuple[socket, socket]:
        server = pair.server.socket(2, SOCK_DGRAM)
        server.bind(("", 7))
        client = pair.client.socket(2, SOCK_DGRAM)
        client.sendto(b"first", (SERVER, 7))
        assert server.recv(10) == b"first"
        return server, client

    def test_there_and_back(self, pair: Pair) -> None:
        server, client = self.two(pair)
        client.bind(("", 5555))
        assert client.sendto(b"hello", (SERVER, 7)) == 5
        data, address = server.recvfrom(100)
        assert (data, address) == (b"hello", (CLIENT, 5555))
        server.sendto(data, address)
        assert client.recvfrom(100) == (b"hello", (SERVER, 7))

    def test_what_does_not_fit_is_lost_and_nothing_is_a_datagram_too(self, pair: Pair) -> None:
        server, client = self.two(pair)
        client.sendto(b"0123456789", (SERVER, 7))
        client.sendto(b"", (SERVER, 7))
        client.sendto(b"next", (SERVER, 7))
        pair.advance(10)
        assert server.recv(4, MSG_PEEK) == b"0123"
        assert server.recv(4) == b"0123"
        assert server.recv(4) == b""
        assert server.recv(4) == b"next"

    def test_four_wait_the_newer_are_lost(self, pair: Pair) -> None:
        server, client = self.two(pair)
        for number in range(6):
            client.sendto(str(number), (SERVER, 7))
        pair.advance(10)
        assert repr(server) == "<socket state=4 timeout=4294967295 incoming=4>"
        assert [server.recv(1) for _ in range(4)] == [b"0", b"1", b"2", b"3"]
        server.setblocking(False)
        with raises(EAGAIN):
            server.recv(1)

    def test_sixteen_unread_datagrams_make_a_device_deaf(self, pair: Pair) -> None:
        sockets = []
        client = pair.client.socket(2, SOCK_DGRAM)
        for port in range(4):
            sock = pair.server.socket(2, SOCK_DGRAM)
            sock.bind(("", 7 + port))
            sockets.append(sock)
            for _ in range(5):
                client.sendto(b"x", (SERVER, 7 + port))
                pair.advance(10)
        assert pair.server.stack.mem.pbuf_pool.used == 16
        stream = pair.client.socket()
        stream.settimeout(1)
        with raises(ETIMEDOUT):
            stream.connect((SERVER, 80))
        sockets[0].recv(1)
        with raises(ECONNRESET):
            pair.client.socket().connect((SERVER, 80))

    def test_a_connected_one_hears_its_peer_only(self, pair: Pair) -> None:
        server, client = self.two(pair)
        other = pair.client.socket(2, SOCK_DGRAM)
        client.bind(("", 5555))
        server.connect((CLIENT, 5555))
        other.sendto(b"other", (SERVER, 7))
        client.sendto(b"peer", (SERVER, 7))
        assert server.recv(10) == b"peer"
        assert server.send(b"back") == 4
        assert client.recv(10) == b"back"

    def test_what_a_datagram_socket_cannot(self, pair: Pair) -> None:
        server, _ = self.two(pair)
        with raises(EOPNOTSUPP):
            server.listen(1)
        with raises(EOPNOTSUPP):
            server.accept()
        with pytest.raises(NotImplementedError):
            server.sendall(b"x")

    def test_one_contiguous_piece_of_an_8000_byte_heap(self, pair: Pair) -> None:
        _, client = self.two(pair)
        assert client.sendto(bytes(7800), (SERVER, 7)) == 7800
        with raises(ENOMEM):
            client.sendto(bytes(8000), (SERVER, 7))

    def test_closed(self, pair: Pair) -> None:
        server, _ = self.two(pair)
        server.close()
        with raises(EBADF):
            server.recv(1)
        with raises(EBADF):
            server.sendto(b"x", (CLIENT, 1))
        with raises(EBADF):
            server.connect((CLIENT, 1))
        with raises(EIO):
            server.bind(("", 1))
        with raises(EIO):
            server.write(b"x")
        server.settimeout(0.1)
        with raises(ETIMEDOUT):
            server.read(1)  # no look at the state: without a time-out it would wait for ever

    def test_the_first_of_two_to_a_new_neighbour_is_lost(self, pair: Pair) -> None:
        """ARP_QUEUEING 0: one packet waits for an address, the newest."""
        server = pair.server.socket(2, SOCK_DGRAM)
        server.bind(("", 7))
        client = pair.client.socket(2, SOCK_DGRAM)
        client.sendto(b"one", (SERVER, 7))
        client.sendto(b"two", (SERVER, 7))
        assert server.recv(10) == b"two"
        server.settimeout(1)
        with raises(ETIMEDOUT):
            server.recv(10)


class TestRaw:
    def test_packets_of_one_protocol_with_their_header(self, pair: Pair) -> None:
        server, client = pair.server.socket(2, SOCK_RAW, 200), pair.client.socket(2, SOCK_RAW, 200)
        assert client.sendto(b"payload", (SERVER, 0)) == 7
        data, address = server.recvfrom(100)
        assert address == (CLIENT, 0)
        assert (data[9], data[20:]) == (200, b"payload")
        assert repr(server) == "<socket state=0 timeout=4294967295 incoming=0>"

    def test_what_a_raw_socket_cannot(self, pair: Pair) -> None:
        sock = pair.server.socket(2, SOCK_RAW, 1)
        with raises(EIO):
            sock.bind(("", 0))
        with raises(EOPNOTSUPP):
            sock.listen(1)
        assert sock.sendall(b"goes nowhere") is None
        with pytest.raises(TypeError):
            pair.server.socket(2, SOCK_RAW, None)


def test_two_runs_are_the_same_to_the_frame() -> None:
    def run() -> list[tuple[int, bytes]]:
        frames: list[tuple[int, bytes]] = []
        with two_devices() as pair:
            pair.server.stack.trace = lambda event: (
                frames.append((event.time, event.frame)) if event.kind.startswith("frame") else None
            )
            _, accepted, client = pair.connected()
            transfer(client, accepted, bytes(30_000))
        return frames

    first = run()
    assert len(first) > 60
    assert run() == first


def test_sockets_of_two_devices_at_once(pair: Pair) -> None:
    with pair.client.use():
        here = socket()
    there = socket(2, SOCK_STREAM)  # the innermost device
    assert isinstance(here, socket)
    assert pair.client.stack.mem.tcp_pcb.used == 2
    assert there is not here
    assert isinstance(pair.server, Device)
