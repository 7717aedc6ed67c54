"""UDP: datagrams between ports (RFC 768, RFC 1122 4.1), with lwIP's rules of who gets what.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |          Source Port          |       Destination Port        |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    |            Length             |           Checksum            |
    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

A datagram belongs to the pcb that is connected to its source, else to one that is connected to nobody, and
never to one connected elsewhere. The length field is not looked at (quirk udp_length_ignored). ICMP errors
never reach the application.
Source: lwIP ``udp.c``.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from netstack.address import IP_ANY, IP_BROADCAST, is_multicast
from netstack.checksum import residue
from netstack.core import Core
from netstack.errors import ERR_MEM, ERR_OK, ERR_RTE, ERR_USE, ERR_VAL
from netstack.icmp import Icmp
from netstack.ip_header import PROTO_UDP, Ipv4Header
from netstack.ipv4 import SOF_BROADCAST, SOF_REUSEADDR, Ipv4
from netstack.netif import Netif
from netstack.pbuf import Pbuf, TxBuf
from netstack.stats import Drop

HEADER_LEN = 8
MAX_PAYLOAD_LEN = 0xFFFF - HEADER_LEN
FIRST_EPHEMERAL = 0xC000
LAST_EPHEMERAL = 0xFFFF

UDP_SHORT = Drop("udp_short", "udp", ("lenerr", "drop"), "a UDP datagram that ends before its header does")
UDP_LENGTH = Drop(
    "udp_length",
    "udp",
    ("lenerr", "drop"),
    "the length field does not fit the packet (quirk udp_length_ignored off)",
)
UDP_CHECKSUM = Drop("udp_checksum", "udp", ("chkerr", "drop"), "a UDP datagram whose checksum is wrong")
UDP_NO_PORT = Drop("udp_no_port", "udp", ("proterr", "drop"), "a UDP datagram to a port where nobody listens")
UDP_NO_PORT_GROUP = Drop(
    "udp_no_port_group", "udp", (), "a broadcast or multicast UDP datagram to a port where nobody listens"
)
UDP_NO_RECEIVER = Drop("udp_no_receiver", "udp", (), "a UDP datagram for a pcb without a receive callback")

_HEADER = Struct("!HHHH")


class UdpHeader:
    """The four fields of the header; ``length`` counts the header, too."""

    __slots__ = ("checksum", "dst_port", "length", "src_port")

    def __init__(self, src_port: int, dst_port: int, length: int, checksum: int) -> None:
        self.src_port = src_port
        self.dst_port = dst_port
        self.length = length
        self.checksum = checksum


def parse(data: bytes) -> UdpHeader | None:
    """The header of a datagram; None when the datagram ends before it does."""
    return UdpHeader(*_HEADER.unpack_from(data)) if len(data) >= HEADER_LEN else None


def emit(header: UdpHeader) -> bytes:
    """The header as 8 bytes."""
    return _HEADER.pack(header.src_port, header.dst_port, header.length, header.checksum)


class UdpPcb:
    """One end of UDP. ``recv(pcb, p, ip, port)`` gets datagrams and owns their Pbuf; ``ttl``, ``tos``,
    ``mcast_ttl`` and ``so_options`` (SOF_...) may be set.

    ``error(pcb, type, code)`` hears of ICMP errors about what a connected pcb sent (quirk icmp_errors_ignored
    off; RFC 1122 4.1.3.3).
    """

    __slots__ = (
        "error",
        "is_connected",
        "local_ip",
        "local_port",
        "mcast_ttl",
        "recv",
        "remote_ip",
        "remote_port",
        "so_options",
        "tos",
        "ttl",
    )

    def __init__(self, ttl: int) -> None:
        self.local_ip = IP_ANY
        self.local_port = 0
        self.remote_ip = IP_ANY
        self.remote_port = 0
        self.is_connected = False
        self.so_options = 0
        self.tos = 0
        self.ttl = ttl
        self.mcast_ttl = ttl
        self.recv: Callable[[UdpPcb, Pbuf, int, int], None] | None = None
        self.error: Callable[[UdpPcb, int, int], None] | None = None


class Udp:
    """UDP of one stack. ``pcbs`` are the bound and connected ones, newest (or last hit) first."""

    __slots__ = ("_core", "_icmp", "_ipv4", "_netif", "_port", "_profile", "_stats", "pcbs")

    def __init__(self, core: Core, netif: Netif, ipv4: Ipv4, icmp: Icmp, ephemeral_first: int) -> None:
        self._core = core
        self._netif = netif
        self._ipv4 = ipv4
        self._icmp = icmp
        self._profile = core.profile
        self._stats = core.stats.udp
        self._port = ephemeral_first - 1  # the last one given out
        self.pcbs: list[UdpPcb] = []
        if core.profile.lwip_udp:
            ipv4.handlers[PROTO_UDP] = self.input
            ipv4.error_handlers[PROTO_UDP] = self._on_error
            netif.on_address.append(self._on_address)

    # Receiving

    def input(self, p: Pbuf, header: Ipv4Header) -> None:
        """Give a datagram to its pcb, or say that its port is unreachable (``udp_input``)."""
        self._stats.recv += 1
        if p.first_len < HEADER_LEN:
            self._drop(p, UDP_SHORT)
            return
        data = p.data
        src_port, dst_port, length, checksum = _HEADER.unpack_from(data)
        dst = header.dst
        broadcast = self._netif.is_broadcast(dst)
        pcb = self._match(header.src, src_port, dst, dst_port, broadcast)
        if pcb is None and dst != self._netif.ip:
            self._drop(p, UDP_NO_PORT_GROUP)
            return
        if "udp_length_ignored" not in self._profile.quirks:
            if not HEADER_LEN <= length <= len(data):
                self._drop(p, UDP_LENGTH)
                return
            p.trim(length)
            data = p.data
        if checksum and (residue(data) + header.src + dst + PROTO_UDP + len(data)) % 0xFFFF:
            self._drop(p, UDP_CHECKSUM)
        elif pcb is None:
            if not broadcast:
                self._icmp.port_unreachable(header.packet)
            self._drop(p, UDP_NO_PORT)
        elif pcb.recv is None:
            self._drop(p, UDP_NO_RECEIVER)
        else:
            p.strip(HEADER_LEN)
            pcb.recv(pcb, p, header.src, src_port)

    def _match(self, src: int, src_port: int, dst: int, dst_port: int, broadcast: bool) -> UdpPcb | None:
        """The pcb a datagram is for. One that is connected to its source moves to the front of the list."""
        unconnected: UdpPcb | None = None
        for index, pcb in enumerate(self.pcbs):
            if pcb.local_port != dst_port or not self._is_local(pcb, dst, broadcast):
                continue
            if not pcb.is_connected:
                unconnected = pcb if unconnected is None else self._better(unconnected, pcb, dst, broadcast)
            if pcb.remote_port == src_port and pcb.remote_ip in (IP_ANY, src):
                if index:
                    del self.pcbs[index]
                    self.pcbs.insert(0, pcb)
                else:
                    self._stats.cachehit += 1
                return pcb
        return unconnected

    def _better(self, chosen: UdpPcb, other: UdpPcb, dst: int, broadcast: bool) -> UdpPcb:
        """Of two unconnected pcbs that fit the one to get the datagram; ``other`` is later in the list."""
        if broadcast and dst == IP_BROADCAST:
            own = self._netif.ip
            return other if chosen.local_ip != own and other.local_ip == own else chosen
        if self._profile.so_reuse and other.local_ip != IP_ANY:
            return other
        return chosen

    def _is_local(self, pcb: UdpPcb, dst: int, broadcast: bool) -> bool:
        """Whether the local address of a pcb fits (``udp_input_local_match``)."""
        local = pcb.local_ip
        if not broadcast:
            return local in (IP_ANY, dst)
        if self._profile.ip_sof_broadcast_recv and not pcb.so_options & SOF_BROADCAST:
            return False
        return local == IP_ANY or dst == IP_BROADCAST or not (local ^ dst) & self._netif.netmask

    def _drop(self, p: Pbuf, reason: Drop) -> None:
        self._core.drop(reason)
        p.free()

    def _on_error(self, kind: int, code: int, sent: Ipv4Header, data: bytes) -> None:
        """An ICMP error about a datagram we sent, of which ``data`` is the beginning."""
        header = parse(data)
        if header is None:
            return
        for pcb in self.pcbs:
            if (
                pcb.is_connected
                and pcb.error is not None
                and (pcb.local_port, pcb.remote_port) == (header.src_port, header.dst_port)
                and pcb.remote_ip == sent.dst
            ):
                pcb.error(pcb, kind, code)
                return

    # Calls

    def new(self) -> UdpPcb | None:
        """A new pcb; None when all are in use, or LWIP_UDP is 0 (``udp_new``)."""
        if not self._profile.lwip_udp or not self._core.mem.udp_pcb.take():
            return None
        return UdpPcb(self._profile.udp_ttl)

    def remove(self, pcb: UdpPcb) -> None:
        """Give a pcb back; it must not be used any more (``udp_remove``)."""
        if pcb in self.pcbs:
            self.pcbs.remove(pcb)
        self._core.mem.udp_pcb.give()

    def bind(self, pcb: UdpPcb, ip: int, port: int) -> int:
        """Give a pcb its local address; port 0: a free one. ERR_USE when it is taken (``udp_bind``)."""
        if not port:
            port = self._new_port()
            if not port:
                return ERR_USE
        elif any(self._conflicts(pcb, other, ip, port) for other in self.pcbs):
            return ERR_USE
        pcb.local_ip = ip
        pcb.local_port = port
        self._enlist(pcb)
        return ERR_OK

    def _conflicts(self, pcb: UdpPcb, other: UdpPcb, ip: int, port: int) -> bool:
        if other is pcb or other.local_port != port:
            return False
        if self._profile.so_reuse and pcb.so_options & other.so_options & SOF_REUSEADDR:
            return False
        return ip == other.local_ip or IP_ANY in (ip, other.local_ip)

    def _new_port(self) -> int:
        """The next port of 49152..65535 that no pcb has, or 0 (``udp_new_port``)."""
        used = {pcb.local_port for pcb in self.pcbs}
        if "ephemeral_ports_in_order" not in self._profile.quirks:  # RFC 6056 3.3.1
            self._port = FIRST_EPHEMERAL + self._core.rand() % (LAST_EPHEMERAL - FIRST_EPHEMERAL + 1)
        for _ in range(LAST_EPHEMERAL - FIRST_EPHEMERAL + 1):
            self._port = FIRST_EPHEMERAL if self._port == LAST_EPHEMERAL else self._port + 1
            if self._port not in used:
                return self._port
        return 0

    def _enlist(self, pcb: UdpPcb) -> None:
        if pcb not in self.pcbs:
            self.pcbs.insert(0, pcb)

    def connect(self, pcb: UdpPcb, ip: int, port: int) -> int:
        """Fix the peer, and bind the pcb if it is not; nothing is sent. ERR_USE without a free port
        (``udp_connect``).
        """
        if not pcb.local_port:
            err = self.bind(pcb, pcb.local_ip, 0)
            if err != ERR_OK:
                return err
        pcb.remote_ip = ip
        pcb.remote_port = port
        pcb.is_connected = True
        self._enlist(pcb)
        return ERR_OK

    def disconnect(self, pcb: UdpPcb) -> None:
        """Forget the peer (``udp_disconnect``)."""
        pcb.remote_ip = IP_ANY
        pcb.remote_port = 0
        pcb.is_connected = False

    def send(self, pcb: UdpPcb, data: bytes) -> int:
        """Send a datagram to the peer; errs as ``sendto``."""
        return self.sendto(pcb, data, pcb.remote_ip, pcb.remote_port)

    def sendto(self, pcb: UdpPcb, data: bytes, ip: int, port: int) -> int:
        """Send a datagram, after binding the pcb if it is not bound.

        ERR_MEM: no heap, or over 65527 bytes; ERR_RTE: no route, or bound to an address we no longer have;
        ERR_VAL: a broadcast without SO_BROADCAST (IP_SOF_BROADCAST); ERR_USE: no free port; or what IP
        returns (``udp_sendto``).
        """
        buf = self._core.mem.tx.transport(len(data))
        if buf is None:
            return ERR_MEM
        if self._ipv4.route(ip):
            netif_ip = self._netif.ip
            if pcb.local_ip == IP_ANY or is_multicast(pcb.local_ip) or pcb.local_ip == netif_ip:
                err = self._send_from(pcb, data, ip, port, netif_ip, buf)
            else:
                err = ERR_RTE
        else:
            self._stats.rterr += 1
            err = ERR_RTE
        buf.free()
        return err

    def sendto_from(self, pcb: UdpPcb, data: bytes, ip: int, port: int, src: int) -> int:
        """As ``sendto``, without asking for a route, from the address ``src``, even 0.0.0.0
        (``udp_sendto_if_src``).
        """
        buf = self._core.mem.tx.transport(len(data))
        if buf is None:
            return ERR_MEM
        err = self._send_from(pcb, data, ip, port, src, buf)
        buf.free()
        return err

    def _send_from(self, pcb: UdpPcb, data: bytes, ip: int, port: int, src: int, buf: TxBuf) -> int:
        needs_option = self._profile.ip_sof_broadcast and not pcb.so_options & SOF_BROADCAST
        if needs_option and self._netif.is_broadcast(ip):
            return ERR_VAL
        if not pcb.local_port:
            err = self.bind(pcb, pcb.local_ip, 0)
            if err != ERR_OK:
                return err
        if len(data) > MAX_PAYLOAD_LEN:
            return ERR_MEM
        length = len(data) + HEADER_LEN
        total = pcb.local_port + port + length + residue(data) + src + ip + PROTO_UDP + length
        header = _HEADER.pack(pcb.local_port, port, length, -total % 0xFFFF or 0xFFFF)
        ttl = pcb.mcast_ttl if is_multicast(ip) else pcb.ttl
        err = self._ipv4.output_if(header + data, src, ip, ttl, pcb.tos, PROTO_UDP, buf)
        self._stats.xmit += 1
        return err

    def _on_address(self, old: int, new: int) -> None:
        """Pcbs bound to an address that changes move with it (``udp_netif_ip_addr_changed``)."""
        if IP_ANY not in (old, new):
            for pcb in self.pcbs:
                if pcb.local_ip == old:
                    pcb.local_ip = new
