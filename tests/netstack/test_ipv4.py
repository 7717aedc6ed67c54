"""IPv4: the checks on input in lwIP's order, routes, headers. Rows named I.. are those of the
malformed-packet catalogue.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Ether

from netstack.errors import ERR_BUF, ERR_OK, ERR_RTE, ERR_VAL
from tests.netstack.peer import BROADCAST_MAC, OUR_MAC, OURS, PEER, PEER_MAC, Peer, ip_of

DATA = b"0123456789abcdef"
RAW_PAYLOAD = 253  # RFC 3692: for experiments


def ping(**fields: object) -> IP:
    return IP(**{"src": PEER, "dst": OURS, **fields}) / ICMP(id=7, seq=1) / DATA


def handler(peer: Peer, protocol: int = RAW_PAYLOAD) -> list[tuple[bytes, object]]:
    """Registers a layer above; what it got, as (payload, header)."""
    got: list[tuple[bytes, object]] = []
    peer.stack.ipv4.handlers[protocol] = lambda p, header: (got.append((p.data, header)), p.free())
    return got


# Input


def test_a_handler_gets_payload_and_header() -> None:
    peer = Peer()
    got = handler(peer)
    packet = IP(src=PEER, dst=OURS, proto=RAW_PAYLOAD, ttl=3, tos=0x10, id=77, flags="DF") / DATA
    peer.send(packet)
    ((payload, header),) = got
    assert payload == DATA
    assert (header.src, header.dst, header.proto, header.ttl) == (ip_of(PEER), ip_of(OURS), RAW_PAYLOAD, 3)
    assert (header.tos, header.ident, header.header_len, header.total_len) == (0x10, 77, 20, 36)
    assert header.packet == bytes(packet)
    assert peer.stack.stats.ip.recv == 1
    peer.expect_no_leak()


def damaged(packet: IP, at: int, value: bytes, *, checksum: bool = True) -> bytes:
    """The packet with bytes changed, and a right checksum for them unless told otherwise."""
    raw = bytearray(bytes(packet))
    raw[at : at + len(value)] = value
    if checksum:
        size = max((raw[0] & 15) * 4, 20)
        raw[10:12] = b"\0\0"
        total = sum(int.from_bytes(raw[i : i + 2], "big") for i in range(0, size, 2))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        raw[10:12] = (~total & 0xFFFF).to_bytes(2, "big")
    return bytes(raw)


MALFORMED = {
    "I1 version 6": (damaged(ping(), 0, b"\x65"), "ip_version", "err"),
    "I2 version 0": (damaged(ping(), 0, b"\x05"), "ip_version", "err"),
    "I3 header of 16 bytes": (damaged(ping(), 0, b"\x44"), "ip_length", "lenerr"),
    "I4 header of 0 bytes": (damaged(ping(), 0, b"\x40"), "ip_length", "lenerr"),
    "I5 header of 60 bytes": (damaged(ping(), 0, b"\x4f")[:28], "ip_length", "lenerr"),
    "header longer than the packet": (damaged(ping() / bytes(60), 0, b"\x4f\0\0\x20"), "ip_length", "lenerr"),
    "I6 total length 10": (damaged(ping(), 2, b"\0\x0a"), "ip_length", "lenerr"),
    "I7 total length 0": (damaged(ping(), 2, b"\0\0"), "ip_length", "lenerr"),
    "total length 19": (damaged(ping(), 2, b"\0\x13"), "ip_length", "lenerr"),
    "I8 total length too long": (damaged(ping(), 2, b"\x01\xf4"), "ip_length", "lenerr"),
    "I10 wrong checksum": (damaged(ping(), 8, b"\x21", checksum=False), "ip_checksum", "chkerr"),
    "one byte": (b"\x45", "ip_length", "lenerr"),
    "one byte of version 6": (b"\x60", "ip_version", "err"),
    "19 bytes": (bytes(ping())[:19], "ip_length", "lenerr"),
    "total length within the header": (
        damaged(ping(options=b"\x01" * 8), 2, b"\0\x18"),
        "ip_length",
        "lenerr",
    ),
}


@pytest.mark.parametrize(("packet", "reason", "counter"), MALFORMED.values(), ids=MALFORMED)
def test_malformed(packet: bytes, reason: str, counter: str) -> None:
    peer = Peer()
    peer.send(Ether(src=PEER_MAC, dst=OUR_MAC, type=0x0800) / packet)
    assert (getattr(peer.stack.stats.ip, counter), peer.stack.stats.ip.drop) == (1, 1)
    peer.expect_drop(reason)
    peer.expect_no_leak()


def test_the_header_must_lie_in_the_first_buffer() -> None:
    peer = Peer(pbuf_pool_bufsize=36)
    got = handler(peer)
    for count in (2, 4, 8):
        peer.send(IP(src=PEER, dst=OURS, proto=RAW_PAYLOAD, options=b"\x01" * count) / DATA)
    peer.expect_drop("ip_length", 3)
    peer.send(IP(src=PEER, dst=OURS, proto=RAW_PAYLOAD) / DATA)
    assert [payload for payload, _ in got] == [DATA]
    peer.expect_no_leak()


ACCEPTED = {
    "I11 TTL 0": {"ttl": 0},
    "I12 TTL 1": {"ttl": 1},
    "I15 source 127.0.0.1": {"src": "127.0.0.1"},
    "I17 source 0.0.0.0": {"src": "0.0.0.0"},
    "I19 source of class E": {"src": "240.0.0.1"},
    "I25 reserved flag": {"flags": 4},
    "DF": {"flags": "DF"},
    "source of another network": {"src": "192.0.2.1"},
}


@pytest.mark.parametrize("fields", ACCEPTED.values(), ids=ACCEPTED)
def test_lwip_accepts(fields: dict[str, object]) -> None:
    peer = Peer()
    peer.stack.arp.add_static(ip_of("10.0.0.254"), b"\x02\0\0\0\0\xfe")
    peer.send(ping(**fields))
    assert peer.reply()[ICMP].type == 0


def test_our_own_address_as_source_is_accepted() -> None:
    """I16: the reply is for ourselves, so we ask for ourselves."""
    peer = Peer()
    peer.send(ping(src=OURS))
    assert peer.reply().pdst == OURS


@pytest.mark.parametrize("src", ["127.0.0.1", OURS])
def test_martians_can_be_refused(src: str) -> None:
    peer = Peer(quirks_off=("martian_source_accepted",))
    peer.send(ping(src=src))
    peer.expect_drop("ip_martian")
    peer.send(ping())
    assert peer.reply()[ICMP].type == 0


@pytest.mark.parametrize("profile", ["full", "strict"])
@pytest.mark.parametrize("ttl", [0, 1])
def test_ttl_is_for_routers(profile: str, ttl: int) -> None:
    peer = Peer(profile)  # RFC 1122 3.2.1.7: a host takes it
    peer.send(ping(ttl=ttl))
    assert peer.reply()[ICMP].type == 0


@pytest.mark.parametrize("src", ["255.255.255.255", "10.0.0.255", "224.0.0.1", "239.255.255.255"])
@pytest.mark.parametrize("dst", [OURS, "10.0.0.77"])
def test_broadcast_and_multicast_sources_are_dropped(src: str, dst: str) -> None:
    """I13, I14, I18."""
    peer = Peer()
    peer.send(ping(src=src, dst=dst))
    assert peer.stack.stats.ip.drop == 1
    peer.expect_drop("ip_source")


def test_source_0_needs_dhcp_compiled_in() -> None:
    peer = Peer(lwip_dhcp=0)
    peer.send(ping(src="0.0.0.0"))
    peer.expect_drop("ip_source")


def test_a_query_from_0_is_taken_without_dhcp() -> None:
    """RFC 4541: a snooping switch asks 224.0.0.1 from 0.0.0.0."""
    peer = Peer(lwip_dhcp=0)
    got = handler(peer)
    peer.send(IP(src="0.0.0.0", dst="224.0.0.1", proto=RAW_PAYLOAD) / DATA)
    assert len(got) == 1


@pytest.mark.parametrize("dst", ["10.0.0.77", "192.0.2.1", "127.0.0.1", "224.0.0.9", "10.0.1.255"])
def test_packets_for_others_are_dropped_silently(dst: str) -> None:
    """I20, I21, I24; we answer no other address than ours."""
    peer = Peer()
    peer.send(ping(dst=dst))
    assert peer.stack.stats.ip.drop == 1
    peer.expect_drop("ip_not_ours")
    peer.expect_no_leak()


def test_ip_forward_has_nowhere_to_forward_to() -> None:
    peer = Peer(ip_forward=1)
    peer.send(ping(dst="192.0.2.1"))
    assert peer.stack.stats.ip.drop == 0
    peer.expect_drop("ip_not_forwarded")
    peer.send(ping(dst="224.0.0.9"))
    peer.stack.stats.drops.clear()
    peer.expect_no_leak()


@pytest.mark.parametrize("dst", [OURS, "255.255.255.255", "0.0.0.0", "10.0.0.255", "224.0.0.1"])
def test_what_is_for_us(dst: str) -> None:
    peer = Peer()
    got = handler(peer)
    peer.send(IP(src=PEER, dst=dst, proto=RAW_PAYLOAD) / DATA, dst=BROADCAST_MAC)
    assert len(got) == 1


@pytest.mark.parametrize("dst", [OURS, "255.255.255.255", "10.0.0.255"])
def test_nothing_is_for_us_while_down_or_without_address(dst: str) -> None:
    peer = Peer()
    peer.stack.netif.set_up(False)
    peer.send(ping(dst=dst))
    peer.expect_drop("ip_not_ours")
    peer = Peer(ip="0.0.0.0", netmask="0.0.0.0", gateway="0.0.0.0", known=False)
    peer.send(ping(dst=dst))
    peer.expect_drop("ip_not_ours")


def test_without_igmp_every_multicast_is_ours() -> None:
    peer = Peer(lwip_igmp=0)
    got = handler(peer)
    peer.send(IP(src=PEER, dst="239.1.2.3", proto=RAW_PAYLOAD) / DATA)
    assert len(got) == 1
    peer.stack.netif.set_up(False)
    peer.send(IP(src=PEER, dst="239.1.2.3", proto=RAW_PAYLOAD) / DATA)
    peer.expect_drop("ip_not_ours")


@pytest.mark.parametrize(
    ("packet", "taken"),
    [
        (UDP(sport=67, dport=68), True),
        (UDP(sport=67, dport=69), False),
        (ICMP(), False),
    ],
    ids=["to port 68", "to port 69", "no UDP"],
)
def test_the_dhcp_clients_port_is_reached_at_any_address(packet: object, taken: bool) -> None:
    peer = Peer(ip="0.0.0.0", netmask="0.0.0.0", gateway="0.0.0.0", known=False)
    got = handler(peer, 17)
    peer.send(IP(src="10.0.0.254", dst="10.0.0.50") / packet / b"offer")
    assert bool(got) is taken
    peer = Peer(lwip_dhcp=0)
    got = handler(peer, 17)
    peer.send(IP(src="10.0.0.254", dst="10.0.0.50") / packet / b"offer")
    assert not got


def test_dhcp_is_taken_even_from_a_broadcast_address() -> None:
    peer = Peer(ip="0.0.0.0", netmask="0.0.0.0", gateway="0.0.0.0", known=False)
    got = handler(peer, 17)
    peer.send(IP(src="255.255.255.255", dst="10.0.0.50") / UDP(sport=67, dport=68))
    assert len(got) == 1


OPTIONS = {
    "I29 NOPs": b"\x01\x01\x01\x00",
    "I30 length 0": b"\x07\x00\x00\x00",
    "I31 length beyond the header": b"\x07\x28\x00\x00",
    "I33 source route": b"\x83\x07\x04\x0a\x00\x00\x09\x00",
    "I35 record route": b"\x07\x07\x04\x00\x00\x00\x00\x00",
    "I36 timestamp, full": b"\x44\x08\x05\xf0\x00\x00\x00\x00",
    "I37 unknown": b"\x9e\x04\x00\x00",
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options_are_skipped(options: bytes) -> None:
    peer = Peer()
    packet = IP(bytes(20 + len(options)))
    raw = bytes(IP(src=PEER, dst=OURS, ihl=5 + len(options) // 4, len=44 + len(options), proto=1))[:20]
    packet = damaged(IP(raw + options + bytes(ICMP(id=7, seq=1) / DATA)), 8, b"\x40")
    peer.send(Ether(src=PEER_MAC, dst=OUR_MAC, type=0x0800) / packet)
    reply = peer.reply()
    assert bytes(reply[IP])[20 : 20 + len(options)] == options
    assert bytes(reply)[14:][20 + len(options)] == 0  # an echo reply


def test_options_can_be_refused_but_not_those_of_igmp() -> None:
    peer = Peer(ip_options_allowed=0)
    peer.send(ping(options=b"\x01\x01\x01\x00"))
    assert (peer.stack.stats.ip.opterr, peer.stack.stats.ip.drop) == (1, 1)
    peer.expect_drop("ip_options")
    got = handler(peer, 2)
    peer.send(IP(src=PEER, dst="224.0.0.1", proto=2, options=b"\x94\x04\x00\x00") / bytes(8))
    assert len(got) == 1
    peer.expect_no_leak()


def test_unknown_protocol() -> None:
    """I26, I27."""
    peer = Peer()
    peer.send(IP(src=PEER, dst=OURS, proto=RAW_PAYLOAD) / DATA)
    reply = peer.reply()
    assert (reply[ICMP].type, reply[ICMP].code) == (3, 2)
    assert (peer.stack.stats.ip.proterr, peer.stack.stats.ip.drop) == (1, 1)
    peer.stack.stats.drops.clear()
    for count, dst in enumerate(("10.0.0.255", "255.255.255.255", "224.0.0.1"), 1):
        peer.send(IP(src=PEER, dst=dst, proto=RAW_PAYLOAD) / DATA)
        assert peer.stack.stats.ip.proterr == 1 + count
    peer.expect_drop("ip_protocol", 3)
    peer.expect_no_leak()


def test_fragments_without_reassembly() -> None:
    peer = Peer("esp-like")
    peer.send(ping(flags="MF"))
    assert (peer.stack.stats.ip.opterr, peer.stack.stats.ip.drop) == (1, 1)
    peer.expect_drop("ip_fragment")
    peer.send(ping(frag=1))
    peer.expect_drop("ip_fragment")
    peer.expect_no_leak()


def test_padding_behind_the_packet_gives_its_buffers_back() -> None:
    peer = Peer(pbuf_pool_bufsize=100)
    held: list[int] = []
    peer.stack.ipv4.handlers[RAW_PAYLOAD] = lambda p, header: (
        held.append(peer.stack.mem.pbuf_pool.used),
        p.free(),
    )
    peer.send(
        Ether(src=PEER_MAC, dst=OUR_MAC)
        / IP(src=PEER, dst=OURS, proto=RAW_PAYLOAD, len=36)
        / DATA
        / bytes(400)
    )
    assert held == [1]
    peer.expect_no_leak()


@given(st.binary(min_size=1, max_size=120))
def test_any_bytes_are_survived(raw: bytes) -> None:
    peer = Peer()
    peer.send(Ether(src=PEER_MAC, dst=OUR_MAC, type=0x0800) / raw)
    peer.expect_no_leak()


@given(
    st.integers(0, 0xFF), st.integers(0, 90), st.integers(0, 0xFFFF), st.integers(0, 255),
    st.sampled_from([OURS, "10.0.0.255", "224.0.0.1", "10.0.0.9"]), st.binary(max_size=60),
)  # fmt: skip
def test_any_header_is_survived(
    vhl: int, total: int, fragment: int, proto: int, dst: str, payload: bytes
) -> None:
    peer = Peer()
    base = IP(src=PEER, dst=dst, proto=proto, len=total) / payload
    raw = damaged(damaged(base, 6, fragment.to_bytes(2, "big")), 0, bytes((vhl,)), checksum=vhl & 15 <= 5)
    peer.send(Ether(src=PEER_MAC, dst=OUR_MAC, type=0x0800) / raw)
    peer.advance(ms=20_000)
    peer.expect_no_leak()


# Output


def output(peer: Peer, payload: bytes = DATA, src: int = 0, dst: str = PEER, **kw: bytes) -> int:
    return peer.stack.ipv4.output(payload, src, ip_of(dst), 255, 0, RAW_PAYLOAD, None, **kw)


def test_the_header_we_build() -> None:
    peer = Peer()
    assert peer.stack.ipv4.output(DATA, 0, ip_of(PEER), 17, 0x10, RAW_PAYLOAD, None) == ERR_OK
    frame = peer.reply()
    ip = frame[IP]
    assert (ip.ihl, ip.tos, ip.len, ip.id, int(ip.flags), ip.frag) == (5, 0x10, 36, 0, 0, 0)
    assert (ip.ttl, ip.proto, ip.src, ip.dst) == (17, RAW_PAYLOAD, OURS, PEER)
    assert bytes(ip.payload) == DATA
    built = bytes(ip)
    del ip.chksum
    assert bytes(ip) == built
    assert peer.stack.stats.ip.xmit == 1


def test_one_ident_counter_for_all_that_wraps() -> None:
    peer = Peer()
    idents = []
    for number in range(0x10002):
        output(peer, b"")
        if number in (0, 1, 0xFFFF, 0x10000, 0x10001):
            idents.append(peer.reply()[IP].id)
        peer.frames.clear()
    assert idents == [0, 1, 0xFFFF, 0, 1]


def test_a_source_of_ones_own() -> None:
    peer = Peer()
    assert output(peer, src=ip_of("10.0.0.77")) == ERR_OK
    assert peer.reply()[IP].src == "10.0.0.77"


def test_output_if_may_send_from_nowhere() -> None:
    peer = Peer()
    broadcast = 0xFFFFFFFF
    assert peer.stack.ipv4.output_if(DATA, 0, broadcast, 255, 0, 17, None) == ERR_OK
    frame = peer.reply()
    assert (frame[IP].src, frame[IP].dst) == ("0.0.0.0", "255.255.255.255")


def test_options_are_padded_and_counted() -> None:
    peer = Peer()
    assert output(peer, options=b"\x94\x04\x00") == ERR_OK
    frame = peer.reply()
    assert (frame[IP].ihl, frame[IP].len, bytes(frame[IP])[20:24]) == (6, 40, b"\x94\x04\0\0")
    assert output(peer, options=bytes(41)) == ERR_VAL
    assert peer.stack.stats.ip.err == 1


@pytest.mark.parametrize("break_it", ["down", "no link", "no address", "loopback"])
def test_no_route(break_it: str) -> None:
    peer = Peer()
    dst = PEER
    if break_it == "down":
        peer.stack.netif.set_up(False)
    elif break_it == "no link":
        peer.stack.netif.set_link(False)
    elif break_it == "no address":
        peer.stack.netif.set_addr(0, 0, 0)
    else:
        dst = "127.0.0.1"
    assert not peer.stack.ipv4.route(ip_of(dst))
    assert output(peer, dst=dst) == ERR_RTE
    assert peer.stack.stats.ip.rterr == 3  # ip4_route counts each time, ip4_output once more
    peer.expect_nothing()


def test_the_ident_is_used_up_only_by_packets_that_are_built() -> None:
    peer = Peer()
    assert output(peer, dst="127.0.0.1") == ERR_RTE
    assert output(peer, bytes(65516)) == ERR_BUF
    output(peer)
    assert peer.reply()[IP].id == 0


def test_the_largest_packet() -> None:
    peer = Peer()
    peer.stack.netif.mtu = 65535
    assert output(peer, bytes(65515)) == ERR_OK
    assert peer.reply()[IP].len == 65535
    assert output(peer, bytes(65516)) == ERR_BUF
    assert peer.stack.stats.ip.err == 1


def test_without_fragmentation_the_driver_decides_about_long_packets() -> None:
    peer = Peer(ip_frag=0)
    assert output(peer, bytes(2000)) == ERR_OK
    assert peer.reply()[IP].len == 2020


def test_output_packet_needs_a_header() -> None:
    peer = Peer()
    assert peer.stack.ipv4.output_packet(bytes(19), None) == ERR_BUF
    packet = bytes(IP(src=OURS, dst=PEER, id=99, proto=RAW_PAYLOAD) / DATA)
    assert peer.stack.ipv4.output_packet(packet, None) == ERR_OK
    assert bytes(peer.reply()[IP]) == packet


def test_idents_by_destination_can_be_had() -> None:
    """RFC 6864: what must differ is the ident of packets between the same two hosts."""
    peer = Peer(quirks_off=("ip_id_global_counter",), rand=500)
    for dst in (PEER, "224.0.0.5", PEER, "224.0.0.5", PEER):
        output(peer, dst=dst)
    assert [(frame[IP].dst, frame[IP].id) for frame in peer.replies()] == [
        (PEER, 500),
        ("224.0.0.5", 500),
        (PEER, 501),
        ("224.0.0.5", 501),
        (PEER, 502),
    ]


def test_counters_by_destination_are_bounded() -> None:
    peer = Peer(quirks_off=("ip_id_global_counter",), rand=500)
    ours = peer.stack.ipv4
    for number in range(1000):
        assert ours.output(b"", 0, ip_of("239.0.0.0") + number, 255, 0, RAW_PAYLOAD, None) == ERR_OK
    assert len(ours._idents) == 256
    assert {frame[IP].id for frame in peer.replies()} == {500}
