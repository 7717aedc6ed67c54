"""What is behind a socket of a CPython program: one device in virtual time, its peer with MicroPython's
sockets.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netstack.address import parse_ip
from netstack.errors import ERR_RST
from netstack.profiles import named
from tests.usocket.support import CLIENT, SERVER, Pair, listening, two_devices
from usocket import SOCK_DGRAM, Device, socket
from usocket.patch_end import DATAGRAM, RAW, STREAM, End, lwip_error, new_layer, unsupported

PEER = parse_ip(CLIENT)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


@contextmanager
def fails(number: int) -> Iterator[None]:
    with pytest.raises(OSError) as caught:
        yield
    assert caught.value.errno == number
    assert caught.value.strerror


def new_end(device: Device, kind: int = STREAM) -> End:
    """A socket of the server device."""
    with device.host.lock:
        return End(device, new_layer(device, kind, 1 if kind == RAW else 0))


def ready(end: End) -> tuple[bool, bool]:
    """Whether poll calls its descriptor readable and writable, which has to agree with what it thinks."""
    poller = select.poll()
    poller.register(end.ready.descriptor, select.POLLIN | select.POLLOUT)
    flags = dict(poller.poll(0)).get(end.ready.descriptor, 0)
    shown = bool(flags & select.POLLIN), bool(flags & select.POLLOUT)
    assert shown == (end.can_read, end.can_write)
    return shown


def connected(pair: Pair) -> tuple[End, socket]:
    """A connection that the server device has opened: (its end, the other end)."""
    listener = listening(pair.client)
    end = new_end(pair.server)
    with pair.server.host.lock:
        assert end.connect(PEER, 80) is False
    accepted, _ = listener.accept()
    pair.advance(10)
    return end, accepted


def dispose(*ends: End) -> None:
    for end in ends:
        end.close()
        os.close(end.ready.descriptor)


def test_a_new_stream(pair: Pair) -> None:
    end = new_end(pair.server)
    assert ready(end) == (False, False)
    assert end.local() == (0, 0)
    for call in (lambda: end.receive(1), end.remote, lambda: end.shutdown(True, True)):
        with fails(errno.ENOTCONN):
            call()
    with fails(errno.ENOTCONN):
        end.send(b"x")
    with fails(errno.EINVAL):
        end.accept()
    assert end.receive(0) == (b"", (0, 0))
    assert end.send(b"") == 0
    dispose(end)
    assert pair.server.stack.mem.tcp_pcb.used == 0


def test_connecting(pair: Pair) -> None:
    listener = listening(pair.client)
    end = new_end(pair.server)
    with pair.server.host.lock:
        assert end.connect(PEER, 80) is False
        assert end.is_connected() is None
        assert end.receive(1) is None
        assert end.send(b"x") is None
        with fails(errno.EALREADY):
            end.connect(PEER, 80)
    assert ready(end) == (False, False)
    pair.advance(10)
    assert ready(end) == (False, True)
    assert end.is_connected() is True
    assert end.remote() == (PEER, 80)
    assert end.local()[0] == parse_ip(SERVER)
    with fails(errno.EISCONN):
        end.connect(PEER, 80)
    listener.close()
    dispose(end)


def test_refused(pair: Pair) -> None:
    end = new_end(pair.server)
    with pair.server.host.lock:
        end.connect(PEER, 80)
    pair.advance(10)
    assert ready(end) == (True, True)
    with fails(errno.ECONNRESET):
        end.is_connected()
    with fails(errno.ENOTCONN):
        end.is_connected()
    dispose(end)


def test_nobody_answers(pair: Pair) -> None:
    end = new_end(pair.server)
    with pair.server.host.lock:
        end.connect(PEER + 5, 80)
    pair.advance(40_000)
    with fails(errno.ECONNABORTED):
        end.is_connected()
    dispose(end)


def test_data_both_ways(pair: Pair) -> None:
    end, peer = connected(pair)
    peer.send(b"hello")
    pair.advance(10)
    assert ready(end) == (True, True)
    assert end.receive(3, peek=True) == (b"hel", end.peer)
    assert end.receive(3) == (b"hel", end.peer)
    assert ready(end) == (True, True)
    assert end.receive(100) == (b"lo", end.peer)
    assert ready(end) == (False, True)
    assert end.receive(100) is None
    with pair.server.host.lock:
        assert end.send(b"world") == 5
    pair.advance(10)
    assert peer.recv(100) == b"world"
    dispose(end)


def test_recv_joins_segments(pair: Pair) -> None:
    end, peer = connected(pair)
    peer.sendall(bytes(3000))
    pair.advance(500)
    data, _ = end.receive(4096) or (b"", None)
    assert len(data) == 3000
    dispose(end)


def test_a_full_send_buffer(pair: Pair) -> None:
    end, peer = connected(pair)
    with pair.server.host.lock:
        assert end.send(bytes(10_000)) == 6400
        assert end.send(b"x") is None
    assert ready(end) == (False, False)
    pair.advance(100)  # acknowledged, though not read
    assert ready(end) == (False, True)
    peer.close()
    dispose(end)


def test_no_memory_is_not_writable_for_a_while() -> None:
    with two_devices(named("micropython").replace(mem_size=2000)) as pair:
        end, peer = connected(pair)
        sent = 0
        with pair.server.host.lock:
            while (count := end.send(bytes(700))) is not None:
                sent += count
        assert 0 < sent < 6400
        assert ready(end) == (False, False)
        pair.advance(200)
        assert ready(end) == (False, True)
        with pair.server.host.lock:
            assert end.send(b"more") == 4
        pair.advance(100)
        got = 0
        peer.setblocking(False)
        while got < sent + 4:
            got += len(peer.recv(5000))
        dispose(end)


def test_the_end_of_a_stream_stays(pair: Pair) -> None:
    end, peer = connected(pair)
    peer.send(b"last")
    peer.close()
    pair.advance(10)
    assert end.receive(100) == (b"last", end.peer)
    for _ in range(3):
        assert ready(end)[0]
        assert (end.receive(100) or (None,))[0] == b""
    dispose(end)


def test_a_reset_is_told_once(pair: Pair) -> None:
    end, peer = connected(pair)
    with pair.server.host.lock:
        end.send(b"unread")
    pair.advance(10)
    peer.close()  # with unread data: a reset
    pair.advance(10)
    assert ready(end) == (True, True)
    with fails(errno.ECONNRESET):
        end.receive(100)
    with pytest.raises(ConnectionResetError):
        end.send(b"x")
    with pytest.raises(BrokenPipeError):
        end.send(b"x")
    assert (end.receive(100) or (None,))[0] == b""
    with fails(errno.ENOTCONN):
        end.remote()
    assert end.peer == (PEER, 80)
    dispose(end)


def test_half_closed(pair: Pair) -> None:
    end, peer = connected(pair)
    with pair.server.host.lock:
        end.shutdown(False, True)
    pair.advance(10)
    assert peer.recv(1) == b""
    peer.send(b"still here")
    pair.advance(10)
    assert (end.receive(100) or (None,))[0] == b"still here"
    with pair.server.host.lock:
        end.shutdown(True, False)
    assert (end.receive(100) or (None,))[0] == b""
    dispose(end)


def test_a_listener(pair: Pair) -> None:
    end = new_end(pair.server)
    with pair.server.host.lock:
        end.bind(0, 80)
        end.listen(1)
    assert end.local() == (0, 80)
    assert ready(end) == (False, False)
    assert end.accept() is None
    client = pair.client.socket()
    client.connect((SERVER, 80))
    client.send(b"early")
    pair.advance(10)
    assert ready(end) == (True, False)
    child = end.accept()
    assert child is not None
    assert ready(end) == (False, False)
    assert ready(child) == (True, True)  # what came before accept is there at once
    assert child.connected
    assert child.peer == (PEER, client._layer.conn[0])
    assert (child.receive(100) or (None,))[0] == b"early"
    client.send(b"late")
    pair.advance(500)
    assert ready(child) == (True, True)
    dispose(end, child)


def test_a_client_that_was_gone_before_accept(pair: Pair) -> None:
    end = new_end(pair.server)
    with pair.server.host.lock:
        end.bind(0, 80)
        end.listen(2)
    client = pair.client.socket()
    client.connect((SERVER, 80))
    client.close()
    pair.advance(10)
    child = end.accept()
    assert child is not None
    assert ready(child)[0]
    assert (child.receive(100) or (None,))[0] == b""
    dispose(end, child)


def test_the_backlog_is_what_listen_said(pair: Pair) -> None:
    end = new_end(pair.server)
    with pair.server.host.lock:
        end.bind(0, 80)
        end.listen(2)
    clients = [pair.client.socket() for _ in range(3)]
    for client in clients:
        client.settimeout(1)
    clients[0].connect((SERVER, 80))
    clients[1].connect((SERVER, 80))
    with pytest.raises(OSError):
        clients[2].connect((SERVER, 80))
    child = end.accept()
    pair.advance(4000)  # its SYN comes again
    second, third = end.accept(), end.accept()
    children = [one for one in (child, second, third) if one is not None]
    assert len(children) == 3
    dispose(end, *children)


def test_datagrams(pair: Pair) -> None:
    end = new_end(pair.server, DATAGRAM)
    assert ready(end) == (False, True)
    with pair.server.host.lock:
        end.bind(0, 5000)
        end.send_to(b"", PEER, 6001)  # the neighbours get to know each other
    pair.advance(10)
    with fails(errno.ENOTCONN):
        end.remote()
    peer = pair.client.socket(2, SOCK_DGRAM)
    peer.bind(("", 6000))
    peer.sendto(b"question", (SERVER, 5000))
    peer.sendto(b"", (SERVER, 5000))
    pair.advance(10)
    assert ready(end) == (True, True)
    assert end.receive(4, peek=True) == (b"ques", (PEER, 6000))
    assert end.receive(100) == (b"question", (PEER, 6000))
    assert end.receive(100) == (b"", (PEER, 6000))
    assert end.receive(100) is None
    with pair.server.host.lock:
        assert end.send_to(b"answer", PEER, 6000) == 6
        assert end.connect(PEER, 6000) is True
        assert end.send(b"more") == 4
    assert end.remote() == (PEER, 6000)
    assert [peer.recv(100), peer.recv(100)] == [b"answer", b"more"]
    with fails(errno.EOPNOTSUPP):
        end.listen(1)
    with fails(errno.EOPNOTSUPP):
        end.accept()
    dispose(end)


def test_raw_packets(pair: Pair) -> None:
    end = new_end(pair.server, RAW)
    with pair.server.host.lock:
        end.send_to(bytes.fromhex("0800f7ff00000000"), PEER, 0)
    pair.advance(10)
    data, source = end.receive(100) or (b"", None)
    assert data[20] == 0  # an echo reply behind the IP header
    assert source == (PEER, 0)
    dispose(end)


def test_a_stream_has_no_sendto(pair: Pair) -> None:
    end = new_end(pair.server)
    with fails(errno.ENOTCONN):
        end.send_to(b"x", PEER, 80)
    dispose(end)
    end, _peer = connected(pair)
    with fails(errno.EISCONN):
        end.send_to(b"x", PEER, 80)
    dispose(end)


def test_closed(pair: Pair) -> None:
    end, peer = connected(pair)
    end.close()
    end.close()
    for call in (lambda: end.receive(1), lambda: end.send(b"x"), end.local, lambda: end.bind(0, 1)):
        with fails(errno.EBADF):
            call()
    os.close(end.ready.descriptor)
    assert peer.recv(1) == b""


def test_so_linger_0_resets(pair: Pair) -> None:
    end, peer = connected(pair)
    end.linger = (1, 0)
    dispose(end)
    pair.advance(10)
    with pytest.raises(OSError) as caught:
        peer.recv(1)
    assert caught.value.errno == errno.ECONNRESET


def test_the_device_closes(pair: Pair) -> None:
    end, _peer = connected(pair)
    pair.server.soft_reset()
    assert ready(end) == (True, True)  # whoever polls finds out
    with fails(errno.EBADF):
        end.receive(1)
    dispose(end)


def test_abandoned(pair: Pair) -> None:
    before = set(os.listdir("/proc/self/fd"))
    end, peer = connected(pair)
    os.close(end.ready.descriptor)
    end.abandon()
    pair.server.enter()
    assert set(os.listdir("/proc/self/fd")) == before
    assert peer.recv(1) == b""


def test_pools_that_are_empty(pair: Pair) -> None:
    ends = [new_end(pair.server) for _ in range(5)]
    with fails(errno.ENOMEM):
        new_end(pair.server)
    dispose(*ends)
    assert pair.server.stack.mem.tcp_pcb.used == 0


def test_events_reach_the_devices_own_observer() -> None:
    told: list[str] = []
    with two_devices() as pair:
        pair.server.on_event = lambda kind, sock, conn, **fields: told.append(kind)
        end, peer = connected(pair)
        peer.send(b"x")
        pair.advance(10)
        assert told == ["connected", "recv"]
        assert end.receive(10, peek=True) == end.receive(10)
        assert end.send(b"y") == 1
        assert told[2:] == ["receive", "send"]
        dispose(end)


def test_errors() -> None:
    assert isinstance(lwip_error(ERR_RST), ConnectionResetError)
    assert unsupported("x").errno == errno.EOPNOTSUPP
    assert str(unsupported("detach()")).endswith("detach(): not with a socket of a device")
