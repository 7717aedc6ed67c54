"""One TLS connection of MicroPython's: OpenSSL, through buffers in memory, made to behave as mbedTLS does.

It takes one record at a time from the stream, so what has not been asked for stays in the socket (and its
window), writes at most 4096 bytes a record, says what it needs next where the stream does not block, and
speaks TLS 1.2 without tickets, as MicroPython's build of mbedTLS does. A peer's certificate is judged in the
handshake, its dates by the device's clock.

Sources: RFC 5246 (TLS 1.2); micropython/micropython:extmod/modtls_mbedtls.c; Mbed-TLS/mbedtls:library/
ssl_msg.c, ``mbedtls_ssl_read``, ``mbedtls_ssl_write``.
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from usocket.select import POLLIN, POLLOUT
from usocket.tls_errors import CERT_VERIFY_FAILED, CONN_EOF, INVALID_RECORD, code_of
from usocket.tls_transport import StreamFailed, Transport

HEADER = 5  # bytes of a record's header (RFC 5246, section 6.2.1)
CONTENT_TYPES = range(20, 24)
LONGEST_RECORD = 16384 + 2048
OUT_CONTENT_LEN = 4096  # MBEDTLS_SSL_OUT_CONTENT_LEN
FATAL = 2  # alert level

T = TypeVar("T")

# Judges the peer's certificates (_ssl.Certificate, its own first), given what OpenSSL complains of, before
# the handshake has ended. Raises Broken.
Judge = Callable[[list[Any], ssl.SSLCertVerificationError | None], None]


class WouldBlock(Exception):
    """The stream does not block and is not ready: ``direction`` is what to poll it for."""

    def __init__(self, direction: int) -> None:
        super().__init__(direction)
        self.direction = direction


class Broken(Exception):
    """The connection has failed: ``code`` is mbedTLS's error.

    ``sentences`` say why a certificate is not accepted; ``alert`` (RFC 5246, section 7.2) is for the peer.
    """

    def __init__(self, code: int, sentences: Sequence[str] = (), alert: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.sentences = sentences
        self.alert = alert


class Engine:
    """A connection on ``transport``. Each call raises WouldBlock or Broken."""

    def __init__(
        self, context: ssl.SSLContext, transport: Transport, server: bool, hostname: str | None, judge: Judge
    ) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server,
            server_hostname=None if server else hostname,
        )
        self.established = False
        self._transport = transport
        self._judge: Judge | None = judge
        self._record = bytearray()  # what has arrived of the next record
        self._unsent: deque[bytes] = deque()  # records that the stream has yet to take

    @property
    def pending(self) -> bool:
        """Whether bytes of the last record have yet to be read."""
        return self.established and self.tls.pending() > 0

    def handshake(self) -> None:
        """Do what is left of the handshake."""
        if self.established:
            return
        try:
            self._drive(self.tls.do_handshake)
        except Broken as broken:
            self._send_alert(broken.alert)
            raise
        self._flush()
        self.established = True

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes of one record; ``b""`` when the peer has closed, with or without saying so."""
        self.handshake()
        if size == 0:
            return b""
        try:
            return self._drive(lambda: self.tls.read(size))
        except Broken as broken:
            if broken.code == CONN_EOF:
                return b""
            raise

    def write(self, data: bytes) -> int:
        """Send one record: how many bytes of ``data`` are in it.

        After WouldBlock the record is under way: the next call, which has to be given the same data, sends
        the rest of it only.
        """
        self.handshake()
        part = data[:OUT_CONTENT_LEN]
        if not self._unsent and part:
            self._drive(lambda: self.tls.write(part))
        self._flush()
        return len(part)

    def _drive(self, operation: Callable[[], T]) -> T:
        """Do a step of OpenSSL's, feeding it records as long as it wants some."""
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                self._judge_peer()
                self._flush()
                self._feed()
            except ssl.SSLZeroReturnError as closed:
                if self.established:
                    return b""  # type: ignore[return-value]  # only reading comes to this
                raise Broken(code_of(closed)) from None
            except ssl.SSLCertVerificationError as error:
                self._judge_peer(error)
                raise Broken(CERT_VERIFY_FAILED) from None
            except ssl.SSLError as error:
                self._send_alert(None)
                raise Broken(code_of(error)) from None
            else:
                self._judge_peer()
                return result

    def _judge_peer(self, failure: ssl.SSLCertVerificationError | None = None) -> None:
        """Once, as soon as the peer's certificates are there, which is before the handshake ends."""
        if self._judge is None:
            return
        chain = self.tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
        if chain or failure is not None:
            judge, self._judge = self._judge, None
            judge(chain or [], failure)

    def _send_alert(self, alert: int | None) -> None:
        """Tell the peer, as far as the stream takes it now: what OpenSSL has to say, or ``alert``."""
        if alert is not None:
            self._outgoing.read()
            self._unsent.append(bytes((21, 3, 3, 0, 2, FATAL, alert)))
        try:
            self._flush()
        except (WouldBlock, Broken):
            pass

    def _flush(self) -> None:
        """Have the stream take all that is to be sent, record by record."""
        records = self._unsent
        while self._outgoing.pending:
            header = self._outgoing.read(HEADER)
            records.append(header + self._outgoing.read(int.from_bytes(header[3:5], "big")))
        while records:
            try:
                count = self._transport.send(records[0])
            except StreamFailed as failed:
                raise Broken(-failed.number) from None
            if count is None:
                raise WouldBlock(POLLOUT)
            rest = records.popleft()[count:]
            if rest:
                records.appendleft(rest)

    def _feed(self) -> None:
        """Take one record from the stream and give it to OpenSSL."""
        record = self._record
        while True:
            wanted = HEADER if len(record) < HEADER else HEADER + int.from_bytes(record[3:5], "big")
            if len(record) == wanted:
                break
            try:
                data = self._transport.receive(wanted - len(record))
            except StreamFailed as failed:
                raise Broken(-failed.number) from None
            if data is None:
                raise WouldBlock(POLLIN)
            if not data:
                raise Broken(CONN_EOF)
            record += data
            if len(record) == HEADER and not _is_header(record):
                raise Broken(INVALID_RECORD)
        self._incoming.write(bytes(record))
        record.clear()


def _is_header(record: bytearray) -> bool:
    length = int.from_bytes(record[3:5], "big")
    return record[0] in CONTENT_TYPES and record[1] == 3 and 0 < length <= LONGEST_RECORD
