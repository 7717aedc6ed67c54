"""What the socket layers share: options of the three kinds of pcb, names of errors, names of connections."""

from __future__ import annotations

from typing import Any

import pytest

from netstack.api.common import ERR_BADF, ERR_NOPROTOOPT, conn_of, errno_name, set_pcb_option
from netstack.errors import ERR_NAMES, ERR_OK, ERR_VAL
from tests.netstack.peer import PEER, Peer, ip_of


def pcbs(**options: int) -> tuple[Peer, Any, Any, Any]:
    """A TCP pcb, a listening one, and one of UDP."""
    peer = Peer(**options)
    tcp = peer.stack.tcp
    pcb, other = tcp.new(), tcp.new()
    assert pcb is not None
    assert other is not None
    tcp.bind(other, 0, 80)
    listener, err = tcp.listen(other, 5)
    assert err == ERR_OK
    return peer, pcb, listener, peer.stack.udp.new()


def test_flags_and_ip_fields_exist_on_every_pcb() -> None:
    peer, *all_pcbs = pcbs()
    for pcb in all_pcbs:
        for name, bit in (("SO_REUSEADDR", 4), ("SO_KEEPALIVE", 8), ("SO_BROADCAST", 32)):
            assert set_pcb_option(pcb, name, 1, peer.stack.profile) == ERR_OK
            assert pcb.so_options & bit
            assert set_pcb_option(pcb, name, 0, peer.stack.profile) == ERR_OK
            assert not pcb.so_options & bit
        assert set_pcb_option(pcb, "IP_TTL", 5, peer.stack.profile) == ERR_OK
        assert set_pcb_option(pcb, "IP_TOS", 0x10, peer.stack.profile) == ERR_OK
        assert (pcb.ttl, pcb.tos) == (5, 0x10)


def test_multicast_ttl_is_a_matter_of_datagrams() -> None:
    peer, tcp, listener, udp = pcbs()
    assert set_pcb_option(udp, "IP_MULTICAST_TTL", 9, peer.stack.profile) == ERR_OK
    assert udp.mcast_ttl == 9
    for pcb in (tcp, listener):
        assert set_pcb_option(pcb, "IP_MULTICAST_TTL", 9, peer.stack.profile) == ERR_NOPROTOOPT


def test_options_of_tcp() -> None:
    peer, pcb, *_ = pcbs()
    profile = peer.stack.profile
    for name, value in (("NODELAY", 1), ("KEEPIDLE", 10), ("KEEPINTVL", 3), ("KEEPCNT", 2), ("PRIO", 200)):
        assert set_pcb_option(pcb, f"TCP_{name}", value, profile) == ERR_OK
    assert (pcb.flags, pcb.keep_idle, pcb.keep_intvl, pcb.keep_cnt, pcb.prio) == (0x40, 10_000, 3_000, 2, 127)
    assert set_pcb_option(pcb, "TCP_NODELAY", 0, profile) == ERR_OK
    assert pcb.flags == 0
    assert set_pcb_option(pcb, "TCP_CORK", 1, profile) == ERR_NOPROTOOPT
    assert set_pcb_option(pcb, "SO_LINGER", 1, profile) == ERR_NOPROTOOPT


def test_intervals_of_keepalive_exist_only_where_they_are_compiled_in() -> None:
    peer, pcb, *_ = pcbs(lwip_tcp_keepalive=0)
    profile = peer.stack.profile
    assert set_pcb_option(pcb, "TCP_KEEPIDLE", 10, profile) == ERR_OK
    for name in ("TCP_KEEPINTVL", "TCP_KEEPCNT"):
        assert set_pcb_option(pcb, name, 1, profile) == ERR_NOPROTOOPT


def test_options_of_tcp_on_what_is_no_connection() -> None:
    peer, _, listener, udp = pcbs()
    assert set_pcb_option(listener, "TCP_NODELAY", 1, peer.stack.profile) == ERR_VAL
    assert set_pcb_option(udp, "TCP_NODELAY", 1, peer.stack.profile) == ERR_NOPROTOOPT


@pytest.mark.parametrize(
    ("err", "name"),
    [
        (-1, "ENOMEM"),
        (-4, "EHOSTUNREACH"),
        (-11, "ENOTCONN"),
        (-14, "ECONNRESET"),
        (-15, "ENOTCONN"),
        (ERR_BADF, "EBADF"),
    ],
)
def test_errors_have_lwips_errno(err: int, name: str) -> None:
    assert errno_name(err) == name


def test_every_error_has_an_errno() -> None:
    for err in ERR_NAMES:
        if err != ERR_OK:
            assert errno_name(err).startswith("E")


def test_a_connection_is_named_by_port_and_peer_a_listener_by_its_port() -> None:
    peer, pcb, listener, _ = pcbs()
    peer.stack.tcp.connect(pcb, ip_of(PEER), 9)
    assert conn_of(pcb) == (pcb.local_port, ip_of(PEER), 9)
    assert conn_of(listener) == (80, 0, 0)
