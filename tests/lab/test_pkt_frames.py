"""Frames of a script, built and decoded: scapy is the judge of every header, and decoding gives back what was
built."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.pkt.decode import FrameDecoder
from lab.pkt.describe import describe
from lab.pkt.events import Eth, Icmp, Inbound, Modifier, Option, Packet, Tcp, Udp
from lab.pkt.format import format_packet
from lab.pkt.frames import Addressing, FrameBuilder, IssTable, pattern, payload
from lab.pkt.language import parse_action
from lab.pkt.scanner import Scanner
from netstack.address import format_ip, parse_ip

OUR_MAC, PEER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
OURS = Addressing(parse_ip("10.0.0.1"), OUR_MAC, 80, parse_ip("10.0.0.2"), PEER_MAC, 40000, 7000)
# The same two hosts seen from the other side: what one builds, the other decodes.
THEIRS = Addressing(OURS.peer_ip, PEER_MAC, 40000, OURS.local_ip, OUR_MAC, 80, 0)

OUR_ISS = 1_000_000


def parse(text: str) -> Packet:
    event = parse_action(Scanner("x", 1, text), 0)
    assert isinstance(event, Inbound)
    return event.packet


def build(text: str) -> bytes:
    isses = IssTable()
    isses.sent_syn(80, OURS.peer_ip, 40000, OUR_ISS)
    return FrameBuilder(OURS, isses).build(parse(text))


def dissect(frame: bytes) -> Any:
    from scapy.layers.l2 import Ether

    return Ether(frame)


def checksums_of(frame: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    """(what the frame says, what scapy computes) of the IP and of the transport header."""
    from scapy.layers.inet import IP, TCP, UDP

    seen = dissect(frame)
    layer = TCP if TCP in seen else UDP
    wanted = seen.copy()
    del wanted[IP].chksum, wanted[layer].chksum
    wanted = dissect(bytes(wanted))
    return (seen[IP].chksum, wanted[IP].chksum), (seen[layer].chksum, wanted[layer].chksum)


def test_a_segment_has_the_real_numbers() -> None:
    from scapy.layers.inet import IP, TCP

    frame = build("< P. 1:11(10) ack 101 win 9 urg 3 <mss 1460,nop,nop,TS val 5 ecr 6>")
    seen = dissect(frame)
    assert (seen.dst, seen.src) == ("02:00:00:00:00:01", "02:00:00:00:00:02")
    assert (seen[IP].src, seen[IP].dst, seen[IP].ttl, seen[IP].id) == ("10.0.0.2", "10.0.0.1", 64, 1)
    tcp = seen[TCP]
    assert (tcp.sport, tcp.dport, tcp.seq, tcp.ack) == (40000, 80, 7001, OUR_ISS + 101)
    assert (str(tcp.flags), tcp.window, tcp.urgptr) == ("PA", 9, 3)
    assert tcp.options == [("MSS", 1460), ("NOP", None), ("NOP", None), ("Timestamp", (5, 6))]
    assert bytes(tcp.payload) == bytes(range(10))
    assert all(said == right for said, right in checksums_of(frame))


def test_sack_blocks_of_the_peer_speak_of_our_numbers() -> None:
    from scapy.layers.inet import TCP

    sack = dissect(build("< . 1:1(0) ack 1 <sack 11:21 31:41>"))[TCP].options[0]
    assert sack == ("SAck", tuple(OUR_ISS + edge for edge in (11, 21, 31, 41)))


def test_a_segment_without_ack_carries_acknowledgement_0() -> None:
    from scapy.layers.inet import TCP

    assert dissect(build("< S 0:0(0)"))[TCP].ack == 0


def test_identifications_count_up_and_raw_frames_have_none() -> None:
    from scapy.layers.inet import IP

    builder = FrameBuilder(OURS, IssTable())
    frames = [builder.build(parse(text)) for text in ("< S 0:0(0)", "< eth 0102", "< udp (1)")]
    assert frames[1] == b"\x01\x02"
    assert [dissect(frames[0])[IP].id, dissect(frames[2])[IP].id] == [1, 2]


@pytest.mark.parametrize("data", ["P. 1:6(5) ack 1", "udp 9 > 7 (5)"])
def test_spoiled_checksums_are_wrong_and_only_they(data: str) -> None:
    for modifiers, spoiled in (
        ("", (False, False)),
        ("[badipsum] ", (True, False)),
        ("[badsum] ", (False, True)),
    ):
        ip, transport = checksums_of(build(f"< {modifiers}{data}"))
        assert (ip[0] != ip[1], transport[0] != transport[1]) == spoiled


def test_modifiers_of_the_ip_header() -> None:
    from scapy.layers.inet import IP

    frame = build(
        "< [ttl 3, tos 0x1c, src 10.0.0.9, dst 10.0.0.255, dmac ffffffffffff, df, ipopt 9404] udp (2)"
    )
    seen = dissect(frame)
    assert (seen.dst, seen.src) == ("ff:ff:ff:ff:ff:ff", "02:00:00:00:00:09")
    ip = seen[IP]
    assert (ip.ttl, ip.tos, ip.src, ip.dst, str(ip.flags), ip.ihl) == (
        3,
        28,
        "10.0.0.9",
        "10.0.0.255",
        "DF",
        6,
    )
    assert frame[34:38] == bytes.fromhex("94040000")


def test_modifiers_that_contradict_the_packet() -> None:
    from scapy.layers.inet import IP, TCP, UDP

    whole = build("< P. 1:11(10) ack 1")
    cut = build("< [trunc 25] P. 1:11(10) ack 1")
    assert cut == whole[: 14 + 20 + 25]
    assert dissect(build("< [iplen 41] P. 1:11(10) ack 1"))[IP].len == 41
    odd = dissect(build("< [doff 15, resv 5] S 0:0(0)"))[TCP]
    assert (odd.dataofs, odd.reserved) == (15, 5 >> 1)
    assert dissect(build("< [ulen 7] udp (10)"))[UDP].len == 7
    assert dissect(build("< [nosum] udp (10)"))[UDP].chksum == 0


def test_an_icmp_error_quotes_our_segment() -> None:
    from scapy.layers.inet import ICMP, IP, IPerror, TCPerror

    seen = dissect(build("< icmp unreachable frag_needed mtu 576 [80 > 40000 101:201(100)]"))
    assert (seen[ICMP].type, seen[ICMP].code, seen[ICMP].nexthopmtu) == (3, 4, 576)
    quoted = seen[IPerror]
    assert (quoted.src, quoted.dst, quoted.len) == ("10.0.0.1", "10.0.0.2", 140)
    assert (seen[TCPerror].sport, seen[TCPerror].dport, seen[TCPerror].seq) == (80, 40000, OUR_ISS + 101)
    computed = seen.copy()
    del computed[ICMP].chksum, computed[IP].chksum
    assert bytes(computed) == bytes(seen)


def test_the_stream_is_a_pattern_of_251_bytes() -> None:
    assert pattern(0, 300) == bytes(k % 251 for k in range(300))
    assert pattern(10**9 + 7, 5) == bytes((10**9 + 7 + k) % 251 for k in range(5))
    assert pattern(250, 200_000) == bytes(k % 251 for k in range(250, 200_250))
    assert payload(Tcp("P.", 252, 254, 2)) == bytes([0, 1])
    assert payload(Tcp("S", 0, 2, 2)) == bytes([0, 1])  # a SYN takes a number itself


# What one side builds the other decodes


def decode(frame: bytes, view: str = "tcp") -> tuple[Packet, str | None]:
    return FrameDecoder(THEIRS, IssTable(), view).decode(frame)


u32 = st.integers(0, 0xFFFFFFFF)


@given(
    st.sampled_from([".", "P.", "F.", "R.", "SP.", "FSRPUEW.", "-", "R"]),
    u32,
    st.integers(0, 1460),
    st.lists(st.sampled_from(["nop", "sackOK"]).map(Option), max_size=8),
)
def test_decoding_gives_back_what_was_built(flags: str, seq: int, length: int, options: list[Option]) -> None:
    addressing = Addressing(**{name: getattr(OURS, name) for name in Addressing.__slots__} | {"peer_iss": 0})
    if "S" in flags:
        seq -= seq % 251  # so that the stream begins with byte 0
    packet = Tcp(flags, seq, (seq + length) & 0xFFFFFFFF, length, (40000, 80), win=5)
    packet.options = options or None
    if "U" in flags:
        packet.urg = 1
    if "." in flags:
        packet.ack = 77
    decoded, fault = decode(FrameBuilder(addressing, IssTable()).build(packet))
    assert fault is None
    assert isinstance(decoded, Tcp)
    used = sum({"nop": 1, "sackOK": 2}[option.name] for option in options)
    wanted = packet.options and [*packet.options, *[Option("eol")] * (-used % 4)]
    if "S" in flags:  # from its SYN on, a side's numbers are relative to it
        seq = 0
    assert (decoded.flags, decoded.seq, decoded.length) == (flags, seq, length)
    assert (decoded.ack, decoded.win, decoded.urg) == (packet.ack, 5, packet.urg)
    assert decoded.options == wanted
    assert [m.name for m in decoded.modifiers] == ["ttl"]  # 64, where a device sends 255


def test_numbers_are_relative_to_the_last_syn_of_a_connection() -> None:
    isses = IssTable()
    builder = FrameBuilder(Addressing(**{name: getattr(OURS, name) for name in Addressing.__slots__}), isses)
    decoder = FrameDecoder(THEIRS, IssTable(), "tcp")
    lines = ["< S 100:100(0)", "< . 351:351(0) ack 9", "< S 600:600(0)", "< R 5:5(0)"]
    printed = [format_packet(decoder.decode(builder.build(parse(line)))[0]) for line in lines]
    assert [text.split("] ")[1] for text in printed] == [
        "40000 > 80 S 0:0(0) win 0",
        "40000 > 80 . 251:251(0) ack 9 win 0",
        "40000 > 80 S 0:0(0) win 0",
        "40000 > 80 R 4294966701:4294966701(0) win 0",
    ]


def test_payload_and_checksums_are_verified() -> None:
    good = build("< udp 9 > 7 (5)")
    assert decode(good)[1] is None
    wrong = bytearray(good)
    wrong[-1] ^= 1
    assert decode(bytes(wrong))[1] == "wrong checksum"
    assert decode(build("< [badsum] udp 9 > 7 (5)"))[1] == "wrong checksum"
    assert decode(build("< [badipsum] P. 1:9(8) ack 1"))[1] == "wrong IP checksum"
    assert decode(build("< [nosum] udp 9 > 7 (5)"))[1] is None

    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.l2 import Ether

    other = Ether() / IP(src="10.0.0.2", dst="10.0.0.1") / TCP(sport=1, dport=2, seq=1, flags="PA") / b"hello"
    assert decode(bytes(other))[1] == "the payload is not the pattern"
    assert decode(bytes(other), "eth")[1] is None
    query = Ether() / IP(src="10.0.0.2", dst="10.0.0.1") / UDP(sport=1, dport=53) / b"question"
    assert decode(bytes(query))[1] is None  # what the stack itself asks is no pattern


def test_what_is_no_whole_tcp_or_udp_is_shown_as_a_frame() -> None:
    for text in ("[iplen 25] P. 1:11(10) ack 1", "[doff 4] P. 1:11(10) ack 1", "[doff 15] . 1:1(0) ack 1"):
        frame = build(f"< {text}")
        packet, _ = decode(frame)
        assert isinstance(packet, Eth)
        assert packet.frame == frame
    fragment = bytearray(build("< udp (8)"))
    fragment[20] |= 0x20
    assert isinstance(decode(bytes(fragment))[0], Eth)


@given(st.binary(max_size=80))
def test_no_frame_makes_the_decoder_or_the_description_fail(data: bytes) -> None:
    for head in (b"", OUR_MAC + PEER_MAC + b"\x08\x00", OUR_MAC + PEER_MAC + b"\x08\x06"):
        decode(head + data)
        describe(head + data)


def test_a_frame_is_described_by_its_fields() -> None:
    assert describe(build("< [df] udp 5 > 53 (3)")) == (
        '{"eth":{"dst":"020000000001","src":"020000000002"},'
        '"ip":{"src":"10.0.0.2","dst":"10.0.0.1","proto":17,"ttl":64,"id":1,"len":31,"df":1},'
        '"udp":{"sport":5,"dport":53,"len":3}}'
    )


def test_modifiers_of_an_outbound_packet() -> None:
    packet, _ = decode(build("< [src 10.0.0.77, dst 10.0.0.78, ttl 255, tos 0x10, df] udp 1 > 2 (0)"))
    assert isinstance(packet, Udp)
    text = format_packet(packet)
    assert text == "[src 10.0.0.77,dst 10.0.0.78,tos 0x10,df] udp 1 > 2 (0)"
    assert packet.modifiers[0] == Modifier("src", parse_ip("10.0.0.77"))
    assert format_ip(OURS.local_ip) == "10.0.0.1"
    assert Icmp("net_unreachable", (1, 2), 0, 0, 0).modifiers == []
