"""A router of an emulated network: forwards IPv4 between its interfaces, and answers ping.

It is a plain router as RFC 1812 wants it, not an lwIP: TTL, ICMP errors, fragmentation, ARP on every
interface. Every subnet that it has an interface in is reached; others by ``add_route``.

    router = net.router("router")
    net.cable(device, router.interface("10.0.1.1/24"))
    net.cable(switch, router.interface("10.0.2.1/24"))
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial

from netstack import arp_packet as arp
from netstack import ethernet, icmp, ip_header
from netstack.address import MAC_BROADCAST, MAC_ZERO, is_multicast, parse_ip, prefix_to_mask
from netstack.checksum import is_valid, residue
from netstack.ip_header import DONT_FRAGMENT, HEADER_LEN, MORE_FRAGMENTS, OFFSET_MASK, PROTO_ICMP, Ipv4Header
from tap.cable import Port
from tap.clock import SECOND, Clock

TTL = 64  # of what the router itself sends
ARP_LIFE = 20 * 60 * SECOND  # how long a neighbour's MAC is known
ARP_TRIES = 3  # questions, a second apart, before a host is held to be unreachable
MAX_NEIGHBOURS = 4096
MAX_WAITING = 8  # packets that wait for one neighbour's MAC

NET_UNREACHABLE, HOST_UNREACHABLE, FRAGMENTATION_NEEDED = 0, 1, 4  # codes of icmp.UNREACHABLE
TTL_EXCEEDED = 0  # code of icmp.TIME_EXCEEDED


def parse_subnet(text: str) -> tuple[int, int]:
    """``10.0.1.1/24`` as (address, netmask). Raises ValueError with the offending text."""
    address, slash, prefix = text.partition("/")
    if not slash or not prefix.isdecimal() or int(prefix) > 32:
        raise ValueError(f"bad address {text!r} for a router: give it as 10.0.1.1/24")
    return parse_ip(address), prefix_to_mask(int(prefix))


class Interface(Port):
    """One port of a router, with an address."""

    __slots__ = ("ip", "mac", "netmask")

    def __init__(self, name: str, mac: bytes, ip: int, netmask: int, mtu: int) -> None:
        super().__init__(name, mtu)
        self.mac = mac
        self.ip = ip
        self.netmask = netmask

    def reaches(self, address: int) -> bool:
        """Whether ``address`` is in its subnet."""
        return address & self.netmask == self.ip & self.netmask

    def broadcasts(self, address: int) -> bool:
        """Whether ``address`` means everybody there."""
        return address == 0xFFFFFFFF or (self.reaches(address) and address | self.netmask == 0xFFFFFFFF)


class Router:
    """A router. ``forwarded`` counts packets; ``dropped`` those that went no further, whatever the reason."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.interfaces: list[Interface] = []
        self.forwarded = 0
        self.dropped = 0
        self._clock = clock
        self._routes: list[tuple[int, int, int]] = []  # (network, netmask, next hop), longest prefix first
        self._neighbours: dict[int, tuple[bytes, int]] = {}  # address -> MAC, when it was last confirmed
        self._waiting: dict[int, list[tuple[bytes, Interface]]] = {}  # next hop -> (packet, where it came in)
        self._ident = 0
        self._inbox: deque[tuple[Interface, bytes]] = deque()
        self._busy = False

    def interface(self, address: str, mtu: int = 1500) -> Interface:
        """A new interface with this address; a cable is plugged into it."""
        ip, netmask = parse_subnet(address)
        for other in self.interfaces:
            if other.reaches(ip) or ip & netmask == other.ip & netmask:
                raise ValueError(f"{address} is in the subnet of {other.name}: give each interface its own")
        mac = b"\x02\x01" + ip.to_bytes(4, "big")
        made = Interface(f"{self.name}.{len(self.interfaces)}", mac, ip, netmask, mtu)
        made.handler = partial(self._enter, made)
        self.interfaces.append(made)
        return made

    def add_route(self, subnet: str, next_hop: str) -> None:
        """Reach ``subnet`` (``0.0.0.0/0``: everything else) through the router ``next_hop``."""
        network, netmask = parse_subnet(subnet)
        hop = parse_ip(next_hop)
        if not any(interface.reaches(hop) for interface in self.interfaces):
            raise ValueError(f"{next_hop} is in no subnet of {self.name}: give a neighbour as next hop")
        self._routes.append((network & netmask, netmask, hop))
        self._routes.sort(key=lambda route: -route[1])

    def no_port(self) -> Port:
        """What a cable to the router itself gets: an error."""
        raise ValueError(f'a cable to {self.name} needs an address: give router.interface("10.0.1.1/24")')

    # Frames and ARP

    def _enter(self, source: Interface, frame: bytes) -> None:
        """A frame has come. One at a time: where routes run in a circle, what is sent comes back at once."""
        self._inbox.append((source, frame))
        if not self._busy:
            self._busy = True
            try:
                while self._inbox:
                    self._receive(*self._inbox.popleft())
            finally:
                self._busy = False

    def _receive(self, source: Interface, frame: bytes) -> None:
        header = ethernet.parse(frame)
        if header is None or header.dst not in (source.mac, MAC_BROADCAST):
            return
        payload = frame[ethernet.HEADER_LEN :]
        if header.ethertype == ethernet.TYPE_ARP:
            self._arp_input(source, payload)
        elif header.ethertype == ethernet.TYPE_IPV4:
            self._input(source, payload)

    def _arp_input(self, source: Interface, payload: bytes) -> None:
        """RFC 826 "Packet Reception": learn from what is for us, answer questions about us."""
        packet = arp.parse(payload)
        if packet is None or packet.target_ip != source.ip or not source.reaches(packet.sender_ip):
            return
        if packet.sender_mac[0] & 1 or packet.sender_ip == source.ip:
            return
        if packet.sender_ip not in self._neighbours and len(self._neighbours) >= MAX_NEIGHBOURS:
            del self._neighbours[next(iter(self._neighbours))]
        self._neighbours[packet.sender_ip] = packet.sender_mac, self._clock.now()
        if packet.opcode == arp.REQUEST:
            reply = arp.ArpPacket(arp.REPLY, source.mac, source.ip, packet.sender_mac, packet.sender_ip)
            self._frame(source, packet.sender_mac, ethernet.TYPE_ARP, arp.emit(reply))
        for waiting, _ in self._waiting.pop(packet.sender_ip, ()):
            self._frame(source, packet.sender_mac, ethernet.TYPE_IPV4, waiting)

    def _ask(self, out: Interface, hop: int, tries: int) -> None:
        """Ask for a neighbour's MAC; again a second later, until ``tries`` are used up."""
        waiting = self._waiting.get(hop)
        if waiting is None:
            return
        if not tries:
            del self._waiting[hop]
            for packet, source in waiting:
                self._error(source, packet, icmp.UNREACHABLE, HOST_UNREACHABLE)
            return
        question = arp.ArpPacket(arp.REQUEST, out.mac, out.ip, MAC_ZERO, hop)
        self._frame(out, MAC_BROADCAST, ethernet.TYPE_ARP, arp.emit(question))
        self._clock.call_at(self._clock.now() + SECOND, partial(self._ask, out, hop, tries - 1))

    @staticmethod
    def _frame(out: Interface, dst: bytes, ethertype: int, payload: bytes) -> None:
        out.send(ethernet.emit(ethernet.EthernetHeader(dst, out.mac, ethertype)) + payload)

    # Packets

    def _input(self, source: Interface, packet: bytes) -> None:
        """A packet: for us, or to be forwarded (RFC 1812 5.2.1)."""
        header = ip_header.parse(packet)
        if (
            header is None
            or not header.header_len <= header.total_len <= len(packet)
            or not ip_header.has_right_checksum(packet, header.header_len)
        ):
            self.dropped += 1
            return
        packet = packet[: header.total_len]
        dst = header.dst
        if any(dst == interface.ip for interface in self.interfaces):
            self._for_us(source, header, packet[header.header_len :])
        elif is_multicast(dst) or any(interface.broadcasts(dst) for interface in self.interfaces):
            self.dropped += 1
        elif header.ttl <= 1:
            self._error(source, packet, icmp.TIME_EXCEEDED, TTL_EXCEEDED)
        else:
            header.ttl -= 1
            self.forwarded += 1
            self._send(source, ip_header.emit(header) + packet[header.header_len :])

    def _for_us(self, source: Interface, header: Ipv4Header, data: bytes) -> None:
        """Answer ping; nothing else is of interest."""
        message = icmp.parse(data)
        if (
            header.proto != PROTO_ICMP
            or header.fragment & (MORE_FRAGMENTS | OFFSET_MASK)
            or message is None
            or message.type != icmp.ECHO
            or not is_valid(residue(data))
        ):
            self.dropped += 1
            return
        message.type = icmp.ECHO_REPLY
        self._send(source, self._packet(header.dst, header.src, icmp.emit(message)))

    def _packet(self, src: int, dst: int, message: bytes) -> bytes:
        self._ident = self._ident + 1 & 0xFFFF
        head = ip_header.build(0, HEADER_LEN + len(message), self._ident, 0, TTL, PROTO_ICMP, src, dst)
        return head + message

    def _route(self, dst: int) -> tuple[Interface, int] | None:
        """Where a packet leaves, and for which neighbour; None when nobody knows."""
        for interface in self.interfaces:
            if interface.reaches(dst):
                return interface, dst
        for network, netmask, hop in self._routes:
            if dst & netmask == network:
                for interface in self.interfaces:
                    if interface.reaches(hop):
                        return interface, hop
        return None

    def _send(self, source: Interface, packet: bytes) -> None:
        """Send a packet that came in at ``source`` (errors about it go back there)."""
        header = ip_header.parse(packet)
        assert header is not None
        route = self._route(header.dst)
        if route is None:
            self._error(source, packet, icmp.UNREACHABLE, NET_UNREACHABLE)
            return
        out, hop = route
        if len(packet) <= out.mtu:
            self._to_neighbour(source, out, hop, packet)
        elif header.fragment & DONT_FRAGMENT:
            self._error(source, packet, icmp.UNREACHABLE, FRAGMENTATION_NEEDED, out.mtu)  # RFC 1191 4
        else:
            for fragment in fragments(header, packet, out.mtu):
                self._to_neighbour(source, out, hop, fragment)

    def _to_neighbour(self, source: Interface, out: Interface, hop: int, packet: bytes) -> None:
        known = self._neighbours.get(hop)
        if known is not None and self._clock.now() - known[1] <= ARP_LIFE:
            self._frame(out, known[0], ethernet.TYPE_IPV4, packet)
        elif hop in self._waiting:
            if len(self._waiting[hop]) < MAX_WAITING:
                self._waiting[hop].append((packet, source))
            else:
                self.dropped += 1
        elif len(self._waiting) < MAX_NEIGHBOURS:
            self._waiting[hop] = [(packet, source)]
            self._ask(out, hop, ARP_TRIES)
        else:
            self.dropped += 1

    def _error(self, source: Interface, packet: bytes, kind: int, code: int, rest: int = 0) -> None:
        """Tell the sender, unless that may not be (RFC 1812 4.3.2.7)."""
        self.dropped += 1
        header = ip_header.parse(packet)
        assert header is not None
        data = packet[header.header_len :]
        if (
            (header.proto == PROTO_ICMP and (not data or data[0] in icmp.ERRORS))
            or header.fragment & OFFSET_MASK
            or is_multicast(header.src)
            or source.broadcasts(header.src)
            or not header.src
        ):
            return
        error = icmp.IcmpMessage(kind, code, rest, packet[: header.header_len + 8])
        self._send(source, self._packet(source.ip, header.src, icmp.emit(error)))


def fragments(header: Ipv4Header, packet: bytes, mtu: int) -> Iterator[bytes]:
    """The fragments of a packet, at most ``mtu`` bytes each (RFC 791 3.2). All but the first have only the
    options that are to be copied.
    """
    options = header.options
    copied = b"".join(option for option in ip_header.each_option(options) if option[0] & 0x80)
    data = packet[header.header_len :]
    more = header.fragment & MORE_FRAGMENTS
    at = 0
    while at < len(data):
        head_len = HEADER_LEN + (len(options) + 3 & ~3)
        piece = data[at : at + (mtu - head_len) // 8 * 8]
        last = at + len(piece) == len(data)
        word = (header.fragment & OFFSET_MASK) + at // 8 | (more if last else MORE_FRAGMENTS)
        yield ip_header.build(
            header.tos, head_len + len(piece), header.ident, word, header.ttl, header.proto, header.src,
            header.dst, options,
        ) + piece  # fmt: skip
        at += len(piece)
        options = copied
