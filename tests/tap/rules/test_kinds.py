"""Kinds of what is not TCP; TCP's are in test_sequence.py and test_oracle.py."""

from __future__ import annotations

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, UDP
from scapy.layers.l2 import ARP

from tap.rules.kinds import GROUPS, KINDS, arp_kinds, icmp_kinds, udp_kinds

DHCP_TYPES = "discover offer request decline ack nak release inform".split()


@pytest.mark.parametrize("name", DHCP_TYPES)
def test_dhcp(name: str) -> None:
    message = DHCP(options=["pad", ("hostname", b"x"), ("message-type", name), "end"])
    assert udp_kinds(bytes(UDP(sport=68, dport=67) / BOOTP() / message)) == (f"dhcp-{name}", "dhcp", "udp")


@pytest.mark.parametrize(
    "options", [b"", b"\x35", b"\x35\x01", b"\x35\x01\x09", b"\x35\x01\x00", b"\xff\x35\x01\x01"]
)
def test_what_is_no_dhcp_message_is_a_datagram(options: bytes) -> None:
    datagram = bytes(UDP(sport=68, dport=67) / BOOTP()) + b"\x63\x82\x53\x63" + options
    assert udp_kinds(datagram) == ("udp",)


@pytest.mark.parametrize(("port", "response", "kind"), [(53, 0, "dns-query"), (5353, 1, "dns-answer")])
def test_dns(port: int, response: int, kind: str) -> None:
    datagram = bytes(UDP(sport=4000, dport=port) / DNS(qr=response, qd=DNSQR(qname="a.b")))
    assert udp_kinds(datagram) == (kind, "dns", "udp")
    assert udp_kinds(datagram[:19]) == ("udp",)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(8, "echo"), (0, "echo-reply"), (3, "icmp-unreachable"), (4, "icmp-quench"), (5, "icmp-redirect"),
     (11, "icmp-time-exceeded"), (12, "icmp-parameter-problem")],
)  # fmt: skip
def test_icmp(number: int, kind: str) -> None:
    assert icmp_kinds(bytes(ICMP(type=number))) == (kind, "icmp")


def test_others() -> None:
    assert icmp_kinds(bytes(ICMP(type=13))) == ("icmp",)
    assert arp_kinds(bytes(ARP(op=1))) == ("arp-request", "arp")
    assert arp_kinds(bytes(ARP(op=2))) == ("arp-reply", "arp")
    assert arp_kinds(bytes(ARP(op=9))) == ("other", "arp")


def test_the_tables_name_each_kind_once() -> None:
    assert not set(KINDS) & set(GROUPS)
