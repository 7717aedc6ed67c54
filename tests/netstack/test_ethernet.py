"""Ethernet: who gets a frame, and what our frames look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether

from netstack.errors import ERR_IF
from netstack.ethernet import EthernetHeader, emit, parse
from tests.netstack.peer import BROADCAST_MAC, OUR_MAC, OURS, PEER, PEER_MAC, Peer, ip_of, mac_of

macs = st.binary(min_size=6, max_size=6)
PING = IP(src=PEER, dst=OURS) / ICMP() / b"0123456789abcdef"


@given(macs, macs, st.integers(0, 0xFFFF))
def test_header_round_trip_and_scapy(dst: bytes, src: bytes, ethertype: int) -> None:
    raw = emit(EthernetHeader(dst, src, ethertype))
    header = parse(raw + b"payload")
    assert header is not None
    assert (header.dst, header.src, header.ethertype) == (dst, src, ethertype)
    oracle = Ether(raw)
    assert (mac_of(oracle.dst), mac_of(oracle.src)) == (dst, src)


def test_a_header_needs_14_bytes() -> None:
    assert parse(bytes(13)) is None


@pytest.mark.parametrize("size", range(15))
def test_a_frame_needs_more_than_a_header(size: int) -> None:
    peer = Peer()
    peer.send(bytes(Ether(src=PEER_MAC, dst=OUR_MAC, type=0x0800))[:size])
    assert (peer.stack.stats.etharp.proterr, peer.stack.stats.etharp.drop) == (1, 1)
    peer.expect_drop("eth_short")
    peer.expect_no_leak()


@pytest.mark.parametrize("ethertype", [0x1234, 0x86DD, 0x88CC, 0x8100, 40])
def test_unknown_ethertype(ethertype: int) -> None:
    peer = Peer()
    peer.send(Ether(src=PEER_MAC, dst=OUR_MAC, type=ethertype) / bytes(50))
    peer.expect_drop("eth_type")
    peer.expect_no_leak()


def test_vlan_tag_is_an_unknown_type() -> None:
    peer = Peer()
    peer.send(Ether(src=PEER_MAC, dst=OUR_MAC) / Dot1Q(vlan=1) / PING)
    peer.expect_drop("eth_type")


@pytest.mark.parametrize("dst", [OUR_MAC, BROADCAST_MAC, "02:00:00:00:00:99", "01:00:5e:00:00:01"])
def test_destination_mac_is_not_looked_at(dst: str) -> None:
    peer = Peer()
    peer.send(PING, dst=dst)
    assert peer.reply()[ICMP].type == 0


def test_destination_mac_filter_can_be_had() -> None:
    peer = Peer(quirks_off=("destination_mac_ignored",))
    peer.send(PING, dst="02:00:00:00:00:99")
    peer.expect_drop("eth_not_ours")
    for dst in (OUR_MAC, BROADCAST_MAC, "01:00:5e:00:00:01"):
        peer.send(PING, dst=dst)
        assert peer.reply()[ICMP].type == 0
    peer.expect_no_leak()


def test_padding_of_a_short_frame_is_ignored() -> None:
    peer = Peer()
    got: list[bytes] = []
    pcb = peer.stack.udp.new()
    peer.stack.udp.bind(pcb, 0, 7)
    pcb.recv = lambda pcb, p, ip, port: (got.append(p.data), p.free())
    frame = bytes(Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER, dst=OURS) / UDP(sport=1, dport=7) / b"hi")
    peer.send(frame + bytes(60 - len(frame)))
    assert got == [b"hi"]


def test_our_frames_are_not_padded() -> None:
    peer = Peer()
    peer.send(ARP(op=1, hwsrc=PEER_MAC, psrc=PEER, pdst=OURS))
    assert len(peer.frames[0]) == 42
    reply = peer.reply()
    assert (reply.src, reply.dst, reply.type) == (OUR_MAC, PEER_MAC, 0x0806)


def test_a_frame_that_spans_several_buffers() -> None:
    peer = Peer("micropython", pbuf_pool_bufsize=100)
    peer.send(IP(src=PEER, dst=OURS) / ICMP(id=1, seq=2) / bytes(1000))
    reply = peer.reply()
    assert bytes(reply[ICMP].payload) == bytes(1000)
    peer.expect_no_leak()


def test_a_frame_without_buffers_is_lost() -> None:
    peer = Peer("micropython", pbuf_pool_size=2)
    assert peer.stack.mem.pbuf_pool.take(2)
    peer.send(PING)
    assert peer.stack.stats.link.memerr == peer.stack.stats.link.drop == 1
    peer.expect_drop("pbuf_pool")
    peer.stack.mem.pbuf_pool.give(2)
    peer.send(PING)
    assert peer.reply()[ICMP].type == 0


def test_the_drivers_refusal_reaches_the_caller() -> None:
    peer = Peer()
    peer.err = ERR_IF
    pcb = peer.stack.udp.new()
    assert peer.stack.udp.sendto(pcb, b"x", ip_of(PEER), 9) == ERR_IF
    assert peer.stack.stats.link.xmit == 0
    peer.err = 0
    assert peer.stack.udp.sendto(pcb, b"x", ip_of(PEER), 9) == 0
    assert peer.stack.stats.link.xmit == 1
