"""CPython's socket class on a device: its methods, time-outs, descriptors and files."""

from __future__ import annotations

import errno
import gc
import os
import select
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.usocket.patched import DEVICE, PEER, Both, descriptors, patched
from usocket import SOCK_DGRAM
from usocket.patch_socket import REAL, DeviceSocket, is_descriptor, on_device

SHORT = 0.05  # s


@pytest.fixture
def both() -> Iterator[Both]:
    with patched() as two:
        yield two


def connected(both: Both) -> tuple[socket.socket, Any]:
    """(our end, the peer's) of a connection."""
    listener = both.peer.socket()
    listener.bind(("", 80))
    listener.listen(1)
    sock = socket.create_connection((PEER, 80), timeout=5)
    accepted, _ = listener.accept()
    listener.close()
    return sock, accepted


def settled() -> set[str]:
    """The descriptors of this process, with that of the service thread, which it has when it first sleeps."""
    time.sleep(SHORT)
    return descriptors()


class TestMaking:
    def test_what_it_is(self, both: Both) -> None:
        with socket.socket() as sock:
            assert socket.socket is DeviceSocket
            assert isinstance(sock, socket.socket)
            assert isinstance(sock, REAL)
            assert on_device(sock)
            assert (sock.family, sock.type, sock.proto) == (socket.AF_INET, socket.SOCK_STREAM, 0)
            assert sock.fileno() >= 0
            assert is_descriptor(sock.fileno())
            assert sock.gettimeout() is None
            assert both.device.stack.mem.tcp_pcb.used == 1
            assert "DeviceSocket fd=" in repr(sock)
        assert sock.fileno() == -1
        assert both.device.stack.mem.tcp_pcb.used == 0

    def test_flags_of_the_type_and_the_protocol(self, both: Both) -> None:
        with socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.IPPROTO_UDP
        ) as sock:
            assert sock.type == socket.SOCK_DGRAM
            assert sock.proto == socket.IPPROTO_UDP
            assert sock.gettimeout() == 0

    @pytest.mark.parametrize(
        ("args", "number"),
        [
            ((socket.AF_INET6,), errno.EAFNOSUPPORT),
            ((socket.AF_NETLINK, socket.SOCK_RAW), errno.EAFNOSUPPORT),
            ((socket.AF_INET, 5), errno.EPROTONOSUPPORT),
            ((socket.AF_INET, socket.SOCK_STREAM, 17), errno.EPROTONOSUPPORT),
        ],
    )
    def test_what_a_device_has_not(self, both: Both, args: tuple[int, ...], number: int) -> None:
        with pytest.raises(OSError) as caught:
            socket.socket(*args)
        assert caught.value.errno == number

    def test_when_the_pool_is_empty(self, both: Both) -> None:
        kept = [socket.socket() for _ in range(5)]
        with pytest.raises(OSError) as caught:
            socket.socket()
        assert caught.value.errno == errno.ENOMEM
        for sock in kept:
            sock.close()

    def test_unix_sockets_are_ordinary(self, both: Both) -> None:
        left, right = socket.socketpair()
        with left, right:
            left.send(b"x")
            assert right.recv(1) == b"x"
            assert not on_device(left)
            assert isinstance(left, socket.socket)
            assert not is_descriptor(left.fileno())

    def test_the_default_time_out(self, both: Both) -> None:
        socket.setdefaulttimeout(3)
        try:
            with socket.socket() as sock:
                assert sock.gettimeout() == 3
        finally:
            socket.setdefaulttimeout(None)

    def test_a_subclass(self, both: Both) -> None:
        class Counting(socket.socket):
            sent = 0

            def send(self, data: Any, flags: int = 0, /) -> int:
                self.sent += 1
                return super().send(data, flags)

        both.peer.socket()
        with Counting() as sock:
            assert on_device(sock)
            with pytest.raises(OSError):
                sock.send(b"x")
            assert sock.sent == 1


class TestConnecting:
    def test_both_sides_know_each_other(self, both: Both) -> None:
        sock, accepted = connected(both)
        with sock:
            assert sock.getpeername() == (PEER, 80)
            assert sock.getsockname()[0] == DEVICE
            assert accepted._layer.conn[2] == sock.getsockname()[1]

    def test_refused(self, both: Both) -> None:
        with pytest.raises(ConnectionResetError):
            socket.create_connection((PEER, 9), timeout=5)
        with socket.socket() as sock:
            assert sock.connect_ex((PEER, 9)) == errno.ECONNRESET

    def test_a_time_out(self, both: Both) -> None:
        with socket.socket() as sock:
            sock.settimeout(SHORT)
            with pytest.raises(TimeoutError, match="timed out"):
                sock.connect(("10.0.0.77", 80))
        with socket.socket() as sock:
            sock.settimeout(SHORT)
            assert sock.connect_ex(("10.0.0.77", 80)) == errno.EAGAIN

    def test_without_blocking(self, both: Both) -> None:
        listener = both.peer.socket()
        listener.bind(("", 80))
        listener.listen(1)
        with socket.socket() as sock:
            sock.setblocking(False)
            assert select.select([sock], [sock], [], 0) == ([], [], [])
            with pytest.raises(BlockingIOError) as caught:
                sock.connect((PEER, 80))
            assert caught.value.errno == errno.EINPROGRESS
            _, writable, _ = select.select([], [sock], [], 5)  # the service thread drives the stack
            assert writable == [sock]
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            sock.getpeername()

    def test_without_blocking_and_refused(self, both: Both) -> None:
        with socket.socket() as sock:
            sock.setblocking(False)
            assert sock.connect_ex((PEER, 9)) == errno.EINPROGRESS
            assert select.select([sock], [], [], 5)[0] == [sock]
            assert select.select([], [sock], [], 5)[1] == [sock]
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET

    def test_a_server(self, both: Both) -> None:
        with socket.create_server(("", 80)) as server:
            assert server.getsockname() == ("0.0.0.0", 80)
            server.settimeout(SHORT)
            with pytest.raises(TimeoutError):
                server.accept()
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.accept()
            client = both.peer.socket()
            client.connect((DEVICE, 80))
            assert select.select([server], [], [], 5)[0] == [server]
            accepted, address = server.accept()
            with accepted:
                assert address == accepted.getpeername() == (PEER, client._layer.conn[0])
                assert accepted.gettimeout() is None
                client.send(b"hello")
                assert accepted.recv(100) == b"hello"

    def test_addresses_of_the_machine_itself(self, both: Both) -> None:
        """Libraries wake their own threads through 127.0.0.1, which no board has."""
        with socket.socket() as server, socket.socket() as client:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            number = server.fileno()
            server.bind(("127.0.0.1", 0))
            assert server.fileno() == number
            assert not on_device(server)
            assert server.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
            assert both.device.stack.mem.tcp_pcb.used == 1
            server.listen(1)
            client.settimeout(5)
            client.connect(("localhost", server.getsockname()[1]))
            assert client.gettimeout() == 5
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(b"local")
                assert client.recv(100) == b"local"
                client.sendmsg([b"a", b"b"])
                assert accepted.recv(100) == b"ab"
        assert both.device.stack.mem.tcp_pcb.used == 0

    def test_a_datagram_to_the_machine_itself(self, both: Both) -> None:
        with (
            socket.socket(type=socket.SOCK_DGRAM) as receiver,
            socket.socket(type=socket.SOCK_DGRAM) as sender,
        ):
            receiver.bind(("127.0.0.1", 0))
            sender.sendto(b"x", receiver.getsockname())
            assert receiver.recv(10) == b"x"


class TestTalking:
    def test_sendall_and_recv(self, both: Both) -> None:
        sock, peer = connected(both)
        data = bytes(range(256)) * 200
        received = bytearray()

        def read() -> None:
            with both.peer.use():
                while piece := peer.recv(5000):
                    received.extend(piece)

        reader = threading.Thread(target=read)
        reader.start()
        sock.sendall(memoryview(data).cast("H"))
        sock.shutdown(socket.SHUT_WR)
        reader.join(20)
        assert bytes(received) == data
        peer.send(b"thank you")
        assert sock.recv(100) == b"thank you"
        sock.close()

    def test_send_takes_what_fits(self, both: Both) -> None:
        sock, _peer = connected(both)
        with sock:
            sock.setblocking(False)
            assert sock.send(bytes(20_000)) == 6400
            assert sock.send(b"") == 0

    def test_what_waits_for_data(self, both: Both) -> None:
        sock, _peer = connected(both)
        with sock:
            sock.settimeout(SHORT)
            start = time.monotonic()
            with pytest.raises(TimeoutError):
                sock.recv(1)
            assert time.monotonic() - start >= SHORT
            with pytest.raises(BlockingIOError):
                sock.recv(1, socket.MSG_DONTWAIT)
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(1)
            assert select.select([sock], [sock], [], 0) == ([], [sock], [])

    def test_all_ways_to_receive(self, both: Both) -> None:
        sock, peer = connected(both)
        buffer = bytearray(4)
        with sock:
            peer.send(b"0123456789abcdefghijklmnop")
            both.peer.sleep(0.05)
            assert sock.recv(3, socket.MSG_PEEK) == b"012"
            assert sock.recv(3) == b"012"
            assert sock.recv_into(buffer, 2) == 2
            assert buffer == b"34\0\0"
            assert sock.recv_into(memoryview(buffer)) == 4
            assert sock.recvfrom(1) == (b"9", None)
            assert sock.recvfrom_into(buffer) == (4, None)
            assert sock.recvmsg(2) == (b"ef", [], 0, None)
            parts = [bytearray(2), bytearray(1)]
            assert sock.recvmsg_into(parts) == (3, [], 0, None)
            assert parts == [bytearray(b"gh"), bytearray(b"i")]
            assert sock.recv(0) == b""
            peer.send(b"XYZ")
            assert sock.recv(10, socket.MSG_WAITALL) == b"jklmnopXYZ"
            with pytest.raises(ValueError, match="negative"):
                sock.recv(-1)
            with pytest.raises(ValueError, match="too small"):
                sock.recv_into(buffer, 5)
            with pytest.raises(OSError) as caught:
                sock.recv(1, socket.MSG_OOB)
            assert caught.value.errno == errno.EOPNOTSUPP

    def test_datagrams(self, both: Both) -> None:
        connected(both)[0].close()  # the neighbours know each other: no datagram has to wait for ARP
        peer = both.peer.socket(2, SOCK_DGRAM)
        peer.settimeout(5)
        peer.bind(("", 5000))
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind(("", 6000))
            assert sock.sendto(b"one", (PEER, 5000)) == 3
            assert sock.sendto(b"two", 0, (PEER, 5000)) == 3
            assert sock.sendmsg([b"th", b"ree"], [], 0, (PEER, 5000)) == 5
            assert [peer.recvfrom(10) for _ in range(3)] == [
                (data, (DEVICE, 6000)) for data in (b"one", b"two", b"three")
            ]
            peer.sendto(b"answer", (DEVICE, 6000))
            assert select.select([sock], [], [], 5)[0] == [sock]
            assert sock.recvfrom(100) == (b"answer", (PEER, 5000))
            with pytest.raises(OSError) as caught:
                sock.getpeername()
            assert caught.value.errno == errno.ENOTCONN
            sock.connect((PEER, 5000))
            sock.send(b"four")
            assert peer.recv(10) == b"four"
            assert sock.getpeername() == (PEER, 5000)
            with pytest.raises(OSError):
                sock.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"")])

    def test_files(self, both: Both) -> None:
        sock, peer = connected(both)
        file = sock.makefile("rwb")
        sock.close()  # the connection lives as long as a file of it
        file.write(b"GET /\n")
        file.flush()
        assert peer.readline() == b"GET /\n"
        peer.write(b"one\ntwo\n")
        peer.close()
        assert file.readlines() == [b"one\n", b"two\n"]
        file.close()
        assert both.device.stack.mem.tcp_pcb.used <= 1  # what is left is lwIP's own farewell

    def test_sendfile(self, both: Both, tmp_path: Path) -> None:
        (tmp_path / "data").write_bytes(b"0123456789" * 100)
        sock, peer = connected(both)
        with sock, (tmp_path / "data").open("rb") as file:
            assert sock.sendfile(file, 10) == 990
        assert len(peer.read()) == 990

    def test_two_threads(self, both: Both) -> None:
        """One waits for data, the other sends; both are on the same connection."""
        sock, peer = connected(both)
        with sock:
            got: list[bytes] = []
            reader = threading.Thread(target=lambda: got.append(sock.recv(100)))
            reader.start()
            sock.sendall(b"question")
            assert peer.recv(100) == b"question"
            peer.send(b"answer")
            reader.join(5)
            assert got == [b"answer"]

    def test_closing_wakes_who_waits(self, both: Both) -> None:
        sock, _peer = connected(both)
        failures: list[int | None] = []

        def wait() -> None:
            try:
                sock.recv(1)
            except OSError as error:
                failures.append(error.errno)

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(SHORT)
        sock.close()
        waiting.join(5)
        assert failures == [errno.EBADF]


class TestReadiness:
    def test_a_selector(self, both: Both) -> None:
        sock, peer = connected(both)
        with sock, selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ, "ours")
            assert selector.select(0) == []
            peer.send(b"x")
            assert [key.data for key, _ in selector.select(5)] == ["ours"]
            sock.recv(10)
            assert selector.select(0) == []
            peer.close()
            assert len(selector.select(5)) == 1
            assert sock.recv(10) == b""
            assert len(selector.select(0)) == 1

    def test_when_there_is_room_again(self, both: Both) -> None:
        sock, _peer = connected(both)
        with sock:
            sock.setblocking(False)
            with both.device.host.lock:  # nothing is acknowledged meanwhile
                sock.send(bytes(6400))
                assert select.select([], [sock], [], 0)[1] == []
                with pytest.raises(BlockingIOError):
                    sock.send(b"x")
            assert select.select([], [sock], [], 5)[1] == [sock]
            assert sock.send(b"x") == 1

    def test_a_descriptor_is_of_no_use_elsewhere(self, both: Both) -> None:
        sock, _peer = connected(both)
        calls: list[Callable[[], object]] = [
            sock.detach,
            sock.dup,
            lambda: socket.socket(fileno=sock.fileno()),
            lambda: socket.fromfd(sock.fileno(), socket.AF_INET, socket.SOCK_STREAM),
        ]
        with sock:
            for call in calls:
                with pytest.raises(OSError, match="not with a socket of a device") as caught:
                    call()
                assert caught.value.errno == errno.EOPNOTSUPP
            assert sock.fileno() >= 0


class TestOptions:
    def test_set_and_get(self, both: Both) -> None:
        with socket.socket() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 4) == struct.pack("i", 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack("ii", 1, 0)
            with pytest.raises(OSError, match="lwIP has no socket option"):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)

    def test_shutdown_is_checked(self, both: Both) -> None:
        with socket.socket() as sock:
            with pytest.raises(OSError) as caught:
                sock.shutdown(7)
            assert caught.value.errno == errno.EINVAL
            with pytest.raises(OSError) as caught:
                sock.shutdown(socket.SHUT_RDWR)
            assert caught.value.errno == errno.ENOTCONN


class TestClosing:
    def test_everything_fails_afterwards(self, both: Both) -> None:
        sock, peer = connected(both)
        sock.close()
        sock.close()
        assert peer.recv(1) == b""
        calls: list[Callable[[], object]] = [
            lambda: sock.recv(1),
            lambda: sock.send(b"x"),
            lambda: sock.connect((PEER, 80)),
            lambda: sock.bind(("", 1)),
            sock.getsockname,
            sock.accept,
        ]
        for call in calls:
            with pytest.raises(OSError) as caught:
                call()
            assert caught.value.errno == errno.EBADF
        assert "[closed]" in repr(sock)

    def test_nothing_is_left(self, both: Both) -> None:
        before = settled()
        sock, peer = connected(both)
        with socket.create_server(("", 81)):
            pass
        sock.close()
        peer.close()
        assert descriptors() == before
        assert not DeviceSocket.sockets

    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
    def test_one_that_was_dropped(self, both: Both) -> None:
        before = settled()
        socket.socket()
        gc.collect()
        both.device.enter()
        assert both.device.stack.mem.tcp_pcb.used == 0
        assert descriptors() == before

    def test_dropping_one_unclosed_is_warned_of(self, both: Both) -> None:
        with pytest.warns(ResourceWarning, match="unclosed"):
            socket.socket()

    def test_a_reset_in_so_linger(self, both: Both) -> None:
        sock, peer = connected(both)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        with pytest.raises(OSError) as caught:
            peer.recv(1)
        assert caught.value.errno == errno.ECONNRESET

    def test_handing_over(self, both: Both) -> None:
        sock, peer = connected(both)
        number = sock.fileno()
        assert isinstance(sock, DeviceSocket)
        end = DeviceSocket.hand_over(sock)  # type: ignore[arg-type]
        assert sock.fileno() == -1
        other = DeviceSocket.__new__(DeviceSocket)
        other._own(end, socket.SOCK_STREAM, 0)
        assert other.fileno() == number
        peer.send(b"still there")
        assert other.recv(100) == b"still there"
        other.close()


def test_without_a_device_it_is_an_ordinary_socket() -> None:
    with DeviceSocket() as server, DeviceSocket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        client.connect(server.getsockname())
        assert not on_device(client)
        assert os.fstat(client.fileno())
        assert not is_descriptor(client.fileno())
