"""The esp32 port's sockets: where they differ from those of the other boards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import usocket
from netstack.profiles import named
from tap.clock import MS
from tests.usocket.router import device_and_router
from tests.usocket.support import CLIENT, SERVER, Pair, listening, raises, two_devices
from usocket import select
from usocket.errno import (
    EAGAIN,
    EBADF,
    ECONNRESET,
    EINVAL,
    ENFILE,
    ENOBUFS,
    EOPNOTSUPP,
    NEWLIB,
)
from usocket.esp32 import EspSocket

ETIMEDOUT, EINPROGRESS, ENOTCONN, EALREADY, EISCONN = 116, 119, 128, 120, 127

ESP32 = named("micropython-esp32")


@pytest.fixture
def pair() -> Iterator[Pair]:
    """An esp32 as server, another board as client."""
    with two_devices(server=ESP32) as both:
        yield both


@pytest.fixture
def both_esp32() -> Iterator[Pair]:
    with two_devices(ESP32, ESP32) as both:
        yield both


def elapsed(pair: Pair, since: int) -> int:
    return (pair.clock.now() - since) // MS


def test_a_socket_of_an_esp32(pair: Pair) -> None:
    sock = pair.server.socket()
    assert isinstance(sock, EspSocket)
    assert (str(type(sock)), repr(sock)) == ("<class 'socket'>", "<socket>")
    assert not isinstance(pair.client.socket(), EspSocket)
    with pair.server.use():
        assert isinstance(usocket.socket(2, 1, 6), EspSocket)
        for arguments in ((9,), (2, 9)):
            with raises(EINVAL):
                usocket.socket(*arguments)
        with pytest.raises(TypeError):
            usocket.socket(2, 1, 0, None)


def test_ten_sockets_with_numbers(pair: Pair) -> None:
    socks = [pair.server.socket() for _ in range(10)]
    assert [sock.fileno() for sock in socks] == list(range(54, 64))
    with raises(ENFILE):
        pair.server.socket()
    socks[3].close()
    assert socks[3].fileno() == -1
    assert pair.server.socket().fileno() == 57
    socks.clear()
    assert pair.server.socket().fileno() == 54


def test_no_pcb_is_enobufs() -> None:
    with two_devices(server=ESP32.replace(memp_num_tcp_pcb=1)) as pair:
        kept = pair.server.socket()
        with raises(ENOBUFS):
            pair.server.socket()
        assert kept


def test_recv_joins_segments_and_sees_the_end(pair: Pair) -> None:
    listener = listening(pair.server)
    client = pair.client.socket()
    client.connect((SERVER, 80))
    client.sendall(b"x" * 2000)
    client.close()
    pair.advance(100)
    accepted, address = listener.accept()  # what came before it is there
    assert address[0] == CLIENT
    assert accepted.recv(5000) == b"x" * 2000
    assert accepted.recv(5000) == b""
    assert accepted.recv(1) == accepted.read() == b""


def test_a_lone_fin_before_accept_is_seen(pair: Pair) -> None:
    listener = listening(pair.server)
    client = pair.client.socket()
    client.connect((SERVER, 80))
    client.close()
    pair.advance(100)
    accepted, _ = listener.accept()
    assert accepted.recv(1) == b""


def test_time_outs_come_in_steps(pair: Pair) -> None:
    listener = listening(pair.server)
    cases = ((0, EAGAIN, 0), (0.05, EAGAIN, 100), (0.25, ETIMEDOUT, 300), (1, ETIMEDOUT, 1100))
    for seconds, number, ms in cases:
        listener.settimeout(seconds)
        started = pair.clock.now()
        with raises(number):
            listener.accept()
        assert elapsed(pair, started) == ms


def test_accepted_sockets_block(pair: Pair) -> None:
    listener = listening(pair.server)
    listener.settimeout(5)
    client = pair.client.socket()
    client.connect((SERVER, 80))
    accepted, _ = listener.accept()
    pair.client.call_at(pair.clock.now() + 20_000 * MS, lambda: client._layer.write(b"late"))
    assert accepted.recv(10) == b"late"


def test_connecting(both_esp32: Pair) -> None:
    pair = both_esp32
    listener = listening(pair.server)
    client = pair.client.socket()
    client.setblocking(False)
    with raises(EINPROGRESS):
        client.connect((SERVER, 80))
    with raises(EALREADY):
        client.connect((SERVER, 80))
    pair.advance(20)
    with raises(EISCONN):
        client.connect((SERVER, 80))
    refused = pair.client.socket()
    with raises(ECONNRESET):
        refused.connect((SERVER, 81))
    silent = pair.client.socket()
    silent.settimeout(1)
    started = pair.clock.now()
    with raises(ETIMEDOUT):
        silent.connect(("10.0.0.77", 80))
    assert elapsed(pair, started) == 1100
    assert listener.accept()[1][0] == CLIENT


def test_names_where_others_want_numbers() -> None:
    with device_and_router(profile="micropython-esp32") as (device, router):
        router.names["here"] = "10.0.0.1"
        sock = device.socket()
        sock.bind(("here", "8080"))
        with raises(-202):
            device.socket().connect(("nowhere.example", 80))
        with raises(-201):
            device.socket().bind(("", "http"))
        with pytest.raises(ValueError):
            device.socket(2, 2).sendto(b"x", ("here", 1))


def test_send_waits_until_all_is_sent(pair: Pair) -> None:
    listener = listening(pair.server)
    client = pair.client.socket()
    client.connect((SERVER, 80))
    accepted, _ = listener.accept()
    accepted.settimeout(0)
    room = accepted.send(b"y" * 20_000)
    assert 0 < room < 20_000
    with raises(EAGAIN):
        accepted.send(b"y" * 20_000)
    accepted.settimeout(0.3)
    with raises(ETIMEDOUT):
        accepted.sendall(b"z" * 20_000)

    def read() -> None:
        while client._layer.incoming:
            client._layer.read(1000)
        pair.client.call_at(pair.clock.now() + 5 * MS, read)

    pair.client.call_at(pair.clock.now(), read)
    accepted.settimeout(None)
    assert accepted.send(b"w" * 20_000) == 20_000
    assert accepted.write(b"v" * 10_000) == 10_000


def test_reading_and_writing_before_connecting(pair: Pair) -> None:
    sock = pair.server.socket()
    with raises(ENOTCONN):
        sock.recv(1)
    with raises(ENOTCONN):
        sock.read(1)
    sock.setblocking(False)
    with raises(EAGAIN):
        sock.send(b"")


def test_flags(pair: Pair) -> None:
    listener = listening(pair.server)
    client = pair.client.socket()
    client.connect((SERVER, 80))
    accepted, _ = listener.accept()
    with raises(EAGAIN):
        accepted.recv(1, 8)
    client.send(b"one")
    pair.advance(300)
    client.send(b"two")
    pair.advance(300)
    assert accepted.recv(100, 1) == b"one"  # a look stays in the first segment
    data, address = accepted.recvfrom(100)
    assert (data, address[0]) == (b"onetwo", CLIENT)


def test_after_close(pair: Pair) -> None:
    sock = pair.server.socket()
    sock.close()
    sock.close()
    for call in (sock.accept, sock.listen, lambda: sock.send(b"x"), lambda: sock.bind(("", 1))):
        with raises(EBADF):
            call()
    with raises(EBADF):
        sock.setsockopt(1, 4, 1)
    with pair.server.socket() as other:
        pass
    assert other.fileno() == -1


def test_poll(pair: Pair) -> None:
    poller = select.poll()
    sock = pair.server.socket()
    poller.register(sock)
    assert poller.poll(0) == [(sock, 20)]
    sock.bind(("", 80))
    sock.listen()
    assert poller.poll(0) == []
    client = pair.client.socket()
    client.connect((SERVER, 80))
    assert poller.poll(1000) == [(sock, 1)]
    accepted, _ = sock.accept()
    poller.register(accepted)
    assert poller.poll(0) == [(accepted, 4)]
    client.send(b"x")
    assert poller.poll(100)[0] == (accepted, 4)
    pair.advance(10)
    assert poller.poll(0) == [(accepted, 5)]
    accepted.close()
    assert poller.poll(0) == [(accepted, 32)]


def test_datagrams(both_esp32: Pair) -> None:
    pair = both_esp32
    server, client = pair.server.socket(2, 2), pair.client.socket(2, 2)
    server.bind(("", 7))
    for number in range(8):
        client.sendto(b"%d" % number, (SERVER, 7))
        pair.advance(5)
    assert server.recvfrom(10, 1)[0] == b"0"
    assert [server.recv(10) for _ in range(6)] == [b"0", b"1", b"2", b"3", b"4", b"5"]  # a mailbox of six
    with raises(EOPNOTSUPP):
        server.listen(1)
    with raises(EOPNOTSUPP):
        server.accept()
    server.settimeout(0.1)
    with raises(ETIMEDOUT):
        server.recv(10)


def test_datagrams_of_no_bytes(both_esp32: Pair) -> None:
    pair = both_esp32
    server, client = pair.server.socket(2, 2), pair.client.socket(2, 2)
    server.bind(("", 7))
    with raises(EINVAL):
        client.sendto(b"", (SERVER, 7))
    client.settimeout(0.1)
    with raises(ETIMEDOUT):
        client.sendto(b"", (SERVER, 7))
    assert server.recv(10) == b""
    client.sendto(b"x", (SERVER, 7))
    pair.advance(10)
    assert server.recv(10) == b""
    assert pair.server.oddities == {"esp32-empty-received": 1}
    assert pair.client.oddities == {"esp32-empty-datagram": 1}


def test_a_raw_socket_hears_pings(pair: Pair) -> None:
    raw = pair.server.socket(2, 3, 1)
    client = pair.client.socket(2, 3, 1)
    client.sendto(b"\x08\x00\xf7\xff\x00\x00\x00\x00", (SERVER, 0))
    data, address = raw.recvfrom(100)
    assert (data[9], data[20], address) == (1, 8, (CLIENT, 0))


def test_options(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    sock = pair.server.socket()
    sock.setsockopt(0xFFF, 4, 1)
    sock.setsockopt(6, 1, 1)
    sock.setsockopt(0xFFF, 0x100B, "st1")
    sock.setsockopt(0, 3, bytes([224, 0, 0, 9, 0, 0, 0, 0]))
    assert pair.server.stack.igmp.is_member(0xE0000009)
    with raises(6):
        sock.setsockopt(0, 3, bytes([10, 0, 0, 9, 0, 0, 0, 0]))
    with pytest.raises(ValueError):
        sock.setsockopt(0, 3, b"short")
    assert capsys.readouterr().out == ""
    sock.setsockopt(0xFFF, 8, 1)
    assert capsys.readouterr().out == "Warning: lwip.setsockopt() option not implemented\n"


def test_a_callback_is_called_while_there_is_something_to_read(pair: Pair) -> None:
    listener = listening(pair.server)
    called: list[int] = []
    listener.setsockopt(0xFFF, 20, lambda sock: called.append(elapsed(pair, 0)))
    client = pair.client.socket()
    client.connect((SERVER, 80))
    pair.advance(30)
    assert len(called) >= 3
    assert called[1] - called[0] == 8
    listener.setsockopt(0xFFF, 20, None)
    number = len(called)
    pair.advance(100)
    assert len(called) == number


def test_a_send_that_finds_no_memory_goes_on_within_a_second(both_esp32: Pair) -> None:
    """As lwIP's poll_tcp, also when nothing is on its way that would wake who waits."""
    _, accepted, client = both_esp32.connected()
    both_esp32.advance(5_000)
    both_esp32.client.faults.add("pool-fail pool=TCP_SEG every=1 times=2")
    started = both_esp32.clock.now()
    client.sendall(b"all of it")
    assert 0 < elapsed(both_esp32, started) <= 1000
    assert accepted.recv(100) == b"all of it"


def test_a_soft_reset_closes_them(pair: Pair) -> None:
    kept = [pair.server.socket() for _ in range(3)]
    pair.server.soft_reset()
    assert pair.server.stack.mem.tcp_pcb.used == 0
    assert pair.server.socket().fileno() == 54
    assert kept
    assert NEWLIB[EALREADY] == EALREADY
