"""AutoIP (RFC 3927): which address is chosen, when it is used, and what becomes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP

from netstack.address import format_ip
from netstack.autoip import BOUND, CHECKING, OFF
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_RTE, ERR_VAL
from tests.netstack.peer import BROADCAST_MAC, PEER, PEER_MAC, Peer, ip_of

FIRST = "169.254.2.0"  # of the MAC 02:00:00:00:00:01


NOTHING = {"ip": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "0.0.0.0"}


class Device(Peer):
    """A stack without an address."""

    def __init__(self, profile: str = "lwip-default", **options: int | str | bool) -> None:
        super().__init__(profile, **NOTHING | {"lwip_autoip": 1} | options)
        self.autoip = self.stack.autoip

    @property
    def configured(self) -> tuple[str, str, str]:
        """The interface's address, mask and gateway."""
        netif = self.stack.netif
        return format_ip(netif.ip), format_ip(netif.netmask), format_ip(netif.gateway)

    def asked(self) -> list[tuple[str, str]]:
        """(sender, target) of the ARP requests since the last look."""
        return [(frame[ARP].psrc, frame[ARP].pdst) for frame in self.replies() if frame[ARP].op == 1]

    def claim(self, address: str) -> None:
        self.send(ARP(op=2, hwsrc=PEER_MAC, psrc=address, pdst="0.0.0.0"), dst=BROADCAST_MAC)


def bound() -> Device:
    """A device with an address."""
    device = Device()
    assert device.autoip.start() == ERR_OK
    device.advance(ms=6100)
    assert device.configured[0] == FIRST
    device.frames.clear()
    return device


class TestStart:
    def test_probed_then_used(self) -> None:
        device = Device()
        assert device.autoip.start() == ERR_OK
        assert device.autoip.state == CHECKING
        device.advance(ms=6000)
        assert device.configured == ("0.0.0.0",) * 3
        assert not device.autoip.supplied_address
        device.advance(ms=100)
        assert device.configured == (FIRST, "255.255.0.0", "0.0.0.0")
        assert device.autoip.state == BOUND
        assert device.autoip.supplied_address
        assert device.asked() == [("0.0.0.0", FIRST)] * 3 + [(FIRST, FIRST)] * 2

    @pytest.mark.parametrize(
        ("mac", "address"),
        [
            ("020000000000", "169.254.1.0"),
            ("020000000100", "169.254.1.1"),
            ("02000000fffd", "169.254.254.255"),
            ("0200000000fe", "169.254.1.0"),  # would be 169.254.255.0
            ("02000000ffff", "169.254.254.255"),  # would be 169.254.0.255
        ],
    )
    def test_the_address_follows_from_the_mac(self, mac: str, address: str) -> None:
        device = Device()
        device.stack.netif.mac = bytes.fromhex(mac)
        device.autoip.start()
        assert format_ip(device.autoip.address) == address

    @given(st.binary(min_size=6, max_size=6), st.integers(0, 255))
    def test_never_a_reserved_address(self, mac: bytes, tried: int) -> None:
        device = Device()
        device.stack.netif.mac = mac
        device.autoip.tried = tried
        device.autoip.start()
        assert ip_of("169.254.1.0") <= device.autoip.address <= ip_of("169.254.254.255")

    def test_twice_is_once(self) -> None:
        device = Device()
        device.autoip.start()
        device.advance(ms=3000)
        assert device.autoip.start() == ERR_OK
        device.advance(ms=3100)
        assert device.configured[0] == FIRST
        assert device.autoip.start() == ERR_OK
        assert device.autoip.state == BOUND

    def test_errors(self) -> None:
        assert Device(up=False).autoip.start() == ERR_ARG
        assert Device(lwip_autoip=0).autoip.start() == ERR_VAL
        device = Device(mem_size=24)
        assert device.autoip.start() == ERR_MEM
        device.expect_no_leak()


class TestConflicts:
    def test_the_next_address_is_tried(self) -> None:
        device = Device()
        device.autoip.start()
        device.advance(ms=100)
        device.claim(FIRST)
        device.advance(ms=6100)
        assert device.configured[0] == "169.254.2.1"
        assert device.autoip.tried == 1

    def test_later_it_is_defended_then_given_up(self) -> None:
        device = bound()
        device.claim(FIRST)
        assert device.asked() == [(FIRST, FIRST)]
        device.claim(FIRST)
        assert device.configured == ("0.0.0.0",) * 3
        device.advance(ms=7000)
        assert device.configured[0] == "169.254.2.1"

    def test_k4_ten_conflicts_bring_a_pause_of_a_minute(self) -> None:
        device = Device()
        device.autoip.start()
        for n in range(10):
            device.claim(f"169.254.2.{n}")
        assert device.autoip.state == OFF
        device.advance(ms=59_900)
        device.expect_nothing()
        device.advance(ms=7000)
        assert device.configured[0] == "169.254.2.10"


class TestEnd:
    def test_stop(self) -> None:
        device = bound()
        device.autoip.stop()
        assert device.configured == ("0.0.0.0",) * 3
        assert device.autoip.state == OFF

    def test_another_address_is_left_alone(self) -> None:
        device = bound()
        device.stack.netif.set_addr(ip_of("10.0.0.1"), ip_of("255.255.255.0"), 0)
        assert not device.autoip.supplied_address
        device.autoip.stop()
        assert device.configured[0] == "10.0.0.1"

    def test_the_same_address_again_after_a_pause(self) -> None:
        device = bound()
        device.autoip.stop()
        device.autoip.start()
        device.advance(ms=7000)
        assert device.configured[0] == FIRST

    def test_memory(self) -> None:
        device = bound()
        device.autoip.stop()
        assert device.stack.mem.heap.used == 44
        device.autoip.cleanup()
        device.autoip.cleanup()
        device.expect_no_leak()
        device.claim(FIRST)
        device.advance(ms=20_000)
        device.expect_nothing()


class TestLink:
    def test_the_address_is_checked_again_and_used_meanwhile(self) -> None:
        device = bound()
        device.stack.netif.set_link(False)
        device.advance(ms=10_000)
        device.expect_nothing()
        device.stack.netif.set_link(True)
        assert device.autoip.state == CHECKING
        assert device.configured[0] == FIRST
        device.advance(ms=7000)
        assert device.asked() == [("0.0.0.0", FIRST)] * 3 + [(FIRST, FIRST)] * 2
        assert device.autoip.state == BOUND

    def test_off_stays_off(self) -> None:
        device = Device()
        device.stack.netif.set_link(False)
        device.stack.netif.set_link(True)
        device.advance(ms=10_000)
        device.expect_nothing()


def test_all_arp_is_broadcast() -> None:
    """RFC 3927 2.5."""
    device = bound()
    device.send(ARP(op=1, hwsrc=PEER_MAC, psrc="169.254.7.7", pdst=FIRST))
    reply = device.reply()
    assert (reply.dst, reply[ARP].op, reply[ARP].psrc, reply[ARP].hwdst) == (
        BROADCAST_MAC,
        2,
        FIRST,
        PEER_MAC,
    )


class TestCooperation:
    """LWIP_DHCP_AUTOIP_COOP: DHCP goes on asking, and AutoIP steps in after nine tries."""

    def test_steps_in(self) -> None:
        device = Device(lwip_dhcp_autoip_coop=1)
        device.stack.dhcp.start()
        device.advance(ms=240_000)  # 2 + 4 + ... + 32 + 60 s each
        assert device.autoip.state == OFF
        device.advance(ms=62_000)
        assert device.autoip.state == CHECKING
        device.advance(ms=7000)
        assert device.configured[0] == FIRST
        device.stack.netif.set_link(False)
        assert (device.autoip.state, device.configured[0]) == (OFF, "0.0.0.0")
        device.stack.netif.set_link(True)
        device.advance(ms=7000)
        assert device.autoip.state == OFF


@pytest.mark.parametrize(
    ("to", "err"), [("192.0.2.1", ERR_RTE), ("10.0.0.2", ERR_RTE), ("169.254.99.99", ERR_OK)]
)
def test_k5_only_the_link_can_be_reached(to: str, err: int) -> None:
    """There is no gateway, so lwIP sends nothing to routable addresses."""
    device = bound()
    pcb = device.stack.udp.new()
    assert pcb is not None
    assert device.stack.udp.sendto(pcb, b"hello", ip_of(to), 7) == err
    assert device.asked() == ([(FIRST, to)] if err == ERR_OK else [])


def test_a_lease_takes_its_place() -> None:
    """DHCP finds a server at last: the link-local address is watched no more than passively."""
    from tests.netstack.dhcp_server import LEASED, DhcpServer

    server = DhcpServer("lwip-default", lwip_autoip=1)
    assert server.stack.autoip.start() == ERR_OK
    server.advance(ms=7000)
    assert server.configured[0] == FIRST
    server.lend()
    server.advance(ms=10_000)
    assert server.configured[0] == LEASED
    server.frames_sent()
    for target, answered in ((LEASED, True), (FIRST, True), ("169.254.2.1", False)):
        server.send(IP(src=PEER, dst=target) / ICMP() / b"ping")
        server.send(ARP(op=2, hwsrc=PEER_MAC, psrc=PEER, pdst=LEASED))
        assert any(ICMP in frame for _, frame in server.frames_sent()) is answered
    server.claim(FIRST)
    server.expect_nothing()
    assert server.stack.autoip.state == OFF
    assert server.configured[0] == LEASED
