"""Fragmentation: sizes, flags, memory, and failures in the middle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP, defragment
from scapy.layers.l2 import ARP

from netstack.errors import ERR_MEM, ERR_OK, ERR_VAL
from tests.netstack.peer import OURS, PEER, PEER_MAC, Peer, ip_of


def send(peer: Peer, size: int, ip: str = PEER) -> int:
    """A datagram of ``size`` bytes that count up."""
    udp = peer.stack.udp
    pcb = udp.new()
    udp.bind(pcb, 0, 7)
    err = udp.sendto(pcb, bytes(i % 251 for i in range(size)), ip_of(ip), 9)
    udp.remove(pcb)
    return err


def shape(peer: Peer) -> list[tuple[int, int, bool]]:
    """(offset, payload length, more fragments) of each packet sent since the last look."""
    return [(f[IP].frag * 8, f[IP].len - 20, bool(f[IP].flags.MF)) for f in peer.replies()]


@pytest.mark.parametrize(
    ("mtu", "size", "expected"),
    [
        (1500, 1472, [(0, 1480, False)]),
        (1500, 1473, [(0, 1480, True), (1480, 1, False)]),
        (1500, 4000, [(0, 1480, True), (1480, 1480, True), (2960, 1048, False)]),
        (576, 548, [(0, 552, True), (552, 4, False)]),
        (576, 1000, [(0, 552, True), (552, 456, False)]),
        (68, 100, [(0, 48, True), (48, 48, True), (96, 12, False)]),
        (28, 9, [(0, 8, True), (8, 8, True), (16, 1, False)]),
    ],
)
def test_shapes(mtu: int, size: int, expected: list[tuple[int, int, bool]]) -> None:
    peer = Peer()
    peer.stack.netif.mtu = mtu
    assert send(peer, size) == ERR_OK
    if mtu == 576 and size == 548:
        expected = [(0, 556, False)]  # 556 bytes fit the MTU
    assert shape(peer) == expected
    peer.expect_no_leak()


def test_mf_is_clear_too_early_where_the_mtu_leaves_no_multiple_of_8() -> None:
    """MTU 577: 557 bytes fit, but a fragment carries 552; what is left, 555, counts as the last and still
    takes two.
    """
    peer = Peer()
    peer.stack.netif.mtu = 577
    send(peer, 552 + 555 - 8)
    assert shape(peer) == [(0, 552, True), (552, 552, False), (1104, 3, False)]
    peer = Peer(quirks_off=("fragment_mf_cleared_early",))
    peer.stack.netif.mtu = 577
    send(peer, 552 + 555 - 8)
    assert shape(peer) == [(0, 552, True), (552, 552, True), (1104, 3, False)]


@given(st.sampled_from([68, 100, 576, 1006, 1500]), st.integers(0, 9000))
def test_scapy_puts_it_together_again(mtu: int, size: int) -> None:
    peer = Peer(quirks_off=("fragment_mf_cleared_early",))
    peer.stack.netif.mtu = mtu
    assert send(peer, size) == ERR_OK
    frames = peer.replies()
    assert all(len(frame) <= mtu + 14 for frame in frames)
    assert len({frame[IP].id for frame in frames}) == 1
    whole = defragment(frames)
    assert len(whole) == 1
    payload = bytes(IP(bytes(whole[0][IP]))[UDP].payload) if size else b""
    assert payload == bytes(i % 251 for i in range(size))
    peer.expect_no_leak()


def test_headers_of_fragments() -> None:
    peer = Peer()
    packet = bytes(IP(src=OURS, dst=PEER, id=7, tos=0x10, ttl=33, proto=253, flags="DF") / bytes(2000))
    assert peer.stack.ipv4.output_packet(packet, None) == ERR_OK
    for frame in peer.replies():
        ip = frame[IP]
        assert (ip.id, ip.tos, ip.ttl, ip.proto, ip.src, ip.dst) == (7, 0x10, 33, 253, OURS, PEER)
        assert not ip.flags.DF  # lwIP: fragments have none, though the packet had
        built = bytes(ip)
        del ip.chksum
        assert bytes(ip) == built


def test_a_fragment_may_be_fragmented() -> None:
    peer = Peer()
    packet = bytes(IP(src=OURS, dst=PEER, proto=253, flags="MF", frag=100) / bytes(2000))
    assert peer.stack.ipv4.output_packet(packet, None) == ERR_OK
    assert shape(peer) == [(800, 1480, True), (2280, 520, True)]


def test_packets_with_options_are_not_fragmented() -> None:
    peer = Peer()
    err = peer.stack.ipv4.output(bytes(2000), 0, ip_of(PEER), 255, 0, 253, None, options=b"\x94\x04\0\0")
    assert err == ERR_VAL
    peer.expect_nothing()


def test_an_mtu_of_0_is_none() -> None:
    peer = Peer()
    peer.stack.netif.mtu = 0
    assert send(peer, 2000) == ERR_OK
    assert shape(peer) == [(0, 2008, False)]


@pytest.mark.parametrize("mtu", [1, 19, 20, 27])
def test_an_mtu_without_room_for_data(mtu: int) -> None:
    """lwIP loops for ever (or divides a negative number); we refuse."""
    peer = Peer()
    peer.stack.netif.mtu = mtu
    assert send(peer, 100) == ERR_VAL
    peer.expect_nothing()
    peer.expect_no_leak()


def test_without_heap_in_the_middle_the_first_ones_are_on_their_way() -> None:
    peer = Peer("micropython", known=False, lwip_netif_tx_single_pbuf=1)
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole() - 6000)  # the datagram (3080) and one fragment (1540) fit
    assert send(peer, 3000) == ERR_MEM
    assert heap.err == 1
    assert peer.reply()[ARP].pdst == PEER
    peer.send(ARP(op=2, hwsrc=PEER_MAC, psrc=PEER, pdst=OURS))
    assert shape(peer) == [(0, 1480, True)]
    heap.free(hog)
    peer.expect_no_leak()


def test_a_fragment_that_cannot_wait_is_lost_without_a_word() -> None:
    peer = Peer("full", known=False, mem_size=8000)
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole() - 6000)
    assert send(peer, 3000) == ERR_OK
    assert peer.stack.stats.etharp.memerr == 1
    peer.replies()
    peer.send(ARP(op=2, hwsrc=PEER_MAC, psrc=PEER, pdst=OURS))
    assert shape(peer) == [(0, 1480, True), (2960, 48, False)]
    heap.free(hog)
    peer.expect_no_leak()


def test_fragments_that_wait_for_arp_are_copied() -> None:
    peer = Peer("full", known=False)
    send(peer, 4000)
    assert peer.reply()[ARP].pdst == PEER
    mem = peer.stack.mem
    assert (mem.arp_queue.used, mem.frag_pbuf.used) == (3, 0)
    assert mem.heap.used > 4000
    peer.send(ARP(op=2, hwsrc=PEER_MAC, psrc=PEER, pdst=OURS))
    assert shape(peer) == [(0, 1480, True), (1480, 1480, True), (2960, 1048, False)]
    peer.expect_no_leak()


def test_without_frag_pbufs() -> None:
    peer = Peer()
    pool = peer.stack.mem.frag_pbuf
    assert pool.take(pool.size)
    assert send(peer, 2000) == ERR_MEM
    peer.expect_nothing()
    assert pool.err == 1
    pool.give(pool.size)
    peer.expect_no_leak()


def test_each_buffer_a_fragment_points_into_takes_a_frag_pbuf() -> None:
    peer = Peer()
    packet = bytes(IP(src=OURS, dst=PEER, proto=253) / bytes(3000))
    peer.stack.ipv4.output_packet(packet, None, [20, 600, 0, 900, 1500])
    assert peer.stack.mem.frag_pbuf.max == 2  # 600 + 880 of 900; then 20 + 1460; then 40
    assert shape(peer) == [(0, 1480, True), (1480, 1480, True), (2960, 40, False)]


def test_the_drivers_refusal_is_not_asked_for() -> None:
    peer = Peer()
    peer.err = ERR_MEM
    assert send(peer, 2000) == ERR_OK
    assert len(peer.frames) == 2
    assert peer.stack.stats.ip_frag.xmit == 2


def test_single_pbuf_builds_need_no_frag_pbufs() -> None:
    peer = Peer(lwip_netif_tx_single_pbuf=1)
    assert send(peer, 4000) == ERR_OK
    assert len(peer.replies()) == 3
    assert peer.stack.mem.frag_pbuf.max == 0
    peer.expect_no_leak()


def test_without_heap_for_the_header_of_a_fragment() -> None:
    peer = Peer("micropython")
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole() - 2100)  # the datagram fits, a header of 60 beside it does not
    assert send(peer, 2000) == ERR_MEM
    peer.expect_nothing()
    heap.free(hog)
    peer.expect_no_leak()
