"""The programs that are built in: what scenarios need most, as one line: ``send bytes=64k to=server:5000``.

Each is a function that uses ``usocket`` like any program of a board; what it returns can be compared in
expectations (times are ns). They run on every board, so they use nothing that one of them lacks.
"""

from __future__ import annotations

from hashlib import shake_128

import usocket
from lab.scenario.builtin_dhcp import dhcp_server
from lab.scenario.parameters import Builtin, Endpoint
from tap.clock import SECOND
from tap.streams import Stream
from usocket.current import current_device

Result = dict[str, int | str]

PIECE = 4096  # bytes that are asked for at a time


def now() -> int:
    """The network's time."""
    return current_device().clock.now()


def sleep(duration: int) -> None:
    """Let ``duration`` ns pass."""
    if duration:
        current_device().sleep_ns(duration)


def _connected(to: Endpoint, timeout: int | None) -> usocket.socket:
    sock = usocket.socket()
    if timeout is not None:
        sock.settimeout(timeout / SECOND)
    sock.connect(to)
    return sock


def _listener(port: int, backlog: int) -> usocket.socket:
    listener = usocket.socket()
    listener.bind(("", port))
    listener.listen(backlog)
    return listener


def send(
    to: Endpoint,
    bytes: int,
    chunk: int | None = None,
    pause: int = 0,
    hold: int = 0,
    timeout: int | None = None,
    *,
    stream: Stream,
) -> Result:
    """Connect, send ``bytes`` bytes of the seed's in pieces of ``chunk`` with a ``pause`` between, ``hold``
    the connection, close it.
    """
    data = shake_128(stream.u64().to_bytes(8, "big")).digest(bytes)
    begin = now()
    sock = _connected(to, timeout)
    try:
        size = chunk or max(1, bytes)
        for start in range(0, bytes, size):
            if start:
                sleep(pause)
            sock.sendall(data[start : start + size])
        sleep(hold)
    finally:
        sock.close()
    return {"bytes": bytes, "took": now() - begin}


def receive(
    port: int,
    count: int | None = None,
    chunk: int = PIECE,
    pause: int = 0,
    rate: int | None = None,
    after: int = 0,
    backlog: int = 2,
    timeout: int | None = None,
) -> Result:
    """Accept ``count`` connections one after the other (without it: for ever) and read each to its end:
    ``chunk`` bytes at a time, the first ``after`` a while, with a ``pause`` behind each or at a ``rate``.
    """
    listener = _listener(port, backlog)
    total = connections = failed = 0
    try:
        while count is None or connections < count:
            connection, _ = listener.accept()
            connections += 1
            if timeout is not None:
                connection.settimeout(timeout / SECOND)
            sleep(after)
            try:
                while data := connection.recv(chunk):
                    total += len(data)
                    sleep(pause if rate is None else pause + len(data) * 8 * SECOND // rate)
            except OSError:  # its client is gone: a server goes on
                failed += 1
            connection.close()
    finally:
        listener.close()
    return {"bytes": total, "connections": connections, "failed": failed}


def echo(port: int, over: str = "tcp", backlog: int = 2) -> Result:
    """Send back what comes, for ever; over TCP one connection after the other."""
    if over == "udp":
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        sock.bind(("", port))
        while True:
            data, source = sock.recvfrom(PIECE)
            sock.sendto(data, source)
    listener = _listener(port, backlog)
    while True:
        connection, _ = listener.accept()
        try:
            while data := connection.recv(PIECE):
                connection.sendall(data)
        except OSError:
            pass  # its client is gone
        connection.close()


def request(
    to: Endpoint,
    bytes: int = 64,
    count: int = 1,
    pause: int = 0,
    timeout: int | None = None,
    over: str = "tcp",
    *,
    stream: Stream,
) -> Result:
    """``count`` times send ``bytes`` bytes to an echo and wait for the answer, with a ``pause`` between.

    What does not come back in ``timeout`` is lost; over TCP it ends the program.
    """
    everything = shake_128(stream.u64().to_bytes(8, "big")).digest(bytes * count)
    times = []
    if over == "udp":
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)
        sock.connect(to)
        sock.settimeout(1.0 if timeout is None else timeout / SECOND)
    else:
        sock = _connected(to, timeout)
    for number in range(count):
        if number:
            sleep(pause)
        data = everything[number * bytes :][:bytes]  # another one each time: an answer that is late is none
        begin = now()
        try:
            if over == "udp":
                sock.send(data)
                while sock.recv(PIECE) != data:
                    pass
            else:
                sock.sendall(data)
                left = len(data)
                while left and (part := sock.recv(left)):
                    left -= len(part)
        except OSError:
            if over == "tcp":
                raise
            continue
        times.append(now() - begin)
    sock.close()
    found: Result = {"count": count, "lost": count - len(times)}
    return found | ({"fastest": min(times), "slowest": max(times)} if times else {})


def connect(
    to: Endpoint, count: int = 1, pause: int = 0, hold: int = 0, timeout: int | None = None
) -> Result:
    """Open ``count`` connections with a ``pause`` between and ``hold`` them; the first that fails is the
    last.
    """
    open_ones = []
    error = "none"
    for number in range(count):
        if number:
            sleep(pause)
        try:
            open_ones.append(_connected(to, timeout))
        except OSError as failure:
            error = str(failure).rpartition(" ")[2]
            break
    sleep(hold)
    for sock in open_ones:
        sock.close()
    return {"opened": len(open_ones), "error": error}


def http_server(port: int = 80, bytes: int = 1000, backlog: int = 2) -> Result:
    """Answer each request with ``bytes`` bytes and close, for ever."""
    listener = _listener(port, backlog)
    head = f"HTTP/1.0 200 OK\r\nContent-Length: {bytes}\r\n\r\n".encode()
    while True:
        connection, _ = listener.accept()
        try:
            while (line := connection.readline()) and line != b"\r\n":
                pass
            connection.sendall(head + b"x" * bytes)
        except OSError:
            pass  # its client is gone
        connection.close()


def http_get(to: Endpoint, path: str = "/", timeout: int | None = None) -> Result:
    """Get one page."""
    begin = now()
    sock = _connected(to, timeout)
    try:
        sock.sendall(f"GET {path} HTTP/1.0\r\nHost: {to[0]}\r\n\r\n".encode())
        status = (sock.readline() or b"").split(b" ")
        while (line := sock.readline()) and line != b"\r\n":
            pass
        size = len(sock.read() or b"")
    finally:
        sock.close()
    code = int(status[1]) if len(status) > 1 and status[1].isdigit() else 0
    return {"status": code, "bytes": size, "took": now() - begin}


def wait(time: int) -> Result:
    """Let ``time`` pass."""
    sleep(time)
    return {}


_CONNECTION = {"to": "endpoint", "timeout": "time"}

BUILTINS = {
    builtin.name: builtin
    for builtin in (
        Builtin("send", send, {**_CONNECTION, "bytes": "size", "chunk": "size", "pause": "time",
                "hold": "time"}, "bytes, took"),
        Builtin("receive", receive, {"port": "port", "count": "count", "chunk": "size", "pause": "time",
                "rate": "rate", "after": "time", "backlog": "count", "timeout": "time"},
                "bytes, connections, failed", endless="count"),
        Builtin("echo", echo, {"port": "port", "over": "transport", "backlog": "count"}, "", endless=""),
        Builtin("request", request, {**_CONNECTION, "bytes": "size", "count": "count", "pause": "time",
                "over": "transport"}, "count, lost, fastest, slowest"),
        Builtin("connect", connect, {**_CONNECTION, "count": "count", "pause": "time", "hold": "time"},
                "opened, error"),
        Builtin("http-server", http_server, {"port": "port", "bytes": "size", "backlog": "count"}, "",
                endless=""),
        Builtin("http-get", http_get, {**_CONNECTION, "path": "text"}, "status, bytes, took"),
        Builtin("dhcp-server", dhcp_server, {"range": "range", "lease": "time", "gateway": "address",
                "dns": "address"}, "", endless=""),
        Builtin("wait", wait, {"time": "time"}, ""),
    )
}  # fmt: skip
