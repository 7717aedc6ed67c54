"""A TLS connection against CPython's TLS, record by record."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest

from tests.usocket.certificates import (
    HOST,
    Peer,
    Wire,
    certificate,
    client_context,
    server_context,
)
from usocket.select import POLLIN, POLLOUT
from usocket.tls_engine import OUT_CONTENT_LEN, Broken, Engine, WouldBlock
from usocket.tls_errors import CONN_EOF, INVALID_MAC, INVALID_RECORD
from usocket.tls_transport import Transport

pytestmark = pytest.mark.needs("openssl")

Judge = Callable[[list[Any], Any], None]


def client(peer: Peer, judge: Judge = lambda *_: None) -> tuple[Engine, Wire]:
    """An engine that is a client of ``peer`` and trusts everybody."""
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    wire = Wire(peer)
    return Engine(context, Transport(wire), False, HOST, judge), wire


def echo() -> Peer:
    return Peer(server_context(certificate()), server=True, echo=True)


def established() -> tuple[Engine, Wire]:
    engine, wire = client(echo())
    engine.handshake()
    return engine, wire


def test_both_ways() -> None:
    engine, wire = established()
    assert engine.established
    assert wire.peer.established
    assert engine.tls.version() == "TLSv1.2"
    assert engine.write(b"hello") == 5
    assert engine.read(3) == b"hel"
    assert engine.pending
    assert engine.read(3) == b"lo"
    assert not engine.pending


def test_one_write_is_one_record_of_4096_bytes_at_most() -> None:
    engine, wire = established()
    wire.writes.clear()
    assert engine.write(bytes(10_000)) == OUT_CONTENT_LEN == 4096
    assert engine.write(b"") == 0
    assert len(wire.writes) == 1
    assert wire.writes[0][:3] == b"\x17\x03\x03"
    assert wire.peer.received == bytes(4096)


def test_the_handshakes_records_go_one_by_one() -> None:
    _, wire = established()
    assert [(record[0], len(record) == 5 + int.from_bytes(record[3:5], "big")) for record in wire.writes] == [
        (22, True),  # hello
        (22, True),  # key exchange
        (20, True),  # change cipher spec
        (22, True),  # finished
    ]


def test_a_record_is_taken_only_when_it_is_asked_for() -> None:
    engine, wire = established()
    engine.write(b"one")
    engine.write(b"two")
    waiting = wire.peer.outgoing.pending
    assert engine.read(100) == b"one"
    assert 0 < wire.peer.outgoing.pending < waiting
    assert engine.read(100) == b"two"
    assert wire.peer.outgoing.pending == 0
    with pytest.raises(WouldBlock) as caught:
        engine.read(100)
    assert caught.value.direction == POLLIN


def test_a_stream_that_gives_a_byte_at_a_time() -> None:
    engine, wire = client(echo())
    wire.piece = 1
    engine.handshake()
    engine.write(b"hello")
    assert engine.read(10) == b"hello"


def test_a_stream_that_takes_nothing_for_a_while() -> None:
    engine, wire = established()
    wire.blocked = True
    with pytest.raises(WouldBlock) as caught:
        engine.write(b"hello")
    assert caught.value.direction == POLLOUT
    wire.blocked = False
    assert engine.write(b"hello") == 5
    assert wire.peer.received == b"hello"  # once


def test_a_handshake_in_pieces() -> None:
    engine, wire = client(echo())
    wire.blocked = wire.deaf = True
    directions = []
    for change in ("blocked", "deaf", None):
        try:
            engine.read(1)
        except WouldBlock as wait:
            directions.append(wait.direction)
        if change:
            setattr(wire, change, False)
    assert directions == [POLLOUT, POLLIN, POLLIN]
    assert engine.established


class TestEnds:
    def test_with_and_without_a_good_bye(self) -> None:
        for polite in (True, False):
            engine, wire = established()
            engine.write(b"x")
            if polite:
                with pytest.raises(ssl.SSLWantReadError):
                    wire.peer.tls.unwrap()
            wire.peer.closed = True
            assert engine.read(10) == b"x"
            assert engine.read(10) == b""
            assert engine.read(10) == b""

    def test_in_the_middle_of_a_record(self) -> None:
        engine, wire = established()
        engine.write(b"x")
        wire.peer.outgoing.read(3)
        wire.peer.closed = True
        with pytest.raises(Broken):
            engine.read(10)

    def test_in_the_handshake(self) -> None:
        engine, wire = client(echo())
        wire.deaf = wire.peer.closed = True
        with pytest.raises(Broken) as caught:
            engine.handshake()
        assert caught.value.code == CONN_EOF


class TestGarbage:
    @pytest.mark.parametrize(
        "header", [b"HTTP/", b"\x16\x02\0\0\x05", b"\x17\x03\x03\0\0", b"\x17\x03\x03\xff\xff"]
    )
    def test_no_header_of_a_record(self, header: bytes) -> None:
        engine, wire = client(echo())
        wire.readinto = stream_of(header)  # type: ignore[method-assign]
        with pytest.raises(Broken) as caught:
            engine.handshake()
        assert caught.value.code == INVALID_RECORD

    def test_a_forged_record(self) -> None:
        engine, wire = established()
        wire.readinto = stream_of(b"\x17\x03\x03\x00\x30" + bytes(48))  # type: ignore[method-assign]
        with pytest.raises(Broken) as caught:
            engine.read(10)
        assert caught.value.code == INVALID_MAC
        assert isinstance(wire.peer.error, ssl.SSLError)
        assert "ALERT_BAD_RECORD_MAC" in wire.peer.error.reason


def stream_of(data: bytes) -> Any:
    left = bytearray(data)

    def readinto(buffer: bytearray) -> int:
        count = min(len(buffer), len(left))
        buffer[:count] = left[:count]
        del left[:count]
        return count

    return readinto


class TestJudging:
    def test_once_and_before_the_peer_thinks_that_it_is_done(self) -> None:
        seen: list[Any] = []

        def judge(chain: list[Any], failure: Any) -> None:
            seen.append((chain[0].public_bytes(2), failure, engine.established, wire.peer.established))

        engine, wire = client(echo(), judge)
        engine.handshake()
        assert seen == [(certificate().cert_der, None, False, False)]

    def test_a_refusal_reaches_the_peer(self) -> None:
        def judge(chain: list[Any], failure: Any) -> None:
            raise Broken(-0x2700, ["Too old"], 45)

        engine, wire = client(echo(), judge)
        with pytest.raises(Broken) as caught:
            engine.handshake()
        assert caught.value.sentences == ["Too old"]
        assert isinstance(wire.peer.error, ssl.SSLError)
        assert wire.peer.error.reason == "SSLV3_ALERT_CERTIFICATE_EXPIRED"
        assert [record[0] for record in wire.writes] == [22, 21]  # nothing but the hello goes before it

    def test_the_answer_to_a_whole_flight_in_one_record_is_not_sent(self) -> None:
        def judge(chain: list[Any], failure: Any) -> None:
            raise Broken(-0x2700, ["No"], 48)

        engine, wire = client(echo(), judge)
        wire.deaf = True
        with pytest.raises(WouldBlock):
            engine.handshake()
        records, flight = wire.peer.outgoing.read(), b""
        while records:
            size = int.from_bytes(records[3:5], "big")
            flight, records = flight + records[5 : 5 + size], records[5 + size :]
        whole = b"\x16\x03\x03" + len(flight).to_bytes(2, "big") + flight
        wire.readinto = stream_of(whole)  # type: ignore[method-assign]
        with pytest.raises(Broken):
            engine.handshake()
        assert [record[0] for record in wire.writes] == [22, 21]

    def test_what_openssl_complains_of_is_given_to_it(self) -> None:
        codes = []

        def judge(chain: list[Any], failure: Any) -> None:
            codes.append(failure.verify_code)
            raise Broken(-0x2700, ["No"], 48)

        context = client_context(certificate(serial=2))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        wire = Wire(echo())
        with pytest.raises(Broken):
            Engine(context, Transport(wire), False, HOST, judge).handshake()
        assert codes == [18]  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
        assert isinstance(wire.peer.error, ssl.SSLError)
        assert wire.peer.error.reason == "TLSV1_ALERT_UNKNOWN_CA"

    def test_a_stream_that_takes_no_alert(self) -> None:
        def judge(chain: list[Any], failure: Any) -> None:
            wire.blocked = True
            raise Broken(-0x2700, ["No"], 48)

        engine, wire = client(echo(), judge)
        with pytest.raises(Broken):
            engine.handshake()
        assert wire.peer.error is None


def test_as_a_server() -> None:
    context = server_context(certificate())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer = Peer(client_context(certificate()), server=False)
    engine = Engine(context, Transport(Wire(peer)), True, None, lambda *_: None)
    engine.handshake()
    assert peer.established
    engine.write(b"hello")
    peer.advance()
    assert peer.received == b"hello"
    peer.tls.write(b"there")
    assert engine.read(10) == b"there"
