"""Fields of a frame: scapy finds the same, and agrees about repaired checksums."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.impair.fields import FIELDS, get, known, layers, put, repair, width
from tap.impair.units import ImpairmentError
from tests.tap.impair.rig import MAC, PEER_MAC, packet, tcp_frame

UDP = packet(17, bytes.fromhex("303900350010abcd") + b"payload!")
ICMP = packet(1, bytes.fromhex("0800000012340007") + b"ping")
ARP = MAC + PEER_MAC + bytes.fromhex("08060001080006040001020000000001 0a000001 000000000000 0a000002")
SAMPLES = {"eth": ARP, "arp": ARP, "ip": UDP, "tcp": tcp_frame(), "udp": UDP, "icmp": ICMP}


def scapy_value(frame: bytes, field: str) -> int:
    from scapy.layers.inet import ICMP as Icmp
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet import UDP as Udp
    from scapy.layers.l2 import ARP as Arp
    from scapy.layers.l2 import Ether

    layer, name = field.split(".")
    kind = {"eth": Ether, "arp": Arp, "ip": IP, "tcp": TCP, "udp": Udp, "icmp": Icmp}[layer]
    value = getattr(Ether(frame)[kind], name)
    if isinstance(value, str):
        if ":" in value:
            return int(value.replace(":", ""), 16)
        return int.from_bytes(bytes(int(part) for part in value.split(".")), "big")
    return int(value)


@pytest.mark.parametrize("field", FIELDS)
def test_scapy_reads_the_same(field: str) -> None:
    frame = SAMPLES[field.partition(".")[0]]
    assert get(frame, field) == scapy_value(frame, field)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_is_set_and_nothing_else(field: str) -> None:
    layer = field.partition(".")[0]
    frame = SAMPLES[layer]
    old = get(frame, field)
    assert old is not None
    changed = bytearray(frame)
    full = (1 << width(field)) - 1
    put(changed, field, old ^ full)
    if field not in (
        "eth.type",
        "ip.version",
        "ip.ihl",
        "ip.proto",
        "ip.frag",
        "tcp.dataofs",
    ):  # that move layers
        assert get(changed, field) == old ^ full
    flipped = int.from_bytes(frame, "big") ^ int.from_bytes(changed, "big")
    assert flipped.bit_count() == width(field)


def test_where_the_layers_are() -> None:
    assert layers(tcp_frame()) == {"eth": 0, "ip": 14, "tcp": 34, "payload": 54}
    assert layers(ARP) == {"eth": 0, "arp": 14}
    assert layers(packet(17, bytes(20), fragment=0x2001)) == {"eth": 0, "ip": 14, "payload": 34}
    assert layers(packet(6, bytes(19))) == {"eth": 0, "ip": 14, "payload": 34}
    assert layers(packet(47, b"gre")) == {"eth": 0, "ip": 14, "payload": 34}
    assert layers(b"short") == {}


def wrong(frame: bytes) -> bytearray:
    """The frame with checksums that cannot be right."""
    broken = bytearray(frame)
    broken[24:26] = b"\xde\xad"
    for field in ("tcp.chksum", "udp.chksum", "icmp.chksum"):
        if get(frame, field) is not None:
            put(broken, field, 0xBEEF)
    return broken


@pytest.mark.parametrize(
    "frame", [tcp_frame(), tcp_frame(b"odd"), tcp_frame(b""), UDP, ICMP, tcp_frame() + bytes(6)]
)
def test_repaired_checksums_are_what_scapy_computes(frame: bytes) -> None:
    from scapy.layers.inet import ICMP as Icmp
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet import UDP as Udp
    from scapy.layers.l2 import Ether

    ours = wrong(frame)
    repair(ours)
    theirs = Ether(frame)
    for layer in (IP, TCP, Udp, Icmp):
        if layer in theirs:
            del theirs[layer].chksum
    assert bytes(ours) == bytes(theirs)


def test_what_is_not_repaired() -> None:
    no_checksum = bytearray(packet(17, bytes.fromhex("3039003500100000") + b"payload!"))
    before = bytes(no_checksum)
    repair(no_checksum)
    assert bytes(no_checksum) == before  # UDP without a checksum
    first = bytearray(packet(17, bytes.fromhex("303900350020abcd") + bytes(8), fragment=0x2000))
    before = bytes(first)
    repair(first)
    assert bytes(first) == before  # a fragment
    arp = bytearray(ARP)
    repair(arp)
    assert bytes(arp) == ARP


@given(st.binary(max_size=80), st.booleans())
def test_nothing_from_the_network_raises(data: bytes, ip: bool) -> None:
    frame = bytearray(bytes(12) + b"\x08\x00" + data if ip else data)
    if ip and data:
        frame[14] = 0x40 | data[0] & 0xF
    for field in FIELDS:
        if get(frame, field) is not None:
            put(bytearray(frame), field, 0)
    length = len(frame)
    repair(frame)
    assert len(frame) == length


def test_an_unknown_field() -> None:
    with pytest.raises(
        ImpairmentError, match=r"there is no field 'udp.window': take one of udp.sport, udp.dport"
    ):
        known("udp.window")
    with pytest.raises(ImpairmentError, match=r"there is no field 'ssl.key': take one of arp.hwdst"):
        known("ssl.key")
