"""The interface: up, linked, addressed, and who hears of it in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstack.address import is_broadcast, parse_ip, prefix_to_mask
from netstack.netif import Netif

MAC = bytes.fromhex("020000000001")
IP, OTHER, MASK, GATEWAY = (
    parse_ip("10.0.0.1"),
    parse_ip("10.0.0.9"),
    prefix_to_mask(24),
    parse_ip("10.0.0.254"),
)


def heard(netif: Netif) -> list[object]:
    """What all its listeners are told, with what is set at that moment."""
    events: list[object] = []
    netif.on_address.append(
        lambda old, new: events.append(("address", old, new, netif.ip, netif.netmask, netif.gateway))
    )
    netif.on_report.append(lambda: events.append(("report", netif.ip)))
    netif.on_down.append(lambda: events.append("down"))
    netif.on_link.append(lambda: events.append("link"))
    netif.on_link_down.append(lambda: events.append("link down"))
    return events


def test_only_up_linked_and_addressed_is_usable() -> None:
    netif = Netif(MAC, 1500, 0, 0, 0)
    assert not netif.usable
    netif.set_up(True)
    assert not netif.usable
    netif.set_addr(IP, MASK, GATEWAY)
    assert netif.usable
    netif.set_link(False)
    assert not netif.usable
    netif.set_link(True)
    assert netif.usable
    netif.set_up(False)
    assert not netif.usable


def test_reports_come_when_it_becomes_usable() -> None:
    netif = Netif(MAC, 1500, IP, MASK, GATEWAY)
    events = heard(netif)
    netif.set_up(True)
    netif.set_up(True)
    netif.set_link(False)
    netif.set_link(False)
    netif.set_link(True)
    netif.set_up(False)
    assert events == [("report", IP), "link down", "link", ("report", IP), "down"]


def test_link_without_up_reports_nothing() -> None:
    netif = Netif(MAC, 1500, IP, MASK, GATEWAY)
    events = heard(netif)
    netif.set_link(False)
    netif.set_link(True)
    assert events == ["link down", "link"]


def test_an_address_is_set_after_mask_and_gateway() -> None:
    netif = Netif(MAC, 1500, IP, prefix_to_mask(8), 0)
    netif.set_up(True)
    events = heard(netif)
    netif.set_addr(OTHER, MASK, GATEWAY)
    assert events == [("address", IP, OTHER, IP, MASK, GATEWAY), ("report", OTHER)]
    assert (netif.ip, netif.netmask, netif.gateway) == (OTHER, MASK, GATEWAY)


def test_an_address_is_removed_before_mask_and_gateway() -> None:
    """So that the resets of its connections still find their way (netif_set_addr)."""
    netif = Netif(MAC, 1500, IP, MASK, GATEWAY)
    netif.set_up(True)
    events = heard(netif)
    netif.set_addr(0, 0, 0)
    assert events == [("address", IP, 0, IP, MASK, GATEWAY)]
    assert (netif.ip, netif.netmask, netif.gateway) == (0, 0, 0)


def test_the_same_address_is_no_change() -> None:
    netif = Netif(MAC, 1500, IP, MASK, 0)
    netif.set_up(True)
    events = heard(netif)
    netif.set_addr(IP, MASK, GATEWAY)
    assert not events
    assert netif.gateway == GATEWAY


def test_a_new_mask_changes_the_broadcast_address() -> None:
    netif = Netif(MAC, 1500, IP, MASK, 0)
    netif.set_addr(IP, prefix_to_mask(16), 0)
    assert netif.is_broadcast(parse_ip("10.0.255.255"))
    assert not netif.is_broadcast(parse_ip("10.0.0.255"))


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 32), st.booleans())
def test_is_broadcast_is_that_of_the_addresses(address: int, ip: int, prefix: int, near: bool) -> None:
    mask = prefix_to_mask(prefix)
    if near:
        address = ip & mask | address & ~mask & 0xFFFFFFFF
    for candidate in (address, ip, ip | ~mask & 0xFFFFFFFF, 0, 0xFFFFFFFF):
        assert Netif(MAC, 1500, ip, mask, 0).is_broadcast(candidate) == is_broadcast(candidate, ip, mask)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("10.0.0.7", True), ("192.0.2.1", True), ("127.0.0.1", False), ("255.255.255.255", True)],
)
def test_routes(address: str, expected: bool) -> None:
    netif = Netif(MAC, 1500, IP, MASK, 0)
    assert not netif.routes(parse_ip(address))
    netif.set_up(True)
    assert netif.routes(parse_ip(address)) is expected


def test_in_subnet() -> None:
    netif = Netif(MAC, 1500, IP, MASK, 0)
    assert netif.in_subnet(OTHER)
    assert not netif.in_subnet(parse_ip("10.0.1.1"))
