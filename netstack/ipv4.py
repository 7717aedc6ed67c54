"""IPv4: which received packets are ours and whose they are; headers and routes of outgoing ones (RFC 791).

The order of the checks on input is lwIP's; what it leaves out (DF, odd sources) is left out, too. There
is one interface, so nothing is ever forwarded: with IP_FORWARD, too, lwIP does not send a packet out of the
interface it came from. The header is drawn in ``ip_header.py``.
Source: lwIP ``ip4.c``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct

from netstack.address import IP_ANY, is_multicast
from netstack.arp import Arp, Holdable
from netstack.core import Core
from netstack.errors import ERR_BUF, ERR_RTE, ERR_VAL
from netstack.ethernet import TYPE_IPV4, Ethernet
from netstack.fragment import send_fragments
from netstack.ip_header import (
    HEADER_LEN,
    MAX_HEADER_LEN,
    MAX_PACKET_LEN,
    MORE_FRAGMENTS,
    OFFSET_MASK,
    PROTO_IGMP,
    PROTO_UDP,
    Ipv4Header,
    build,
    has_foreign_route,
    has_right_checksum,
    parse,
)
from netstack.netif import Netif
from netstack.pbuf import Pbuf
from netstack.reassembly import Reassembly
from netstack.stats import Drop

ALL_SYSTEMS = 0xE0000001  # 224.0.0.1
DHCP_CLIENT_PORT = 68

# Options of a pcb (lwIP ip.h: SOF_...), the same for TCP, UDP and raw
SOF_REUSEADDR = 0x04
SOF_KEEPALIVE = 0x08
SOF_BROADCAST = 0x20

IP_VERSION = Drop("ip_version", "ip", ("err", "drop"), "an IP packet that is not version 4")
IP_LENGTH = Drop("ip_length", "ip", ("lenerr", "drop"), "the header or total length does not fit the frame")
IP_CHECKSUM = Drop("ip_checksum", "ip", ("chkerr", "drop"), "the header checksum is wrong")
IP_SOURCE = Drop("ip_source", "ip", ("drop",), "the source is a broadcast or multicast address")
IP_MARTIAN = Drop(
    "ip_martian",
    "ip",
    ("drop",),
    "the source is our own address, in 0/8 or 127/8, or class E (quirk martian_source_accepted off)",
)
IP_LINK_GROUP = Drop(
    "ip_link_group",
    "ip",
    ("drop",),
    "a packet to our address in a broadcast or multicast frame (quirk link_broadcast_accepted off)",
)
IP_SOURCE_ROUTE = Drop(
    "ip_source_route",
    "ip",
    ("opterr", "drop"),
    "a source route with hops left, or more than one (quirk source_route_ignored off)",
)
IP_NOT_OURS = Drop(
    "ip_not_ours",
    "ip",
    ("drop",),
    "the destination is neither our address nor a broadcast nor a group we joined",
)
IP_NOT_FORWARDED = Drop(
    "ip_not_forwarded", "ip", (), "a packet for another host, and no other interface to forward it to"
)
IP_FRAGMENT = Drop("ip_fragment", "ip", ("opterr", "drop"), "a fragment, and reassembly is not compiled in")
IP_OPTIONS = Drop("ip_options", "ip", ("opterr", "drop"), "a packet with options, which this build refuses")
IP_PROTOCOL = Drop("ip_protocol", "ip", ("proterr", "drop"), "no layer handles this protocol")

Handler = Callable[[Pbuf, Ipv4Header], None]
ErrorHandler = Callable[[int, int, Ipv4Header, bytes], None]

MAX_IDENTS = 256  # destinations with an ident counter of their own

_HEADER = Struct("!HHHHHHII")  # as words, which makes the checksum the sum of the fields


class Ipv4:
    """The network layer. Layers above register in ``handlers`` by protocol number.

    A handler gets the Pbuf without the IP header, and owns it. ``raw`` sees every packet before (header still
    in place): True means it took it, False that somebody had a copy, None that nobody cared. ``is_member``
    says whether we are in a group. ``on_unreachable(packet)`` is told of a packet for us whose protocol
    nobody handles. ``error_handlers[protocol](type, code, header, data)`` hear of ICMP errors about packets
    we sent, whose header and first bytes they get (quirk icmp_errors_ignored off).
    """

    __slots__ = (
        "_arp",
        "_core",
        "_dhcp",
        "_ethernet",
        "_filters",
        "_filters_link_groups",
        "_filters_martians",
        "_filters_routes",
        "_frag",
        "_ident",
        "_idents",
        "_options_allowed",
        "_stats",
        "error_handlers",
        "handlers",
        "is_member",
        "netif",
        "on_unreachable",
        "raw",
        "reassembly",
        "second_address",
    )

    def __init__(self, core: Core, netif: Netif, arp: Arp, ethernet: Ethernet) -> None:
        self._core = core
        self.netif = netif
        self._arp = arp
        self._ethernet = ethernet
        self._stats = core.stats.ip
        profile = core.profile
        self._dhcp = bool(profile.lwip_dhcp)
        self._frag = bool(profile.ip_frag)
        self._options_allowed = bool(profile.ip_options_allowed)
        self._filters_link_groups = "link_broadcast_accepted" not in profile.quirks
        self._filters_martians = "martian_source_accepted" not in profile.quirks
        self._filters_routes = "source_route_ignored" not in profile.quirks
        self._filters = self._filters_link_groups or self._filters_martians
        self._ident = 0  # the next packet's
        self._idents: dict[tuple[int, int], int] | None = None
        if "ip_id_global_counter" not in profile.quirks:
            self._idents = {}
        self.reassembly = Reassembly(core) if profile.ip_reassembly else None
        self.handlers: dict[int, Handler] = {}
        self.error_handlers: dict[int, ErrorHandler] = {}
        self.is_member: Callable[[int], bool] | None = None
        self.second_address = IP_ANY  # AutoIP's, when a routable one has taken its place (RFC 3927 1.9)
        self.raw: Callable[[Pbuf, Ipv4Header], bool | None] | None = None
        self.on_unreachable: Callable[[bytes], None] | None = None
        ethernet.handlers[TYPE_IPV4] = self.input

    # Receiving

    def input(self, p: Pbuf) -> None:
        """A packet from the link: check it, reassemble it, hand it up (``ip4_input``)."""
        self._stats.recv += 1
        data = p.data
        header = parse(data)
        if header is None:
            self._drop(p, IP_LENGTH if data[0] >> 4 == 4 else IP_VERSION)
            return
        total_len = header.total_len
        header_len = header.header_len
        if total_len != len(data):
            if not header_len <= total_len < len(data):
                self._drop(p, IP_LENGTH)
                return
            p.trim(total_len)  # Ethernet's padding
            header.packet = data = p.data
        if p.parts is not None and header_len > p.parts[0]:
            self._drop(p, IP_LENGTH)
            return
        if not has_right_checksum(data, header_len):
            self._drop(p, IP_CHECKSUM)
            return
        netif = self.netif
        src = header.src
        if (
            header.dst != netif.ip
            or not netif.up
            or src >= 0xE0000000
            or src == netif.subnet_broadcast
            or not src
            or self._filters
        ):
            reason = self._why_not(header)
            if reason is not None:
                self._drop(p, reason)
                return
        if header.fragment & (OFFSET_MASK | MORE_FRAGMENTS):
            if self.reassembly is None:
                self._drop(p, IP_FRAGMENT)
                return
            whole = self.reassembly.input(p, header)
            if whole is None:
                return
            p, header = whole
            header_len = header.header_len
        if header_len > HEADER_LEN and header.proto != PROTO_IGMP:
            if not self._options_allowed:
                self._drop(p, IP_OPTIONS)
                return
            if self._filters_routes and has_foreign_route(header.options):
                self._drop(p, IP_SOURCE_ROUTE)
                return
        handler = self.handlers.get(header.proto)
        if handler is None or self.raw is not None:
            self._deliver(p, header, handler)
            return
        if p.parts is None:
            p.data = p.data[header_len:]
        else:
            p.strip(header_len)
        handler(p, header)

    def _deliver(self, p: Pbuf, header: Ipv4Header, handler: Handler | None) -> None:
        """Hand a packet to the raw pcbs, then to its layer; tell the sender if nobody wants it."""
        seen = None if self.raw is None else self.raw(p, header)
        if seen:
            return
        if handler is not None:
            p.strip(header.header_len)
            handler(p, header)
        elif seen is False:
            p.free()
        else:
            dst = header.dst
            if self.on_unreachable and not self.netif.is_broadcast(dst) and not is_multicast(dst):
                self.on_unreachable(header.packet)
            self._drop(p, IP_PROTOCOL)

    def _why_not(self, header: Ipv4Header) -> Drop | None:
        """Why a packet is not for us; None if it is."""
        netif = self.netif
        src, dst = header.src, header.dst
        ours = self._is_ours(dst)
        # RFC 4541 2.1.1 (8): snooping switches ask from 0.0.0.0
        any_source = self._dhcp or dst == ALL_SYSTEMS
        if not ours and self._dhcp and _is_for_dhcp_client(header):
            ours = True
        elif (netif.is_broadcast(src) and not (src == IP_ANY and any_source)) or is_multicast(src):
            return IP_SOURCE
        if not ours:
            forwards = self._core.profile.ip_forward and not netif.is_broadcast(dst)
            return IP_NOT_FORWARDED if forwards else IP_NOT_OURS
        if self._filters_link_groups and dst == netif.ip and self._ethernet.to_group:
            return IP_LINK_GROUP
        return IP_MARTIAN if self._filters_martians and self._is_martian(src, dst) else None

    def _is_martian(self, src: int, dst: int) -> bool:
        """Whether ``src`` can be nobody's but ours, or nobody's at all (RFC 1122 3.2.1.3)."""
        if src == IP_ANY:
            return dst != ALL_SYSTEMS
        return src >> 24 in {0, 127} or src >> 28 == 15 or src == self.netif.ip

    def _is_ours(self, dst: int) -> bool:
        netif = self.netif
        if is_multicast(dst) and self.is_member is not None:
            return self.is_member(dst)
        if not netif.up or netif.ip == IP_ANY:
            return False
        return dst in (netif.ip, self.second_address) or netif.is_broadcast(dst) or is_multicast(dst)

    def _drop(self, p: Pbuf, reason: Drop) -> None:
        self._core.drop(reason)
        p.free()

    # Sending

    def route(self, dst: int) -> bool:
        """Whether a packet to ``dst`` can leave; counts the ones that cannot (``ip4_route``)."""
        netif = self.netif
        if netif.usable and (dst >> 24 != 127 or netif.in_subnet(dst)):
            return True
        self._stats.rterr += 1
        return False

    def output(
        self,
        payload: bytes,
        src: int,
        dst: int,
        ttl: int,
        tos: int,
        proto: int,
        buf: Holdable | None,
        *,
        options: bytes = b"",
    ) -> int:
        """Route and send a packet (``ip4_output``).

        ``src`` 0 means our address. The caller keeps its own hold of ``buf``. Returns ERR_RTE without a
        route, ERR_BUF for a packet over 65535 bytes, ERR_VAL for over 40 bytes of options, or what ARP,
        fragmentation or the driver return.
        """
        if not self.route(dst):
            self._stats.rterr += 1
            return ERR_RTE
        return self.output_if(payload, src or self.netif.ip, dst, ttl, tos, proto, buf, options)

    def output_if(
        self,
        payload: bytes,
        src: int,
        dst: int,
        ttl: int,
        tos: int,
        proto: int,
        buf: Holdable | None,
        options: bytes = b"",
    ) -> int:
        """Send a packet whose route is known; ``src`` may be 0.0.0.0, too (``ip4_output_if_src``)."""
        total_len = len(payload) + HEADER_LEN
        ident = self._ident
        if options:
            if len(options) > MAX_HEADER_LEN - HEADER_LEN:
                self._stats.err += 1
                return ERR_VAL
            total_len += len(options) + -len(options) % 4
        if total_len > MAX_PACKET_LEN:
            self._stats.err += 1
            return ERR_BUF
        if self._idents is None:
            self._ident = ident + 1 & 0xFFFF
        else:
            ident = self._ident_for(dst, proto)
        if options:
            packet = build(tos, total_len, ident, 0, ttl, proto, src, dst, options) + payload
        else:
            word = ttl << 8 | proto
            checksum = -(0x4500 + tos + total_len + ident + word + src + dst) % 0xFFFF
            packet = _HEADER.pack(0x4500 | tos, total_len, ident, 0, word, checksum, src, dst) + payload
        self._stats.xmit += 1
        mtu = self.netif.mtu
        if total_len > mtu and mtu and self._frag:
            return send_fragments(self._core, self._arp, packet, dst, mtu, None)
        return self._arp.output(packet, dst, buf)

    def output_packet(self, packet: bytes, buf: Holdable | None, parts: Sequence[int] | None = None) -> int:
        """Send a packet that has its header; ERR_BUF if it is too short to (LWIP_IP_HDRINCL).

        ``parts`` are the lengths of the buffers it lies in (None: one).
        """
        if len(packet) < HEADER_LEN:
            self._stats.err += 1
            return ERR_BUF
        dst = int.from_bytes(packet[16:20], "big")
        self._stats.xmit += 1
        mtu = self.netif.mtu
        if len(packet) > mtu and mtu and self._frag:
            return send_fragments(self._core, self._arp, packet, dst, mtu, parts)
        return self._arp.output(packet, dst, buf)

    def _ident_for(self, dst: int, proto: int) -> int:
        """The next ident of a destination and protocol (RFC 6864 4.1); the oldest counters are forgotten."""
        idents = self._idents
        assert idents is not None
        key = (dst, proto)
        ident = idents.get(key)
        if ident is None:
            if len(idents) == MAX_IDENTS:
                del idents[next(iter(idents))]
            ident = self._core.rand() & 0xFFFF
        idents[key] = ident + 1 & 0xFFFF
        return ident


def _is_for_dhcp_client(header: Ipv4Header) -> bool:
    """Whether it is UDP to port 68: the server may answer an address that is not ours yet (RFC 2131 4.1)."""
    port = header.packet[header.header_len + 2 : header.header_len + 4]
    return header.proto == PROTO_UDP and int.from_bytes(port, "big") == DHCP_CLIENT_PORT
