"""ICMP: pings answered, errors sent, and all that is ignored. Rows named C.. are those of the
malformed-packet catalogue.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP, defragment, fragment
from scapy.layers.l2 import ARP

from netstack.icmp import IcmpMessage, emit, parse
from tests.netstack.peer import OUR_MAC, OURS, PEER, PEER_MAC, Peer, ip_of

DATA = b"0123456789abcdef"


def ping(data: bytes = DATA, *, ident: int = 7, seq: int = 1, code: int = 0, **fields: object) -> IP:
    return IP(**{"src": PEER, "dst": OURS, **fields}) / ICMP(type=8, code=code, id=ident, seq=seq) / data


@given(
    st.sampled_from([0, 3, 4, 8, 11, 12]),
    st.integers(0, 255),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=40),
)
def test_round_trip_and_scapy(kind: int, code: int, rest: int, data: bytes) -> None:
    raw = emit(IcmpMessage(kind, code, rest, data))
    message = parse(raw)
    assert message is not None
    assert (message.type, message.code, message.rest, message.data) == (kind, code, rest, data)
    oracle = ICMP(raw)
    assert (oracle.type, oracle.code) == (kind, code)
    del oracle.chksum
    rebuilt = bytes(oracle)
    # where the sum is 0 both 0 and 0xFFFF are right
    assert rebuilt == raw or {rebuilt[2:4], raw[2:4]} == {b"\0\0", b"\xff\xff"}


def test_a_message_needs_8_bytes() -> None:
    assert parse(bytes(7)) is None


# Ping


@pytest.mark.parametrize("size", [0, 1, 8, 56, 500, 1472])
def test_echo(size: int) -> None:
    peer = Peer()
    data = bytes(i % 251 for i in range(size))
    peer.send(ping(data, ident=0x1234, seq=size))
    frame = peer.reply()
    ip, icmp = frame[IP], frame[ICMP]
    assert (frame.dst, ip.src, ip.dst, ip.ttl) == (PEER_MAC, OURS, PEER, 255)
    assert (icmp.type, icmp.code, icmp.id, icmp.seq) == (0, 0, 0x1234, size)
    assert bytes(icmp.payload)[:size] == data
    assert frame[IP].len == 28 + size
    raw = bytes(ip)
    del ip.chksum, icmp.chksum
    assert bytes(ip) == raw  # both checksums are right
    assert (peer.stack.stats.icmp.recv, peer.stack.stats.icmp.xmit) == (1, 1)
    peer.expect_no_leak()


@given(st.binary(max_size=64), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 255))
def test_the_patched_checksum_is_right(data: bytes, ident: int, seq: int, code: int) -> None:
    peer = Peer()
    peer.send(ping(data, ident=ident, seq=seq, code=code))
    raw = peer.frames[0][34:]
    total = sum(int.from_bytes(raw[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, len(raw), 2))
    assert total % 0xFFFF == 0


def test_the_reply_keeps_the_requests_header() -> None:
    """IP id, TOS, DF and options; and C4: the code. Only the TTL is ours."""
    peer = Peer()
    peer.send(ping(id=777, tos=0x10, ttl=3, flags="DF", options=b"\x07\x07\x04\0\0\0\0\0", code=5))
    frame = peer.reply()
    ip = frame[IP]
    assert (ip.id, ip.tos, ip.ttl, ip.flags.DF, ip.ihl) == (777, 0x10, 255, True, 7)
    assert bytes(ip)[20:28] == b"\x07\x07\x04\0\0\0\0\0"
    assert frame[ICMP].code == 5


def test_a_reply_with_a_header_of_its_own_can_be_had() -> None:
    peer = Peer(quirks_off=("echo_reply_keeps_header",))
    peer.send(ping(id=777, tos=0x10, flags="DF", options=b"\x01\x01\x01\x00", code=5))
    frame = peer.reply()
    ip = frame[IP]
    assert (ip.id, ip.tos, bool(ip.flags.DF), ip.ihl) == (0, 0, False, 5)
    assert (frame[ICMP].type, frame[ICMP].code, frame[ICMP].id, bytes(frame[ICMP].payload)[:16]) == (
        0,
        0,
        7,
        DATA,
    )
    assert peer.stack.mem.heap.max > 0
    peer.expect_no_leak()


def test_replies_use_no_ident() -> None:
    peer = Peer()
    peer.send(ping(id=777))
    peer.replies()
    peer.send(IP(src=PEER, dst=OURS) / UDP(dport=99))
    assert peer.reply()[IP].id == 0


def test_icmp_ttl_is_an_option() -> None:
    peer = Peer(icmp_ttl=64)
    peer.send(ping())
    assert peer.reply()[IP].ttl == 64
    peer.send(IP(src=PEER, dst=OURS) / UDP(dport=99))
    assert peer.reply()[IP].ttl == 64


def test_the_reply_goes_where_arp_says_not_where_the_frame_came_from() -> None:
    peer = Peer()
    peer.send(ping(), src="02:00:00:00:00:66")
    assert peer.reply().dst == PEER_MAC


def test_a_ping_needs_no_heap() -> None:
    peer = Peer()
    peer.send(ping(bytes(1400)))
    assert peer.reply()[ICMP].type == 0
    assert peer.stack.mem.heap.max == 0


def test_with_a_longer_link_header_it_is_copied() -> None:
    """The receive buffer has no room in front for the header lwIP thinks of."""
    peer = Peer(pbuf_link_hlen=32)
    peer.send(ping())
    assert bytes(peer.reply()[ICMP].payload)[:16] == DATA
    assert peer.stack.mem.heap.max > 0
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    peer.send(ping())
    assert peer.stack.stats.icmp.err == 1
    peer.expect_drop("icmp_no_memory")
    heap.free(hog)
    peer.expect_no_leak()


def test_a_reply_that_waits_for_arp_holds_its_receive_buffers() -> None:
    peer = Peer("micropython", known=False)
    pool = peer.stack.mem.pbuf_pool
    peer.send(ping(bytes(1400)))
    assert peer.reply()[ARP].pdst == PEER
    assert pool.used == 2
    peer.send(ping(b"newer"))  # the newest survives
    assert pool.used == 1
    peer.send(ARP(op=2, hwsrc=PEER_MAC, psrc=PEER, pdst=OURS))
    assert bytes(peer.reply()[ICMP].payload)[:5] == b"newer"
    peer.expect_no_leak()


def test_a_reply_that_waited_in_vain_gives_them_back() -> None:
    peer = Peer("micropython", known=False)
    peer.send(ping())
    peer.advance(ms=10_000)
    peer.expect_no_leak()


def test_a_long_ping_is_answered_in_fragments() -> None:
    peer = Peer("micropython")
    data = bytes(i % 251 for i in range(5000))
    for part in fragment(ping(data, flags="DF"), 1480):
        peer.send(part)
    frames = peer.replies()
    assert [frame[IP].frag for frame in frames] == [0, 185, 370, 555]
    whole = IP(bytes(defragment(frames)[0][IP]))
    assert bytes(whole[ICMP].payload) == data
    assert peer.stack.mem.frag_pbuf.max == 2  # each fragment points into two receive buffers
    peer.expect_no_leak()


@pytest.mark.parametrize("dst", ["10.0.0.255", "255.255.255.255", "0.0.0.0", "224.0.0.1"])
def test_pings_to_many_are_not_answered(dst: str) -> None:
    """I22 to I24."""
    peer = Peer()
    peer.send(ping(dst=dst))
    assert peer.stack.stats.icmp.err == 1
    peer.expect_drop("icmp_group_ping")
    peer.expect_no_leak()


@pytest.mark.parametrize(
    ("dst", "option"),
    [
        ("10.0.0.255", "lwip_broadcast_ping"),
        ("255.255.255.255", "lwip_broadcast_ping"),
        ("224.0.0.1", "lwip_multicast_ping"),
    ],
)
def test_unless_the_build_says_so(dst: str, option: str) -> None:
    peer = Peer(**{option: 1})
    peer.send(ping(dst=dst))
    frame = peer.reply()
    assert (frame[IP].src, frame[ICMP].type) == (OURS, 0)


def icmp_bytes(raw: bytes) -> IP:
    return IP(src=PEER, dst=OURS, proto=1) / raw


@pytest.mark.parametrize(
    ("raw", "reason", "counter"),
    [
        (b"", "icmp_short", "lenerr"),
        (b"\x08\0\0", "icmp_short", "lenerr"),  # C1
        (b"\x08\0\xf7\xff", "icmp_short", "lenerr"),
        (b"\x08\0\xf7\xff\0\0", "icmp_short", "lenerr"),  # C2
        (b"\x08\0\x12\x34\0\x01\0\x01", "icmp_checksum", "chkerr"),  # C3
        (b"\x2a\0\0\0", "icmp_type", "proterr"),  # C6
    ],
)
def test_malformed(raw: bytes, reason: str, counter: str) -> None:
    peer = Peer()
    peer.send(icmp_bytes(raw))
    assert getattr(peer.stack.stats.icmp, counter) == 1
    peer.expect_drop(reason)
    peer.expect_no_leak()


QUOTE = IP(src=OURS, dst=PEER) / UDP(sport=7, dport=9)
IGNORED = {
    "C7 timestamp request": ICMP(type=13),
    "C8 mask request": ICMP(type=17),
    "C9 mask reply": ICMP(type=18),
    "C10 redirect": ICMP(type=5, code=1, gw="10.0.0.66") / QUOTE,
    "C11 unreachable, quote of 4 bytes": ICMP(type=3, code=3) / b"\x45\0\0\x1c",
    "C12 unreachable, quoted header of 60 bytes": ICMP(type=3, code=3) / (b"\x4f" + bytes(QUOTE)[1:]),
    "C13 port unreachable": ICMP(type=3, code=3) / QUOTE,
    "C15 fragmentation needed": ICMP(type=3, code=4, nexthopmtu=68) / QUOTE,
    "C16 fragmentation needed, MTU 0": ICMP(type=3, code=4, nexthopmtu=0) / QUOTE,
    "C17 source quench": ICMP(type=4) / QUOTE,
    "C18 time exceeded": ICMP(type=11) / QUOTE,
    "C19 parameter problem": ICMP(type=12) / QUOTE,
    "C23 router advertisement": ICMP(type=9),
}


@pytest.mark.parametrize("message", IGNORED.values(), ids=IGNORED)
def test_ignored(message: ICMP) -> None:
    peer = Peer()
    peer.send(IP(src=PEER, dst=OURS) / message)
    assert (peer.stack.stats.icmp.proterr, peer.stack.stats.icmp.drop) == (1, 1)
    peer.expect_drop("icmp_type")
    peer.expect_no_leak()


def test_an_echo_reply_is_nobodys() -> None:
    """C5."""
    peer = Peer()
    peer.send(IP(src=PEER, dst=OURS) / ICMP(type=0))
    peer.expect_nothing()
    assert not peer.stack.stats.drops
    peer.expect_no_leak()


def test_a_redirect_changes_no_route() -> None:
    peer = Peer()
    peer.send(IP(src="10.0.0.254", dst=OURS) / ICMP(type=5, code=1, gw="10.0.0.66") / QUOTE)
    udp = peer.stack.udp
    udp.sendto(udp.new(), b"x", ip_of("192.0.2.1"), 9)
    assert peer.reply()[ARP].pdst == "10.0.0.254"


# Errors


def closed(size: int = 40, **fields: object) -> IP:
    return IP(**{"src": PEER, "dst": OURS, **fields}) / UDP(sport=1000, dport=99) / bytes(size)


def test_an_error_quotes_28_bytes() -> None:
    peer = Peer()
    packet = closed()
    peer.send(packet)
    frame = peer.reply()
    ip, icmp = frame[IP], frame[ICMP]
    assert (len(frame), ip.len, ip.ttl, ip.tos, ip.id, int(ip.flags)) == (70, 56, 255, 0, 0, 0)
    assert (ip.src, ip.dst, icmp.type, icmp.code) == (OURS, PEER, 3, 3)
    assert bytes(icmp)[4:] == bytes(4) + bytes(packet)[:28]
    raw = bytes(frame)
    del icmp.chksum
    assert bytes(frame) == raw
    assert peer.stack.stats.icmp.xmit == 1
    peer.expect_no_leak()


@pytest.mark.parametrize("size", range(10))
def test_a_short_packet_is_quoted_as_far_as_it_goes(size: int) -> None:
    peer = Peer()
    packet = IP(src=PEER, dst=OURS, proto=253) / bytes(range(size))
    peer.send(packet)
    assert bytes(peer.reply()[ICMP])[8:] == bytes(packet)[:28]


def test_with_options_still_28_bytes() -> None:
    """U14: the ports are not in the quote any more."""
    peer = Peer()
    packet = closed(options=b"\x01" * 39 + b"\0")
    peer.send(packet)
    assert bytes(peer.reply()[ICMP])[8:] == bytes(packet)[:28]


def test_errors_have_no_limit() -> None:
    peer = Peer()
    for _ in range(100):
        peer.send(closed())
    assert [frame[IP].id for frame in peer.replies()] == list(range(100))
    peer.expect_no_leak()


def test_an_error_to_nowhere_is_broadcast() -> None:
    peer = Peer()
    peer.send(closed(src="0.0.0.0"))
    frame = peer.reply()
    assert (frame.dst, frame[IP].dst) == ("ff:ff:ff:ff:ff:ff", "0.0.0.0")


def test_no_route_no_error() -> None:
    peer = Peer()
    peer.send(closed(src="127.0.0.1"))
    peer.expect_nothing()
    assert peer.stack.stats.icmp.xmit == 0
    peer.expect_no_leak()


def test_no_heap_no_error() -> None:
    peer = Peer("micropython")
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    peer.send(closed())
    peer.expect_nothing()
    assert heap.err == 1
    heap.free(hog)
    peer.send(closed())
    assert peer.reply()[ICMP].code == 3
    peer.expect_no_leak()


def test_the_heap_an_error_takes() -> None:
    peer = Peer("micropython", known=False)
    peer.send(closed())
    assert peer.stack.mem.heap.used == 96  # while it waits for ARP
    peer.advance(ms=10_000)
    peer.expect_no_leak()


def test_without_icmp_there_is_none() -> None:
    peer = Peer(lwip_icmp=0)
    peer.send(ping())
    peer.send(closed())
    peer.expect_nothing()
    assert peer.stack.stats.drops == {"ip_protocol": 1, "udp_no_port": 1}
    peer.expect_no_leak()


@given(st.binary(max_size=64))
def test_any_message_is_survived(raw: bytes) -> None:
    peer = Peer()
    peer.send(icmp_bytes(raw))
    assert len(peer.frames) <= 1
    peer.expect_no_leak()


def test_frames_in_frames() -> None:
    """A ping in a frame to our MAC from a source that is ours goes back the same way."""
    peer = Peer()
    peer.send(ping(), src=OUR_MAC)
    assert peer.reply().dst == PEER_MAC


# With RFC 1122's ways instead of lwIP's


def test_errors_can_be_limited() -> None:
    peer = Peer(quirks_off=("no_rate_limits",))
    peer.advance(ms=5000)
    for _ in range(30):
        peer.send(closed())
    assert len(peer.replies()) == 10
    peer.advance(ms=99)
    peer.send(closed())
    peer.expect_nothing()
    peer.advance(ms=1)
    for _ in range(3):
        peer.send(closed())
    assert len(peer.replies()) == 1
    peer.advance(ms=10_000)
    for _ in range(30):
        peer.send(closed())
    assert len(peer.replies()) == 10


def connected(peer: Peer) -> list[tuple[int, int]]:
    """A pcb that has sent from port 7 to port 9; the errors it hears of."""
    heard: list[tuple[int, int]] = []
    udp = peer.stack.udp
    pcb = udp.new()
    udp.bind(pcb, 0, 7)
    udp.connect(pcb, ip_of(PEER), 9)
    pcb.error = lambda pcb, kind, code: heard.append((kind, code))
    udp.send(pcb, DATA)
    return heard


@pytest.mark.parametrize(("kind", "code"), [(3, 3), (3, 1), (11, 0), (12, 0), (4, 0)])
def test_errors_can_reach_the_pcb_that_caused_them(kind: int, code: int) -> None:
    peer = Peer(quirks_off=("icmp_errors_ignored",))
    heard = connected(peer)
    sent = bytes(peer.reply()[IP])
    peer.send(IP(src=PEER, dst=OURS) / ICMP(type=kind, code=code) / sent[:28])
    assert heard == [(kind, code)]
    assert not peer.stack.stats.drops
    other = bytearray(sent[:28])
    other[21] ^= 1  # another port
    peer.send(IP(src=PEER, dst=OURS) / ICMP(type=kind, code=code) / bytes(other))
    assert heard == [(kind, code)]
    peer = Peer()
    heard = connected(peer)
    sent = bytes(peer.reply()[IP])
    peer.send(IP(src=PEER, dst=OURS) / ICMP(type=kind, code=code) / sent[:28])
    assert not heard


@pytest.mark.parametrize(
    "quote",
    [
        b"",
        b"\x45\0\0\x1c",
        b"\x4f" + bytes(QUOTE)[1:],
        bytes(IP(src=PEER, dst=OURS) / UDP()),
        bytes(IP(src=OURS, dst=PEER, proto=17)),
        bytes(IP(src=OURS, dst=PEER, proto=200)) + bytes(8),
    ],
    ids=["none", "4 bytes", "header of 60", "not ours", "no ports", "unknown protocol"],
)
def test_quotes_that_name_nobody(quote: bytes) -> None:
    peer = Peer(quirks_off=("icmp_errors_ignored",))
    heard = connected(peer)
    peer.frames.clear()
    peer.send(IP(src=PEER, dst=OURS) / ICMP(type=3, code=3) / quote)
    peer.expect_nothing()
    assert not heard
    assert peer.stack.mem.pbuf_pool.used == 0


def test_redirects_stay_ignored() -> None:
    peer = Peer(quirks_off=("icmp_errors_ignored",))
    heard = connected(peer)
    sent = bytes(peer.reply()[IP])
    peer.send(IP(src=PEER, dst=OURS) / ICMP(type=5, code=1) / sent[:28])
    peer.expect_drop("icmp_type")
    assert not heard


def test_a_reply_with_a_header_of_its_own_needs_heap() -> None:
    peer = Peer("micropython", quirks_off=("echo_reply_keeps_header",))
    heap = peer.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    peer.send(ping())
    peer.expect_nothing()
    heap.free(hog)
    peer.expect_no_leak()
