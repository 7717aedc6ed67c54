"""The router: forwarding, ARP, its ICMP, fragments. scapy builds the packets and reads what comes out."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP, IPOption_RR, fragment
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from netstack import ip_header
from netstack.address import format_mac
from tap.cable import Cable, Port
from tap.clock import SECOND, VirtualClock
from tap.router import ARP_TRIES, MAX_WAITING, Router, fragments, parse_subnet

A, B = "10.0.1.9", "10.0.2.9"
MAC_A, MAC_B = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


class Bench:
    """A router between 10.0.1/24, where a is, and 10.0.2/24, where b is."""

    def __init__(self, mtu: int = 1500) -> None:
        self.clock = VirtualClock()
        self.router = Router("r", self.clock)
        self.a, self.b = Port("a"), Port("b")
        Cable(self.clock, self.a, self.router.interface("10.0.1.1/24"))
        Cable(self.clock, self.b, self.router.interface("10.0.2.1/24", mtu))
        self.macs = [format_mac(interface.mac) for interface in self.router.interfaces]

    def meet(self) -> None:
        """Both hosts ask for the router, which thereby learns who they are."""
        for port, mac, ip, gateway in ((self.a, MAC_A, A, "10.0.1.1"), (self.b, MAC_B, B, "10.0.2.1")):
            port.send(bytes(Ether(src=mac, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=mac, psrc=ip, pdst=gateway)))
            assert len(got(port)) == 1

    def send(self, packet: Packet) -> None:
        """Have a send a packet to the router."""
        self.a.send(bytes(Ether(src=MAC_A, dst=self.macs[0]) / packet))

    def advance(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.wait(self.clock.now() + SECOND)
            self.clock.run_due()


def got(port: Port) -> list[Packet]:
    frames = []
    while (frame := port.receive()) is not None:
        frames.append(Ether(frame))
    return frames


def checked(packet: Packet) -> Packet:
    """The packet, whose checksums scapy finds right."""
    again = packet.copy()
    for layer in (IP, ICMP):
        if layer in again:
            del again[layer].chksum
    assert bytes(again) == bytes(packet)
    return packet


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.meet()
    return made


def test_it_answers_arp_for_its_own_addresses_only(bench: Bench) -> None:
    ask = Ether(src=MAC_A, dst="ff:ff:ff:ff:ff:ff") / ARP(hwsrc=MAC_A, psrc=A, pdst="10.0.1.1")
    bench.a.send(bytes(ask))
    (answer,) = got(bench.a)
    assert (answer.dst, answer[ARP].op) == (MAC_A, 2)
    assert (answer[ARP].hwsrc, answer[ARP].psrc) == (bench.macs[0], "10.0.1.1")
    for strange in ("10.0.2.1", "10.0.1.77"):
        ask[ARP].pdst = strange
        bench.a.send(bytes(ask))
    assert got(bench.a) == got(bench.b) == []


def test_it_forwards_with_one_hop_less(bench: Bench) -> None:
    options = [IPOption_RR(), IPOption_NOP()]
    packet = IP(src=A, dst=B, ttl=9, id=7, options=options) / UDP(sport=1, dport=2) / b"data"
    bench.send(packet)
    (out,) = got(bench.b)
    assert (out.src, out.dst, out[IP].ttl, out[IP].id) == (bench.macs[1], MAC_B, 8, 7)
    assert bytes(checked(out)[UDP]) == bytes(IP(bytes(packet))[UDP])
    assert out[IP].options == IP(bytes(packet)).options
    assert bench.router.forwarded == 1


def test_padding_is_not_forwarded(bench: Bench) -> None:
    bench.a.send(bytes(Ether(src=MAC_A, dst=bench.macs[0]) / IP(src=A, dst=B) / UDP() / b"x") + bytes(17))
    (out,) = got(bench.b)
    assert len(out) == 14 + 29


def test_it_asks_for_a_neighbour_and_packets_wait() -> None:
    bench = Bench()
    for number in range(MAX_WAITING + 2):
        bench.send(IP(src=A, dst=B, id=number) / UDP())
    (question,) = got(bench.b)
    assert (question.dst, question[ARP].op, question[ARP].pdst) == ("ff:ff:ff:ff:ff:ff", 1, B)
    bench.b.send(bytes(Ether(src=MAC_B, dst=bench.macs[1]) / ARP(op=2, hwsrc=MAC_B, psrc=B, pdst="10.0.2.1")))
    assert [frame[IP].id for frame in got(bench.b)] == list(range(MAX_WAITING))
    assert bench.router.dropped == 2
    bench.advance(5)
    assert got(bench.b) == []


def test_a_neighbour_that_does_not_answer_is_unreachable() -> None:
    bench = Bench()
    bench.a.send(bytes(Ether(src=MAC_A, dst=bench.macs[0]) / ARP(hwsrc=MAC_A, psrc=A, pdst="10.0.1.1")))
    got(bench.a)
    bench.send(IP(src=A, dst="10.0.2.77") / UDP())
    bench.advance(ARP_TRIES - 1)
    assert got(bench.a) == []
    bench.advance(1)
    assert len(got(bench.b)) == ARP_TRIES
    (error,) = got(bench.a)
    assert (checked(error)[IP].src, error[ICMP].type, error[ICMP].code) == ("10.0.1.1", 3, 1)
    bench.advance(5)
    assert got(bench.b) == []


def test_it_answers_ping_also_at_the_far_interface(bench: Bench) -> None:
    for address in ("10.0.1.1", "10.0.2.1"):
        bench.send(IP(src=A, dst=address) / ICMP(id=5, seq=6) / b"payload")
        (answer,) = got(bench.a)
        assert (checked(answer)[IP].src, answer[ICMP].type, answer[ICMP].id) == (address, 0, 5)
        assert answer[ICMP].load == b"payload"
    bench.send(IP(src=A, dst="10.0.1.1") / TCP())
    bench.send(IP(src=A, dst="10.0.1.1") / ICMP(chksum=1))
    assert got(bench.a) == []
    assert bench.router.dropped == 2


def test_it_says_when_a_packet_is_too_old(bench: Bench) -> None:
    packet = IP(src=A, dst=B, ttl=1) / UDP(sport=1234) / bytes(range(100))
    bench.send(packet)
    (error,) = got(bench.a)
    assert (checked(error)[ICMP].type, error[ICMP].code) == (11, 0)
    assert bytes(error[ICMP].payload) == bytes(packet)[:28]
    assert got(bench.b) == []


def test_it_says_when_there_is_no_route(bench: Bench) -> None:
    bench.send(IP(src=A, dst="192.0.2.1") / UDP())
    (error,) = got(bench.a)
    assert (error[ICMP].type, error[ICMP].code) == (3, 0)


@pytest.mark.parametrize(
    "packet",
    [
        IP(src=A, dst=B, ttl=1) / ICMP(type=3) / IP() / UDP(),  # about errors
        IP(src=A, dst=B, ttl=1, frag=1) / Raw(bytes(16)),  # about fragments but the first
        IP(src="0.0.0.0", dst=B, ttl=1) / UDP(),
        IP(src="10.0.1.255", dst=B, ttl=1) / UDP(),
        IP(src="224.0.0.1", dst=B, ttl=1) / UDP(),
        IP(src=A, dst="10.0.2.255") / UDP(),  # broadcasts and groups are not forwarded at all
        IP(src=A, dst="255.255.255.255") / UDP(),
        IP(src=A, dst="224.0.0.251") / UDP(),
        IP(src=A, dst=B, chksum=1) / UDP(),
        IP(src=A, dst=B, len=19) / UDP(),
        Raw(b"\x65" + bytes(30)),
        Raw(b"\x45"),
    ],
)
def test_about_these_it_says_nothing(bench: Bench, packet: Packet) -> None:
    bench.a.send(bytes(Ether(src=MAC_A, dst=bench.macs[0], type=0x800) / packet))
    assert got(bench.a) == got(bench.b) == []
    assert bench.router.dropped == 1


def test_frames_for_others_are_not_looked_at(bench: Bench) -> None:
    bench.a.send(bytes(Ether(src=MAC_A, dst=MAC_B) / IP(src=A, dst=B) / UDP()))
    bench.a.send(b"short")
    assert got(bench.a) == got(bench.b) == []


def test_routes_by_the_longest_prefix(bench: Bench) -> None:
    bench.router.add_route("0.0.0.0/0", A)
    bench.router.add_route("192.0.2.0/24", B)
    bench.send(IP(src=A, dst="192.0.2.1") / UDP())
    bench.send(IP(src=A, dst="198.51.100.1") / UDP())
    assert [frame.dst for frame in got(bench.b)] == [MAC_B]
    assert [frame.dst for frame in got(bench.a)] == [MAC_A]


def test_what_is_too_long_is_cut_up() -> None:
    bench = Bench(mtu=576)
    bench.meet()
    packet = IP(src=A, dst=B, id=99) / UDP(sport=5, dport=6) / bytes(i & 255 for i in range(1400))
    bench.send(packet)
    out = got(bench.b)
    assert [(len(checked(frame)[IP]), frame[IP].frag, int(frame[IP].flags)) for frame in out] == [
        (572, 0, 1), (572, 69, 1), (324, 138, 0),
    ]  # fmt: skip
    assert b"".join(bytes(frame[IP].payload) for frame in out) == bytes(IP(bytes(packet)).payload)
    bench.send(IP(src=A, dst=B, flags="DF") / UDP() / bytes(1000))
    (error,) = got(bench.a)
    assert (checked(error)[ICMP].type, error[ICMP].code, error[ICMP].nexthopmtu) == (3, 4, 576)
    assert got(bench.b) == []


def test_fragments_are_cut_up_again_and_keep_the_options_to_be_copied() -> None:
    options = [IPOption_RR(routers=["1.2.3.4"]), IPOption_NOP()]
    second = fragment(IP(src=A, dst=B, id=3) / UDP() / bytes(2000), fragsize=1008)[1]
    second.options = options
    packet = bytes(IP(bytes(second)))
    header = ip_header.parse(packet)
    assert header is not None
    out = [IP(piece) for piece in fragments(header, packet, 400)]
    assert [piece.frag for piece in out] == [126 + at for at in (0, 46, 93)]
    assert bytes(out[0])[20 : out[0].ihl * 4] == header.options
    assert [piece.ihl for piece in out[1:]] == [5, 5]  # Record Route is not copied
    assert b"".join(bytes(piece.payload) for piece in out) == packet[header.header_len :]


def test_routes_in_a_circle_end_with_the_ttl(bench: Bench) -> None:
    other = Router("other", bench.clock)
    Cable(bench.clock, bench.router.interface("10.0.9.1/24"), other.interface("10.0.9.2/24"))
    bench.router.add_route("192.0.2.0/24", "10.0.9.2")
    other.add_route("0.0.0.0/0", "10.0.9.1")
    bench.send(IP(src=A, dst="192.0.2.1", ttl=255) / UDP())
    (error,) = got(bench.a)
    assert (error[ICMP].type, error[IP].src) == (11, "10.0.9.1")
    assert bench.router.forwarded + other.forwarded == 254


def test_mistakes_are_named(bench: Bench) -> None:
    for bad in ("10.0.1.1", "10.0.1.1/33", "10.0.1/24"):
        with pytest.raises(ValueError):
            parse_subnet(bad)
    with pytest.raises(ValueError, match=r"in the subnet of r\.0"):
        bench.router.interface("10.0.1.200/28")
    with pytest.raises(ValueError, match="in no subnet of r"):
        bench.router.add_route("0.0.0.0/0", "192.0.2.1")
    with pytest.raises(ValueError, match="needs an address"):
        bench.router.no_port()
