"""UDP: who gets a datagram, what is sent, ports. Rows named U.. are those of the malformed-packet
catalogue.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import ARP, Ether

from netstack.errors import ERR_BUF, ERR_MEM, ERR_OK, ERR_RTE, ERR_USE, ERR_VAL
from netstack.ipv4 import SOF_BROADCAST, SOF_REUSEADDR
from netstack.udp import UdpHeader, UdpPcb, emit, parse
from tests.netstack.peer import BROADCAST_MAC, OUR_MAC, OURS, PEER, PEER_MAC, Peer, ip_of

u16 = st.integers(0, 0xFFFF)
ANY = "0.0.0.0"


class Ends:
    """The UDP pcbs of a stack by name, and what each received, as (data, source, port)."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.udp = peer.stack.udp
        self.got: list[tuple[str, bytes, str, int]] = []

    def new(self, name: str, ip: str = ANY, port: int = 0, options: int = 0):
        pcb = self.udp.new()
        assert pcb is not None
        pcb.so_options = options
        if port:
            assert self.udp.bind(pcb, ip_of(ip), port) == ERR_OK
        pcb.recv = lambda pcb, p, src, sport: (self.got.append((name, p.data, src, sport)), p.free())
        return pcb

    def receivers(self) -> list[str]:
        """Who got something since the last look."""
        names = [name for name, *_ in self.got]
        self.got.clear()
        return names

    def remove_all(self) -> None:
        while self.udp.pcbs:
            self.udp.remove(self.udp.pcbs[0])


def datagram(
    data: bytes = b"hello",
    sport: int = 5000,
    dport: int = 7,
    src: str = PEER,
    dst: str = OURS,
    **fields: object,
) -> IP:
    return IP(src=src, dst=dst) / UDP(sport=sport, dport=dport, **fields) / data


@pytest.fixture
def ends() -> Ends:
    return Ends(Peer())


@given(u16, u16, u16, u16)
def test_round_trip_and_scapy(src: int, dst: int, length: int, checksum: int) -> None:
    raw = emit(UdpHeader(src, dst, length, checksum))
    header = parse(raw)
    assert header is not None
    assert (header.src_port, header.dst_port, header.length, header.checksum) == (src, dst, length, checksum)
    oracle = UDP(raw)
    assert (oracle.sport, oracle.dport, oracle.len, oracle.chksum) == (src, dst, length, checksum)
    assert parse(raw[:7]) is None


# Receiving


def test_a_datagram_reaches_its_pcb(ends: Ends) -> None:
    ends.new("a", port=7)
    ends.peer.send(datagram())
    assert ends.got == [("a", b"hello", ip_of(PEER), 5000)]
    assert ends.peer.stack.stats.udp.recv == 1
    ends.peer.expect_nothing()


@pytest.mark.parametrize("size", [0, 1, 2, 547, 548, 1471, 1472])
def test_sizes(ends: Ends, size: int) -> None:
    """U12 among them."""
    ends.new("a", port=7)
    data = bytes(i % 251 for i in range(size))
    packet = datagram(data)
    ends.peer.send(Ether(src=PEER_MAC, dst=OUR_MAC) / packet)
    assert [data for _, data, *_ in ends.got] == [data]


def test_the_pbuf_belongs_to_the_receiver() -> None:
    peer = Peer("micropython")
    pcb = peer.stack.udp.new()
    held = []
    peer.stack.udp.bind(pcb, 0, 7)
    pcb.recv = lambda pcb, p, ip, port: held.append(p)
    peer.send(datagram(bytes(1000)))
    assert peer.stack.mem.pbuf_pool.used == 2
    held[0].free()
    assert peer.stack.mem.pbuf_pool.used == 0


def test_without_callback_it_is_dropped(ends: Ends) -> None:
    ends.new("a", port=7).recv = None
    ends.peer.send(datagram())
    ends.peer.expect_drop("udp_no_receiver")
    assert ends.peer.stack.mem.pbuf_pool.used == 0


def raw_udp(raw: bytes) -> IP:
    return IP(src=PEER, dst=OURS, proto=17) / raw


@pytest.mark.parametrize("size", range(8))
def test_a_header_needs_8_bytes(ends: Ends, size: int) -> None:
    """U1."""
    ends.new("a", port=7)
    ends.peer.send(raw_udp(bytes(UDP(sport=1, dport=7))[:size]))
    assert (ends.peer.stack.stats.udp.lenerr, ends.peer.stack.stats.udp.drop) == (1, 1)
    ends.peer.expect_drop("udp_short")


def test_the_header_must_lie_in_the_first_buffer() -> None:
    ends = Ends(Peer(pbuf_pool_bufsize=34 + 7, mem_alignment=1))
    ends.new("a", port=7)
    ends.peer.send(datagram())
    ends.peer.expect_drop("udp_short")


@pytest.mark.parametrize("length", [0, 4, 8, 10, 0xFFFF])
def test_the_length_field_is_ignored(ends: Ends, length: int) -> None:
    """U2 to U4: the payload is what the IP packet holds, and so is what the checksum covers."""
    ends.new("a", port=7)
    packet = bytes(datagram(b"12345678"))
    raw = bytearray(packet)
    old = int.from_bytes(raw[24:26], "big")
    raw[24:26] = length.to_bytes(2, "big")
    checksum = int.from_bytes(raw[26:28], "big")
    # RFC 1624: patch the checksum for the header's copy; the pseudo header's length stays that of the packet
    total = (~checksum & 0xFFFF) + (~old & 0xFFFF) + length
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    raw[26:28] = (~total & 0xFFFF).to_bytes(2, "big")
    ends.peer.send(Ether(src=PEER_MAC, dst=OUR_MAC, type=0x0800) / bytes(raw))
    assert [data for _, data, *_ in ends.got] == [b"12345678"]


@pytest.mark.parametrize(
    ("length", "expected"), [(0, None), (7, None), (8, b""), (12, b"1234"), (16, b"12345678"), (17, None)]
)
def test_the_length_field_can_be_obeyed(length: int, expected: bytes | None) -> None:
    """RFC 768: the length says where the datagram ends."""
    ends = Ends(Peer(quirks_off=("udp_length_ignored",)))
    ends.new("a", port=7)
    packet = IP(src=PEER, dst=OURS) / UDP(sport=5000, dport=7, len=length, chksum=0) / b"12345678"
    ends.peer.send(packet)
    if expected is None:
        assert ends.peer.stack.stats.udp.lenerr == 1
        ends.peer.expect_drop("udp_length")
    else:
        assert [data for _, data, *_ in ends.got] == [expected]


def test_checksums(ends: Ends) -> None:
    """U5, U6."""
    ends.new("a", port=7)
    ends.peer.send(datagram(chksum=0))
    assert ends.receivers() == ["a"]
    ends.peer.send(datagram(chksum=0x1234))
    assert (ends.peer.stack.stats.udp.chkerr, ends.peer.stack.stats.udp.drop) == (1, 1)
    ends.peer.expect_drop("udp_checksum")
    assert not ends.got


@given(st.binary(max_size=40), st.integers(0, 0xFFFF), st.integers(1, 0xFFFF))
def test_any_right_checksum_is_taken(data: bytes, sport: int, dport: int) -> None:
    ends = Ends(Peer())
    ends.new("a", port=dport)
    packet = datagram(data, sport, dport)
    frame = bytes(Ether(src=PEER_MAC, dst=OUR_MAC) / packet)
    ends.peer.send(frame)
    assert [got for _, got, *_ in ends.got] == [data]


def test_a_wrong_checksum_to_a_closed_port_draws_no_error(ends: Ends) -> None:
    ends.peer.send(datagram(dport=99, chksum=0x1234))
    ends.peer.expect_drop("udp_checksum")


@pytest.mark.parametrize("port", [99, 0])
def test_a_closed_port(ends: Ends, port: int) -> None:
    """U7, U9."""
    ends.peer.send(datagram(dport=port))
    reply = ends.peer.reply()
    assert (reply[ICMP].type, reply[ICMP].code) == (3, 3)
    stats = ends.peer.stack.stats
    assert (stats.udp.proterr, stats.udp.drop, stats.drops) == (1, 1, {"udp_no_port": 1})


@pytest.mark.parametrize("dst", ["10.0.0.255", "255.255.255.255", "224.0.0.1"])
def test_a_closed_port_for_many_is_silent(ends: Ends, dst: str) -> None:
    """U10; no counter moves."""
    ends.peer.send(datagram(dport=99, dst=dst))
    assert ends.peer.stack.stats.udp.drop == 0
    ends.peer.expect_drop("udp_no_port_group")


def test_a_closed_port_in_a_broadcast_frame_draws_an_error(ends: Ends) -> None:
    """U11: lwIP does not look at the frame's destination."""
    ends.peer.send(datagram(dport=99), dst=BROADCAST_MAC)
    assert ends.peer.reply()[ICMP].code == 3


def test_source_port_0(ends: Ends) -> None:
    """U8. lwIP: such a datagram fits an unconnected pcb entirely, whose remote port is 0, too."""
    ends.new("first", port=7)
    ends.new("second", "10.0.0.1", port=8)
    ends.peer.send(datagram(sport=0))
    assert ends.receivers() == ["first"]
    assert ends.udp.pcbs[0].local_port == 7  # and moves it to the front


def test_echo_ports(ends: Ends) -> None:
    """U13: one datagram in, one out, and nothing feeds itself."""
    udp = ends.udp
    pcb = ends.new("echo", port=7)
    pcb.recv = lambda pcb, p, ip, port: (udp.sendto(pcb, p.data, ip, port), p.free())
    ends.peer.send(datagram(sport=7, dport=7))
    assert ends.peer.reply()[UDP].dport == 7
    ends.peer.expect_nothing()


# Matching


def test_a_connected_pcb_goes_before_an_unconnected_one(ends: Ends) -> None:
    connected = ends.new("connected", port=7, options=SOF_REUSEADDR)
    ends.udp.connect(connected, ip_of(PEER), 5000)
    ends.new("open", port=7, options=SOF_REUSEADDR)
    for port, receiver in ((5000, "connected"), (5001, "open")):
        ends.peer.send(datagram(sport=port))
        assert ends.receivers() == [receiver]
    ends.peer.send(datagram(src="10.0.0.3"))
    assert ends.receivers() == ["open"]


def test_a_connected_pcb_hears_nobody_else(ends: Ends) -> None:
    pcb = ends.new("a", port=7)
    ends.udp.connect(pcb, ip_of(PEER), 5000)
    ends.peer.send(datagram(sport=5001))
    assert ends.peer.reply()[ICMP].code == 3
    ends.udp.disconnect(pcb)
    ends.peer.send(datagram(sport=5001))
    assert ends.receivers() == ["a"]


def test_connected_to_any_address(ends: Ends) -> None:
    """The DHCP client's way: the port matters, the address does not."""
    pcb = ends.new("a", port=7)
    ends.udp.connect(pcb, 0, 67)
    ends.peer.send(datagram(sport=67))
    assert ends.receivers() == ["a"]
    ends.peer.send(datagram(sport=68))
    assert not ends.got


def test_a_hit_moves_to_the_front(ends: Ends) -> None:
    first = ends.new("first", port=7)
    ends.udp.connect(first, ip_of(PEER), 5000)
    ends.new("second", port=8)
    assert ends.udp.pcbs[1] is first
    ends.peer.send(datagram())
    assert ends.udp.pcbs[0] is first
    assert ends.peer.stack.stats.udp.cachehit == 0
    ends.peer.send(datagram())
    assert ends.peer.stack.stats.udp.cachehit == 1
    assert ends.receivers() == ["first", "first"]


def test_a_specific_address_is_preferred_with_so_reuse(ends: Ends) -> None:
    ends.new("specific", OURS, 7, SOF_REUSEADDR)
    ends.new("any", ANY, 7, SOF_REUSEADDR)  # newer, so looked at first
    ends.peer.send(datagram())
    assert ends.receivers() == ["specific"]
    ends = Ends(Peer(so_reuse=0))
    # without SO_REUSE the two cannot be bound; a rebinding pcb gets around that
    ends.new("specific", OURS, 7)
    other = ends.new("any", ANY, 8)
    other.local_port = 7
    ends.peer.send(datagram())
    assert ends.receivers() == ["any"]


def test_bound_to_an_address(ends: Ends) -> None:
    ends.new("a", "10.0.0.77", 7)
    ends.peer.send(datagram())
    assert ends.peer.reply()[ICMP].code == 3


@pytest.mark.parametrize(
    ("bound", "dst", "gets"),
    [
        (ANY, "255.255.255.255", True),
        (ANY, "10.0.0.255", True),
        (OURS, "255.255.255.255", True),
        (OURS, "10.0.0.255", True),
        ("192.0.2.1", "255.255.255.255", True),  # lwIP: whatever it is bound to
        ("192.0.2.1", "10.0.0.255", False),
    ],
)
def test_broadcasts(ends: Ends, bound: str, dst: str, gets: bool) -> None:
    ends.new("a", bound, 7)
    ends.peer.send(datagram(dst=dst), dst=BROADCAST_MAC)
    assert ends.receivers() == ["a"] * gets


def test_of_several_the_one_bound_to_our_address_gets_a_broadcast(ends: Ends) -> None:
    ends.new("ours", OURS, 7, SOF_REUSEADDR)
    ends.new("other", "192.0.2.1", 7, SOF_REUSEADDR)
    ends.new("any", ANY, 7, SOF_REUSEADDR)
    ends.peer.send(datagram(dst="255.255.255.255"))
    assert ends.receivers() == ["ours"]
    ends.peer.send(datagram(dst="10.0.0.255"))
    assert ends.receivers() == ["ours"]  # by SO_REUSE's preference for a specific address


def test_broadcasts_may_need_an_option_to_be_received() -> None:
    ends = Ends(Peer(ip_sof_broadcast=1, ip_sof_broadcast_recv=1))
    pcb = ends.new("a", port=7)
    ends.peer.send(datagram(dst="255.255.255.255"))
    assert not ends.got
    ends.peer.send(datagram())
    assert ends.receivers() == ["a"]
    pcb.so_options |= SOF_BROADCAST
    ends.peer.send(datagram(dst="10.0.0.255"))
    assert ends.receivers() == ["a"]


def test_multicast_reaches_only_any_or_the_group_itself(ends: Ends) -> None:
    ends.peer.stack.igmp.join(ip_of("239.1.2.3"))
    ends.new("any", ANY, 7)
    ends.new("group", "239.1.2.3", 8)
    ends.new("ours", OURS, 9)
    for port in (7, 8, 9):
        ends.peer.send(datagram(dport=port, dst="239.1.2.3"))
    assert ends.receivers() == ["any", "group"]


# Sending


def test_what_we_send(ends: Ends) -> None:
    pcb = ends.new("a", port=7)
    pcb.tos, pcb.ttl = 0x10, 33
    assert ends.udp.sendto(pcb, b"hello", ip_of(PEER), 9) == ERR_OK
    frame = ends.peer.reply()
    ip, udp = frame[IP], frame[UDP]
    assert (ip.src, ip.dst, ip.ttl, ip.tos, int(ip.flags)) == (OURS, PEER, 33, 0x10, 0)
    assert (udp.sport, udp.dport, udp.len, bytes(udp.payload)) == (7, 9, 13, b"hello")
    assert ends.peer.stack.stats.udp.xmit == 1
    ends.remove_all()
    ends.peer.expect_no_leak()


@given(st.binary(max_size=60), u16, u16)
def test_our_checksum_is_scapys(data: bytes, sport: int, dport: int) -> None:
    peer = Peer()
    udp = peer.stack.udp
    pcb = udp.new()
    udp.bind(pcb, 0, sport or 1)
    udp.sendto(pcb, data, ip_of(PEER), dport)
    raw = peer.frames[0][14:]
    oracle = IP(raw)
    del oracle[UDP].chksum
    assert bytes(oracle)[26:28] == raw[26:28]


def test_a_checksum_of_0_is_sent_as_ffff(ends: Ends) -> None:
    pcb = ends.new("a", port=7)
    ends.udp.sendto(pcb, b"\0\0", ip_of(PEER), 9)
    checksum = ends.peer.reply()[UDP].chksum
    ends.udp.sendto(pcb, checksum.to_bytes(2, "big"), ip_of(PEER), 9)
    assert ends.peer.reply()[UDP].chksum == 0xFFFF


def test_connected_sending(ends: Ends) -> None:
    pcb = ends.new("a")
    assert ends.udp.connect(pcb, ip_of(PEER), 9) == ERR_OK
    assert ends.udp.send(pcb, b"x") == ERR_OK
    frame = ends.peer.reply()
    assert (frame[IP].dst, frame[UDP].dport, frame[UDP].sport) == (PEER, 9, 49153)
    ends.peer.expect_nothing()  # connecting itself sends nothing


def test_multicast_ttl(ends: Ends) -> None:
    pcb = ends.new("a", port=7)
    ends.udp.sendto(pcb, b"x", ip_of("239.1.2.3"), 9)
    assert ends.peer.reply()[IP].ttl == 255
    pcb.mcast_ttl = 4
    for dst, ttl in (("239.1.2.3", 4), (PEER, 255)):
        ends.udp.sendto(pcb, b"x", ip_of(dst), 9)
        assert ends.peer.reply()[IP].ttl == ttl


def test_udp_ttl_is_an_option() -> None:
    ends = Ends(Peer(udp_ttl=64))
    ends.udp.sendto(ends.new("a"), b"x", ip_of(PEER), 9)
    assert ends.peer.reply()[IP].ttl == 64


def test_broadcasts_need_no_option_unless_the_build_says_so(ends: Ends) -> None:
    assert ends.udp.sendto(ends.new("a"), b"x", ip_of("255.255.255.255"), 9) == ERR_OK
    ends = Ends(Peer(ip_sof_broadcast=1))
    pcb = ends.new("a")
    assert ends.udp.sendto(pcb, b"x", ip_of("10.0.0.255"), 9) == ERR_VAL
    assert pcb.local_port == 0  # refused before it was bound
    pcb.so_options = SOF_BROADCAST
    assert ends.udp.sendto(pcb, b"x", ip_of("10.0.0.255"), 9) == ERR_OK


def test_no_route(ends: Ends) -> None:
    pcb = ends.new("a")
    assert ends.udp.sendto(pcb, b"x", ip_of("127.0.0.1"), 9) == ERR_RTE
    ends.peer.stack.netif.set_up(False)
    assert ends.udp.sendto(pcb, b"x", ip_of(PEER), 9) == ERR_RTE
    assert ends.peer.stack.stats.udp.rterr == 2
    ends.udp.remove(pcb)
    ends.peer.expect_no_leak()


def test_bound_to_an_address_we_do_not_have(ends: Ends) -> None:
    pcb = ends.new("a", "10.0.0.77", 7)
    assert ends.udp.sendto(pcb, b"x", ip_of(PEER), 9) == ERR_RTE
    group = ends.new("b", "239.1.2.3", 8)
    assert ends.udp.sendto(group, b"x", ip_of(PEER), 9) == ERR_OK
    assert ends.peer.reply()[IP].src == OURS


def test_a_given_source(ends: Ends) -> None:
    pcb = ends.new("dhcp", port=68)
    ends.peer.stack.netif.set_addr(0, 0, 0)
    assert ends.udp.sendto_from(pcb, b"discover", 0xFFFFFFFF, 67, 0) == ERR_OK
    frame = ends.peer.reply()
    assert (frame[IP].src, frame[IP].dst, frame[UDP].dport) == (ANY, "255.255.255.255", 67)
    raw = bytes(frame[IP])
    del frame[UDP].chksum
    assert bytes(frame[IP]) == raw


def test_too_long(ends: Ends) -> None:
    ends.peer.stack.netif.mtu = 65535
    pcb = ends.new("a", port=7)
    assert ends.udp.sendto(pcb, bytes(65507), ip_of(PEER), 9) == ERR_OK
    assert ends.udp.sendto(pcb, bytes(65508), ip_of(PEER), 9) == ERR_BUF  # no room for the IP header
    assert ends.udp.sendto(pcb, bytes(65528), ip_of(PEER), 9) == ERR_MEM  # nor for the length
    ends.remove_all()
    ends.peer.expect_no_leak()


def test_no_heap() -> None:
    ends = Ends(Peer("micropython"))
    pcb = ends.new("a")
    assert ends.udp.sendto(pcb, bytes(8000), ip_of(PEER), 9) == ERR_MEM
    assert pcb.local_port == 0
    ends.peer.expect_nothing()


def test_a_datagram_that_waits_for_arp_keeps_its_heap() -> None:
    ends = Ends(Peer("micropython", known=False))
    pcb = ends.new("a")
    ends.udp.sendto(pcb, b"x" * 10, ip_of(PEER), 9)
    assert ends.peer.stack.mem.heap.used == 92
    ends.peer.replies()
    ends.peer.send(ARP(op=2, hwsrc=PEER_MAC, psrc=PEER, pdst=OURS))
    assert bytes(ends.peer.reply()[UDP].payload) == b"x" * 10
    assert ends.peer.stack.mem.heap.used == 0


# Ports and pcbs


def test_the_pool_of_pcbs() -> None:
    udp = Peer("micropython").stack.udp
    pcbs = [udp.new() for _ in range(5)]
    assert pcbs[-1] is None
    udp.remove(pcbs[0])
    assert udp.new() is not None


def test_without_udp_there_are_no_pcbs() -> None:
    peer = Peer(lwip_udp=0)
    assert peer.stack.udp.new() is None
    peer.send(datagram())
    assert peer.reply()[ICMP].code == 2


def test_ephemeral_ports_count_up(ends: Ends) -> None:
    pcbs = [ends.new(str(number)) for number in range(3)]
    for pcb in pcbs:
        ends.udp.sendto(pcb, b"x", ip_of(PEER), 9)
    assert [frame[UDP].sport for frame in ends.peer.replies()] == [49153, 49154, 49155]


def test_ephemeral_ports_skip_what_is_taken_and_wrap() -> None:
    ends = Ends(Peer(ephemeral_first=65534))
    ends.new("taken", port=49153)
    ports = []
    for number in range(5):
        pcb = ends.new(str(number))
        ends.udp.bind(pcb, 0, 0)
        ports.append(pcb.local_port)
    assert ports == [65534, 65535, 49152, 49154, 49155]


def test_no_free_port_is_an_error(ends: Ends) -> None:
    for port in range(49152, 65536):  # put there by hand: binding 16,384 pcbs takes long
        pcb = UdpPcb(255)
        pcb.local_port = port
        ends.udp.pcbs.append(pcb)
    late = ends.new("late")
    assert ends.udp.bind(late, 0, 0) == ERR_USE
    assert ends.udp.connect(late, ip_of(PEER), 9) == ERR_USE
    assert ends.udp.sendto(late, b"x", ip_of(PEER), 9) == ERR_USE
    del ends.udp.pcbs[100]
    assert ends.udp.bind(late, 0, 0) == ERR_OK
    assert late.local_port == 49252


@pytest.mark.parametrize(
    ("first", "second", "reuse", "expected"),
    [
        (ANY, ANY, (), ERR_USE),
        (ANY, OURS, (), ERR_USE),
        (OURS, ANY, (), ERR_USE),
        (OURS, OURS, (), ERR_USE),
        (OURS, "10.0.0.77", (), ERR_OK),
        (ANY, ANY, (0,), ERR_USE),
        (ANY, ANY, (1,), ERR_USE),
        (ANY, ANY, (0, 1), ERR_OK),
    ],
)
def test_binding_the_same_port_twice(first: str, second: str, reuse: tuple[int, ...], expected: int) -> None:
    for so_reuse in (1, 0):
        ends = Ends(Peer(so_reuse=so_reuse))
        pcbs = [ends.new(str(number), options=SOF_REUSEADDR * (number in reuse)) for number in range(2)]
        assert ends.udp.bind(pcbs[0], ip_of(first), 7) == ERR_OK
        want = ERR_USE if not so_reuse and first == second == ANY else expected
        assert ends.udp.bind(pcbs[1], ip_of(second), 7) == want


def test_binding_again_moves(ends: Ends) -> None:
    pcb = ends.new("a", port=7)
    assert ends.udp.bind(pcb, 0, 7) == ERR_OK
    assert ends.udp.bind(pcb, 0, 8) == ERR_OK
    assert ends.udp.pcbs == [pcb]
    ends.peer.send(datagram(dport=8))
    assert ends.receivers() == ["a"]


def test_a_removed_pcb_hears_nothing(ends: Ends) -> None:
    ends.udp.remove(ends.new("a", port=7))
    ends.peer.send(datagram())
    assert ends.peer.reply()[ICMP].code == 3
    ends.peer.expect_no_leak()


def test_a_pcb_may_remove_itself_while_receiving(ends: Ends) -> None:
    pcb = ends.new("a", port=7)
    pcb.recv = lambda pcb, p, ip, port: (p.free(), ends.udp.remove(pcb))
    ends.peer.send(datagram())
    assert not ends.udp.pcbs
    ends.peer.expect_no_leak()


def test_pcbs_follow_a_changed_address(ends: Ends) -> None:
    bound, anywhere = ends.new("bound", OURS, 7), ends.new("any", ANY, 8)
    mask = ip_of("255.255.255.0")
    ends.peer.stack.netif.set_addr(ip_of("10.0.0.9"), mask, 0)
    assert (bound.local_ip, anywhere.local_ip) == (ip_of("10.0.0.9"), 0)
    ends.peer.stack.netif.set_addr(0, 0, 0)  # a removed one leaves them alone
    assert bound.local_ip == ip_of("10.0.0.9")


@given(st.binary(max_size=40))
def test_any_bytes_are_survived(raw: bytes) -> None:
    peer = Peer()
    peer.send(raw_udp(raw))
    assert len(peer.frames) <= 1
    peer.expect_no_leak()


def test_a_given_source_without_heap() -> None:
    ends = Ends(Peer("micropython"))
    assert ends.udp.sendto_from(ends.new("a"), bytes(8000), 0xFFFFFFFF, 67, 0) == ERR_MEM
