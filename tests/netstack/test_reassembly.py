"""Reassembly: any order, overlaps, limits, eviction and time-outs. Rows named F.. are those of the
malformed-packet catalogue.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP, fragment
from scapy.layers.l2 import ARP  # noqa: F401 - scapy binds its layers on import

from tests.netstack.peer import OURS, PEER, Peer, ip_of

PATTERN = bytes(i % 251 for i in range(70_000))


class Receiver(Peer):
    """A peer whose stack has a pcb on port 7; ``got`` is what that received."""

    def __init__(self, profile: str = "full", **options: object) -> None:
        super().__init__(profile, **options)
        self.got: list[bytes] = []
        udp = self.stack.udp
        pcb = udp.new()
        udp.bind(pcb, 0, 7)
        pcb.recv = lambda pcb, p, ip, port: (self.got.append(p.data), p.free())
        self._pools = self._used()


def pieces(size: int, ident: int = 77, step: int = 800, src: str = PEER, **fields: object) -> list[IP]:
    """A UDP datagram of ``size`` bytes to port 7 in fragments of ``step`` bytes."""
    return fragment(
        IP(src=src, dst=OURS, id=ident, **fields) / UDP(sport=5000, dport=7) / PATTERN[:size], step
    )


def piece(start: int, payload: bytes, last: bool, ident: int = 77, proto: int = 253, src: str = PEER) -> IP:
    """One fragment made by hand; ``start`` is a multiple of 8."""
    return IP(src=src, dst=OURS, id=ident, proto=proto, frag=start // 8, flags=0 if last else "MF") / payload


def payloads(peer: Peer, proto: int = 253) -> list[bytes]:
    """What a layer above gets from now on."""
    got: list[bytes] = []
    peer.stack.ipv4.handlers[proto] = lambda p, header: (got.append(p.data), p.free())
    return got


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)])
def test_any_order(order: tuple[int, ...]) -> None:
    """F1, F2."""
    peer = Receiver()
    parts = pieces(2000)
    for index in order:
        assert not peer.got
        peer.send(parts[index])
    assert peer.got == [PATTERN[:2000]]
    peer.expect_no_leak()


@given(st.integers(9, 12_000), st.sampled_from([8, 256, 800, 1480]), st.integers(0, 1000), st.integers(0, 2))
def test_shuffled_and_repeated_fragments(size: int, step: int, seed: int, repeat: int) -> None:
    peer = Receiver(ip_reass_max_pbufs=2000, pbuf_pool_size=3000)
    if step == 8:
        size = size % 600 + 9
    chance = random.Random(seed)
    parts = pieces(size, step=step)
    chance.shuffle(parts)
    for number, part in enumerate(parts):
        if number < len(parts) - 1:
            for _ in range(repeat + 1):
                peer.send(part)
        else:
            peer.send(part)
    assert peer.got == [PATTERN[:size]]
    peer.expect_no_leak()


def test_the_packet_that_comes_out() -> None:
    """The header is that of the first fragment, as if the packet had come whole."""
    peer = Peer()
    headers = []
    peer.stack.ipv4.handlers[253] = lambda p, header: (headers.append(header), p.free())
    peer.send(piece(16, b"B" * 8, True))
    first = piece(0, b"A" * 16, False)
    first.ttl, first.tos = 9, 0x20
    peer.send(first)
    (header,) = headers
    assert (header.total_len, header.fragment, header.ttl, header.tos, header.ident) == (44, 0, 9, 0x20, 77)
    whole = IP(header.packet)
    assert bytes(whole.payload) == b"A" * 16 + b"B" * 8
    built = bytes(whole)
    del whole.chksum
    assert bytes(whole) == built


def test_the_first_fragment_twice() -> None:
    """F3."""
    peer = Receiver()
    first, middle, last = pieces(2000)
    for part in (first, first, middle, middle, last):
        peer.send(part)
    assert peer.got == [PATTERN[:2000]]
    assert peer.stack.stats.drops == {"frag_overlap": 2}
    peer.expect_no_leak()


OVERLAPS = {
    "F4 inside the first": (8, 8),
    "F5 starts 8 bytes early": (8, 16),
    "same start": (0, 24),
    "covers the next": (16, 24),
    "reaches into the next": (16, 16),
}


@pytest.mark.parametrize(("start", "size"), OVERLAPS.values(), ids=OVERLAPS)
def test_an_overlapping_fragment_is_dropped_and_the_datagram_lives(start: int, size: int) -> None:
    peer = Peer()
    got = payloads(peer)
    peer.send(piece(0, b"A" * 16, False))
    peer.send(piece(24, b"C" * 8, True))
    peer.send(piece(start, b"X" * size, False))
    assert peer.stack.stats.ip_frag.drop == 1
    peer.expect_drop("frag_overlap")
    assert not got
    peer.send(piece(16, b"B" * 8, False))
    assert got == [b"A" * 16 + b"B" * 8 + b"C" * 8]
    peer.expect_no_leak()


def test_an_empty_fragment_takes_the_place_of_the_real_one() -> None:
    """F10: lwIP keeps it, and then drops what should stand there."""
    peer = Peer()
    got = payloads(peer)
    peer.send(piece(0, b"A" * 16, False))
    peer.send(piece(16, b"", False))
    peer.send(piece(16, b"B" * 8, True))
    peer.expect_drop("frag_overlap")
    assert not got
    peer.advance(ms=16_000)
    assert peer.reply()[ICMP].type == 11
    peer.expect_no_leak()


@pytest.mark.parametrize(
    ("start", "size", "last"), [(65528, 1000, True), (65528, 1000, False), (64000, 1516, True)]
)
def test_ping_of_death(start: int, size: int, last: bool) -> None:
    """F6: nothing ends behind 65535, and a last fragment leaves room for the header."""
    peer = Peer()
    peer.send(piece(start, bytes(size), last))
    peer.expect_drop("frag_too_long")
    assert peer.stack.mem.reassdata.used == 0
    peer.expect_no_leak()


def test_the_largest_datagram() -> None:
    peer = Receiver(ip_reass_max_pbufs=100)
    for part in pieces(65507, step=1480):
        peer.send(part)
    assert peer.got == [PATTERN[:65507]]
    peer.expect_no_leak()


@pytest.mark.parametrize("arrival", [0, 1, 500, 999, 1000])
def test_time_out_with_the_first_fragment_there(arrival: int) -> None:
    """F7: on the 16th tick after the first arrival, the sender hears of it, once."""
    peer = Receiver()
    peer.advance(ms=arrival)
    first = pieces(2000)[0]
    peer.send(first)
    due = arrival // 1000 * 1000 + 16_000
    peer.advance(ms=5000)
    peer.send(pieces(2000)[2])  # what comes later does not refresh it
    peer.advance(ms=due - peer.now - 1)
    peer.expect_nothing()
    peer.advance(ms=1)
    reply = peer.reply()
    assert (reply[IP].dst, reply[ICMP].type, reply[ICMP].code) == (PEER, 11, 1)
    assert bytes(reply[ICMP])[8:] == bytes(first)[:28]
    peer.expect_no_leak()
    peer.advance(ms=60_000)
    peer.expect_nothing()
    assert peer.stack.next_deadline() is None


def test_time_out_without_the_first_fragment() -> None:
    """F8."""
    peer = Receiver()
    for part in pieces(2000)[1:]:
        peer.send(part)
    peer.advance(ms=70_000)
    peer.expect_nothing()
    peer.expect_no_leak()
    assert peer.stack.stats.drops == {"frag_given_up": 2}
    assert peer.stack.stats.ip_frag.drop == 0, "lwIP counts none of them"


def test_maxage_is_an_option() -> None:
    peer = Receiver(ip_reass_maxage=2)
    peer.send(pieces(2000)[0])
    peer.advance(ms=2999)
    peer.expect_nothing()
    peer.advance(ms=1)
    assert peer.reply()[ICMP].type == 11


def test_without_icmp_nobody_hears_of_it() -> None:
    peer = Receiver(lwip_icmp=0)
    peer.send(pieces(2000)[0])
    peer.advance(ms=20_000)
    peer.expect_nothing()
    peer.expect_no_leak()


def test_a_fragment_whose_length_is_no_multiple_of_8() -> None:
    """F9: lwIP takes it; the next one then never fits."""
    peer = Peer()
    got = payloads(peer)
    peer.send(piece(0, b"A" * 20, False))
    peer.send(piece(24, b"B" * 8, True))
    assert not got
    peer.advance(ms=16_000)
    assert peer.reply()[ICMP].type == 11
    peer.expect_no_leak()


def test_a_syn_in_tiny_fragments_is_put_together() -> None:
    """F11, with buffers large enough; in the catalogue's build the header has to lie in the first buffer."""
    peer = Peer()
    got = payloads(peer, 6)
    peer.send(piece(0, b"\0" * 8, False, proto=6))
    peer.send(piece(8, b"\1" * 12, True, proto=6))
    assert got == [b"\0" * 8 + b"\1" * 12]


def test_not_a_fragment() -> None:
    """F12."""
    peer = Peer()
    peer.send(IP(src=PEER, dst=OURS, id=0) / ICMP())
    assert peer.reply()[ICMP].type == 0
    assert peer.stack.stats.ip_frag.recv == 0


def test_two_last_fragments() -> None:
    """F13: the datagram is complete when nothing is missing between those there; the later one's end is its
    length.
    """
    peer = Peer()
    headers = []
    peer.stack.ipv4.handlers[253] = lambda p, header: (
        headers.append((len(p.data), header.total_len)),
        p.free(),
    )
    peer.send(piece(16, b"B" * 8, True))
    peer.send(piece(24, b"C" * 8, True))
    peer.send(piece(0, b"A" * 16, False))
    assert headers == [(32, 52)]
    peer.send(piece(24, b"C" * 8, True))
    peer.send(piece(16, b"B" * 8, True))
    peer.send(piece(0, b"A" * 16, False))
    assert headers[1] == (32, 44)  # lwIP: the header says less than there is
    peer.expect_no_leak()


def test_df_with_mf() -> None:
    """F18."""
    peer = Receiver()
    for part in pieces(2000, flags="DF"):
        peer.send(part)
    assert peer.got == [PATTERN[:2000]]


def test_options_in_fragments() -> None:
    """F15."""
    peer = Receiver()
    for part in pieces(2000, options=b"\x01\x01\x01\x00"):
        peer.send(part)
    assert (peer.stack.stats.ip_frag.err, peer.stack.stats.ip_frag.drop) == (3, 3)
    peer.expect_drop("frag_options", 3)
    assert not peer.got
    peer.expect_no_leak()


def test_the_protocol_does_not_tell_datagrams_apart() -> None:
    """F17."""
    peer = Peer()
    got = payloads(peer)
    peer.send(piece(0, b"A" * 8, False, proto=253))
    peer.send(piece(8, b"B" * 8, True, proto=1))
    assert got == [b"A" * 8 + b"B" * 8]
    peer = Peer(quirks_off=("reassembly_ignores_protocol",))
    got = payloads(peer)
    peer.send(piece(0, b"A" * 8, False, proto=253))
    peer.send(piece(8, b"B" * 8, True, proto=1))
    assert not got
    peer.send(piece(8, b"C" * 8, True, proto=253))
    assert got == [b"A" * 8 + b"C" * 8]


def test_source_and_ident_tell_datagrams_apart() -> None:
    peer = Receiver()
    sets = [pieces(1000), pieces(1000, ident=78), pieces(1000, src="10.0.0.3")]
    for parts in zip(*sets, strict=True):
        for part in parts:
            peer.send(part)
    assert peer.got == [PATTERN[:1000]] * 3
    peer.expect_no_leak()


# Limits


def test_one_datagram_too_many_evicts_the_oldest() -> None:
    peer = Receiver("lwip-default")
    firsts = [pieces(1000, ident=ident, step=400)[0] for ident in range(6)]
    for number, first in enumerate(firsts):
        peer.advance(ms=1000)
        peer.send(first)
        if number < 5:
            peer.expect_nothing()
    reply = peer.reply()
    assert (reply[ICMP].type, reply[ICMP].code) == (11, 1)
    assert bytes(reply[ICMP])[8:] == bytes(firsts[0])[:28]
    assert peer.stack.mem.reassdata.err == 1
    peer.advance(ms=60_000)
    assert len(peer.replies()) == 5
    peer.expect_no_leak()


def test_of_equally_old_ones_the_first_goes() -> None:
    peer = Receiver("lwip-default")
    firsts = [pieces(1000, ident=ident, step=400)[0] for ident in range(7)]
    for first in firsts:
        peer.send(first)
    assert [bytes(reply[ICMP])[8:] for reply in peer.replies()] == [bytes(first)[:28] for first in firsts[:2]]


def test_eviction_without_first_fragment_is_silent() -> None:
    peer = Receiver("lwip-default")
    for ident in range(6):
        peer.send(pieces(1000, ident=ident, step=400)[1])
    peer.expect_nothing()
    assert peer.stack.mem.reassdata.used == 5
    assert peer.stack.stats.drops == {"frag_given_up": 1}


def test_the_budget_counts_buffers() -> None:
    """Ten buffers of 592: a fragment of 1480 takes three, so three of them and one small one fit."""
    peer = Receiver("lwip-default")
    for part in pieces(4990, step=1480):
        peer.send(part)
    assert peer.got == [PATTERN[:4990]]
    peer = Receiver("lwip-default")
    for part in pieces(4991, step=1480):
        peer.send(part)
    assert not peer.got
    assert peer.stack.stats.ip_frag.memerr == 1
    peer.expect_drop("frag_no_buffers")


@pytest.mark.parametrize(
    ("profile", "largest"), [("lwip-default", 4990), ("micropython", 7392), ("full", 14792)]
)
def test_the_largest_ping(profile: str, largest: int) -> None:
    """Measured on the real stack, with its ten buffers."""
    peer = Peer(profile, ip_reass_max_pbufs=10)
    for size, answered in ((largest, True), (largest + 1, False)):
        for part in fragment(IP(src=PEER, dst=OURS, id=size) / ICMP() / PATTERN[:size], 1480):
            peer.send(part)
        assert bool(peer.replies()) is answered


def test_a_fragment_that_needs_more_room_evicts_others() -> None:
    peer = Receiver("lwip-default")
    for ident in range(4):
        peer.send(pieces(3000, ident=ident, step=1480)[0])  # three buffers each
        peer.advance(ms=1000)
    assert bytes(peer.reply()[ICMP])[8:28] == bytes(pieces(3000, ident=0, step=1480)[0])[:20]
    assert peer.stack.ipv4.reassembly.buffers == 9


def test_its_own_datagram_is_never_evicted() -> None:
    peer = Receiver("lwip-default")
    parts = pieces(6000, step=1480)
    for part in parts[:4]:
        peer.send(part)
    assert peer.stack.ipv4.reassembly.buffers == 9
    peer.expect_drop("frag_no_buffers")
    peer.advance(ms=16_000)
    assert peer.reply()[ICMP].type == 11
    peer.expect_no_leak()


def test_a_hundred_incomplete_ones_then_a_good_one() -> None:
    """F14."""
    peer = Receiver()
    for ident in range(100):
        peer.send(pieces(3000, ident=ident)[0])
    assert peer.stack.mem.reassdata.used == 5
    for part in pieces(3000, ident=999):
        peer.send(part)
    assert peer.got == [PATTERN[:3000]]
    peer.advance(ms=20_000)
    peer.expect_no_leak()


def test_many_tiny_fragments_meet_the_limit() -> None:
    """F16: 40 fragments are more than ten buffers."""
    peer = Receiver("micropython")
    for part in pieces(40 * 56, step=56):
        peer.send(part)
    assert not peer.got
    assert peer.stack.ipv4.reassembly.buffers == 10
    peer.advance(ms=20_000)
    peer.expect_no_leak()


def test_no_reassembly_data_at_all() -> None:
    peer = Receiver(memp_num_reassdata=0)
    peer.send(pieces(2000)[0])
    assert (peer.stack.stats.ip_frag.memerr, peer.stack.stats.ip_frag.drop) == (1, 1)
    peer.expect_drop("frag_no_datagram")
    peer.expect_no_leak()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 12), st.integers(0, 40), st.booleans(), st.integers(0, 4000)
        ),
        max_size=40,
    )
)
def test_any_fragments_are_survived(fragments: list[tuple[int, int, int, bool, int]]) -> None:
    peer = Peer("lwip-default")
    payloads(peer)
    for ident, block, size, last, pause in fragments:
        peer.send(piece(block * 8, b"x" * size, last, ident=ident))
        peer.advance(ms=pause)
        assert peer.stack.ipv4.reassembly.buffers <= 10
        assert peer.stack.mem.reassdata.used <= 5
    peer.advance(ms=20_000)
    assert peer.stack.ipv4.reassembly.buffers == 0
    peer.expect_no_leak()


def test_the_quoted_source_is_told() -> None:
    peer = Receiver()
    peer.stack.arp.add_static(ip_of("10.0.0.3"), b"\x02\0\0\0\0\x03")
    peer.send(pieces(2000, src="10.0.0.3")[0])
    peer.advance(ms=16_000)
    assert peer.reply()[IP].dst == "10.0.0.3"
