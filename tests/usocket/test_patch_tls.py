"""TLS of CPython programs on a device, against CPython's and OpenSSL's own over a real TAP."""

from __future__ import annotations

import functools
import http.client
import http.server
import select
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tap.netns import Namespace
from tests.usocket.certificates import openssl
from usocket import Device
from usocket.patch_tls import TlsSocket

pytestmark = [pytest.mark.tap, pytest.mark.needs("openssl")]

DEVICE = "192.168.7.2"
LINUX = "192.168.7.1"
PAGE = bytes(range(256)) * 200

# Answers each connection: what it is sent, until the end; then says farewell. "slow": a piece at a time.
SERVER = """
import socket, ssl, sys, time
cert, key, mode = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.set_alpn_protocols(["echo"])
listener = socket.create_server(("192.168.7.1", 8443))
print("listening", flush=True)
while True:
    raw, _ = listener.accept()
    try:
        with context.wrap_socket(raw, server_side=True) as sock:
            while data := sock.recv(4096):
                if mode == "slow":
                    for byte in data:
                        sock.send(bytes([byte]))
                        time.sleep(0.02)
                elif mode == "ragged":
                    sock.sendall(data)
                    break
                else:
                    sock.sendall(data)
            if mode != "ragged":
                sock.unwrap()
    except OSError as error:
        print(error, flush=True)
"""


class Certificate(NamedTuple):
    """For both addresses, self-signed."""

    cert_file: str
    key_file: str


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("certificate")
    made = Certificate(str(folder / "cert.pem"), str(folder / "key.pem"))
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "30", "-subj", "/CN=device", "-addext", f"subjectAltName=IP:{DEVICE},IP:{LINUX}"),
        *("-keyout", made.key_file, "-out", made.cert_file),
    )
    return made


@pytest.fixture
def netns() -> Iterator[Namespace]:
    with Namespace.open("new") as namespace:
        yield namespace


@contextmanager
def patched(netns: Namespace) -> Iterator[Device]:
    with Device(address=f"{DEVICE}/24", netns=netns, tap="tap0") as device, device.patched():
        yield device


@contextmanager
def server(netns: Namespace, certificate: Certificate, mode: str = "quick") -> Iterator[None]:
    """CPython's own TLS on Linux."""
    argv = [sys.executable, "-I", "-c", SERVER, certificate.cert_file, certificate.key_file, mode]
    with netns.popen(argv, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"listening\n"
            yield
        finally:
            process.terminate()


def trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate.cert_file)


def connect(context: ssl.SSLContext, **options: Any) -> Any:
    plain = socket.create_connection((LINUX, 8443), timeout=10)
    return context.wrap_socket(plain, server_hostname=LINUX, **options)


def test_a_client(netns: Namespace, certificate: Certificate) -> None:
    context = trusting(certificate)
    context.set_alpn_protocols(["echo"])
    with patched(netns), server(netns, certificate), connect(context) as sock:
        assert isinstance(sock, TlsSocket)
        assert isinstance(sock, socket.socket)
        assert sock.gettimeout() == 10
        assert sock.version() == "TLSv1.3"
        assert sock.cipher()[2] >= 128
        assert sock.selected_alpn_protocol() == "echo"
        assert sock.getpeercert()["subject"] == ((("commonName", "device"),),)
        assert sock.getpeername() == (LINUX, 8443)
        assert sock.server_hostname == LINUX
        assert sock.context is context
        sock.sendall(PAGE)
        received = bytearray()
        while len(received) < len(PAGE):
            received += sock.recv(5000)
        assert received == PAGE
        buffer = bytearray(10)
        sock.write(b"hello")
        assert sock.recv_into(buffer, 5) == 5
        assert sock.send(b"world") == 5
        assert sock.read(5) == b"world"
        assert buffer[:5] == b"hello"
        sock.send(b"again")
        assert sock.read(3, buffer) == 3
        assert sock.pending() == 2
        assert sock.recv(0) == b""
        with pytest.raises(AttributeError):
            sock.no_such_thing  # noqa: B018


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_descriptor_tells_when_there_is_more(
    netns: Namespace, certificate: Certificate, version: ssl.TLSVersion
) -> None:
    """A record is taken from the stack only when it is wanted: the rest keeps the descriptor readable."""
    context = trusting(certificate)
    context.maximum_version = version
    with patched(netns), server(netns, certificate, "slow"), connect(context) as sock:
        sock.setblocking(False)
        sock.send(b"0123456789")
        received = b""
        while len(received) < 10:
            assert sock.pending() == 0
            assert select.select([sock], [], [], 10)[0] == [sock]
            try:
                received += sock.recv(1)
            except ssl.SSLWantReadError:
                pass  # a ticket, or half a record
        assert received == b"0123456789"
        with pytest.raises(ssl.SSLWantReadError):
            sock.recv(1)


def test_a_handshake_step_by_step(netns: Namespace, certificate: Certificate) -> None:
    with patched(netns), server(netns, certificate):
        sock = connect(trusting(certificate), do_handshake_on_connect=False)
        with sock:
            sock.setblocking(False)
            while True:
                try:
                    sock.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    select.select([sock], [], [], 10)
            sock.settimeout(10)
            sock.sendall(b"hello")
            assert sock.recv(100) == b"hello"


def test_wrapping_first_and_connecting_then(netns: Namespace, certificate: Certificate) -> None:
    with patched(netns), server(netns, certificate):
        sock: Any = trusting(certificate).wrap_socket(socket.socket(), server_hostname=LINUX)
        with sock:
            with pytest.raises(OSError):
                sock.recv(1)
            sock.connect((LINUX, 8443))
            sock.sendall(b"hello")
            assert sock.recv(100) == b"hello"


def test_going_on_without_tls(netns: Namespace, certificate: Certificate) -> None:
    context = trusting(certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with patched(netns), server(netns, certificate):
        sock = connect(context)
        plain = sock.unwrap()
        assert sock.fileno() == -1
        assert type(plain).__name__ == "DeviceSocket"
        assert plain.getpeername() == (LINUX, 8443)
        plain.close()


class TestWhatGoesWrong:
    def test_a_certificate_that_is_not_trusted(self, netns: Namespace, certificate: Certificate) -> None:
        with patched(netns), server(netns, certificate):
            with pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate"):
                connect(ssl.create_default_context())
            with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
                urllib.request.urlopen(f"https://{LINUX}:8443/", timeout=10)

    def test_a_peer_that_speaks_something_else(self, netns: Namespace, tmp_path: Path) -> None:
        argv = [sys.executable, "-u", "-m", "http.server", "8443", "-b", LINUX, "-d", str(tmp_path)]
        with patched(netns), netns.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            process.stdout.readline()
            with pytest.raises(ssl.SSLError):
                connect(ssl.create_default_context())
            process.terminate()

    @pytest.mark.parametrize("suppressed", [True, False])
    def test_an_end_without_a_farewell(
        self, netns: Namespace, certificate: Certificate, suppressed: bool
    ) -> None:
        with (
            patched(netns),
            server(netns, certificate, "ragged"),
            connect(trusting(certificate), suppress_ragged_eofs=suppressed) as sock,
        ):
            sock.sendall(b"hello")
            assert sock.recv(100) == b"hello"
            if suppressed:
                assert sock.recv(100) == b""
            else:
                with pytest.raises(ssl.SSLEOFError):
                    sock.recv(100)

    def test_a_time_out(self, netns: Namespace, certificate: Certificate) -> None:
        with patched(netns), server(netns, certificate), connect(trusting(certificate)) as sock:
            sock.settimeout(0.05)
            with pytest.raises(TimeoutError):
                sock.recv(1)

    def test_arguments(self, netns: Namespace, certificate: Certificate) -> None:
        context = trusting(certificate)
        with patched(netns) as device:
            with pytest.raises(NotImplementedError):
                context.wrap_socket(socket.socket(type=socket.SOCK_DGRAM), server_hostname=LINUX)
            with pytest.raises(ValueError, match="check_hostname requires"):
                context.wrap_socket(socket.socket())
            with socket.socket() as sock, pytest.raises(ValueError, match="client mode"):
                context.wrap_socket(sock, server_side=True, server_hostname=LINUX)
            wrapped: Any = context.wrap_socket(socket.socket(), server_hostname=LINUX)
            for call in (
                lambda: wrapped.recv(1, socket.MSG_PEEK),
                lambda: wrapped.send(b"x", socket.MSG_OOB),
                lambda: wrapped.sendto(b"x", (LINUX, 1)),
            ):
                with pytest.raises(ValueError):
                    call()
            with pytest.raises(AttributeError, match="not connected"):
                wrapped.version()
            wrapped.close()
            assert device.stack.mem.tcp_pcb.used == 0

    def test_ordinary_sockets_are_wrapped_as_before(self, netns: Namespace, certificate: Certificate) -> None:
        with patched(netns):
            left, right = socket.socketpair()
            with right:
                wrapped = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(
                    left, server_hostname="x", do_handshake_on_connect=False
                )
                assert isinstance(wrapped, ssl.SSLSocket)
                wrapped.close()


@contextmanager
def serving(certificate: Certificate, folder: Path) -> Iterator[None]:
    """http.server with TLS on the device."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    with http.server.ThreadingHTTPServer(("", 443), handler) as httpd:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            httpd.shutdown()
            thread.join(10)


@pytest.mark.needs("curl")
def test_a_server(netns: Namespace, certificate: Certificate, tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(PAGE)
    with patched(netns), serving(certificate, tmp_path):
        argv = ["curl", "-sS", "-m", "20", "--cacert", certificate.cert_file, f"https://{DEVICE}/page"]
        for _ in range(2):
            done = netns.run(argv, capture_output=True, timeout=30)
            assert done.stderr == b""
            assert done.stdout == PAGE


def test_http_client(netns: Namespace, certificate: Certificate) -> None:
    """What is sent comes back, so the answer to the request is the request."""
    with patched(netns), server(netns, certificate):
        connection = http.client.HTTPSConnection(LINUX, 8443, timeout=10, context=trusting(certificate))
        connection.connect()
        connection.send(PAGE)
        received = bytearray()
        while len(received) < len(PAGE):
            received += connection.sock.recv(4096)
        assert received == PAGE
        connection.close()
