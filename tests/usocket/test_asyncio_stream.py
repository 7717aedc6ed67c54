"""Streams, connections and servers: a loop on one device, the peer on the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.usocket.scheduling import Console, Desk, desk
from tests.usocket.support import SERVER, listening, raises, two_devices
from usocket import Device, socket
from usocket.asyncio_loop import Loop
from usocket.asyncio_stream import Server, Stream, open_connection, start_server, writable
from usocket.asyncio_task import CancelledError, sleep_ms
from usocket.errno import EADDRINUSE, ECONNRESET


@pytest.fixture
def at() -> Iterator[Desk]:
    with desk() as made:
        yield made


async def dial(device: Device, port: int = 80) -> Stream:
    """A connection from the client device, whose tasks are in the same loop."""
    sock = device.socket()
    sock.setblocking(False)
    with pytest.raises(OSError):
        sock.connect((SERVER, port))
    await writable(sock)
    return Stream(sock)


def connected(at: Desk) -> tuple[Stream, socket]:
    """A stream on the server's end of a connection, and the client's socket."""
    _, accepted, client = at.pair.connected()
    accepted.setblocking(False)
    return Stream(accepted), client


class TestReading:
    def test_what_is_there_all_a_line_exactly_into(self, at: Desk) -> None:
        stream, client = connected(at)

        async def main() -> None:
            client.write(b"0123456789one\ntwo\nabcdefgh")
            assert await stream.read(4) == b"0123"
            assert await stream.readexactly(6) == b"456789"
            assert await stream.readline() == b"one\n"
            assert await stream.readline() == b"two\n"
            buffer = bytearray(5)
            assert await stream.readinto(buffer) == 5
            assert buffer == b"abcde"
            client.close()
            assert await stream.read() == b"fgh"
            assert await stream.read() == await stream.read(5) == await stream.readline() == b""

        at.run(main())

    def test_waiting_for_the_rest(self, at: Desk) -> None:
        stream, client = connected(at)

        async def feed() -> None:
            for piece in (b"ab", b"c\nd", b"ef"):
                await sleep_ms(10)
                client.write(piece)
            await sleep_ms(10)
            client.close()

        async def main() -> None:
            at.loop.create_task(feed())
            assert await stream.readline() == b"abc\n"
            assert await stream.readexactly(3) == b"def"
            assert await stream.read(10) == b""

        at.run(main())

    def test_the_end_comes_too_early(self, at: Desk) -> None:
        stream, client = connected(at)

        async def main() -> None:
            client.write(b"abc")
            client.close()
            with pytest.raises(EOFError):
                await stream.readexactly(4)
            assert await stream.readexactly(0) == b""

        at.run(main())

    def test_the_last_line_has_no_newline(self, at: Desk) -> None:
        stream, client = connected(at)

        async def main() -> None:
            client.write(b"no newline")
            client.close()
            assert await stream.readline() == b"no newline"

        at.run(main())

    def test_a_reset(self, at: Desk) -> None:
        stream, client = connected(at)

        async def main() -> None:
            stream.write(b"unread")
            await sleep_ms(10)
            client.close()
            with raises(ECONNRESET):
                await stream.read(10)

        at.run(main())


class TestWriting:
    def test_at_once_what_goes_and_the_rest_in_drain(self, at: Desk) -> None:
        stream, client = connected(at)
        data = bytes(range(256)) * 80
        client.setblocking(False)
        got = []

        async def take() -> None:
            got.append(await Stream(client).readexactly(len(data) + 4))

        async def main() -> None:
            stream.write(data)
            assert len(stream.out_buf) == len(data) - 6400  # TCP_SND_BUF
            task = at.loop.create_task(take())
            stream.write("text")
            await stream.drain()
            assert stream.out_buf == b""
            await task

        at.run(main())
        assert got == [data + b"text"]

    def test_drain_lets_others_run_even_with_nothing_to_do(self, at: Desk) -> None:
        stream, _ = connected(at)

        async def other() -> None:
            at.log.append("other")

        async def main() -> None:
            at.loop.create_task(other())
            await stream.drain()
            at.log.append("drained")

        at.run(main())
        assert at.log == ["other", "drained"]

    def test_what_another_task_writes_during_drain_is_lost_and_counted(self, at: Desk) -> None:
        stream, client = connected(at)

        async def drain() -> None:
            await stream.drain()

        async def main() -> None:
            stream.write(bytes(20000))
            task = at.loop.create_task(drain())
            await sleep_ms(0)
            stream.write(b"lost")
            while not task.done():
                client.recv(6400)
                await sleep_ms(1)
            assert stream.out_buf == b""
            await stream.wait_closed()

        at.run(main())
        assert b"lost" not in (client.read() or b"")
        assert at.oddities == {"asyncio-write-lost": 1}

    def test_the_old_names(self, at: Desk) -> None:
        stream, client = connected(at)

        async def main() -> None:
            await stream.awrite(b"0123456789", 2, 3)
            await stream.awrite(b"0123456789", 8)
            await stream.awritestr("end")
            await stream.aclose()

        at.run(main())
        assert client.read() == b"23489end"

    def test_close_does_nothing_wait_closed_closes(self, at: Desk) -> None:
        stream, client = connected(at)

        async def main() -> None:
            stream.close()
            stream.write(b"still open")
            await stream.wait_closed()

        at.run(main())
        assert client.read() == b"still open"


class TestConnecting:
    def run(self, at: Desk, coro: Any) -> Any:
        with at.pair.client.use():
            return at.loop.run(coro)

    def test_a_stream_twice(self, at: Desk) -> None:
        listener = listening(at.pair.server)

        async def main() -> None:
            reader, writer = await open_connection(SERVER, 80)
            assert reader is writer
            accepted, _ = listener.accept()
            accepted.write(b"hello\n")
            assert await reader.readline() == b"hello\n"
            with pytest.raises(KeyError):
                reader.get_extra_info("peername")

        self.run(at, main())

    def test_a_refused_one_is_noticed_by_the_first_read(self, at: Desk) -> None:
        async def main() -> None:
            reader, _ = await open_connection(SERVER, 81)
            with raises(ECONNRESET):
                await reader.read(1)

        self.run(at, main())

    def test_others_run_meanwhile(self, at: Desk) -> None:
        async def main() -> None:
            task = at.loop.create_task(open_connection("10.0.0.77", 80))
            await sleep_ms(100)
            assert not task.done()
            task.cancel()

        self.run(at, main())
        assert at.now == 100

    @pytest.mark.parametrize("port", ["80", None])
    def test_what_is_wrong_at_once_is_said_at_once(self, at: Desk, port: Any) -> None:
        async def main() -> None:
            with pytest.raises(TypeError):
                await open_connection(SERVER, port)

        self.run(at, main())


class TestServing:
    def test_several_clients_at_the_same_time(self, at: Desk) -> None:
        async def echo(reader: Stream, writer: Stream) -> None:
            at.log.append(reader.get_extra_info("peername")[0])
            while line := await reader.readline():
                writer.write(line.upper())
                await writer.drain()
            await writer.wait_closed()
            at.log.append("closed")

        async def client(number: int) -> None:
            stream = await dial(at.pair.client)
            for _ in range(3):
                stream.write(b"client %d\n" % number)
                await stream.drain()
                assert await stream.readline() == b"CLIENT %d\n" % number
                await sleep_ms(10)
            at.log.append(number)
            await stream.wait_closed()

        async def main() -> None:
            async with await start_server(echo, "0.0.0.0", 80):
                tasks = [at.loop.create_task(client(number)) for number in range(4)]
                for task in tasks:
                    await task
                await sleep_ms(20)

        at.run(main())
        assert at.log[:4] == ["10.0.0.2"] * 4
        assert sorted(map(str, at.log[4:])) == ["0", "1", "2", "3"] + ["closed"] * 4
        assert at.now < 1000
        assert at.pair.server.stack.mem.tcp_pcb.max == 4  # of five

    def test_closing_it(self, at: Desk) -> None:
        async def main() -> None:
            for _ in range(2):  # the port is free again
                server = await start_server(nobody, "0.0.0.0", 80)
                server.close()
                await server.wait_closed()
            async with await start_server(nobody, "0.0.0.0", 80) as server:
                assert isinstance(server, Server)
                with raises(EADDRINUSE):
                    await start_server(nobody, "0.0.0.0", 80)
            assert at.pair.server.stack.tcp.listen_pcbs == []

        at.run(main())

    def test_its_connections_go_on_when_it_closes(self, at: Desk) -> None:
        async def serve(reader: Stream, writer: Stream) -> None:
            await sleep_ms(50)
            writer.write(b"late")
            await writer.wait_closed()

        async def main() -> None:
            async with await start_server(serve, "0.0.0.0", 80):
                stream = await dial(at.pair.client)
                await sleep_ms(5)
            assert await stream.read() == b"late"

        at.run(main())

    def test_connections_that_linger_do_not_keep_the_port(self, at: Desk) -> None:
        async def leave(reader: Stream, writer: Stream) -> None:
            await writer.wait_closed()

        async def main() -> None:
            for _ in range(2):
                async with await start_server(leave, "0.0.0.0", 80):
                    stream = await dial(at.pair.client)
                    assert await stream.read() == b""
                    await stream.wait_closed()
                    await sleep_ms(10)

        at.run(main())
        assert at.pair.server.stack.tcp.tw_pcbs

    def test_cancelled_it_closes_and_passes_that_on(self, at: Desk) -> None:
        async def forever() -> None:
            server = await start_server(nobody, "0.0.0.0", 80)
            await server.wait_closed()

        async def main() -> None:
            for hops in range(5):
                task = at.loop.create_task(forever())
                for _ in range(hops):
                    await sleep_ms(0)
                task.cancel()
                with pytest.raises(CancelledError):
                    await task
                assert at.pair.server.stack.tcp.listen_pcbs == []

        at.run(main())

    def test_a_client_that_is_gone_before_accept(self, at: Desk) -> None:
        async def main() -> None:
            async with await start_server(greet, "0.0.0.0", 80):
                for _ in range(2):
                    gone = at.pair.client.socket()
                    gone.connect((SERVER, 80))
                    gone.setsockopt(1, 20, None)
                    at.pair.client.stack.tcp.abort(gone._layer.pcb)
                stream = await dial(at.pair.client)
                assert await stream.read(5) == b"hello"

        at.run(main())

    def test_an_exception_in_a_handler_ends_that_one_only(self, at: Desk) -> None:
        async def fail(reader: Stream, writer: Stream) -> None:
            raise ValueError(await reader.read(1))

        async def main() -> None:
            async with await start_server(fail, "0.0.0.0", 80):
                for _ in range(2):
                    stream = await dial(at.pair.client)
                    stream.write(b"x")
                    await sleep_ms(300)

        at.run(main())
        assert [str(error) for error in at.console.printed] == ["b'x'"] * 2


async def nobody(reader: Stream, writer: Stream) -> None:
    raise AssertionError("nobody connects")


async def greet(reader: Stream, writer: Stream) -> None:
    writer.write(b"hello")
    await writer.drain()


@pytest.mark.parametrize("profile", ["micropython-esp32", "micropython-mimxrt"])
def test_ports_with_other_sockets_and_numbers(profile: str) -> None:
    """EINPROGRESS is 119 there, and esp32's sockets are lwIP's own."""
    with two_devices(profile, profile) as pair:

        async def serve() -> None:
            async with await start_server(greet, "0.0.0.0", 80):
                stream = await dial(pair.client)
                assert await stream.readexactly(5) == b"hello"

        async def visit() -> None:
            reader, writer = await open_connection(SERVER, 81)
            writer.write(b"hello")
            await writer.drain()
            listener.accept()[0].close()  # unread data: a reset
            with raises(ECONNRESET):
                await reader.read(1)

        with pair.server.use():
            Loop(Console()).run(serve())
        listener = listening(pair.server, 81)
        with pair.client.use():
            Loop(Console()).run(visit())
