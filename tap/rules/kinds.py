"""The kinds of frames: each frame has one main kind and belongs to the groups that contain it.

``kind=ack`` of a rule means the group, so it also meets duplicate ACKs and window updates; so does the number
of an ACK in a coordinate. What kind a TCP segment is depends on what came before: ``tap.rules.sequence``.
Sources: RFC 9293 (TCP), RFC 5681 2 (duplicate ACK), RFC 1122 4.2.3.6 (keep-alive), RFC 2131 (DHCP), RFC 1035
(DNS), RFC 792 (ICMP), RFC 826 (ARP).
"""

from __future__ import annotations

# Main kinds and what they are; the tables of docs/rules.md.
KINDS = {
    "syn": "a SYN without ACK",
    "syn-ack": "a SYN with ACK",
    "data": "a segment with payload (as a group: also fin, probe and keepalive with payload)",
    "ack": "a segment with ACK and without payload, SYN, FIN or RST (as a group: also the next five)",
    "dup-ack": "an ACK with the number and window of the one before, while data of the other side is on its "
    "way",
    "win-update": "an ACK with the number of the one before and another window",
    "zero-window": "an ACK whose window is 0",
    "probe": "asks a closed window: at most one byte, at or just before the next number that was not "
    "acknowledged",
    "keepalive": "a segment without payload just before that number, while the window is open",
    "fin": "a segment with FIN, also with payload",
    "rst": "a segment with RST",
    "dhcp-discover": "DHCP messages by their type",
    "dhcp-offer": "",
    "dhcp-request": "",
    "dhcp-decline": "",
    "dhcp-ack": "",
    "dhcp-nak": "",
    "dhcp-release": "",
    "dhcp-inform": "",
    "dns-query": "UDP to or from port 53 or 5353 (mDNS) with QR 0",
    "dns-answer": "the same with QR 1",
    "udp": "any other datagram (as a group: also DHCP and DNS)",
    "echo": "an ICMP echo request",
    "echo-reply": "its answer",
    "icmp-unreachable": "ICMP errors by their type",
    "icmp-quench": "",
    "icmp-redirect": "",
    "icmp-time-exceeded": "",
    "icmp-parameter-problem": "",
    "icmp": "any other ICMP message (as a group: all of them)",
    "arp-request": "an ARP packet that asks (also probes and announcements)",
    "arp-reply": "one that answers",
    "fragment": "a fragment of an IPv4 packet, whatever is in it",
    "igmp": "an IGMP message",
    "injected": "a frame that a rule made; rules do not see it",
    "other": "everything else, and what is malformed",
}

# Groups that are no main kinds.
GROUPS = {
    "tcp": "any TCP segment",
    "dhcp": "any DHCP message",
    "dns": "any DNS message",
    "arp": "any ARP packet",
}

_DHCP = ("discover", "offer", "request", "decline", "ack", "nak", "release", "inform")  # 1 .. 8
_DHCP_COOKIE = b"\x63\x82\x53\x63"
_ICMP = {
    0: "echo-reply",
    3: "icmp-unreachable",
    4: "icmp-quench",
    5: "icmp-redirect",
    8: "echo",
    11: "icmp-time-exceeded",
    12: "icmp-parameter-problem",
}


def udp_kinds(datagram: bytes) -> tuple[str, ...]:
    """Main kind and groups of a UDP datagram (from its header on)."""
    source, target = datagram[0] << 8 | datagram[1], datagram[2] << 8 | datagram[3]
    ports = {source, target}
    if ports & {67, 68}:
        message = _dhcp_type(datagram[8:])
        if message:
            return f"dhcp-{_DHCP[message - 1]}", "dhcp", "udp"
    if ports & {53, 5353} and len(datagram) >= 20:
        return "dns-answer" if datagram[10] & 0x80 else "dns-query", "dns", "udp"
    return ("udp",)


def _dhcp_type(message: bytes) -> int:
    """Option 53 of a BOOTP message: 1 .. 8; 0 when there is none."""
    if message[236:240] != _DHCP_COOKIE:
        return 0
    at = 240
    while at + 2 < len(message) and message[at] != 255:
        if message[at] == 0:  # padding
            at += 1
            continue
        if message[at] == 53:
            return message[at + 2] if 1 <= message[at + 2] <= len(_DHCP) else 0
        at += 2 + message[at + 1]
    return 0


def icmp_kinds(message: bytes) -> tuple[str, ...]:
    """Main kind and groups of an ICMP message."""
    kind = _ICMP.get(message[0])
    return ("icmp",) if kind is None else (kind, "icmp")


def arp_kinds(packet: bytes) -> tuple[str, ...]:
    """Main kind and groups of an ARP packet."""
    operation = packet[6] << 8 | packet[7]
    return {1: ("arp-request", "arp"), 2: ("arp-reply", "arp")}.get(operation, ("other", "arp"))
