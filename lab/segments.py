"""What a person reads of a frame: one line of headers, sequence numbers counted from the connection's start.

It decodes with the stack's own parsers, whichever way the frame goes, and never fails: what cannot be read is
named as that.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.pkt.decode import decode_options
from netstack import arp_packet as arp
from netstack import ethernet, icmp, igmp, ip_header, udp
from netstack.address import format_ip, format_mac
from netstack.ip_header import MORE_FRAGMENTS, OFFSET_MASK, Ipv4Header
from netstack.tcp.header import ACK, FIN, HEADER, PSH, RST, SYN, URG
from netstack.trace import Flow

MAX_CONVERSATIONS = 256  # whose starts are remembered; the oldest is forgotten first

_U32 = 0xFFFFFFFF
_FLAGS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (PSH, "PSH"), (ACK, "ACK"), (URG, "URG"))
_ICMP = {0: "echo reply", 3: "unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded"}
_UNREACHABLE = {0: "network", 1: "host", 2: "protocol", 3: "port", 4: "fragmentation needed"}
_IGMP = {0x11: "query", 0x12: "report (v1)", 0x16: "report", 0x17: "leave"}
_ETHERTYPES = {0x86DD: "IPv6", 0x8100: "VLAN"}


@dataclass(slots=True)
class Reading:
    """A frame as text. ``length``: bytes of TCP data. ``bulk``: a segment from the middle of a connection,
    whose flags are ACK and perhaps PSH.
    """

    text: str
    length: int = 0
    bulk: bool = False


class _Conversation:
    """Of both sides of a connection, device and peer: where its numbers start, up to where (from there) its
    data has been seen, and the shift of its windows.
    """

    __slots__ = ("ends", "scales", "starts")

    def __init__(self) -> None:
        self.starts: list[int | None] = [None, None]
        self.ends = [0, 0]
        self.scales: list[int | None] = [None, None]


class Reader:
    """Reads the frames of one device in their order. ``home`` is the address at the cable's other end, which
    is not shown.
    """

    def __init__(self, home: int) -> None:
        self._home = home
        self._conversations: dict[Flow, _Conversation] = {}

    def read(self, frame: bytes, inbound: bool) -> Reading:
        """The frame as one line, without its time and direction. ``inbound``: the device received it."""
        header = ethernet.parse(frame)
        if header is None:
            return Reading(f"{len(frame)} bytes, too short for Ethernet")
        payload = frame[ethernet.HEADER_LEN :]
        if header.ethertype == ethernet.TYPE_IPV4:
            return self._ipv4(payload, inbound)
        if header.ethertype == ethernet.TYPE_ARP:
            return Reading(_arp(payload))
        name = _ETHERTYPES.get(header.ethertype, f"type {header.ethertype:#06x}")
        return Reading(f"{name}  {len(payload)} bytes")

    def _ipv4(self, packet: bytes, inbound: bool) -> Reading:
        header = ip_header.parse(packet)
        if header is None:
            return Reading("IPv4  malformed header")
        if header.fragment & (MORE_FRAGMENTS | OFFSET_MASK):
            start = (header.fragment & OFFSET_MASK) * 8
            end = start + header.total_len - header.header_len
            more = ", more follow" if header.fragment & MORE_FRAGMENTS else ", the last"
            return Reading(f"IPv4  fragment {start}:{end} of packet {header.ident}{more}{self._ends(header)}")
        body = packet[header.header_len : header.total_len]
        if header.proto == ip_header.PROTO_TCP and len(body) >= HEADER.size:
            return self._tcp(header, body, inbound)
        return Reading(_other(header.proto, body) + self._ends(header))

    def _ends(self, header: Ipv4Header) -> str:
        """Both addresses, where the packet does not come from or go to the other end of the cable."""
        if self._home in (header.src, header.dst):
            return ""
        return f"  {format_ip(header.src)} > {format_ip(header.dst)}"

    def _tcp(self, header: Ipv4Header, body: bytes, inbound: bool) -> Reading:
        sport, dport, seq, ack, offset_flags, window, _, urgent = HEADER.unpack_from(body)
        flags = offset_flags & 0x3F
        header_len = min(max(offset_flags >> 12 << 2, HEADER.size), len(body))
        length = len(body) - header_len
        near, far = (header.dst, dport), (header.src, sport)
        if not inbound:
            near, far = far, near
        flow = (*near, *far)
        talk = self._conversation(flow, flags)
        sender = int(inbound)
        start = self._start(talk, sender, seq)
        seq = seq - start & _U32
        words = [name for bit, name in _FLAGS if flags & bit]
        remote = str(far[1]) if far[0] == self._home else f"{format_ip(far[0])}:{far[1]}"
        ends = f"{remote} > {near[1]}" if inbound else f"{near[1]} > {remote}"
        text = f"{ends:13} {' '.join(words) or 'no flags':11} {_span(seq, length):>15}"
        text += f" ack {ack - self._start(talk, 1 - sender, ack) & _U32:<8}" if flags & ACK else " " * 13
        if not flags & SYN and None not in talk.scales:
            window <<= talk.scales[sender] or 0
        text += f" win {window:<6}"
        if flags & URG:
            text += f" urg {urgent}"
        text += self._options(body[HEADER.size : header_len], talk, sender, flags)
        bulk = not flags & (SYN | FIN | RST | URG) and bool(flags & ACK)
        if length and seq + length <= talk.ends[sender]:
            text += " (seen before)"
            bulk = False
        talk.ends[sender] = max(talk.ends[sender], seq + length)
        return Reading(text.rstrip(), length, bulk)

    def _conversation(self, flow: Flow, flags: int) -> _Conversation:
        talks = self._conversations
        if flow not in talks or flags & (SYN | ACK) == SYN:  # a SYN starts anew
            talks.pop(flow, None)
            talks[flow] = _Conversation()
            if len(talks) > MAX_CONVERSATIONS:
                del talks[next(iter(talks))]
        return talks[flow]

    @staticmethod
    def _start(talk: _Conversation, side: int, number: int) -> int:
        """Where the numbers of that side start: at the first one seen (the ISS, where the SYN was seen)."""
        start = talk.starts[side]
        if start is None:
            start = talk.starts[side] = number
        return start

    @staticmethod
    def _options(data: bytes, talk: _Conversation, sender: int, flags: int) -> str:
        """Those worth a place: on a SYN all but padding, later SACK blocks."""
        text = ""
        for option in decode_options(data, talk.starts[1 - sender] or 0):
            if option.name == "wscale" and flags & SYN:
                talk.scales[sender] = min(option.numbers[0], 14)
            if option.name == "sack":
                blocks = zip(option.numbers[::2], option.numbers[1::2], strict=True)
                text += " sack " + " ".join(f"{left}:{right}" for left, right in blocks)
            elif flags & SYN and option.name in ("mss", "wscale"):
                text += f" {option.name} {option.numbers[0]}"
            elif flags & SYN and option.name in ("sackOK", "TS"):
                text += f" {option.name}"
        return text


def _span(seq: int, length: int) -> str:
    """Sequence numbers as [first:next after the last), or the one of a segment without data."""
    return f"{seq}:{seq + length}" if length else str(seq)


def _arp(payload: bytes) -> str:
    packet = arp.parse(payload)
    if packet is None:
        return "ARP  malformed"
    if packet.opcode == arp.REQUEST:
        if packet.sender_ip == packet.target_ip:
            return f"ARP  {format_ip(packet.sender_ip)} is here (gratuitous)"
        return f"ARP  who has {format_ip(packet.target_ip)}? tell {format_ip(packet.sender_ip)}"
    return f"ARP  {format_ip(packet.sender_ip)} is at {format_mac(packet.sender_mac)}"


def _other(proto: int, body: bytes) -> str:
    """ICMP, IGMP, UDP and whatever else IPv4 carries."""
    if proto == ip_header.PROTO_ICMP and (message := icmp.parse(body)) is not None:
        return _icmp(message)
    if proto == ip_header.PROTO_UDP and (header := udp.parse(body)) is not None:
        return f"UDP  {header.src_port} > {header.dst_port}  {len(body) - udp.HEADER_LEN} bytes"
    if proto == ip_header.PROTO_IGMP and (query := igmp.parse(body)) is not None:
        return f"IGMP  {_IGMP.get(query.type, f'type {query.type:#x}')} {format_ip(query.group)}"
    return f"IPv4  protocol {proto}, {len(body)} bytes"


def _icmp(message: icmp.IcmpMessage) -> str:
    name = _ICMP.get(message.type, f"type {message.type}")
    if message.type in (icmp.ECHO, icmp.ECHO_REPLY):
        return f"ICMP  {name} seq {message.rest & 0xFFFF}, {len(message.data)} bytes"
    if message.type == icmp.UNREACHABLE:
        return f"ICMP  {_UNREACHABLE.get(message.code, f'code {message.code}')} {name}"
    return f"ICMP  {name}"
