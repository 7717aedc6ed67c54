"""ARP packets: what is written is read, and scapy reads the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import ARP

from netstack.address import format_ip
from netstack.arp_packet import ArpPacket, emit, parse

macs, ips = st.binary(min_size=6, max_size=6), st.integers(0, 0xFFFFFFFF)


@given(st.integers(0, 0xFFFF), macs, ips, macs, ips)
def test_round_trip_and_scapy(opcode: int, sha: bytes, spa: int, tha: bytes, tpa: int) -> None:
    raw = emit(ArpPacket(opcode, sha, spa, tha, tpa))
    packet = parse(raw)
    assert packet is not None
    assert (packet.opcode, packet.sender_mac, packet.sender_ip) == (opcode, sha, spa)
    assert (packet.target_mac, packet.target_ip) == (tha, tpa)
    oracle = ARP(raw)
    assert (oracle.hwtype, oracle.ptype, oracle.hwlen, oracle.plen, oracle.op) == (1, 0x800, 6, 4, opcode)
    assert (oracle.psrc, oracle.pdst) == (format_ip(spa), format_ip(tpa))


def test_a_packet_needs_28_bytes() -> None:
    assert parse(bytes(ARP())[:27]) is None
