"""MicroPython's ``tls``: TLS on any stream, with the errors and poll flags of mbedTLS on a board.

A TLS socket has the stream methods only, no ``recv`` or ``send``. Its ``close`` says nothing to the peer: it
just closes the socket. Errors after the handshake are bare negative numbers (-104 for a reset), and the
socket has only that error from then on.

Source: micropython/micropython:extmod/modtls_mbedtls.c (docs/library/ssl.rst); compared with 1.25.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from tap.clock import MS, SECOND
from usocket.addrinfo import integer
from usocket.current import current_device
from usocket.errno import EAGAIN, EINVAL, MicroPythonError
from usocket.select import IOCTL_POLL, POLLIN, POLLOUT
from usocket.stream import Stream
from usocket.tls_ciphers import MBEDTLS, OPENSSL, selection
from usocket.tls_credentials import load_cert_chain, load_verify_locations, private_key
from usocket.tls_engine import Broken, Engine, WouldBlock
from usocket.tls_errors import (
    BAD_CONFIG,
    BAD_INPUT_DATA,
    CA_CHAIN_REQUIRED,
    CERT_VERIFY_FAILED,
    CONN_EOF,
    TlsError,
    exception_of,
)
from usocket.tls_transport import IOCTL_CLOSE, Transport
from usocket.tls_verify import ACCESS_DENIED, NOT_TRUSTED, UNKNOWN_CA, alert_for, complaints

__all__ = [
    "CERT_NONE",
    "CERT_OPTIONAL",
    "CERT_REQUIRED",
    "MBEDTLS_VERSION",
    "PROTOCOL_TLS_CLIENT",
    "PROTOCOL_TLS_SERVER",
    "SSLContext",
]

PROTOCOL_TLS_CLIENT = 0
PROTOCOL_TLS_SERVER = 1
CERT_NONE = 0
CERT_OPTIONAL = 1
CERT_REQUIRED = 2
MBEDTLS_VERSION = f"Mbed TLS 3.6.3 (emulated on {ssl.OPENSSL_VERSION})"

POLLNVAL = 32

# Flags of OpenSSL that CPython has no names for (x509_vfy.h).
X509_V_FLAG_PARTIAL_CHAIN = 0x80000  # any certificate given is trusted, not only self-signed ones
X509_V_FLAG_NO_CHECK_TIME = 0x200000  # it would use the machine's clock

ENCODING_DER = 2  # of _ssl

VerifyCallback = Callable[[memoryview, int], int]


class SSLContext:
    """What TLS sockets have in common. A client's verifies its peers until it is told not to."""

    __module__ = "builtins"
    __slots__ = ("_context", "_server", "_trusts", "verify_callback", "verify_mode")

    def __init__(self, protocol: int, /) -> None:
        self._server = bool(integer(protocol) & PROTOCOL_TLS_SERVER)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if self._server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
        context.verify_flags |= X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME
        context.set_ciphers(selection(list(OPENSSL)))
        self._context = context
        self._trusts = False  # whether load_verify_locations was called
        self.verify_mode: int = CERT_NONE if self._server else CERT_REQUIRED
        self.verify_callback: VerifyCallback | None = None

    def __repr__(self) -> str:
        return "<SSLContext>"

    def get_ciphers(self) -> list[str]:
        """The names of all cipher suites, as mbedTLS writes them."""
        return list(OPENSSL)

    def set_ciphers(self, ciphersuite: list[str] | tuple[str, ...], /) -> None:
        """Use these only. OSError(-24192) for one that is not known."""
        if not isinstance(ciphersuite, list | tuple):
            raise TypeError(f"object '{type(ciphersuite).__name__}' isn't a tuple or list")
        if not ciphersuite or not all(suite in OPENSSL for suite in ciphersuite):
            raise TlsError(BAD_CONFIG)
        self._context.set_ciphers(selection(list(ciphersuite)))

    def load_cert_chain(self, cert: Any, pkey: Any, /) -> None:
        """Its own certificate and key, PEM or DER. ValueError for what is none."""
        key = private_key(_data(pkey))
        load_cert_chain(self._context, _data(cert), key)

    def load_verify_locations(self, cadata: Any, /) -> None:
        """Trust these certificates, PEM or DER, and what they have signed. ValueError for what is none."""
        load_verify_locations(self._context, _data(cadata))
        self._trusts = True

    def wrap_socket(
        self,
        sock: Any,
        *,
        server_side: object = False,
        do_handshake_on_connect: object = True,
        server_hostname: str | None = None,
    ) -> SSLSocket:
        """A TLS socket on a connected socket, or any stream.

        OSError, or ValueError for a certificate that is not accepted, when the handshake fails, or
        CERT_REQUIRED without a ``server_hostname``.
        """
        transport = Transport(sock)
        required = self.verify_mode == CERT_REQUIRED
        if server_hostname is None and required and not server_side:
            raise ValueError("CERT_REQUIRED requires server_hostname")
        self._context.check_hostname = False  # we do
        self._context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_NONE

        def judge(chain: list[Any], failure: ssl.SSLCertVerificationError | None) -> None:
            self._judge(chain, failure, server_hostname)

        engine = Engine(self._context, transport, self._server, server_hostname, judge)
        made = SSLSocket(engine, transport)
        if do_handshake_on_connect:
            made._shake_hands()
        return made

    def _judge(
        self, chain: list[Any], failure: ssl.SSLCertVerificationError | None, hostname: str | None
    ) -> None:
        """Judge a peer's certificates (``tls_engine.Judge``)."""
        if self.verify_mode == CERT_NONE:
            return
        if self.verify_callback is not None:
            for depth in range(len(chain) - 1, -1, -1):
                der = bytes(chain[depth].public_bytes(ENCODING_DER))
                code = self.verify_callback(memoryview(der), depth)
                if code:
                    raise Broken(code, alert=ACCESS_DENIED)
        if self.verify_mode != CERT_REQUIRED:
            return
        if not self._trusts:
            raise Broken(CA_CHAIN_REQUIRED, alert=UNKNOWN_CA)
        try:
            infos = [certificate.get_info() for certificate in chain]
            sentences = complaints(infos, hostname, unix_time(), failure)
        except ValueError:  # OpenSSL took it, but CPython cannot read it
            sentences = [NOT_TRUSTED]
        if sentences:
            raise Broken(CERT_VERIFY_FAILED, sentences, alert_for(sentences))


def unix_time() -> int:
    """Seconds since 1970, where the current device is."""
    device = current_device()
    return (device.clock.epoch + device.clock.now() + device.rtc_offset) // SECOND


def _data(value: Any) -> bytes:
    """A str or bytes. Raises TypeError."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise TypeError(f"can't convert '{type(value).__name__}' object to str implicitly")


class SSLSocket(Stream):
    """A TLS connection: the stream methods, ``setblocking``, ``close``, ``cipher``, ``getpeercert``."""

    __module__ = "builtins"
    __slots__ = ("__weakref__", "_device", "_engine", "_failure", "_poll_mask", "_transport")

    def __init__(self, engine: Engine, transport: Transport) -> None:
        self._engine: Engine | None = engine
        self._transport = transport
        self._failure = 0  # mbedTLS's error, for good
        self._poll_mask = 0  # what TLS needs next, where that is not what was asked for
        self._device = getattr(transport.stream, "_device", None) or current_device()

    def __repr__(self) -> str:
        return "<SSLSocket>"

    def _shake_hands(self) -> None:
        """The whole handshake, also on a socket that does not block."""
        assert self._engine is not None
        while True:
            try:
                return self._engine.handshake()
            except WouldBlock:
                self._device.sleep_ns(MS)
            except Broken as broken:
                self._engine, self._failure = None, broken.code
                raise exception_of(broken.code, broken.sentences) from None

    def _read_some(self, size: int) -> bytes:
        data: bytes = self._step(lambda engine: engine.read(size), POLLIN)
        return data

    def _write_some(self, data: bytes) -> int:
        count: int = self._step(lambda engine: engine.write(data), POLLOUT)
        return count

    def _step(self, operation: Callable[[Engine], Any], direction: int) -> Any:
        """A read or a write, which may have to do the handshake first."""
        self._poll_mask = 0
        if self._failure:
            raise MicroPythonError(self._failure)
        engine = self._engine
        if engine is None:
            self._failure = BAD_INPUT_DATA
            raise TlsError(BAD_INPUT_DATA)
        try:
            return operation(engine)
        except WouldBlock as wait:
            if wait.direction != direction:
                self._poll_mask = wait.direction
            raise MicroPythonError(EAGAIN) from None
        except Broken as broken:
            self._failure = broken.code
            if engine.established or broken.code == CONN_EOF:
                raise MicroPythonError(broken.code) from None
            self._engine = None
            raise exception_of(broken.code, broken.sentences) from None

    def setblocking(self, flag: object, /) -> None:
        """That of the socket below."""
        self._transport.stream.setblocking(flag)

    def close(self) -> None:
        """Close the socket below; twice is fine. The peer sees its end without TLS's good-bye."""
        if self._engine is not None:
            self._engine = None
            self._transport.close()

    def cipher(self) -> tuple[str, str]:
        """(cipher suite, version). OSError before the handshake and after close, where a board crashes."""
        found = None if self._engine is None else self._engine.tls.cipher()
        if found is None:
            self._device.note("tls-cipher")
            raise TlsError(BAD_INPUT_DATA)
        return MBEDTLS[found[0]], found[1]

    def getpeercert(self, binary_form: object, /) -> bytes | None:
        """The peer's certificate in DER; None without one. NotImplementedError unless ``binary_form``."""
        if not binary_form:
            raise NotImplementedError
        if self._engine is None or not self._engine.established:
            return None
        return self._engine.tls.getpeercert(binary_form=True)

    def ioctl(self, request: int, arg: int, /) -> int:
        """MicroPython's protocol of streams: poll, close. EINVAL for others."""
        if request == IOCTL_POLL:
            return self._poll(arg)
        if request != IOCTL_CLOSE:
            raise MicroPythonError(EINVAL)
        self.close()
        return 0

    def _poll(self, mask: int) -> int:
        """Poll flags. Where TLS needs another direction than was asked about, that one is looked at."""
        if self._engine is None or self._failure:
            return POLLNVAL
        asked = mask & (POLLIN | POLLOUT)
        needs = self._poll_mask if asked else 0
        if needs:
            mask = mask & ~asked | needs
        flags = 0
        if mask & POLLIN and self._engine.pending:
            flags = POLLIN
            if mask == POLLIN:
                return flags
        flags |= self._transport.poll(mask)
        return flags | asked if flags & needs else flags
