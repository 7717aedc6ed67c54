"""TCP streams of MicroPython's ``asyncio``: ``open_connection``, ``start_server``, ``Stream``, ``Server``.

As there: ``Stream.close`` does nothing, ``wait_closed`` closes; ``write`` writes at once what goes and keeps
the rest for ``drain``; ``drain`` always lets other tasks run; names are looked up while everything stands
still; a refused connection is noticed by the first read or write. What is written while another task is in
``drain`` is lost when that ends, as there, and counted in ``device.oddities``.

Source: micropython/micropython:extmod/asyncio/stream.py (docs/library/asyncio.rst).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Self

from usocket.asyncio_task import CancelledError, Task, pause, running_loop, sleep_ms
from usocket.current import current_device
from usocket.errno import EINPROGRESS
from usocket.module import contents_for_port
from usocket.stream import buffer_of

NEWLINE = 10


async def readable(stream: Any) -> None:
    """Wait until ``stream`` can be read or has an error."""
    running_loop()._io_queue.queue_read(stream)
    await pause()


async def writable(stream: Any) -> None:
    """Wait until ``stream`` can be written or has an error."""
    running_loop()._io_queue.queue_write(stream)
    await pause()


class Stream:
    """Reads and writes any stream that does not block: a socket, a TLS socket, an object with ``ioctl``."""

    __module__ = "builtins"

    def __init__(self, s: Any, e: Mapping[str, Any] | None = None) -> None:
        self.s = s
        self.e = {} if e is None else e
        self.out_buf = b""

    def get_extra_info(self, v: str) -> Any:
        """``peername`` of a connection that a server has accepted. KeyError for all else."""
        return self.e[v]

    def close(self) -> None:
        """Nothing: ``wait_closed`` closes."""

    async def wait_closed(self) -> None:
        """Close it."""
        self.s.close()

    async def read(self, n: int = -1) -> Any:
        """What is there, ``n`` bytes at most, or ``b""`` at the end; without ``n`` all until the end."""
        data = b""
        while True:
            await readable(self.s)
            some = self.s.read(n)
            if some is None:
                continue
            if n >= 0:
                return some
            if not some:
                return data
            data += some

    async def readinto(self, buf: Any) -> int | None:
        """Read into ``buf`` what is there: how many bytes; None when there was nothing after all."""
        await readable(self.s)
        count: int | None = self.s.readinto(buf)
        return count

    async def readexactly(self, n: int) -> Any:
        """``n`` bytes. Raises EOFError when it ends before."""
        data = b""
        while n:
            await readable(self.s)
            some = self.s.read(n)
            if some is None:
                continue
            if not some:
                raise EOFError
            data += some
            n -= len(some)
        return data

    async def readline(self) -> Any:
        """Up to and with the next newline, less only at the end."""
        line = b""
        while True:
            await readable(self.s)
            some = self.s.readline()
            if some is None:
                continue
            line += some
            if not some or line[-1] == NEWLINE:
                return line

    def write(self, buf: Any) -> None:
        """Write at once what the stream takes; the rest is for ``drain``."""
        if isinstance(buf, str):
            buf = buf.encode()
        if not self.out_buf:
            count = self.s.write(buf)
            if count == len(buf):
                return
            buf = buf[count or 0 :]
        self.out_buf += buffer_of(buf)

    async def drain(self) -> None:
        """Write what is left over from ``write``."""
        data = self.out_buf
        if not data:
            await sleep_ms(0)
            return
        offset = 0
        while offset < len(data):
            await writable(self.s)
            offset += self.s.write(memoryview(data)[offset:]) or 0
        if len(self.out_buf) > len(data):
            current_device().note("asyncio-write-lost")
        self.out_buf = b""

    # From the days of uasyncio

    async def awrite(self, buf: Any, off: int = 0, sz: int = -1) -> None:
        """``write`` (of ``sz`` bytes from ``off`` on) and ``drain``."""
        data = buffer_of(buf)[off:]
        self.write(data if sz == -1 else data[:sz])
        await self.drain()

    awritestr = awrite
    aclose = wait_closed


async def open_connection(
    host: str, port: int, ssl: Any = None, server_hostname: str | None = None
) -> tuple[Stream, Stream]:
    """Connect: a stream, twice. ``ssl``: an SSLContext, or True for one that verifies nothing.

    Raises OSError for a name that is not found and for what ``connect`` says at once.
    """
    api = SimpleNamespace(**contents_for_port())
    af, kind, proto, _, address = api.getaddrinfo(host, port, 0, api.SOCK_STREAM)[0]
    sock = api.socket(af, kind, proto)
    sock.setblocking(False)
    try:
        sock.connect(address)
    except OSError as error:
        if error.errno != current_device().port.errno[EINPROGRESS]:
            raise
    if ssl:
        sock = _context(ssl).wrap_socket(
            sock, server_hostname=server_hostname or host, do_handshake_on_connect=False
        )
        sock.setblocking(False)
    stream = Stream(sock)
    await writable(sock)
    return stream, stream


def _context(ssl: Any) -> Any:
    if ssl is not True:
        return ssl
    from usocket.ssl import PROTOCOL_TLS_CLIENT, SSLContext

    return SSLContext(PROTOCOL_TLS_CLIENT)


Callback = Callable[[Stream, Stream], Any]


class Server:
    """A listener and the task that accepts; also for ``async with``, which closes it at the end."""

    __module__ = "builtins"

    task: Task

    def __init__(self) -> None:
        self.state = False  # whether close() was called

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await self.wait_closed()

    def close(self) -> None:
        """Stop accepting; connections go on."""
        self.state = True
        self.task.cancel()

    async def wait_closed(self) -> None:
        """Wait until the listener is closed."""
        await self.task

    async def serve(self, listener: Any, callback: Callback, ssl: Any) -> None:
        """Accept until cancelled; each connection gets a task with ``callback(reader, writer)``."""
        loop = running_loop()
        while True:
            try:
                await readable(listener)
            except CancelledError:
                listener.close()
                if self.state:
                    return
                raise
            try:
                sock, address = listener.accept()
            except Exception:  # as there: the client has gone
                continue
            if ssl:
                try:
                    sock = ssl.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
                except OSError as error:
                    loop.console.print_exception(error)
                    sock.close()
                    continue
            sock.setblocking(False)
            stream = Stream(sock, {"peername": address})
            loop.create_task(callback(stream, stream))


async def start_server(cb: Callback, host: str, port: int, backlog: int = 5, ssl: Any = None) -> Server:
    """Listen: a Server, whose connections are given to ``cb(reader, writer)``. ``ssl``: an SSLContext."""
    loop = running_loop()
    api = SimpleNamespace(**contents_for_port())
    address = api.getaddrinfo(host, port)[0][-1]
    listener = api.socket()
    listener.setblocking(False)
    listener.setsockopt(api.SOL_SOCKET, api.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(backlog)
    server = Server()
    server.task = loop.create_task(server.serve(listener, cb, ssl))
    try:
        await sleep_ms(0)  # the task has to have begun before anybody cancels it
    except CancelledError:
        server.task.cancel()
        raise
    return server
