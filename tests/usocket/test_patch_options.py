"""setsockopt and getsockopt by Linux's numbers."""

from __future__ import annotations

import errno
import os
import socket as machine
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from netstack.address import parse_ip
from netstack.ipv4 import SOF_REUSEADDR
from netstack.tcp.tcb import TF_NODELAY
from tests.usocket.support import SERVER, Pair, two_devices
from usocket.patch_end import DATAGRAM, STREAM, End, new_layer
from usocket.patch_options import get_option, set_option, switched_on

SOL, TCP, IP = machine.SOL_SOCKET, machine.IPPROTO_TCP, machine.IPPROTO_IP
GROUP = bytes([239, 1, 2, 3])


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


@pytest.fixture
def stream(pair: Pair) -> Iterator[End]:
    yield from _end(pair, STREAM)


@pytest.fixture
def datagram(pair: Pair) -> Iterator[End]:
    yield from _end(pair, DATAGRAM)


def _end(pair: Pair, kind: int) -> Iterator[End]:
    end = End(pair.server, new_layer(pair.server, kind, 0))
    yield end
    end.close()
    os.close(end.ready.descriptor)


@pytest.mark.parametrize(
    ("level", "option"),
    [
        (SOL, machine.SO_REUSEADDR),
        (SOL, machine.SO_KEEPALIVE),
        (SOL, machine.SO_BROADCAST),
        (TCP, machine.TCP_NODELAY),
    ],
)
def test_switches(stream: End, level: int, option: int) -> None:
    assert get_option(stream, STREAM, level, option) == 0
    set_option(stream, level, option, 1)
    assert get_option(stream, STREAM, level, option) == 1
    set_option(stream, level, option, struct.pack("i", 0))
    assert get_option(stream, STREAM, level, option) == 0


def test_they_reach_the_control_block(stream: End) -> None:
    set_option(stream, SOL, machine.SO_REUSEADDR, True)
    set_option(stream, TCP, machine.TCP_NODELAY, 1)
    pcb: Any = stream.layer.pcb
    assert pcb.so_options & SOF_REUSEADDR
    assert pcb.flags & TF_NODELAY


def test_numbers(stream: End, datagram: End) -> None:
    set_option(datagram, IP, machine.IP_TTL, 7)
    set_option(datagram, IP, machine.IP_TOS, 16)
    set_option(datagram, IP, machine.IP_MULTICAST_TTL, 3)
    assert get_option(datagram, DATAGRAM, IP, machine.IP_TTL) == 7
    assert get_option(datagram, DATAGRAM, IP, machine.IP_TOS) == 16
    pcb: Any = datagram.layer.pcb
    assert pcb.mcast_ttl == 3
    set_option(stream, TCP, machine.TCP_KEEPIDLE, 5)
    pcb = stream.layer.pcb
    assert pcb.keep_idle == 5000


def test_what_can_be_asked(pair: Pair, stream: End, datagram: End) -> None:
    profile = pair.server.profile
    wanted = {
        (SOL, machine.SO_TYPE): machine.SOCK_STREAM,
        (SOL, machine.SO_DOMAIN): machine.AF_INET,
        (SOL, machine.SO_PROTOCOL): machine.IPPROTO_TCP,
        (SOL, machine.SO_ACCEPTCONN): 0,
        (SOL, machine.SO_RCVBUF): profile.tcp_wnd,
        (SOL, machine.SO_SNDBUF): profile.tcp_snd_buf,
        (SOL, machine.SO_ERROR): 0,
        (TCP, machine.TCP_MAXSEG): 536,  # until the peer has said what it takes
    }
    for (level, option), value in wanted.items():
        assert get_option(stream, STREAM, level, option) == value
    assert get_option(datagram, DATAGRAM, SOL, machine.SO_TYPE) == machine.SOCK_DGRAM
    stream.bind(0, 80)
    stream.listen(1)
    assert get_option(stream, STREAM, SOL, machine.SO_ACCEPTCONN) == 1
    assert get_option(stream, STREAM, TCP, machine.TCP_MAXSEG) == profile.tcp_mss


def test_so_error_clears_itself(pair: Pair, stream: End) -> None:
    with pair.server.host.lock:
        stream.connect(parse_ip("10.0.0.2"), 1)
    pair.advance(10)
    assert get_option(stream, STREAM, SOL, machine.SO_ERROR) == errno.ECONNRESET
    assert get_option(stream, STREAM, SOL, machine.SO_ERROR) == 0


def test_so_linger(stream: End) -> None:
    set_option(stream, SOL, machine.SO_LINGER, struct.pack("ii", 1, 0))
    assert stream.linger == (1, 0)
    assert get_option(stream, STREAM, SOL, machine.SO_LINGER) == struct.pack("ii", 1, 0)
    with pytest.raises(OSError) as caught:
        set_option(stream, SOL, machine.SO_LINGER, 1)
    assert caught.value.errno == errno.EINVAL


def test_memberships(pair: Pair, datagram: End) -> None:
    groups = pair.server.stack.igmp
    before = len(groups.groups)
    for value in (GROUP + bytes(4), GROUP + parse_ip(SERVER).to_bytes(4, "big"), GROUP + bytes(8)):
        set_option(datagram, IP, machine.IP_ADD_MEMBERSHIP, value)
        assert len(groups.groups) == before + 1
        set_option(datagram, IP, machine.IP_DROP_MEMBERSHIP, value)
        assert len(groups.groups) == before
    for value, number in (
        (GROUP, errno.EINVAL),
        (1, errno.EINVAL),
        (GROUP + bytes(7) + b"\1", errno.EINVAL),
        (bytes([10, 0, 0, 9]) + bytes(4), errno.EINVAL),
        (GROUP + bytes([10, 0, 0, 9]), errno.EADDRNOTAVAIL),
    ):
        with pytest.raises(OSError) as caught:
            set_option(datagram, IP, machine.IP_ADD_MEMBERSHIP, value)
        assert caught.value.errno == number


@pytest.mark.parametrize(
    ("level", "option"),
    [
        (SOL, machine.SO_REUSEPORT),
        (SOL, machine.SO_SNDBUF),
        (SOL, machine.SO_RCVTIMEO),
        (TCP, machine.TCP_CORK),
        (IP, machine.IP_MULTICAST_LOOP),
        (999, 1),
    ],
)
def test_what_lwip_has_not_is_refused_at_once(stream: End, level: int, option: int) -> None:
    with pytest.raises(OSError, match="lwIP has no socket option") as caught:
        set_option(stream, level, option, 1)
    assert caught.value.errno == errno.ENOPROTOOPT
    if (level, option) != (SOL, machine.SO_SNDBUF):
        with pytest.raises(OSError, match="lwIP has no socket option"):
            get_option(stream, STREAM, level, option)


def test_options_of_the_wrong_socket(stream: End, datagram: End) -> None:
    with pytest.raises(OSError) as caught:
        set_option(datagram, TCP, machine.TCP_NODELAY, 1)
    assert caught.value.errno == errno.ENOPROTOOPT
    stream.bind(0, 80)
    stream.listen(1)
    with pytest.raises(OSError) as caught:
        set_option(stream, TCP, machine.TCP_NODELAY, 1)
    assert caught.value.errno == errno.EINVAL  # as lwIP's sockets say of a listener


def test_a_connection_that_is_gone_takes_them(pair: Pair, stream: End) -> None:
    with pair.server.host.lock:
        stream.connect(parse_ip("10.0.0.2"), 1)
    pair.advance(10)
    assert stream.layer.pcb is None
    set_option(stream, TCP, machine.TCP_NODELAY, 1)


def test_what_is_switched_on(stream: End, datagram: End) -> None:
    assert switched_on(stream, STREAM) == []
    for level, option in ((SOL, machine.SO_REUSEADDR), (TCP, machine.TCP_NODELAY)):
        set_option(stream, level, option, 1)
    assert switched_on(stream, STREAM) == [(SOL, machine.SO_REUSEADDR), (TCP, machine.TCP_NODELAY)]
    set_option(datagram, SOL, machine.SO_BROADCAST, 1)
    assert switched_on(datagram, DATAGRAM) == [(SOL, machine.SO_BROADCAST)]
