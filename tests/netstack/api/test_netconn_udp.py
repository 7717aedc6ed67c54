"""Datagram sockets of lwIP's layer: a short queue, cut datagrams, errors of sending."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP, UDP

from netstack.api.common import ERR_BADF
from netstack.api.netconn import udp_socket
from netstack.api.netconn_udp import UdpSocket
from netstack.errors import ERR_CONN, ERR_MEM, ERR_OK, ERR_RTE, ERR_USE, ERR_VAL, ERR_WOULDBLOCK
from tests.netstack.peer import OURS, PEER, Peer, ip_of


def bound(peer: Peer, on_event: Any = None) -> UdpSocket:
    sock, err = udp_socket(peer.stack, on_event)
    assert err == ERR_OK
    assert sock is not None
    assert sock.bind(0, 7) == ERR_OK
    return sock


def deliver(peer: Peer, data: bytes) -> None:
    peer.send(IP(src=PEER, dst=OURS) / UDP(sport=5000, dport=7) / data)


def test_datagrams_come_with_their_source_in_order() -> None:
    peer = Peer()
    sock = bound(peer)
    for data in (b"one", b"", b"three"):
        deliver(peer, data)
    assert sock.recvfrom(100) == (b"one", ip_of(PEER), 5000)
    assert sock.read(100) == (b"", ERR_OK)
    assert sock.read(100) == (b"three", ERR_OK)
    assert sock.recvfrom(100) == ERR_WOULDBLOCK
    assert sock.read(100) == (None, ERR_WOULDBLOCK)


def test_what_a_datagram_holds_over_the_size_is_lost() -> None:
    peer = Peer()
    sock = bound(peer)
    deliver(peer, b"a long one")
    assert sock.read(4) == (b"a lo", ERR_OK)
    assert sock.read(4) == (None, ERR_WOULDBLOCK)
    assert peer.stack.mem.pbuf_pool.used == 0


def test_the_newest_are_lost_when_the_queue_is_full() -> None:
    seen: list[Any] = []
    peer = Peer(udp_rxq=2)
    sock = bound(peer, lambda kind, sock, conn, **fields: seen.append((kind, conn, fields)))
    for number in range(3):
        deliver(peer, bytes(number))
    source = (ip_of(PEER), 5000)
    assert seen == [
        ("udp-recv", None, {"len": 0, "src": source}),
        ("udp-recv", None, {"len": 1, "src": source}),
        ("udp-drop", None, {"len": 2, "src": source}),
    ]
    assert [sock.read(9)[0], sock.read(9)[0], sock.read(9)[0]] == [b"", b"\0", None]
    assert peer.stack.mem.pbuf_pool.used == 0


def test_sending_to_anybody_and_to_the_connected_peer() -> None:
    peer = Peer()
    sock = bound(peer)
    assert sock.sendto(b"hello", ip_of(PEER), 9) == (5, ERR_OK)
    assert peer.reply()[UDP].dport == 9
    assert sock.connect(ip_of(PEER), 10) == ERR_OK
    assert sock.write(b"again") == (5, ERR_OK)
    sent = peer.reply()[UDP]
    assert (sent.sport, sent.dport, bytes(sent.payload)[:5]) == (7, 10, b"again")


def test_without_a_peer_a_datagram_goes_to_nobody() -> None:
    peer = Peer()
    assert bound(peer).write(b"x") == (1, ERR_OK)
    sent = peer.reply()
    assert (sent[IP].dst, sent[UDP].dport) == ("0.0.0.0", 0)


def test_errors_of_sending() -> None:
    peer = Peer(mem_size=1600)
    sock = bound(peer)
    assert sock.sendto(bytes(1600), ip_of(PEER), 9) == (0, ERR_MEM)
    peer.stack.netif.set_up(False)
    assert sock.sendto(b"x", ip_of(PEER), 9) == (0, ERR_RTE)


def test_a_port_can_be_bound_once() -> None:
    peer = Peer()
    bound(peer)
    other, _ = udp_socket(peer.stack)
    assert other is not None
    assert other.bind(0, 7) == ERR_USE
    assert other.bind(0, 8) == ERR_OK


def test_options_are_set_on_the_pcb() -> None:
    peer = Peer()
    sock = bound(peer)
    assert sock.setsockopt("IP_TTL", 3) == ERR_OK
    sock.sendto(b"x", ip_of(PEER), 9)
    assert peer.reply()[IP].ttl == 3


def test_close_gives_everything_back_and_refuses_the_rest() -> None:
    peer = Peer(memp_num_udp_pcb=1)
    sock = bound(peer)
    assert udp_socket(peer.stack) == (None, ERR_MEM)
    deliver(peer, b"unread")
    sock.abort()
    assert sock.close() == ERR_OK
    peer.expect_no_leak()
    assert sock.pcb is None
    assert sock.bind(0, 7) == ERR_VAL
    assert sock.connect(ip_of(PEER), 9) == ERR_VAL
    assert sock.sendto(b"x", ip_of(PEER), 9) == (0, ERR_CONN)
    assert sock.write(b"x") == (0, ERR_CONN)
    assert sock.recvfrom(1) == ERR_CONN
    assert sock.setsockopt("IP_TTL", 3) == ERR_BADF
