"""MicroPython's datagram and raw sockets: a queue of four, cut packets, raw packets with their header."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import ICMP, IP, UDP

from netstack.api.common import ERR_BADF
from netstack.api.modlwip_datagram import RawSocket, UdpSocket, raw_socket, udp_socket
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_RTE, ERR_USE, ERR_WOULDBLOCK
from tests.netstack.peer import OURS, PEER, Peer, ip_of

SOURCE = (ip_of(PEER), 5000)


def udp(peer: Peer, port: int = 7, on_event: Any = None) -> UdpSocket:
    sock, err = udp_socket(peer.stack, on_event)
    assert err == ERR_OK
    assert sock is not None
    assert sock.bind(0, port) == ERR_OK
    return sock


def raw(peer: Peer, protocol: int) -> RawSocket:
    sock, err = raw_socket(peer.stack, None, protocol)
    assert err == ERR_OK
    assert sock is not None
    return sock


def deliver(peer: Peer, data: bytes) -> None:
    peer.send(IP(src=PEER, dst=OURS) / UDP(sport=5000, dport=7) / data)


class TestUdp:
    def test_a_pcb_is_taken_at_once(self) -> None:
        peer = Peer("micropython")
        sockets = [udp(peer, port) for port in range(4)]
        assert udp_socket(peer.stack) == (None, ERR_MEM)
        for sock in sockets:
            sock.close()
        peer.expect_no_leak()

    def test_what_comes_goes_into_a_queue_of_four(self) -> None:
        seen: list[Any] = []
        peer = Peer("micropython")
        sock = udp(peer, on_event=lambda kind, sock, conn, **fields: seen.append((kind, conn, fields)))
        for number in range(5):
            deliver(peer, bytes(number))
        assert [kind for kind, _, _ in seen] == ["udp-recv"] * 4 + ["udp-drop"]
        assert seen[-1] == ("udp-drop", None, {"len": 4, "src": SOURCE})
        assert peer.stack.mem.pbuf_pool.used == 4
        assert sock.recvfrom(2, peek=True) == (b"", *SOURCE)
        assert [sock.recvfrom(2) for _ in range(5)] == [
            (b"", *SOURCE),
            (b"\0", *SOURCE),
            (b"\0\0", *SOURCE),
            (b"\0\0", *SOURCE),  # the third byte is lost
            ERR_WOULDBLOCK,
        ]
        assert peer.stack.mem.pbuf_pool.used == 0

    def test_sending(self) -> None:
        peer = Peer("micropython")
        sock = udp(peer)
        assert sock.sendto(b"hello", ip_of(PEER), 9) == (5, ERR_OK)
        datagram = peer.reply()[UDP]
        assert (datagram.sport, datagram.dport, bytes(datagram.payload)) == (7, 9, b"hello")
        assert sock.connect(ip_of(PEER), 9) == ERR_OK
        assert sock.write(b"again") == (5, ERR_OK)
        assert peer.reply()[UDP].dport == 9
        assert sock.sendto(bytes(8000), ip_of(PEER), 9) == (0, ERR_MEM)
        with_no_route = udp(Peer("micropython", up=False))
        assert with_no_route.sendto(b"x", ip_of(PEER), 9) == (0, ERR_RTE)

    def test_to_nobody(self) -> None:
        """Without a peer the datagram goes to 0.0.0.0 port 0, which is a broadcast."""
        peer = Peer("micropython")
        assert udp(peer).write(b"x") == (1, ERR_OK)
        packet = peer.reply()
        assert (packet[IP].dst, packet[UDP].dport, packet.dst) == ("0.0.0.0", 0, "ff:ff:ff:ff:ff:ff")

    def test_binding(self) -> None:
        peer = Peer("micropython")
        sock, other = udp(peer), udp(peer, 8)
        assert other.bind(0, 7) == ERR_USE
        assert sock.bind(0, 9) == ERR_OK
        assert other.bind(0, 7) == ERR_OK

    def test_poll_and_close(self) -> None:
        peer = Peer("micropython")
        sock = udp(peer)
        assert [sock.poll(mask) for mask in (5, 1, 0)] == [4, 0, 0]
        deliver(peer, b"x")
        assert [sock.poll(mask) for mask in (5, 1, 0)] == [5, 1, 0]
        assert sock.setsockopt("SO_BROADCAST", 1) == ERR_OK
        sock.close()
        sock.abort()
        assert [sock.poll(mask) for mask in (5, 1, 0)] == [32, 32, 32]
        assert sock.state == ERR_BADF
        assert sock.bind(0, 1) == ERR_ARG
        assert sock.connect(1, 1) == ERR_BADF
        assert sock.read(1) == (None, ERR_BADF)
        assert sock.write(b"x") == (0, ERR_BADF)
        assert sock.sendto(b"x", 1, 1) == (0, ERR_BADF)
        assert sock.setsockopt("SO_BROADCAST", 1) == ERR_BADF
        peer.expect_no_leak()


class TestRaw:
    def test_it_takes_the_packets_of_its_protocol_header_and_all(self) -> None:
        peer = Peer("micropython")
        sock = raw(peer, 1)
        peer.send(IP(src=PEER, dst=OURS, id=77) / ICMP() / b"ping")
        peer.expect_nothing()  # the stack does not see it any more
        got = sock.recvfrom(100)
        assert not isinstance(got, int)
        data, ip, port = got
        assert (ip, port) == (ip_of(PEER), 0)
        assert IP(data).id == 77
        assert IP(data)[ICMP].load == b"ping"

    def test_sending(self) -> None:
        peer = Peer("micropython")
        sock = raw(peer, 200)
        assert sock.sendto(b"payload", ip_of(PEER), 0) == (7, ERR_OK)
        assert peer.reply()[IP].proto == 200
        assert sock.connect(ip_of(PEER), 0) == ERR_OK
        assert sock.write(b"payload") == (7, ERR_OK)
        assert peer.reply()[IP].dst == PEER

    def test_its_state_is_new_for_ever(self) -> None:
        peer = Peer("micropython")
        sock = raw(peer, 200)
        assert sock.state == 0
        assert sock.bind(0, 0) == ERR_ARG
        assert [sock.poll(mask) for mask in (5, 1, 0)] == [20, 16, 16]
        sock.close()
        assert sock.connect(1, 0) == ERR_BADF
        assert sock.write(b"x") == (0, ERR_BADF)
        peer.expect_no_leak()

    def test_pcbs(self) -> None:
        peer = Peer("micropython")
        for _ in range(4):
            raw(peer, 200)
        assert raw_socket(peer.stack, None, 200) == (None, ERR_MEM)
        assert raw_socket(Peer("lwip-default").stack, None, 200) == (None, ERR_MEM)
