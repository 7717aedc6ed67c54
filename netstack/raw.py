"""Raw pcbs: IP packets for programs that play a protocol themselves (lwIP LWIP_RAW, SOCK_RAW).

They see every packet for us before its protocol does, header and all; one that takes it keeps it from the
others and from the stack: a raw ICMP socket ends the answering of pings. The IP header of what they send is
built for them, unless ``hdrincl`` is set; checksums of their payload are their business.
Source: lwIP ``raw.c``.
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.address import IP_ANY, is_multicast
from netstack.core import Core
from netstack.errors import ERR_MEM, ERR_RTE, ERR_VAL
from netstack.ip_header import HEADER_LEN, MAX_PACKET_LEN, Ipv4Header
from netstack.ipv4 import SOF_BROADCAST, Ipv4
from netstack.netif import Netif
from netstack.pbuf import Pbuf, TxBuf


class RawPcb:
    """One raw end of ``protocol``. ``recv(pcb, p, ip)`` is shown each packet, IP header included, and returns
    True to keep it (it owns the Pbuf then).
    """

    __slots__ = (
        "hdrincl",
        "is_connected",
        "local_ip",
        "mcast_ttl",
        "protocol",
        "recv",
        "remote_ip",
        "so_options",
        "tos",
        "ttl",
    )

    def __init__(self, protocol: int, ttl: int) -> None:
        self.protocol = protocol
        self.local_ip = IP_ANY
        self.remote_ip = IP_ANY
        self.is_connected = False
        self.hdrincl = False
        self.so_options = 0
        self.tos = 0
        self.ttl = ttl
        self.mcast_ttl = ttl
        self.recv: Callable[[RawPcb, Pbuf, int], bool] | None = None


class Raw:
    """The raw pcbs of one stack, newest (or last served) first; with LWIP_RAW 0 there are none."""

    __slots__ = ("_core", "_ipv4", "_netif", "_profile", "pcbs")

    def __init__(self, core: Core, netif: Netif, ipv4: Ipv4) -> None:
        self._core = core
        self._netif = netif
        self._ipv4 = ipv4
        self._profile = core.profile
        self.pcbs: list[RawPcb] = []
        netif.on_address.append(self._on_address)

    def input(self, p: Pbuf, header: Ipv4Header) -> bool | None:
        """Show a packet to the pcbs it fits: True if one kept it, False if some saw it, None if none did
        (``raw_input``).
        """
        seen = None
        broadcast = self._netif.is_broadcast(header.dst)
        for pcb in self.pcbs[:]:
            if pcb.recv is None or not self._fits(pcb, header, broadcast):
                continue
            seen = False
            if pcb.recv(pcb, p, header.src):
                if pcb in self.pcbs:  # the callback may have removed it
                    self.pcbs.remove(pcb)
                    self.pcbs.insert(0, pcb)
                return True
        return seen

    def _fits(self, pcb: RawPcb, header: Ipv4Header, broadcast: bool) -> bool:
        if pcb.protocol != header.proto or (pcb.is_connected and pcb.remote_ip != header.src):
            return False
        if not broadcast:
            return pcb.local_ip in (IP_ANY, header.dst)
        if self._profile.ip_sof_broadcast_recv and not pcb.so_options & SOF_BROADCAST:
            return False
        return pcb.local_ip == IP_ANY

    # Calls

    def new(self, protocol: int) -> RawPcb | None:
        """A pcb for one IP protocol; None when all are in use or LWIP_RAW is 0 (``raw_new``)."""
        if not self._profile.lwip_raw or not self._core.mem.raw_pcb.take():
            return None
        pcb = RawPcb(protocol, self._profile.raw_ttl)
        self.pcbs.insert(0, pcb)
        self._ipv4.raw = self.input
        return pcb

    def remove(self, pcb: RawPcb) -> None:
        """Give a pcb back; it must not be used any more (``raw_remove``)."""
        self.pcbs.remove(pcb)
        self._core.mem.raw_pcb.give()
        if not self.pcbs:
            self._ipv4.raw = None

    def bind(self, pcb: RawPcb, ip: int) -> None:
        """Receive only what is sent to ``ip``, and send from it (``raw_bind``)."""
        pcb.local_ip = ip

    def connect(self, pcb: RawPcb, ip: int) -> None:
        """Receive only what comes from ``ip``; ``send`` sends there (``raw_connect``)."""
        pcb.remote_ip = ip
        pcb.is_connected = True

    def disconnect(self, pcb: RawPcb) -> None:
        """Forget the peer (``raw_disconnect``)."""
        pcb.remote_ip = IP_ANY
        pcb.is_connected = False

    def send(self, pcb: RawPcb, data: bytes) -> int:
        """Send to the peer; errs as ``sendto``."""
        return self.sendto(pcb, data, pcb.remote_ip)

    def sendto(self, pcb: RawPcb, data: bytes, ip: int) -> int:
        """Send an IP payload (with ``hdrincl``: a packet with its header, which goes where the header says).

        ERR_MEM: no heap, or longer than a packet; ERR_RTE: no route; ERR_VAL: a broadcast without
        SO_BROADCAST (IP_SOF_BROADCAST), or less than a header; or what IP returns (``raw_sendto``).
        """
        buf = self._core.mem.tx.transport(len(data))
        if buf is None:
            return ERR_MEM
        err = self._send(pcb, data, ip, buf) if self._ipv4.route(ip) else ERR_RTE
        buf.free()
        return err

    def _send(self, pcb: RawPcb, data: bytes, ip: int, buf: TxBuf) -> int:
        if pcb.hdrincl:
            return ERR_VAL if len(data) < HEADER_LEN else self._ipv4.output_packet(data, buf)
        if len(data) > MAX_PACKET_LEN - HEADER_LEN:
            return ERR_MEM
        needs_option = self._profile.ip_sof_broadcast and not pcb.so_options & SOF_BROADCAST
        if needs_option and self._netif.is_broadcast(ip):
            return ERR_VAL
        any_local = pcb.local_ip == IP_ANY or is_multicast(pcb.local_ip)
        src = self._netif.ip if any_local else pcb.local_ip
        ttl = pcb.mcast_ttl if is_multicast(ip) else pcb.ttl
        return self._ipv4.output_if(data, src, ip, ttl, pcb.tos, pcb.protocol, buf)

    def _on_address(self, old: int, new: int) -> None:
        """Pcbs bound to an address that changes move with it (``raw_netif_ip_addr_changed``)."""
        if IP_ANY not in (old, new):
            for pcb in self.pcbs:
                if pcb.local_ip == old:
                    pcb.local_ip = new
