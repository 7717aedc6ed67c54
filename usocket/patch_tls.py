"""TLS for CPython programs on a device: what ``SSLContext.wrap_socket`` makes of a device's socket.

The real SSLSocket hands a descriptor to OpenSSL, and a device's has no data. This one gives OpenSSL records
in memory and takes them from there, one at a time, so that what has not been asked for stays in the stack,
and the descriptor goes on telling of it. asyncio needs none of this: its TLS works in memory anyway.

Sources: CPython Lib/ssl.py, ``SSLSocket``; RFC 8446, section 5.1 (records).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tap.clock import MS
from usocket.patch_end import STREAM, End, unsupported
from usocket.patch_socket import DeviceSocket, on_device

HEADER = 5  # bytes of a record's header
PAUSE = 10 * MS  # until what did not fit into the send buffer is tried again

T = TypeVar("T")

_len = len  # a parameter of read has that name


class TlsSocket(DeviceSocket):
    """Has the methods of ``ssl.SSLSocket``. A listener makes those that it accepts TLS sockets, too."""

    __slots__ = ("_context", "_incoming", "_options", "_outgoing", "_record", "_tls", "_unsent")

    _context: ssl.SSLContext
    _options: dict[str, Any]  # of wrap_socket
    _tls: ssl.SSLObject | None  # None before there is a connection
    _incoming: ssl.MemoryBIO
    _outgoing: ssl.MemoryBIO
    _record: bytearray  # what has come of the next record
    _unsent: bytearray  # what the stack has yet to take

    @classmethod
    def wrap(cls, context: ssl.SSLContext, sock: DeviceSocket, **options: Any) -> TlsSocket:
        """``sock``, which is closed for the program, with TLS. ``options`` are those of ``wrap_socket``."""
        if sock.type != STREAM:
            raise NotImplementedError("only stream sockets are supported")
        if options["server_side"] and options["server_hostname"]:
            raise ValueError("server_hostname can only be specified in client mode")
        if context.check_hostname and not options["server_hostname"]:
            raise ValueError("check_hostname requires server_hostname")
        proto, timeout = sock.proto, sock.gettimeout()
        made = cls.__new__(cls)
        made._context, made._options = context, options
        made._tls = None
        made._record, made._unsent = bytearray(), bytearray()
        end = sock.hand_over()
        made._own(end, STREAM, proto)
        made.settimeout(timeout)
        if end.connected:
            made._begin()
        return made

    def _begin(self) -> None:
        """There is a connection: shake hands, unless the program wants to say when."""
        options = self._options
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=options["server_side"],
            server_hostname=options["server_hostname"],
            session=options["session"],
        )
        if options["do_handshake_on_connect"]:
            try:
                if self.gettimeout() == 0:
                    text = "do_handshake_on_connect should not be specified for non-blocking sockets"
                    raise ValueError(text)
                self.do_handshake()
            except (OSError, ValueError):
                self.close()
                raise

    def connect(self, address: Any, /) -> None:
        """Connect and shake hands."""
        super().connect(address)
        self._begin()

    def accept(self) -> tuple[Any, Any]:
        """The oldest connection, with TLS, and its (ip, port)."""
        sock, address = super().accept()
        return self._context.wrap_socket(sock, **self._options), address

    def __getattr__(self, name: str) -> Any:
        """The rest is OpenSSL's: ``getpeercert``, ``cipher``, ``version``, ``pending``, ..."""
        if name == "context":
            return self._context
        if name.startswith("_") or self._tls is None:
            raise AttributeError(f"a TLS socket that is not connected has no {name}")
        return getattr(self._tls, name)

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands. SSLWantReadError, SSLWantWriteError where the socket does not block."""
        self._drive(self._object().do_handshake)

    def unwrap(self) -> DeviceSocket:
        """Say farewell, wait for the peer's, and go on without TLS on the socket that is returned."""
        self._drive(self._object().unwrap)
        proto, timeout = self.proto, self.gettimeout()
        plain = DeviceSocket.__new__(DeviceSocket)
        plain._own(self.hand_over(), STREAM, proto)
        plain.settimeout(timeout)
        return plain

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        """Up to ``len`` bytes, or how many were put into ``buffer``."""
        data, _ = self._receive(len, 0)
        if buffer is None:
            return data
        buffer[: _len(data)] = data
        return _len(data)

    def write(self, data: Any) -> int:
        """Send: how many bytes."""
        return self.send(data)

    def _receive(self, size: int, flags: int) -> tuple[bytes, tuple[int, int]]:
        if size < 0:
            raise ValueError("negative buffersize in recv")
        if flags:
            raise ValueError("non-zero flags not allowed in calls to recv() on TLS sockets")
        tls = self._object()
        try:
            return self._drive(lambda: tls.read(size)) if size else b"", (0, 0)
        except ssl.SSLZeroReturnError:
            return b"", (0, 0)
        except ssl.SSLEOFError:
            if self._options["suppress_ragged_eofs"]:
                return b"", (0, 0)
            raise

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Send one piece: how many bytes. SSLWantWriteError where the socket does not block."""
        if flags:
            raise ValueError("non-zero flags not allowed in calls to send() on TLS sockets")
        self._flush()
        payload = self._payload(data)
        tls = self._object()
        count = self._drive(lambda: tls.write(payload), last=True) if payload else 0
        if self._unsent:
            self._open().device.call_at(self._open().device.clock.now() + PAUSE, self._flush_later)
        return count

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send all."""
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[self.send(rest, flags) :]

    def sendto(self, *args: Any) -> int:
        """Not for TLS."""
        raise ValueError("sendto not allowed on TLS sockets")

    # OpenSSL in memory

    def _object(self) -> ssl.SSLObject:
        if self._tls is None:
            self.getpeername()  # ENOTCONN
            raise unsupported("TLS before connect() has returned")
        return self._tls

    def _drive(self, operation: Callable[[], T], last: bool = False) -> T:
        """Do a step of OpenSSL's, give it records as long as it wants some, and send what it has to send.

        With ``last`` what does not go at once is left for later.
        """
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLError:
                self._collect()  # an alert
                self._try_to_send()
                raise
            else:
                self._flush(wait=not last or self.gettimeout() != 0)
                return result

    def _collect(self) -> None:
        self._unsent += self._outgoing.read()

    def _flush(self, wait: bool = True) -> None:
        """Send what OpenSSL has to send. SSLWantWriteError."""
        if self._tls is not None:
            self._collect()
        while self._unsent:
            if not wait:
                self._try_to_send()
                return
            end = self._open()
            try:
                count = self._attempt(lambda: end.send(self._next_piece(end)), "send")  # noqa: B023
            except BlockingIOError:
                raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "the send buffer is full") from None
            del self._unsent[:count]

    def _next_piece(self, end: End) -> bytes:
        return bytes(self._unsent[: end.device.profile.tcp_snd_buf])

    def _try_to_send(self) -> None:
        """Send what goes now; what has gone wrong the next call finds out."""
        end = self._open()
        try:
            with end.device.host.lock:
                count = end.send(self._next_piece(end)) if self._unsent else 0
        except OSError:
            count = len(self._unsent)
        del self._unsent[: count or 0]

    def _flush_later(self) -> None:
        """Called with the lock."""
        end = self._end
        if end is None or end.closed:
            return
        self._try_to_send()
        if self._unsent:
            end.device.call_at(end.device.clock.now() + PAUSE, self._flush_later)

    def _feed(self) -> None:
        """Take one record from the stack and give it to OpenSSL. SSLWantReadError."""
        record = self._record
        end = self._open()
        while True:
            wanted = HEADER if len(record) < HEADER else HEADER + int.from_bytes(record[3:5], "big")
            if len(record) >= wanted:
                break
            missing = wanted - len(record)
            try:
                data, _ = self._attempt(lambda: end.receive(missing), "recv")  # noqa: B023
            except BlockingIOError:
                raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "nothing has come") from None
            if not data:
                self._incoming.write_eof()
                return
            record += data
        self._incoming.write(bytes(record))
        record.clear()


@contextmanager
def wrapping() -> Iterator[None]:
    """``SSLContext.wrap_socket`` takes sockets of a device, too, while a ``with`` block lasts."""
    original = ssl.SSLContext.wrap_socket

    def wrap_socket(
        self: ssl.SSLContext,
        sock: Any,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: Any = None,
        session: Any = None,
    ) -> Any:
        options = {
            "server_side": server_side,
            "do_handshake_on_connect": do_handshake_on_connect,
            "suppress_ragged_eofs": suppress_ragged_eofs,
            "server_hostname": server_hostname,
            "session": session,
        }
        if not on_device(sock):
            return original(self, sock, **options)
        return TlsSocket.wrap(self, sock, **options)

    ssl.SSLContext.wrap_socket = wrap_socket  # type: ignore[method-assign]
    try:
        yield
    finally:
        ssl.SSLContext.wrap_socket = original  # type: ignore[method-assign]
