"""The Internet checksum against RFC 1071's loop, RFC examples and scapy."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import checksum as scapy_checksum

from netstack.checksum import finish, is_valid, residue


def rfc1071(data: bytes) -> int:
    """The algorithm of RFC 1071 section 4.1, word by word."""
    total = 0
    for (word,) in struct.iter_unpack("!H", data + bytes(len(data) & 1)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def test_example_of_rfc_1071() -> None:
    assert finish(residue(bytes.fromhex("0001f203f4f5f6f7"))) == ~0xDDF2 & 0xFFFF


def test_example_of_an_ip_header() -> None:
    header = bytes.fromhex("45000073000040004011b861c0a80001c0a800c7")
    assert is_valid(residue(header))
    assert finish(residue(header[:10] + b"\0\0" + header[12:])) == 0xB861


@given(st.binary(min_size=1, max_size=80).filter(any))
def test_agrees_with_the_loop_and_with_scapy(data: bytes) -> None:
    assert finish(residue(data)) == rfc1071(data) == scapy_checksum(data)


@pytest.mark.parametrize("length", [511, 512, 513, 514, 1023, 1024, 1459, 1460, 1461, 4000, 8191, 65535])
@pytest.mark.parametrize("fill", [b"\x01", b"\xff", b"\xff\xfe", bytes(range(1, 252))])
def test_long_data_is_folded_right(length: int, fill: bytes) -> None:
    data = (fill * (length // len(fill) + 1))[:length]
    assert finish(residue(data)) == rfc1071(data)


@given(st.binary(max_size=700), st.binary(max_size=700))
def test_residues_of_parts_add(first: bytes, second: bytes) -> None:
    if len(first) % 2:
        first += b"\0"
    assert (residue(first) + residue(second)) % 0xFFFF == residue(first + second)


@given(st.binary(min_size=2, max_size=600).filter(any))
def test_data_with_its_checksum_is_valid(data: bytes) -> None:
    data += bytes(len(data) & 1)
    whole = data + finish(residue(data)).to_bytes(2, "big")
    assert is_valid(residue(whole))
    assert not is_valid(residue(whole) + 1)


def test_all_zero_data_is_the_special_case() -> None:
    """RFC 1071 gives 0xFFFF; here it is 0, which the callers that can meet it know."""
    assert rfc1071(bytes(20)) == 0xFFFF
    assert finish(residue(bytes(20))) == 0


def test_takes_a_bytearray() -> None:
    assert residue(bytearray(b"\x01\x02\x03")) == residue(b"\x01\x02\x03")
