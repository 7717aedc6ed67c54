"""What is shown of a frame. scapy builds the frames, so that the reader is not measured by its own kind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS
from scapy.layers.inet import ICMP, IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from lab.segments import MAX_CONVERSATIONS, Reader
from netstack.address import parse_ip

DEVICE, LINUX, STRANGER = "192.168.7.2", "192.168.7.1", "10.1.2.3"


@pytest.fixture
def reader() -> Reader:
    return Reader(parse_ip(LINUX))


def frame(packet: Packet) -> bytes:
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet)


def to_device(seq: int, flags: str, ack: int = 0, data: bytes = b"", **fields: object) -> bytes:
    tcp = TCP(sport=43210, dport=80, seq=seq & 0xFFFFFFFF, ack=ack, flags=flags, window=64240, **fields)
    return frame(IP(src=LINUX, dst=DEVICE) / tcp / Raw(data))


def from_device(seq: int, flags: str, ack: int = 0, data: bytes = b"", **fields: object) -> bytes:
    tcp = TCP(sport=80, dport=43210, seq=seq, ack=ack & 0xFFFFFFFF, flags=flags, window=6400, **fields)
    return frame(IP(src=DEVICE, dst=LINUX) / tcp / Raw(data))


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_connection_is_counted_from_its_start(reader: Reader) -> None:
    last = 0xFFFFFFFF  # the numbers wrap right behind the SYN
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
    story = [
        (to_device(last, "S", options=options), True,
         "43210 > 80 SYN 0 win 64240 mss 1460 sackOK TS wscale 7"),
        (from_device(6510, "SA", last + 1, options=[("MSS", 800)]), False,
         "80 > 43210 SYN ACK 0 ack 1 win 6400 mss 800"),
        (to_device(last + 1, "PA", 6511, b"x" * 75), True, "43210 > 80 PSH ACK 1:76 ack 1 win 64240"),
        (from_device(6511, "A", last + 76), False, "80 > 43210 ACK 1 ack 76 win 6400"),
        (to_device(last + 1, "PA", 6511, b"x" * 75), True,
         "43210 > 80 PSH ACK 1:76 ack 1 win 64240 (seen before)"),
        (from_device(6511, "FPA", last + 76, b"y" * 100), False,
         "80 > 43210 FIN PSH ACK 1:101 ack 76 win 6400"),
        (to_device(last + 76, "R"), True, "43210 > 80 RST 76 win 64240"),
    ]  # fmt: skip
    for bytes_, inbound, expected in story:
        assert words(reader.read(bytes_, inbound).text) == expected


def test_windows_are_scaled_when_both_sides_agreed(reader: Reader) -> None:
    scaled = {"options": [("MSS", 1460), ("WScale", 3)]}
    assert "win 64240" in reader.read(to_device(0, "S", **scaled), True).text
    assert "win 6400 " in reader.read(from_device(0, "SA", 1, **scaled), False).text
    assert f"win {64240 << 3}" in reader.read(to_device(1, "A", 1), True).text
    assert f"win {6400 << 3}" in reader.read(from_device(1, "A", 1), False).text


def test_selective_acknowledgements_are_relative_to_the_other_side(reader: Reader) -> None:
    reader.read(to_device(1000, "S"), True)
    reader.read(from_device(6510, "SA", 1001), False)
    sack = from_device(6511, "A", 1001, options=[("NOP", None), ("NOP", None), ("SAck", (1801, 2601))])
    assert reader.read(sack, False).text.endswith(" sack 801:1601")


def test_what_is_bulk(reader: Reader) -> None:
    reader.read(to_device(0, "S"), True)
    reader.read(from_device(0, "SA", 1), False)
    for flags, bulk in (("A", True), ("PA", True), ("FA", False), ("R", False), ("RA", False), ("UA", False)):
        assert reader.read(to_device(1, flags, 1, b""), True).bulk is bulk
    data = reader.read(to_device(1, "PA", 1, b"12345"), True)
    assert (data.bulk, data.length) == (True, 5)


def test_strangers_are_named(reader: Reader) -> None:
    syn = frame(IP(src=STRANGER, dst=DEVICE) / TCP(sport=5000, dport=80, flags="S"))
    assert reader.read(syn, True).text.startswith("10.1.2.3:5000 > 80 ")
    ping = frame(IP(src=STRANGER, dst=DEVICE) / ICMP(seq=9) / Raw(b"12345678"))
    assert reader.read(ping, True).text == "ICMP  echo request seq 9, 8 bytes  10.1.2.3 > 192.168.7.2"


@pytest.mark.parametrize(
    ("packet", "text"),
    [
        (ARP(op=1, psrc=LINUX, pdst=DEVICE), "ARP  who has 192.168.7.2? tell 192.168.7.1"),
        (ARP(op=1, psrc=DEVICE, pdst=DEVICE), "ARP  192.168.7.2 is here (gratuitous)"),
        (
            ARP(op=2, psrc=DEVICE, hwsrc="02:00:c0:a8:07:02", pdst=LINUX),
            "ARP  192.168.7.2 is at 02:00:c0:a8:07:02",
        ),
        (IP(src=LINUX, dst=DEVICE) / ICMP(seq=3) / Raw(bytes(56)), "ICMP  echo request seq 3, 56 bytes"),
        (IP(src=DEVICE, dst=LINUX) / ICMP(type=3, code=3), "ICMP  port unreachable"),
        (IP(src=DEVICE, dst=LINUX) / ICMP(type=11, code=1), "ICMP  time exceeded"),
        (IP(src=LINUX, dst=DEVICE) / UDP(sport=5353, dport=53) / Raw(b"12"), "UDP  5353 > 53  2 bytes"),
        (IP(src=LINUX, dst=DEVICE, proto=132) / Raw(bytes(9)), "IPv4  protocol 132, 9 bytes"),
        (IPv6() / Raw(b"hello"), "IPv6  45 bytes"),
    ],
)
def test_other_frames(reader: Reader, packet: Packet, text: str) -> None:
    assert reader.read(frame(packet), True).text == text


def test_fragments(reader: Reader) -> None:
    first, last = fragment(IP(src=LINUX, dst=DEVICE, id=7) / ICMP() / Raw(bytes(1592)), 800)
    assert reader.read(frame(first), True).text == "IPv4  fragment 0:800 of packet 7, more follow"
    assert reader.read(frame(last), True).text == "IPv4  fragment 800:1600 of packet 7, the last"


def test_only_so_many_connections_are_remembered(reader: Reader) -> None:
    for port in range(MAX_CONVERSATIONS + 50):
        reader.read(frame(IP(src=STRANGER, dst=DEVICE) / TCP(sport=port, dport=80, flags="S")), True)
    assert len(reader._conversations) == MAX_CONVERSATIONS


VALID = [
    to_device(5, "PA", 9, b"data", options=[("MSS", 1460), ("SAck", (1, 2)), ("WScale", 7)]),
    frame(ARP()),
    frame(IP(src=LINUX, dst=DEVICE) / UDP() / DNS()),
    frame(IP(src=LINUX, dst=DEVICE, options=[b"\x94\x04\x00\x00"]) / ICMP(type=3) / Raw(bytes(28))),
]


@given(data=st.data(), inbound=st.booleans())
def test_nothing_from_the_network_makes_it_fail(data: st.DataObject, inbound: bool) -> None:
    whole = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    assert Reader(0).read(cut, inbound).text


@given(st.binary(max_size=100))
def test_nor_does_noise(noise: bytes) -> None:
    assert Reader(0).read(noise, True).text
