"""Addresses: text and numbers, and which are special."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstack.address import (
    format_ip,
    format_mac,
    is_broadcast,
    is_link_local,
    is_multicast,
    multicast_mac,
    parse_ip,
    parse_mac,
    prefix_to_mask,
)

addresses = st.integers(0, 0xFFFFFFFF)


@given(addresses)
def test_ip_text_agrees_with_the_standard_library(address: int) -> None:
    text = format_ip(address)
    assert text == str(ipaddress.IPv4Address(address))
    assert parse_ip(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "256.0.0.1",
        "1.2.3.-4",
        "1.2.3.x",
        "1..2.3",
        "1.2.3.4 ",
        "٣.1.1.1",
        "0x1.2.3.4",
    ],
)
def test_what_is_no_address_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="not an IPv4 address") as failure:
        parse_ip(text)
    assert repr(text) in str(failure.value)


@pytest.mark.parametrize("text", ["02:00:00:00:00:01", "02-00-00-00-00-01", "020000000001"])
def test_mac_text(text: str) -> None:
    assert parse_mac(text) == b"\x02\0\0\0\0\x01"


def test_format_mac() -> None:
    assert format_mac(bytes.fromhex("02000000abcd")) == "02:00:00:00:ab:cd"


@pytest.mark.parametrize("text", ["", "02:00", "02:00:00:00:00:0g", "02:00:00:00:00:00:01"])
def test_what_is_no_mac_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="not a MAC address"):
        parse_mac(text)


@pytest.mark.parametrize("prefix", range(33))
def test_prefix_to_mask(prefix: int) -> None:
    assert prefix_to_mask(prefix) == int(ipaddress.IPv4Network((0, prefix)).netmask)


@pytest.mark.parametrize("prefix", [-1, 33])
def test_no_such_prefix(prefix: int) -> None:
    with pytest.raises(ValueError, match="not a prefix length"):
        prefix_to_mask(prefix)


@given(addresses)
def test_multicast_and_link_local_agree_with_the_standard_library(address: int) -> None:
    assert is_multicast(address) == ipaddress.IPv4Address(address).is_multicast
    assert is_link_local(address) == ipaddress.IPv4Address(address).is_link_local


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("255.255.255.255", True),
        ("0.0.0.0", True),  # the old broadcast of BSD, which lwIP still takes
        ("10.0.0.255", True),
        ("10.0.1.255", False),
        ("10.0.0.1", False),
        ("10.0.0.0", False),
    ],
)
def test_broadcast_of_a_subnet(address: str, expected: bool) -> None:
    assert is_broadcast(parse_ip(address), parse_ip("10.0.0.1"), prefix_to_mask(24)) is expected


def test_the_own_address_is_no_broadcast() -> None:
    own = parse_ip("10.0.0.255")
    assert not is_broadcast(own, own, prefix_to_mask(24))


def test_a_host_mask_has_no_broadcast_of_its_own() -> None:
    own = parse_ip("10.0.0.1")
    assert not is_broadcast(parse_ip("10.0.0.2"), own, prefix_to_mask(32))


@pytest.mark.parametrize(
    ("group", "mac"),
    [("224.0.0.1", "01005e000001"), ("239.129.2.3", "01005e010203"), ("239.255.255.255", "01005e7fffff")],
)
def test_multicast_mac_has_the_low_23_bits(group: str, mac: str) -> None:
    assert multicast_mac(parse_ip(group)) == bytes.fromhex(mac)
