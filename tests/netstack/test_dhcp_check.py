"""Which DHCP replies a careful client believes (without the quirk dhcp_reply_unchecked)."""

from __future__ import annotations

from typing import Any

import pytest

from netstack.address import format_ip, parse_ip
from netstack.dhcp import BOUND, SELECTING
from netstack.dhcp_check import checked
from netstack.dhcp_message import DhcpMessage
from tests.netstack.dhcp_server import LEASED, MASK, NO_CHECK, ROUTER, DhcpServer
from tests.netstack.peer import PEER

STRICT = {"quirks_off": ("dhcp_reply_unchecked", "dhcp_decline_without_server")}


def selecting() -> DhcpServer:
    server = DhcpServer(NO_CHECK, **STRICT)
    server.dhcp.start()
    server.heard("discover")
    return server


def requesting() -> DhcpServer:
    server = selecting()
    server.offer()
    server.heard("request")
    return server


def test_a_right_lease() -> None:
    server = requesting()
    server.ack()
    assert server.configured == (LEASED, MASK, ROUTER)
    assert (server.dhcp.lease.t0, server.dhcp.lease.t1, server.dhcp.lease.t2) == (600, 300, 525)


def test_h2_the_cookie_must_be_right() -> None:
    server = selecting()
    good = server.reply("offer")
    server.datagram(good[:236] + b"BAD!" + good[240:])
    server.expect_drop("dhcp_implausible")
    assert server.dhcp.state == SELECTING


def test_h9_a_message_may_end_without_end() -> None:
    server = selecting()
    server.datagram(server.reply("offer").rstrip(b"\xff"))
    server.heard("request")


@pytest.mark.parametrize("server_id", ["10.0.0.66", None])
def test_h14_only_the_server_that_was_asked(server_id: str | None) -> None:
    server = requesting()
    server.ack(server_id=server_id)
    server.expect_drop("dhcp_implausible")
    server.ack()
    assert server.dhcp.state == BOUND


@pytest.mark.parametrize("yiaddr", "0.0.0.0 0.1.2.3 127.0.0.1 224.0.0.1 240.0.0.1 255.255.255.255".split())
def test_h17_addresses_of_no_host(yiaddr: str) -> None:
    server = selecting()
    server.address = yiaddr
    server.offer()
    server.expect_drop("dhcp_implausible")


@pytest.mark.parametrize(
    ("mask", "yiaddr", "right"),
    [
        ("255.255.255.0", "10.0.0.0", False),
        ("255.255.255.0", "10.0.0.255", False),
        ("255.255.255.254", "10.0.0.0", True),
        ("255.255.255.255", "10.0.0.50", True),
        ("255.0.255.0", "10.0.0.50", False),
        ("0.0.0.0", "10.0.0.50", False),
        ("0.255.255.255", "10.0.0.50", False),
        (None, "10.0.0.0", True),
    ],
)
def test_h17_h18_masks(mask: str | None, yiaddr: str, right: bool) -> None:
    server = selecting()
    server.address = yiaddr
    server.offer(subnet_mask=mask)
    assert (server.schedule() == [(0, "request")]) is right


@pytest.mark.parametrize(("router", "gateway"), [("192.0.2.1", "0.0.0.0"), ("10.0.0.7", "10.0.0.7")])
def test_h19_a_router_outside_the_subnet_is_left_out(router: str, gateway: str) -> None:
    server = requesting()
    server.ack(router=router)
    assert format_ip(server.stack.netif.gateway) == gateway


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"lease_time": 600, "renewal_time": 100, "rebinding_time": 200}, (600, 100, 200)),
        ({"lease_time": 600, "renewal_time": 300, "rebinding_time": 200}, (600, 300, 525)),
        ({"lease_time": 600, "renewal_time": 700}, (600, 300, 525)),
        ({"lease_time": 600, "rebinding_time": 700}, (600, 300, 525)),
        ({"lease_time": 0xFFFFFFFE}, (0xFFFF * 60, 0xFFFF * 30, 0xFFFF * 60 * 7 // 8)),
    ],
    ids=["right", "H13 T1 > T2", "H13 T1 > lease", "H13 T2 > lease", "H12"],
)
def test_h12_h13_times(times: dict[str, Any], expected: tuple[int, int, int]) -> None:
    server = requesting()
    server.ack(**times)
    lease = server.dhcp.lease
    assert (lease.t0, lease.t1, lease.t2) == expected


def test_the_server_is_told_which_one_declines() -> None:
    server = DhcpServer("lwip-default", **STRICT)
    server.lend()
    server.frames_sent()
    server.claim(LEASED)
    said = server.heard("decline")
    assert list(said.options.items())[1:] == [("requested_addr", LEASED), ("server_id", PEER)]


def test_any_server_may_refuse() -> None:
    nak = DhcpMessage(2, 0, bytes(6), {53: b"\x06"})
    assert checked(nak, parse_ip(PEER)) is nak
