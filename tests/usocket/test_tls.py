"""tls: contexts and TLS sockets, with the errors and poll flags that MicroPython's have."""

from __future__ import annotations

import io
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from tests.usocket.certificates import (
    DAY,
    HOST,
    NOW,
    Certificate,
    Peer,
    Wire,
    certificate,
    client_context,
    dated,
    server_context,
)
from tests.usocket.support import Pair, raises, two_devices
from usocket import tls
from usocket.errno import EINVAL
from usocket.tls import (
    CERT_NONE,
    CERT_OPTIONAL,
    CERT_REQUIRED,
    PROTOCOL_TLS_CLIENT,
    PROTOCOL_TLS_SERVER,
    SSLContext,
)

pytestmark = pytest.mark.needs("openssl")

IN, OUT, NVAL = 1, 4, 32


@pytest.fixture(autouse=True)
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        both.clock.epoch = NOW + DAY
        yield both


def peer(mine: Certificate | None = None, **options: Any) -> Peer:
    """A server of CPython's that says everything twice."""
    return Peer(server_context(mine or certificate(), **options), server=True, echo=True)


def context(trusts: Certificate | None = None, mine: Certificate | None = None) -> SSLContext:
    """A client's, that trusts a certificate, or any."""
    made = SSLContext(PROTOCOL_TLS_CLIENT)
    if trusts is None:
        made.verify_mode = CERT_NONE
    else:
        made.load_verify_locations(trusts.cert)
    if mine is not None:
        made.load_cert_chain(mine.cert, mine.key)
    return made


def server(mine: Certificate, trusts: Certificate | None = None, mode: int = CERT_NONE) -> SSLContext:
    made = SSLContext(PROTOCOL_TLS_SERVER)
    made.load_cert_chain(mine.cert_der, mine.key_der)
    made.verify_mode = mode
    if trusts is not None:
        made.load_verify_locations(trusts.cert_der)
    return made


def failing(call: Any) -> str:
    """The exception as it prints."""
    with pytest.raises((OSError, ValueError)) as caught:
        call()
    return str(caught.value)


class TestContexts:
    def test_constants_and_defaults(self) -> None:
        assert (PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER) == (0, 1)
        assert (CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED) == (0, 1, 2)
        assert SSLContext(PROTOCOL_TLS_CLIENT).verify_mode == CERT_REQUIRED
        assert SSLContext(PROTOCOL_TLS_SERVER).verify_mode == CERT_NONE
        assert tls.MBEDTLS_VERSION.startswith("Mbed TLS 3.")
        assert repr(SSLContext(0)) == "<SSLContext>"
        assert (SSLContext.__module__, tls.SSLSocket.__module__) == ("builtins", "builtins")

    def test_arguments(self) -> None:
        for arguments in ((), ("a",), (None,), (0, 0)):
            with pytest.raises(TypeError):
                SSLContext(*arguments)
        made = SSLContext(0)
        with pytest.raises(AttributeError):
            made.does_not_exist = 1  # type: ignore[attr-defined]
        for value in (None, 5):
            with pytest.raises(TypeError, match="object to str implicitly"):
                made.load_verify_locations(value)
            with pytest.raises(TypeError, match="object to str implicitly"):
                made.load_cert_chain(certificate().cert, value)
        with pytest.raises(ValueError, match="invalid key"):
            made.load_cert_chain(None, b"!")
        with pytest.raises(OSError, match="stream operation not supported"):
            made.wrap_socket(5)

    def test_ciphers(self) -> None:
        made = context()
        names = made.get_ciphers()
        for suite in names[:2]:
            made.set_ciphers([suite])
            kind = "ec" if "ECDSA" in suite else "rsa"
            sock = made.wrap_socket(Wire(peer(certificate(kind=kind))))
            assert sock.cipher() == (suite, "TLSv1.2")
        with pytest.raises(TypeError, match="object 'str' isn't a tuple or list"):
            made.set_ciphers(names[0])  # type: ignore[arg-type]
        for wrong in ([], ["BAR"], (names[0], "TLS-NULL")):
            said = failing(lambda wrong=wrong: made.set_ciphers(wrong))
            assert said == "(-24192, 'MBEDTLS_ERR_SSL_BAD_CONFIG')"


class TestVerifying:
    @pytest.mark.parametrize("kind", ["ec", "rsa"])
    def test_who_is_trusted(self, kind: str) -> None:
        made = certificate(kind=kind)
        sock = context(made).wrap_socket(Wire(peer(made)), server_hostname=HOST)
        assert sock.write(b"hello") == 5
        assert sock.read(5) == b"hello"
        assert sock.getpeercert(True) == made.cert_der
        with pytest.raises(NotImplementedError):
            sock.getpeercert(False)

    def test_nobody_is_asked(self) -> None:
        for mode in (CERT_NONE, CERT_OPTIONAL):
            made = context(certificate(serial=2))
            made.verify_mode = mode
            made.wrap_socket(Wire(peer()), server_hostname="other")
            made.wrap_socket(Wire(peer()))

    def test_another_name(self) -> None:
        other = peer()
        with pytest.raises(ValueError) as caught:
            context(certificate()).wrap_socket(Wire(other), server_hostname="foobar.local")
        assert str(caught.value) == (
            "\nThe certificate Common Name (CN) does not match with the expected CN\n"
        )
        assert isinstance(other.error, ssl.SSLError)
        assert other.error.reason == "SSLV3_ALERT_BAD_CERTIFICATE"

    def test_a_name_has_to_be_given(self) -> None:
        wire = Wire(peer())
        with pytest.raises(ValueError, match="CERT_REQUIRED requires server_hostname"):
            context(certificate()).wrap_socket(wire)
        assert wire.writes == []

    def test_a_stranger(self) -> None:
        said = failing(lambda: context(certificate(serial=2)).wrap_socket(Wire(peer()), server_hostname=HOST))
        assert said == "\nThe certificate is not correctly signed by the trusted CA\n"

    def test_nobody_is_trusted(self) -> None:
        other = peer()
        made = SSLContext(PROTOCOL_TLS_CLIENT)
        said = failing(lambda: made.wrap_socket(Wire(other), server_hostname=HOST))
        assert said == "(-30336, 'MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED')"
        assert isinstance(other.error, ssl.SSLError)
        assert other.error.reason == "TLSV1_ALERT_UNKNOWN_CA"

    @pytest.mark.parametrize(
        ("epoch", "offset", "sentence", "alert"),
        [
            (0, 0, "The certificate validity starts in the future", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"),
            (NOW + 40 * DAY, 0, "The certificate validity has expired", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
            (NOW, 40 * DAY, "The certificate validity has expired", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        ],
        # Without the time in the names all workers collect the same.
        ids=["boots in 1970", "boots too late", "set too late"],
    )
    def test_dates_are_the_devices(
        self, pair: Pair, epoch: int, offset: int, sentence: str, alert: str
    ) -> None:
        """A board that does not know the time boots in 1970, or has set its clock wrongly."""
        pair.clock.epoch, pair.client.rtc_offset = epoch, offset
        other = peer()
        made = context(certificate())
        assert failing(lambda: made.wrap_socket(Wire(other), server_hostname=HOST)) == f"\n{sentence}\n"
        assert isinstance(other.error, ssl.SSLError)
        assert other.error.reason == alert
        made.verify_mode = CERT_NONE
        made.wrap_socket(Wire(peer()))

    def test_the_machines_clock_is_not_asked(self, pair: Pair) -> None:
        old = dated("20000101000000Z", "20010101000000Z")
        made = context(old)
        pair.clock.epoch = 960_000_000 * 1_000_000_000  # in June 2000
        made.wrap_socket(Wire(peer(old)), server_hostname=HOST)
        pair.advance(365 * 86_400_000)
        said = failing(lambda: made.wrap_socket(Wire(peer(old)), server_hostname=HOST))
        assert said == "\nThe certificate validity has expired\n"

    def test_a_certificate_that_cannot_be_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unreadable(text: str) -> int:
            raise ValueError("bad time value")

        monkeypatch.setattr(ssl, "cert_time_to_seconds", unreadable)
        said = failing(lambda: context(certificate()).wrap_socket(Wire(peer()), server_hostname=HOST))
        assert said == "\nThe certificate is not correctly signed by the trusted CA\n"

    def test_a_callback(self) -> None:
        seen = []

        def verify(cert: memoryview, depth: int) -> int:
            seen.append((bytes(cert) == certificate().cert_der, depth))
            return answer

        made = context(certificate())
        made.verify_callback = verify
        for code, said in ((1, "(1, 'MBEDTLS_ERR_ERROR_GENERIC_ERROR')"), (-5, "[Errno 5] EIO")):
            answer = code
            assert failing(lambda: made.wrap_socket(Wire(peer()), server_hostname=HOST)) == said
        answer = 0
        made.wrap_socket(Wire(peer()), server_hostname=HOST)
        made.verify_mode = CERT_OPTIONAL
        made.wrap_socket(Wire(peer()))
        made.verify_mode = CERT_NONE
        made.wrap_socket(Wire(peer()))
        assert seen == [(True, 0)] * 4

    def test_a_server_that_wants_a_certificate(self) -> None:
        mine = certificate(serial=3)
        sock = context(mine=mine).wrap_socket(Wire(peer(trusts=mine)))
        sock.write(b"hello")
        assert sock.read(5) == b"hello"
        for made in (context(), context(mine=certificate(serial=4))):
            said = failing(lambda made=made: made.wrap_socket(Wire(peer(trusts=mine))))
            assert said == "(-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE')"


class TestServing:
    def test_a_client(self) -> None:
        other = Peer(client_context(certificate()), server=False)
        sock = server(certificate()).wrap_socket(Wire(other), server_side=True)
        other.tls.write(b"ping")
        assert sock.read(4) == b"ping"
        sock.write(b"pong")
        other.advance()
        assert other.received == b"pong"
        assert sock.getpeercert(True) is None

    def test_a_name_for_its_client(self) -> None:
        mine = certificate("client.local", serial=5)
        made = server(certificate(), mine, CERT_REQUIRED)

        def wrap(name: str) -> None:
            peer = Peer(client_context(certificate(), mine), server=False)
            made.wrap_socket(Wire(peer), server_side=True, server_hostname=name)

        wrap("client.local")
        said = failing(lambda: wrap(HOST))
        assert said == "\nThe certificate Common Name (CN) does not match with the expected CN\n"

    def test_a_client_that_does_not_trust_it(self) -> None:
        other = Peer(client_context(certificate(serial=2)), server=False)
        said = failing(lambda: server(certificate()).wrap_socket(Wire(other), server_side=True))
        assert said == "(-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE')"

    @pytest.mark.parametrize(
        ("theirs", "trusts", "said"),
        [
            (None, 3, "(-29824, 'MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE')"),
            (4, 3, "\nThe certificate is not correctly signed by the trusted CA\n"),
            (3, None, "(-30336, 'MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED')"),
            (3, 3, None),
        ],
    )
    def test_it_wants_a_certificate(self, theirs: int | None, trusts: int | None, said: str | None) -> None:
        mine = None if theirs is None else certificate(serial=theirs)
        other = Peer(client_context(certificate(), mine), server=False)
        made = server(certificate(), None if trusts is None else certificate(serial=trusts), CERT_REQUIRED)
        if said is None:
            sock = made.wrap_socket(Wire(other), server_side=True)
            assert sock.getpeercert(True) == certificate(serial=3).cert_der
        else:
            assert failing(lambda: made.wrap_socket(Wire(other), server_side=True)) == said
            other.advance()
            assert other.error is not None

    def test_without_a_certificate_and_too_new_a_client(self) -> None:
        other = Peer(client_context(), server=False)
        said = failing(lambda: SSLContext(PROTOCOL_TLS_SERVER).wrap_socket(Wire(other), server_side=True))
        assert said == "(-28160, 'MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE')"
        modern = client_context()
        modern.minimum_version = ssl.TLSVersion.TLSv1_3
        said = failing(
            lambda: server(certificate()).wrap_socket(Wire(Peer(modern, server=False)), server_side=True)
        )
        assert said == "(-28288, 'MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION')"


def deferred(other: Peer, **options: Any) -> tuple[tls.SSLSocket, Wire]:
    wire = Wire(other)
    return context(**options).wrap_socket(wire, do_handshake_on_connect=False, server_hostname=HOST), wire


def flags(sock: tls.SSLSocket, *masks: int) -> list[int]:
    return [sock._poll(mask) for mask in masks]


class TestWithoutWaiting:
    """MicroPython's own test of poll flags (extmod/ssl_poll.py), in our words."""

    def test_the_handshake_is_done_by_reads_and_writes(self) -> None:
        sock, wire = deferred(peer())
        assert wire.writes == []
        wire.blocked = wire.deaf = True
        assert sock.read(8) is None
        assert flags(sock, IN, OUT, IN | OUT) == [0, 0, 0]  # waits for room, whatever is asked
        wire.blocked = False
        assert flags(sock, IN, OUT, 0) == [IN | OUT, OUT, 0]
        assert sock.read(8) is None
        assert len(wire.writes) == 1
        assert flags(sock, IN, OUT) == [0, OUT]  # waits for data, but only a write tells
        assert sock.write(b"hello") is None
        assert flags(sock, IN, OUT) == [0, 0]
        wire.deaf = False
        assert flags(sock, IN, OUT) == [IN, IN | OUT]
        assert sock.write(b"hello") == 5
        assert sock._poll(IN | OUT) == IN | OUT
        assert sock.read(3) == b"hel"
        wire.deaf = True
        assert flags(sock, IN, IN | OUT, OUT) == [IN, IN | OUT, OUT]  # left of a record
        assert sock.read(3) == b"lo"
        assert sock._poll(IN) == 0
        assert sock.readline() is None
        assert sock.readinto(bytearray(3)) is None

    def test_a_write_that_the_stream_does_not_take_is_asked_for_again(self) -> None:
        sock, wire = deferred(peer())
        assert sock.write(b"") == 0
        assert sock.read(1) is None
        wire.blocked = True
        assert sock.write(b"hello") is None
        assert sock._poll(OUT) == 0
        wire.blocked = False
        assert sock.write(b"hello") == 5
        assert sock.read(9) == b"hello"

    def test_long_data_goes_record_by_record(self) -> None:
        sock, wire = deferred(peer())
        data = bytes(range(256)) * 64
        assert sock.write(data) == len(data)
        assert sum(record[0] == 23 for record in wire.writes) == 4
        assert sock.read(len(data)) == data

    def test_setblocking_is_the_sockets(self) -> None:
        sock, wire = deferred(peer())
        sock.setblocking(False)
        assert wire.blocking == [False]

    def test_wrapping_waits_for_the_handshake_all_the_same(self, pair: Pair) -> None:
        wire = Wire(peer())
        wire.deaf = True
        pair.clock.call_at(20_000_000, lambda: setattr(wire, "deaf", False))
        context().wrap_socket(wire)
        assert pair.clock.now() == 20_000_000


class TestFailing:
    def failures(self, sock: tls.SSLSocket) -> list[str]:
        """What reading, writing and reading say, and then on the closed socket."""
        read, write = (lambda: sock.read(1)), (lambda: sock.write(b"x"))
        said = [failing(call) for call in (read, write, read)]
        assert sock._poll(IN | OUT) == NVAL
        sock.close()
        return [*said, failing(write)]

    def test_in_a_handshake_that_was_put_off(self) -> None:
        """First with words, then with the number only."""
        sock, _ = deferred(peer(certificate("other.local")), trusts=certificate("other.local"))
        assert self.failures(sock) == [
            "\nThe certificate Common Name (CN) does not match with the expected CN\n",
            *["-9984"] * 3,
        ]
        sock, wire = deferred(peer())
        wire.readinto = len  # type: ignore[method-assign]
        assert self.failures(sock) == ["(-29184, 'MBEDTLS_ERR_SSL_INVALID_RECORD')", *["-29184"] * 3]

    def test_the_end_in_the_handshake_has_no_words(self) -> None:
        sock, wire = deferred(peer())
        wire.deaf = wire.peer.closed = True
        assert self.failures(sock) == ["-29312"] * 4
        assert failing(lambda: context().wrap_socket(wire)) == "(-29312, 'MBEDTLS_ERR_SSL_CONN_EOF')"

    def test_after_the_handshake_numbers_only_and_negative(self) -> None:
        sock, wire = deferred(peer())
        sock.write(b"x")
        wire.readinto = raising(104)  # type: ignore[method-assign]
        assert self.failures(sock) == ["-104"] * 4

    def test_the_sockets_own_in_the_handshake(self) -> None:
        sock, wire = deferred(peer())
        wire.readinto = raising(110)  # type: ignore[method-assign]
        assert self.failures(sock) == ["[Errno 110] ETIMEDOUT", *["-110"] * 3]
        assert failing(lambda: context().wrap_socket(wire)) == "[Errno 110] ETIMEDOUT"


def raising(number: int) -> Any:
    def readinto(buffer: bytearray) -> int:
        raise OSError(number, "text")

    return readinto


class TestClosing:
    def test_the_peer_is_not_told(self) -> None:
        sock, wire = deferred(peer())
        sock.write(b"x")
        count = len(wire.writes)
        sock.close()
        sock.close()
        assert wire.closed
        assert len(wire.writes) == count

    def test_what_works_on_a_closed_one(self, pair: Pair) -> None:
        sock, _ = deferred(peer())
        sock.close()
        assert sock.getpeercert(True) is None
        assert sock._poll(IN) == NVAL
        assert failing(lambda: sock.read(1)) == "(-28928, 'MBEDTLS_ERR_SSL_BAD_INPUT_DATA')"
        assert failing(lambda: sock.read(1)) == "-28928"
        with pytest.raises(OSError):
            sock.cipher()
        assert pair.client.oddities == {"tls-cipher": 1}

    def test_after_a_failed_handshake_the_socket_below_is_open(self) -> None:
        wire = Wire(peer())
        with pytest.raises(ValueError):
            context(certificate()).wrap_socket(wire, server_hostname="x")
        assert not wire.closed

    def test_ioctl(self) -> None:
        sock = context().wrap_socket(io.BytesIO(), do_handshake_on_connect=False)
        for request in (-1, 0, 10):
            with raises(EINVAL):
                sock.ioctl(request, 0)
        assert sock.ioctl(3, 5) == 5
        assert [sock.ioctl(request, 0) for request in (4, 3, 4)] == [0, NVAL, 0]
        assert repr(sock) == "<SSLSocket>"
