"""The DHCP client's way out: its pcb and its users, the options of its questions, and memory."""

from __future__ import annotations

import pytest
from scapy.layers.dhcp import BOOTP
from scapy.layers.inet import IP, UDP

from netstack.dhcp_message import (
    HOSTNAME,
    MAX_MESSAGE_SIZE,
    MESSAGE_TYPE,
    PARAMETER_REQUEST_LIST,
    DhcpMessage,
)
from netstack.dhcp_output import DhcpOutput
from netstack.errors import ERR_MEM, ERR_OK
from netstack.pbuf import Pbuf
from netstack.udp import UdpPcb
from tests.netstack.peer import OURS, PEER, Peer, ip_of


class Client:
    """An output, and what comes in by its pcb."""

    def __init__(self, **options: int) -> None:
        self.peer = Peer("micropython", **options)
        self.got: list[tuple[bytes, int]] = []
        stack = self.peer.stack
        self.output = DhcpOutput(stack.core, stack.netif, stack.udp, self._recv)

    def _recv(self, _pcb: UdpPcb, p: Pbuf, _ip: int, port: int) -> None:
        self.got.append((p.data, port))
        p.free()

    def send(self) -> int:
        message = DhcpMessage(1, 0x1234, bytes(6), {MESSAGE_TYPE: b"\x01"})
        return self.output.send(message, 0, ip_of("255.255.255.255"))


def test_one_pcb_for_all_users() -> None:
    client = Client()
    pool = client.peer.stack.mem.udp_pcb
    assert client.output.open()
    assert client.output.open()
    assert pool.used == 1
    client.output.close()
    assert pool.used == 1
    assert client.send() == ERR_OK
    client.output.close()
    client.peer.expect_no_leak()
    assert client.send() == ERR_MEM


def test_no_pcb() -> None:
    client = Client(memp_num_udp_pcb=0)
    assert not client.output.open()
    assert client.send() == ERR_MEM


def test_what_is_sent() -> None:
    client = Client()
    client.output.open()
    assert client.send() == ERR_OK
    frame = client.peer.reply()
    assert (frame[IP].src, frame[IP].dst) == ("0.0.0.0", "255.255.255.255")
    assert (frame[UDP].sport, frame[UDP].dport, frame[BOOTP].xid) == (68, 67, 0x1234)


@pytest.mark.parametrize(("sport", "heard"), [(67, True), (68, False), (1067, False)])
def test_only_servers_are_heard(sport: int, heard: bool) -> None:
    client = Client()
    client.output.open()
    client.peer.send(IP(src=PEER, dst=OURS) / UDP(sport=sport, dport=68) / b"hello")
    assert client.got == ([(b"hello", 67)] if heard else [])


def test_broadcasts_where_sockets_must_ask_for_them() -> None:
    client = Client(ip_sof_broadcast=1, ip_sof_broadcast_recv=1)
    client.output.open()
    assert client.send() == ERR_OK
    client.peer.send(IP(src=PEER, dst="255.255.255.255") / UDP(sport=67, dport=68) / b"hello")
    assert client.got == [(b"hello", 67)]


def test_options() -> None:
    client = Client(dns_max_servers=3, lwip_dhcp_max_dns_servers=2)
    output = client.output
    assert output.max_dns_servers == 2
    assert output.max_size() == {MAX_MESSAGE_SIZE: b"\x05\xdc"}
    assert output.max_size(576) == {MAX_MESSAGE_SIZE: b"\x02\x40"}
    assert list(output.discover_options("board")) == [MAX_MESSAGE_SIZE, HOSTNAME, PARAMETER_REQUEST_LIST]
    assert list(output.request_options({50: bytes(4)}, "board")) == [50, PARAMETER_REQUEST_LIST, HOSTNAME]


def test_memory_for_a_message() -> None:
    client = Client()
    heap = client.peer.stack.mem.heap
    room = heap.largest_hole()
    need = 16 + 56 + 308  # pbuf, headers, message
    hog = heap.malloc(room - need - 8)
    assert client.output.has_memory()
    assert (heap.largest_hole(), heap.err) == (need, 0)
    small = heap.malloc(12)
    assert not client.output.has_memory()
    assert heap.err == 1
    client.output.open()
    assert client.send() == ERR_MEM
    client.output.close()
    heap.free(hog)
    heap.free(small)
    client.peer.expect_no_leak()
