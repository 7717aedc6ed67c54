"""The IPv4 header against scapy and against itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, IPOption_Router_Alert

from netstack.address import format_ip
from netstack.ip_header import (
    DONT_FRAGMENT,
    HEADER_LEN,
    MORE_FRAGMENTS,
    Ipv4Header,
    build,
    emit,
    has_right_checksum,
    parse,
)

u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
options = st.binary(max_size=40).map(lambda data: data[: len(data) // 4 * 4])
FIELDS = ("header_len", "tos", "total_len", "ident", "fragment", "ttl", "proto", "src", "dst", "options")


def values(header: Ipv4Header | None) -> list[object]:
    return [getattr(header, name) for name in FIELDS]


@given(u8, u16, u16, u16, u8, u8, u32, u32, options)
def test_parse_of_emit_is_the_same(
    tos: int, total: int, ident: int, fragment: int, ttl: int, proto: int, src: int, dst: int, opts: bytes
) -> None:
    raw = build(tos, total, ident, fragment, ttl, proto, src, dst, opts)
    header = parse(raw)
    assert header is not None
    assert values(header) == [HEADER_LEN + len(opts), tos, total, ident, fragment, ttl, proto, src, dst, opts]
    assert emit(header) == raw
    assert has_right_checksum(raw, header.header_len)


@given(u8, u16, u8, u8, u32, u32, st.booleans(), st.booleans(), st.integers(0, 0x1FFF))
def test_scapy_reads_what_we_build(
    tos: int, ident: int, ttl: int, proto: int, src: int, dst: int, df: bool, mf: bool, offset: int
) -> None:
    fragment = df * DONT_FRAGMENT | mf * MORE_FRAGMENTS | offset
    raw = build(tos, 20, ident, fragment, ttl, proto, src, dst)
    oracle = IP(raw)
    assert (oracle.version, oracle.ihl, oracle.tos, oracle.len, oracle.id) == (4, 5, tos, 20, ident)
    assert (oracle.flags.DF, oracle.flags.MF, oracle.frag) == (df, mf, offset)
    assert (oracle.ttl, oracle.proto, oracle.src, oracle.dst) == (ttl, proto, format_ip(src), format_ip(dst))
    del oracle.chksum
    assert bytes(oracle) == raw


def test_we_read_what_scapy_builds() -> None:
    packet = IP(
        src="10.0.0.2",
        dst="10.0.0.1",
        id=77,
        ttl=3,
        tos=0x10,
        flags="DF",
        proto=17,
        options=[IPOption_Router_Alert()],
    )
    raw = bytes(packet / b"payload")
    header = parse(raw)
    assert header is not None
    assert values(header) == [24, 0x10, 31, 77, DONT_FRAGMENT, 3, 17, 0x0A000002, 0x0A000001, b"\x94\x04\0\0"]
    assert header.packet == raw
    assert has_right_checksum(raw, 24)


def test_options_are_padded() -> None:
    raw = build(0, 25, 0, 0, 1, 2, 1, 2, b"\x94\x04\x00")
    assert raw[0] == 0x46
    assert raw[20:] == b"\x94\x04\0\0"
    assert has_right_checksum(raw, 24)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(IP())[:19],
        b"\x65" + bytes(IP())[1:],  # version 6
        b"\x05" + bytes(IP())[1:],  # version 0
        b"\x44" + bytes(IP())[1:],  # 16 bytes of header
        b"\x46" + bytes(IP())[1:],  # 24 bytes of header, 20 there
        b"\x4f" + bytes(IP())[1:] + bytes(39),
    ],
    ids=["empty", "short", "version 6", "version 0", "ihl 4", "ihl 6", "ihl 15"],
)
def test_malformed(raw: bytes) -> None:
    assert parse(raw) is None


@given(st.binary(max_size=70))
def test_any_bytes_are_parsed_or_not(raw: bytes) -> None:
    header = parse(raw)
    assert header is None or HEADER_LEN <= header.header_len <= len(raw)
