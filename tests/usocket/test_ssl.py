"""ssl: files, wrap_socket, and TLS between two devices, blocking and with asyncio, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.usocket.certificates import (
    DAY,
    HOST,
    NOW,
    Peer,
    Wire,
    certificate,
    client_context,
    server_context,
)
from tests.usocket.scheduling import Desk, desk
from tests.usocket.support import SERVER, listening, raises
from tests.usocket.test_asyncio_stream import dial
from usocket import ssl, tls
from usocket.asyncio_funcs import wait_for
from usocket.asyncio_stream import Stream, open_connection, readable, start_server
from usocket.asyncio_task import TimeoutError, sleep_ms
from usocket.script import run_source
from usocket.select import POLLIN, POLLOUT, poll
from usocket.ssl import CERT_NONE, CERT_REQUIRED, PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER, SSLContext

pytestmark = pytest.mark.needs("openssl")


@pytest.fixture
def at() -> Iterator[Desk]:
    with desk() as made:
        made.pair.clock.epoch = NOW + DAY
        yield made


@pytest.fixture
def server() -> SSLContext:
    made = SSLContext(PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate().cert_file, certificate().key_file)
    return made


@pytest.fixture
def client() -> SSLContext:
    made = SSLContext(PROTOCOL_TLS_CLIENT)
    made.verify_mode = CERT_REQUIRED
    made.load_verify_locations(cafile=certificate().cert_file)
    return made


class TestModule:
    def test_contexts_verify_nobody_at_first(self, at: Desk) -> None:
        for protocol in (PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER):
            assert SSLContext(protocol).verify_mode == CERT_NONE
        assert isinstance(SSLContext(0), tls.SSLContext)

    def test_files_or_data(self, at: Desk) -> None:
        made = certificate()
        for cert, key in ((made.cert_file, made.key_file), (made.cert, made.key_der)):
            context = SSLContext(PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            context.load_verify_locations(cadata=made.cert)
            other = Peer(client_context(made), server=False)
            assert context.wrap_socket(Wire(other), True).cipher()[1] == "TLSv1.2"
        with pytest.raises(FileNotFoundError):
            SSLContext(0).load_cert_chain("nothing.pem", made.key_file)
        with pytest.raises(TypeError, match="'NoneType' object"):
            SSLContext(0).load_verify_locations()

    def test_wrap_socket(self, at: Desk) -> None:
        made = certificate()
        peer = Peer(server_context(made), server=True, echo=True)
        sock = ssl.wrap_socket(
            Wire(peer), cert_reqs=CERT_REQUIRED, cadata=made.cert_der, server_hostname=HOST
        )
        sock.write(b"x")
        assert sock.read(1) == b"x"
        peer = Peer(server_context(made), server=True)
        with pytest.raises(ValueError, match="not correctly signed"):
            ssl.wrap_socket(
                Wire(peer), False, None, None, CERT_REQUIRED, certificate(serial=2).cert, server_hostname=HOST
            )
        other = Peer(client_context(made), server=False)
        assert ssl.wrap_socket(Wire(other), True, made.key, made.cert).cipher()[1] == "TLSv1.2"
        with pytest.raises(ValueError, match="invalid cert"):
            ssl.wrap_socket(Wire(peer), cadata=b"!")
        with pytest.raises(ValueError, match="invalid key"):
            ssl.wrap_socket(Wire(peer), key=b"!")
        with pytest.raises(TypeError, match="can't convert 'NoneType' object to str implicitly"):
            ssl.wrap_socket(Wire(peer), key=made.key)

    def test_modules_of_a_script(self, at: Desk, capsys: pytest.CaptureFixture[str]) -> None:
        source = """
import ssl, tls, ussl
print(ssl is ussl, ssl.tls is tls, issubclass(ssl.SSLContext, tls.SSLContext))
print(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), hasattr(ssl, "SSLError"), hasattr(tls, "wrap_socket"))
print(tls.MBEDTLS_VERSION == ssl.MBEDTLS_VERSION, hasattr(tls, "ssl"))
"""
        assert run_source(at.pair.server, source, "main.py") == 0
        assert capsys.readouterr().out.splitlines() == [
            "True True True",
            "<SSLContext> False False",
            "True False",
        ]


class TestSockets:
    """Both ends on devices; the handshake is done step by step, since one program drives both."""

    def wrapped(self, at: Desk, server: SSLContext, client: SSLContext) -> tuple[Any, Any]:
        _, accepted, sock = at.pair.connected()
        for each in (accepted, sock):
            each.setblocking(False)
        here = server.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        there = client.wrap_socket(sock, server_hostname=HOST, do_handshake_on_connect=False)
        for _ in range(100):  # delayed ACKs and Nagle make it slow
            assert here.read(1) is None
            assert there.read(1) is None
            at.pair.advance(20)
        assert here.cipher() == there.cipher()
        return here, there

    def test_reads_and_writes(self, at: Desk, server: SSLContext, client: SSLContext) -> None:
        here, there = self.wrapped(at, server, client)
        assert here.write(b"line one\nline two\n") == 18
        at.pair.advance(20)
        there.setblocking(True)
        assert there.readline() == b"line one\n"
        assert there.read(4) == b"line"
        buffer = bytearray(5)
        assert there.readinto(buffer) == 5
        assert buffer == b" two\n"
        here.close()
        assert there.read() == b""

    def test_poll_wakes_when_a_record_comes(self, at: Desk, server: SSLContext, client: SSLContext) -> None:
        here, there = self.wrapped(at, server, client)
        poller = poll()
        poller.register(there, POLLIN)
        poller.register(here)
        assert poller.poll(0) == [(here, POLLOUT)]
        poller.unregister(here)
        start = at.now
        at.pair.clock.call_at(at.pair.clock.now() + 50_000_000, lambda: at.pair.client.schedule(say))

        def say() -> None:
            here.write(b"hello")

        assert poller.poll(1000) == [(there, POLLIN)]
        assert 50 <= at.now - start <= 60
        assert there.read(2) == b"he"
        assert poller.poll(1000) == [(there, POLLIN)]  # the rest of the record
        assert there.read(9) == b"llo"
        assert poller.poll(10) == []

    def test_the_window_is_the_devices(self, at: Desk, server: SSLContext, client: SSLContext) -> None:
        """What is not read stays in the socket, as records; 6400 bytes are all it takes."""
        here, there = self.wrapped(at, server, client)
        sent = 0
        while (count := here.write(bytes(1000))) is not None:
            sent += count
            at.pair.advance(300)
        assert 10_000 <= sent <= 12_800  # the peer's window and the send buffer here, less a record under way
        there.setblocking(True)
        assert there.read(sent) == bytes(sent)

    def test_a_reset_and_a_time_out_are_negative(
        self, at: Desk, server: SSLContext, client: SSLContext
    ) -> None:
        here, there = self.wrapped(at, server, client)
        there.write(b"unread")
        here.setblocking(True)
        here._transport.stream.settimeout(0.3)
        assert here.read(6) == b"unread"
        with raises(-110):
            here.read(1)
        with raises(-110):
            here.write(b"x")
        assert here._poll(POLLIN) == 32
        there.setblocking(True)
        there.write(b"unread")
        at.pair.advance(20)
        here.close()
        at.pair.advance(20)
        with raises(-104):
            there.read(1)

    def test_the_peer_leaves_in_the_handshake(self, at: Desk, client: SSLContext) -> None:
        _, accepted, sock = at.pair.connected()
        accepted.close()
        with pytest.raises(OSError, match="CONN_EOF"):
            client.wrap_socket(sock, server_hostname=HOST)


class TestAsyncio:
    def test_server_and_clients(self, at: Desk, server: SSLContext, client: SSLContext) -> None:
        async def serve(reader: Stream, writer: Stream) -> None:
            while line := await reader.readline():
                writer.write(line.upper())
                await writer.drain()
            await writer.wait_closed()

        async def visit(number: int) -> None:
            plain = await dial(at.pair.client, 443)
            sock = client.wrap_socket(plain.s, do_handshake_on_connect=False, server_hostname=HOST)
            stream = Stream(sock)
            for _ in range(2):
                stream.write(b"client %d\n" % number)
                await stream.drain()
                at.log.append(await stream.readline())
            await stream.wait_closed()

        async def main() -> None:
            async with await start_server(serve, "0.0.0.0", 443, ssl=server):
                tasks = [at.loop.create_task(visit(number)) for number in range(4)]
                for task in tasks:
                    await task
                await sleep_ms(100)

        at.run(main())
        assert sorted(at.log) == sorted([b"CLIENT %d\n" % number for number in range(4)] * 2)

    def test_long_data_both_ways(self, at: Desk, server: SSLContext, client: SSLContext) -> None:
        data = bytes(range(256)) * 100

        async def echo(reader: Stream, writer: Stream) -> None:
            got = await reader.readexactly(len(data))
            writer.write(got)
            await writer.drain()
            await writer.wait_closed()

        async def main() -> None:
            async with await start_server(echo, "0.0.0.0", 443, ssl=server):
                plain = await dial(at.pair.client, 443)
                stream = Stream(client.wrap_socket(plain.s, False, False, HOST))
                stream.write(data)
                await stream.drain()
                assert await stream.readexactly(len(data)) == data
                assert await stream.read() == b""

        at.run(main())

    @pytest.mark.parametrize("context", [True, "client"])
    def test_open_connection(self, at: Desk, server: SSLContext, client: SSLContext, context: Any) -> None:
        listener = listening(at.pair.server, 443)

        async def serve() -> None:
            await readable(listener)
            sock: Any = listener.accept()[0]
            sock.setblocking(False)
            stream = Stream(server.wrap_socket(sock, server_side=True, do_handshake_on_connect=False))
            stream.write(await stream.readline())
            await stream.drain()
            await stream.wait_closed()

        async def main() -> None:
            task = at.loop.create_task(serve())
            chosen = client if context == "client" else True
            reader, writer = await open_connection(SERVER, 443, ssl=chosen, server_hostname=HOST)
            writer.write(b"hello\n")
            await writer.drain()
            assert await reader.read() == b"hello\n"
            await task

        with at.pair.client.use():
            at.loop.run(main())

    def test_a_client_that_reads_first_waits_for_ever(
        self, at: Desk, server: SSLContext, client: SSLContext
    ) -> None:
        """As there: the handshake begins with the first read or write, and a read waits for data before."""
        listener = listening(at.pair.server, 443)

        async def main() -> None:
            reader, _ = await open_connection(SERVER, 443, ssl=True)
            with pytest.raises(TimeoutError):
                await wait_for(reader.read(1), 60)
            assert listener.accept()[0]

        with at.pair.client.use():
            at.loop.run(main())

    def test_a_wrong_name_and_what_the_server_sees(
        self, at: Desk, server: SSLContext, client: SSLContext
    ) -> None:
        async def serve(reader: Stream, writer: Stream) -> None:
            try:
                await reader.read(100)
            except OSError as error:
                at.log.append(str(error))

        async def main() -> None:
            async with await start_server(serve, "0.0.0.0", 443, ssl=server):
                plain = await dial(at.pair.client, 443)
                stream = Stream(client.wrap_socket(plain.s, False, False, "x"))
                stream.write(b"data")
                with pytest.raises(ValueError, match="does not match with the expected CN"):
                    await stream.drain()
                await sleep_ms(100)

        at.run(main())
        assert at.log == ["(-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE')"]
