"""The context manager: what is replaced, for whom, for how long, and that nothing is left."""

from __future__ import annotations

import asyncio
import errno
import http.client
import os
import socket
import socketserver
import ssl
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import usocket
from tests.usocket.patched import DEVICE, PEER, Both, descriptors, patched, two_in_real_time
from tests.usocket.support import two_devices
from usocket.patch_socket import REAL, DeviceSocket

NAMES = "socket getaddrinfo gethostbyname gethostbyname_ex gethostbyaddr getnameinfo has_ipv6".split()


@pytest.fixture
def both() -> Iterator[Both]:
    with patched() as two:
        yield two


def in_force() -> list[object]:
    """All that is replaced."""
    return [*(getattr(socket, name) for name in NAMES), os.sendfile, ssl.SSLContext.wrap_socket]


class TestInForce:
    def test_for_a_block_and_no_longer(self) -> None:
        before = in_force()
        with two_in_real_time() as both:
            with both.device.patched() as device:
                assert device is both.device
                assert all(now is not then for now, then in zip(in_force(), before, strict=True))
                assert socket.socket is DeviceSocket
                assert not socket.has_ipv6
            assert in_force() == before
            assert socket.socket is REAL
            assert DeviceSocket.device is None

    def test_the_function_is_the_same(self) -> None:
        with two_in_real_time() as both, usocket.patch(both.device):
            with socket.socket() as sock:
                assert sock.getsockname() == ("0.0.0.0", 0)
            assert DeviceSocket.device is both.device

    def test_an_exception_ends_it(self) -> None:
        before = in_force()
        with two_in_real_time() as both:
            with pytest.raises(ZeroDivisionError), both.device.patched():
                raise ZeroDivisionError
            assert in_force() == before

    def test_names_that_others_have_imported(self) -> None:
        module = ModuleType("a_library")
        exec("from socket import socket, getaddrinfo\nfrom os import sendfile", vars(module))
        originals = module.socket, module.getaddrinfo, module.sendfile
        sys.modules["a_library"] = module
        try:
            with patched():
                assert module.socket is DeviceSocket
                assert module.getaddrinfo is socket.getaddrinfo
                exec("from socket import socket as imported_now", vars(module))
            assert (module.socket, module.getaddrinfo, module.sendfile) == originals
            assert module.imported_now is REAL
            assert DeviceSocket is not REAL  # this module has it from where it is made
        finally:
            del sys.modules["a_library"]

    def test_for_all_threads(self, both: Both) -> None:
        kinds: list[type] = []
        thread = threading.Thread(target=lambda: kinds.append(socket.socket))
        thread.start()
        thread.join()
        assert kinds == [DeviceSocket]

    def test_names_are_asked_of_the_device(self, both: Both) -> None:
        assert socket.gethostbyname("localhost") == "127.0.0.1"
        assert socket.getaddrinfo("10.0.0.9", "http", type=socket.SOCK_STREAM)[0][4] == ("10.0.0.9", 80)
        assert socket.getfqdn("10.0.0.9") == "10.0.0.9"
        with pytest.raises(socket.gaierror, match="no name server"):
            socket.create_connection(("board.example", 80))
        with pytest.raises(socket.gaierror, match="IPv4 only"):
            socket.create_connection(("::1", 80))

    def test_functions_that_were_kept_are_as_before(self) -> None:
        with patched():
            kept, asked = socket.socket, socket.getaddrinfo
        with kept() as sock:
            sock.bind(("127.0.0.1", 0))
            assert sock.getsockname()[0] == "127.0.0.1"
        assert asked("127.0.0.1", 80)[0][4] == ("127.0.0.1", 80)


class TestRefused:
    def test_a_second_device(self, both: Both) -> None:
        with pytest.raises(RuntimeError, match="those of device already"), both.peer.patched():
            pass
        assert DeviceSocket.device is both.device

    def test_virtual_time(self) -> None:
        with two_devices() as pair, pytest.raises(ValueError, match="virtual time"), pair.server.patched():
            pass
        assert DeviceSocket.device is None

    def test_a_closed_device(self) -> None:
        with pytest.raises(usocket.NoDevice, match="closed"), usocket.Device().patched():
            pass

    def test_os_sendfile(self, both: Both, tmp_path: Path) -> None:
        (tmp_path / "data").write_bytes(b"x")
        with socket.socket() as sock, (tmp_path / "data").open("rb") as file:
            with pytest.raises(OSError, match=r"os.sendfile\(\): not with a socket of a device") as caught:
                os.sendfile(sock.fileno(), file.fileno(), 0, 1)
            assert caught.value.errno == errno.EOPNOTSUPP
            left, right = socket.socketpair()
            with left, right:
                assert os.sendfile(left.fileno(), file.fileno(), 0, 1) == 1
                assert right.recv(1) == b"x"


class TestNothingIsLeft:
    def test_what_was_left_open_is_closed(self) -> None:
        with two_in_real_time() as both:
            with both.device.patched():
                kept = socket.create_server(("", 80))
                client = both.peer.socket()
                client.connect((DEVICE, 80))
                connection, _ = kept.accept()
                file = connection.makefile("rb")
            assert client.recv(1) == b""
            for sock in (kept, connection):
                assert sock.fileno() == -1
                with pytest.raises(OSError) as caught:
                    sock.getsockname()
                assert caught.value.errno == errno.EBADF
            client.close()
            assert not DeviceSocket.sockets
            assert both.device.stack.mem.tcp_pcb_listen.used == 0
            file.close()

    def test_no_descriptor_and_no_thread(self) -> None:
        threads, before = threading.active_count(), descriptors()
        for _ in range(2):
            with patched():
                kept = [socket.socket() for _ in range(3)]
                asyncio.run(asyncio.sleep(0))
        assert (threading.active_count(), descriptors()) == (threads, before)
        assert kept

    def test_twice_on_one_device(self) -> None:
        with two_in_real_time() as both:
            for port in (80, 80):
                with both.device.patched(), socket.create_server(("", port)):
                    pass


def answer_on(both: Both, port: int, reply: bytes) -> threading.Thread:
    """A server on the peer that answers one client and closes."""
    with both.peer.use():
        server = usocket.socket()
        server.bind(("", port))
        server.listen(1)

    def serve() -> None:
        with both.peer.use():
            client, _ = server.accept()
            while client.readline() not in (b"\r\n", b""):
                pass
            client.write(reply)
            client.close()
            server.close()

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


REPLY = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class TestStockPrograms:
    """More of them, against Linux: tests/usocket/test_patch_with_linux.py."""

    def test_urllib_and_http_client(self, both: Both) -> None:
        thread = answer_on(both, 80, REPLY)
        assert urllib.request.urlopen(f"http://{PEER}/", timeout=10).read() == b"hello"
        thread.join(10)
        thread = answer_on(both, 8080, REPLY)
        connection = http.client.HTTPConnection(PEER, 8080, timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hello"
        connection.close()
        thread.join(10)

    def test_socketserver(self, both: Both) -> None:
        class Echo(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(self.rfile.readline())

        with socketserver.ThreadingTCPServer(("", 7), Echo) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            client = both.peer.socket()
            client.connect((DEVICE, 7))
            client.write(b"hello\n")
            assert client.readline() == b"hello\n"
            client.close()
            server.shutdown()
            thread.join(10)

    def test_asyncio_streams(self, both: Both) -> None:
        thread = answer_on(both, 80, REPLY)

        async def fetch() -> bytes:
            reader, writer = await asyncio.open_connection(PEER, 80)
            writer.write(b"GET /\r\n\r\n")
            data = await reader.read()
            writer.close()
            await writer.wait_closed()
            return data

        assert asyncio.run(asyncio.wait_for(fetch(), 10)) == REPLY
        thread.join(10)

    def test_asyncio_refused(self, both: Both) -> None:
        async def fetch() -> Any:
            return await asyncio.open_connection(PEER, 9)

        with pytest.raises(ConnectionResetError):
            asyncio.run(asyncio.wait_for(fetch(), 10))

    def test_asyncio_datagrams(self, both: Both) -> None:
        peer = both.peer.socket(2, usocket.SOCK_DGRAM)
        peer.bind(("", 5000))
        peer.settimeout(5)

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: Any) -> None:
                received.set_result((data, addr))

        async def talk() -> Any:
            nonlocal received
            loop = asyncio.get_running_loop()
            received = loop.create_future()
            transport, _ = await loop.create_datagram_endpoint(Protocol, local_addr=("0.0.0.0", 6000))
            transport.sendto(b"question", (PEER, 5000))
            question = await asyncio.to_thread(peer.recvfrom, 100)
            peer.sendto(b"answer", question[1])
            answer = await received
            transport.close()
            return question, answer

        received: Any = None
        assert asyncio.run(asyncio.wait_for(talk(), 10)) == (
            (b"question", (DEVICE, 6000)),
            (b"answer", (PEER, 5000)),
        )

    def test_asyncio_sendfile_falls_back(self, both: Both, tmp_path: Path) -> None:
        (tmp_path / "data").write_bytes(b"0123456789" * 2000)

        async def serve() -> bytes:
            async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with (tmp_path / "data").open("rb") as file:
                    await asyncio.get_running_loop().sendfile(writer.transport, file)
                writer.close()

            server = await asyncio.start_server(handle, "", 80)
            client = both.peer.socket()
            client.connect((DEVICE, 80))
            data = await asyncio.to_thread(client.read)
            server.close()
            assert isinstance(data, bytes)
            return data

        assert asyncio.run(asyncio.wait_for(serve(), 20)) == (tmp_path / "data").read_bytes()
