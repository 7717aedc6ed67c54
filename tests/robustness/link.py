"""Rows E (Ethernet) and A (ARP)."""

from __future__ import annotations

from tests.robustness.bench import Bench
from tests.robustness.describe import frames_text
from tests.robustness.frames import (
    BROADCAST,
    BROADCAST_MAC,
    NOBODY,
    OTHER_MAC,
    OUR_MAC,
    OURS,
    PEER,
    STRANGER,
    arp,
    echo,
    frame,
    ip,
    ping,
    tcp,
    udp,
)
from tests.robustness.rows import LISTEN, Row, connect, rows

_STRANGER_MAC = "02:00:00:00:00:55"


def _padded(data: bytes) -> bytes:
    return data.ljust(60, b"\xee")


ETHERNET = rows(
    "E",
    Row("E1", "a frame shorter than an Ethernet header", [bytes(13)], "none", "none"),
    Row("E2", "a frame that is only a header", [frame(b"")], "none", "none"),
    Row("E3", "unknown EtherType", [frame(bytes(46), kind=0x1234)], "none", "none"),
    Row(
        "E4",
        "an 802.3 length instead of a type (LLC)",
        [frame(b"\x42\x42\x03" + bytes(35), kind=38)],
        "none",
        "none",
    ),
    Row(
        "E5",
        "an 802.1Q tag in front of a ping",
        [frame(b"\0\1\x08\0" + echo()[14:], kind=0x8100)],
        "none",
        "none",
    ),
    Row("E6", "a ping in a frame to a foreign MAC", [frame(ip(ping()), dst=OTHER_MAC)], "ICMP0/0", "none"),
    Row("E7", "a ping from the broadcast MAC", [frame(ip(ping()), src=BROADCAST_MAC)], "ICMP0/0", "ICMP0/0"),
    Row("E8", "a ping from our own MAC", [frame(ip(ping()), src=OUR_MAC)], "ICMP0/0", "none"),
    Row("E9", "a ping to us in a broadcast frame", [frame(ip(ping()), dst=BROADCAST_MAC)], "ICMP0/0", "none"),
    Row(
        "E10",
        "a SYN to us in a broadcast frame",
        [frame(ip(tcp("S", 1)), dst=BROADCAST_MAC)],
        "SYN+ACK seq=U-1 ack=2 · SYN_RCVD(mss 536)",
        "none",
        start=LISTEN,
    ),
    Row(
        "E11",
        "padding behind a short IP packet",
        [_padded(frame(ip(udp(2))))],
        "UDP(2) · app:UDP2;",
        "UDP(2) · app:UDP2;",
    ),
    Row("E12", "a ping of 1514 bytes", [echo(1472)], "ICMP0/0", "ICMP0/0"),
    Row("E13", "a ping in a frame beyond the MTU", [echo(1558)], "ICMP0/0; fragment", "none"),
)


def _requests_of_250_hosts(bench: Bench) -> None:
    """Requests from 10.0.0.3 ... 10.0.0.252; how many answers there were takes the place of the answers."""
    for last in range(3, 253):
        bench.frame(arp(1, f"02:00:00:00:01:{last:02x}", f"10.0.0.{last}"))
    assert len(bench.sent) == 250
    bench.sent.clear()


ARP = rows(
    "A",
    Row("A1", "hardware type 6", [arp(hwtype=6)], "none", "none"),
    Row("A2", "protocol type IPv6", [arp(ptype=0x86DD)], "none", "none"),
    Row("A3", "hardware length 8", [arp(hwlen=8)], "none", "none"),
    Row("A4", "protocol length 16", [arp(plen=16)], "none", "none"),
    Row("A5", "opcode 3 (RARP)", [arp(3)], "none", "none"),
    Row(
        "A6",
        "a request cut to 20 bytes",
        [echo(), lambda bench: bench.sent.clear(), arp()[:34]],
        "none",
        "none",
        alone="lwIP reads what happens to lie behind the frame",
        note="lwIP reads on in the receive buffer, where a ping was before",
    ),
    Row("A7", "a request for our address", [arp()], "ARP-rep(10.0.0.2)", "ARP-rep(10.0.0.2)"),
    Row("A8", "a probe for our address", [arp(sender="0.0.0.0")], "ARP-rep(0.0.0.0)", "ARP-rep(0.0.0.0)"),
    Row("A9", "a request from our own address", [arp(1, OTHER_MAC, OURS)], "ARP-rep(10.0.0.1)", "none"),
    Row(
        "A10",
        "a reply not to us about a host we do not know, then connect",
        [arp(2, _STRANGER_MAC, NOBODY, STRANGER), connect(NOBODY)],
        "ARP-req(10.0.0.77) · SYN_SENT",
        "ARP-req(10.0.0.77) · SYN_SENT",
    ),
    Row(
        "A11",
        "a reply to us that we did not ask for, then connect",
        [arp(2, _STRANGER_MAC, NOBODY, OURS), connect(NOBODY)],
        "SYN seq=U-1 ->10.0.0.77 · SYN_SENT",
        "ARP-req(10.0.0.77) · SYN_SENT",
    ),
    Row(
        "A12",
        "an announcement with another MAC of a known host, then a ping from it",
        [arp(1, OTHER_MAC, PEER, PEER), echo()],
        "ICMP0/0 ->02:00:00:00:00:66",
        "ICMP0/0 ->02:00:00:00:00:66",
    ),
    Row(
        "A13",
        "a request from the broadcast MAC, then a ping from that host",
        [arp(1, BROADCAST_MAC, STRANGER), echo(src=STRANGER)],
        "ARP-rep(10.0.0.55); ICMP0/0 to ff:ff:ff:ff:ff:ff",
        "ARP-req(10.0.0.55) to ff:ff:ff:ff:ff:ff",
        show=lambda bench: f"{frames_text(bench.frames())} to {bench.frames()[-1][:6].hex(':')}",
    ),
    Row(
        "A14",
        "250 requests from 250 hosts, then a datagram",
        [_requests_of_250_hosts, frame(ip(udp(1)))],
        "UDP(1) · app:UDP1; · 10 known",
        "UDP(1) · app:UDP1; · 10 known",
        show=lambda bench: f"{bench.outcome()} · {len(bench.stack.arp.dump())} known",
        alone="needs the echo server",
    ),
    Row(
        "A15",
        "a request from 255.255.255.255",
        [arp(sender=BROADCAST)],
        "ARP-rep(255.255.255.255)",
        "none",
    ),
)
