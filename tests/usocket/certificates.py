"""Certificates, made with openssl when a test asks for one, and a TLS peer that is CPython's.

The peer sits at the other end of ``Wire``, a stream as MicroPython programs make them: it does what it can
whenever something is written to the stream, so that everything happens in one thread.
"""

from __future__ import annotations

import functools
import ssl
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

HOST = "device.local"
NOW = time.time_ns()  # certificates are made a little later: a device that is to trust them boots tomorrow
DAY = 86400 * 1_000_000_000


@dataclass(frozen=True)
class Certificate:
    """PEM and DER of a certificate and its key."""

    cert: bytes
    key: bytes
    cert_der: bytes
    key_der: bytes
    folder: tempfile.TemporaryDirectory[str]  # is there as long as this is

    @property
    def cert_file(self) -> str:
        return f"{self.folder.name}/cert.pem"

    @property
    def key_file(self) -> str:
        return f"{self.folder.name}/key.pem"


@functools.cache
def certificate(host: str = HOST, kind: str = "ec", serial: int = 1) -> Certificate:
    """A self-signed certificate for ``host``, valid for 30 days. ``kind``: ec, rsa."""
    temporary = tempfile.TemporaryDirectory(prefix="netstack-certificate-")
    folder = Path(temporary.name)
    keys = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], "rsa": ["rsa:2048"]}[kind]
    cert, key = folder / "cert.pem", folder / "key.pem"
    openssl("req", "-x509", "-newkey", *keys, "-nodes", "-days", "30", "-subj", f"/CN={host}",
            "-set_serial", str(serial), "-keyout", str(key), "-out", str(cert))  # fmt: skip
    return Certificate(
        cert.read_bytes(),
        key.read_bytes(),
        openssl("x509", "-in", str(cert), "-outform", "DER"),
        openssl("pkcs8", "-topk8", "-nocrypt", "-in", str(key), "-outform", "DER"),
        temporary,
    )


@functools.cache
def dated(start: str, end: str) -> Certificate:
    """As ``certificate``, valid from ``start`` to ``end``, as in 20000101000000Z."""
    made = certificate(serial=99)
    with tempfile.TemporaryDirectory(prefix="netstack-authority-") as folder:
        config = Path(folder, "ca.cnf")
        Path(folder, "index.txt").touch()
        config.write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index.txt\nrand_serial=yes\nnew_certs_dir={folder}\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
        )
        request = openssl("req", "-new", "-key", made.key_file, "-subj", f"/CN={HOST}")
        Path(folder, "request").write_bytes(request)
        openssl("ca", "-batch", "-notext", "-config", str(config), "-selfsign", "-keyfile", made.key_file,
                "-in", f"{folder}/request", "-startdate", start, "-enddate", end,
                "-out", f"{folder}/cert.pem")  # fmt: skip
        Path(made.cert_file).write_bytes(Path(folder, "cert.pem").read_bytes())
    return replace(made, cert=Path(made.cert_file).read_bytes(), cert_der=b"")


def openssl(*args: str) -> bytes:
    """What openssl prints."""
    return subprocess.run(["openssl", *args], capture_output=True, check=True, timeout=60).stdout


class Peer:
    """CPython's TLS, client or server. ``received`` is what it was sent; ``echo`` has it send that back."""

    def __init__(self, context: ssl.SSLContext, *, server: bool, echo: bool = False) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        hostname = None if server else HOST
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_side=server, server_hostname=hostname
        )
        self.received = b""
        self.error: ssl.SSLError | None = None
        self.established = False
        self.closed = False  # as TCP is: the end of the stream comes after what it has said
        self._echo = echo
        self.advance()

    def advance(self) -> None:
        """Do what can be done."""
        if self.error is not None:
            return
        try:
            if not self.established:
                self.tls.do_handshake()
                self.established = True
            while data := self.tls.read(65536):
                self.received += data
                if self._echo:
                    self.tls.write(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.error = error


class Wire:
    """A program's stream whose other end is a peer. ``blocked``: takes nothing; ``piece``: gives that much at
    a time.
    """

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.blocked = False
        self.deaf = False
        self.piece = 1 << 20
        self.writes: list[bytes] = []
        self.closed = False
        self.blocking: list[object] = []

    def write(self, data: bytes) -> int | None:
        if self.blocked:
            return None
        self.writes.append(bytes(data))
        self.peer.incoming.write(data)
        self.peer.advance()
        return len(data)

    def readinto(self, buffer: bytearray) -> int | None:
        data = b"" if self.deaf else self.peer.outgoing.read(min(len(buffer), self.piece))
        if not data:
            return 0 if self.peer.closed else None
        buffer[: len(data)] = data
        return len(data)

    def ioctl(self, request: int, arg: int) -> int:
        if request == 4:
            self.closed = True
            return 0
        readable = 1 if self.peer.outgoing.pending and not self.deaf else 0
        return (readable | (0 if self.blocked else 4)) & arg

    def setblocking(self, flag: object) -> None:
        self.blocking.append(flag)


def server_context(mine: Certificate, *, trusts: Certificate | None = None) -> ssl.SSLContext:
    """CPython's, for a server with a certificate; ``trusts``: wants one of its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(mine.cert_file, mine.key_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    if trusts is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusts.cert_file)
    return context


def client_context(trusts: Certificate | None = None, mine: Certificate | None = None) -> ssl.SSLContext:
    """CPython's, for a client that trusts a certificate, or any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    if trusts is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(trusts.cert_file)
    if mine is not None:
        context.load_cert_chain(mine.cert_file, mine.key_file)
    return context
