"""DHCP replies that are malformed, false or too many: rows H1 to H22 of the catalogue of hostile packets, and
what real lwIP makes of them.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP

from netstack.address import format_ip
from netstack.dhcp import BOUND, SELECTING
from tests.netstack.dhcp_server import LEASED, MASK, NO_CHECK, OTHER_MAC, ROUTER, DhcpServer, bound
from tests.netstack.peer import BROADCAST_MAC, OUR_MAC, PEER, mac_of

NOWHERE, EVERYBODY = "0.0.0.0", "255.255.255.255"


def selecting() -> DhcpServer:
    server = DhcpServer(NO_CHECK, rand=0x1000)
    server.dhcp.start()
    server.heard("discover")
    return server


def requesting() -> DhcpServer:
    server = selecting()
    server.offer()
    server.heard("request")
    return server


def accepts_a_good_one(server: DhcpServer) -> None:
    """Nothing was said, and a good offer still works."""
    server.heard_nothing()
    server.offer()
    server.heard("request")


@pytest.mark.parametrize("length", [0, 1, 43, 44, 239, 240])
def test_h1_short(length: int) -> None:
    server = selecting()
    server.datagram(server.reply("offer")[:length])
    server.expect_drop("dhcp_short" if length < 44 else "dhcp_options")
    accepts_a_good_one(server)


def test_h2_wrong_cookie_is_accepted() -> None:
    server = selecting()
    good = server.reply("offer")
    server.datagram(good[:236] + b"BAD!" + good[240:])
    server.heard("request")


@pytest.mark.parametrize(
    "bootp",
    [
        pytest.param({"op": 1}, id="H3 request"),
        pytest.param({"op": 0}, id="H3 op 0"),
        pytest.param({"xid": 0x1001}, id="H4 xid"),
        pytest.param({"chaddr": mac_of(OTHER_MAC)}, id="H5 chaddr"),
        pytest.param({"chaddr": bytes(6)}, id="H5 no chaddr"),
    ],
)
def test_h3_h4_h5_not_for_us(bootp: dict[str, object]) -> None:
    server = selecting()
    server.say("offer", bootp=bootp)
    server.expect_drop("dhcp_not_ours")
    accepts_a_good_one(server)


@pytest.mark.parametrize("kind", [None, 0, 1, 3, 9, 255], ids=lambda kind: f"type {kind}")
def test_h6_no_type_or_one_that_servers_do_not_send(kind: int | None) -> None:
    server = selecting()
    good = server.reply("offer")
    start = good.index(b"\x35\x01\x02")
    typed = b"" if kind is None else bytes((0x35, 1, kind))
    server.datagram(good[:start] + typed + good[start + 3 :])
    server.expect_drop("dhcp_unexpected")
    accepts_a_good_one(server)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(b"\x36\x04\x0a\0\0", id="H7 value cut"),
        pytest.param(b"\x0c\xff\xff", id="H7 length past the end"),
        pytest.param(b"\x36", id="H7 no length"),
        pytest.param(b"\x01\x00\xff", id="H8 empty mask"),
        pytest.param(b"\x03\x00\xff", id="H8 empty router"),
        pytest.param(b"\x33\x00\xff", id="H8 empty lease"),
        pytest.param(b"", id="H9 no end"),
        pytest.param(b"\0" * 20, id="H9 padding but no end"),
        pytest.param(b"\x34\x02\x01\x01\xff", id="H10 overload of two bytes"),
    ],
)
def test_h7_to_h10_malformed_options(options: bytes) -> None:
    server = selecting()
    good = server.reply("offer")
    server.datagram(good[: good.rindex(b"\xff")] + options)
    server.expect_drop("dhcp_options")
    accepts_a_good_one(server)


def test_h10_h11_overload_in_file() -> None:
    server = selecting()
    file = b"\x34\x01\x01\xff".ljust(128, b"\0")
    server.say("offer", ("dhcp-option-overload", 1), bootp={"file": file})
    server.expect_drop("dhcp_options")
    accepts_a_good_one(server)


@pytest.mark.parametrize(
    ("lease", "minutes"), [(0, 1), (1, 1), (0xFFFFFFFE, 1)], ids=["H12 0", "H12 1", "H12 nearly for ever"]
)
def test_h12_odd_leases(lease: int, minutes: int) -> None:
    server = requesting()
    server.lease = lease
    server.ack(renewal_time=0xFFFFFFFF, rebinding_time=0xFFFFFFFF)
    server.know_server()
    server.frames_sent()
    server.advance(ms=minutes * 60_000)
    assert server.schedule() == [(60_000, "release"), (60_000, "discover")]


def test_h12_for_ever() -> None:
    server = requesting()
    server.lease = 0xFFFFFFFF
    server.ack()
    server.frames_sent()
    server.advance(ms=5 * 86_400_000)
    server.heard_nothing()
    assert server.dhcp.state == BOUND


@pytest.mark.parametrize(
    ("t1", "t2", "minutes"),
    [(500, 300, [5, 7, 8, 9]), (700, 800, [])],
    ids=["H13 T1 > T2", "H13 T2 > lease"],
)
def test_h13_times_are_not_checked(t1: int, t2: int, minutes: list[int]) -> None:
    server = requesting()
    server.ack(renewal_time=t1, rebinding_time=t2)
    server.know_server()
    server.frames_sent()
    server.advance(ms=599_999)
    assert server.schedule() == [(minute * 60_000, "request") for minute in minutes]


def test_h14_ack_from_another_server_is_accepted() -> None:
    server = requesting()
    server.ack(server_id="10.0.0.66")
    assert server.dhcp.state == BOUND
    assert format_ip(server.dhcp.lease.server) == PEER


def test_h15_offer_after_the_request() -> None:
    server = requesting()
    server.address = "10.0.0.51"
    server.offer()
    server.expect_drop("dhcp_unexpected")
    server.address = LEASED
    server.ack()
    assert server.configured[0] == LEASED


def test_h16_spoofed_nak_restarts() -> None:
    server = bound()
    server.nak()
    server.expect_drop("dhcp_unexpected")  # not in BOUND
    server.dhcp.renew()
    server.heard("request")
    server.say("nak", server_id="10.0.0.66")
    server.heard("discover")


@pytest.mark.parametrize("yiaddr", ["127.0.0.1", "224.0.0.1", "255.255.255.255"])
def test_h17_odd_addresses_are_taken(yiaddr: str) -> None:
    server = selecting()
    server.address = yiaddr
    server.offer()
    assert server.heard("request").options["requested_addr"] == yiaddr
    server.ack()
    assert server.configured[0] == yiaddr


def test_h17_no_address() -> None:
    server = selecting()
    server.address = NOWHERE
    server.offer()
    server.heard("request")
    server.ack()
    assert server.dhcp.state == BOUND
    assert server.configured == (NOWHERE, MASK, ROUTER)
    assert server.told == []


def test_h18_mask_with_holes_is_taken() -> None:
    server = requesting()
    server.ack(subnet_mask="255.0.255.0")
    assert server.configured[1] == "255.0.255.0"


@pytest.mark.parametrize("router", ["192.0.2.1", ["10.0.0.7", "10.0.0.8"]], ids=["H19 outside", "H19 two"])
def test_h19_the_first_router_is_taken(router: str | list[str]) -> None:
    server = requesting()
    server.ack(router=router)
    assert server.configured[2] == (router if isinstance(router, str) else router[0])


@pytest.mark.parametrize("dst", [EVERYBODY, LEASED, "192.0.2.77"])
@pytest.mark.parametrize("mac", [OUR_MAC, BROADCAST_MAC])
def test_h21_replies_to_anything_while_there_is_no_address(dst: str, mac: str) -> None:
    server = selecting()
    reply = UDP(sport=67, dport=68) / server.reply("offer")
    server.send(IP(src=PEER, dst=dst) / reply, dst=mac)
    server.heard("request")


@pytest.mark.parametrize("sport", [0, 68, 1067])
def test_only_the_servers_port_is_heard(sport: int) -> None:
    server = selecting()
    server.datagram(server.reply("offer"), sport=sport)
    assert server.dhcp.state == SELECTING
    accepts_a_good_one(server)


def test_h22_a_flood_takes_no_memory() -> None:
    server = requesting()
    mem = server.stack.mem
    before = [pool.used for pool in (*mem.pools(), mem.heap)]
    offer = server.reply("offer")
    for _ in range(500):
        server.datagram(offer)
    server.expect_drop("dhcp_unexpected", 500)
    assert [pool.used for pool in (*mem.pools(), mem.heap)] == before


def test_a_message_in_several_buffers() -> None:
    server = DhcpServer(NO_CHECK, pbuf_pool_bufsize=256)
    server.dhcp.start()
    server.heard("discover")
    server.say("offer", ("vendor_specific", bytes(200)), ("domain", b"x" * 200))
    server.heard("request")


def test_the_first_buffer_is_too_short() -> None:
    server = DhcpServer(NO_CHECK, pbuf_pool_bufsize=80)
    server.dhcp.start()
    server.heard("discover")
    server.offer()
    server.expect_drop("dhcp_short")


@given(st.data())
def test_mutated_replies_never_raise(data: st.DataObject) -> None:
    server = selecting()
    for kind in ("offer", "ack", "nak"):
        raw = bytearray(server.reply(kind))
        for _ in range(data.draw(st.integers(0, 6))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        server.datagram(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
        server.all_heard()
    server.advance(ms=130_000)
    server.dhcp.cleanup()
    server.stack.netif.set_up(False)
    server.expect_no_leak()
