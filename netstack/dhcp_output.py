"""What the DHCP client sends through: its UDP pcb, and the options that all its questions have.

The pcb is there while the client is on, and for the time of an INFORM. It is bound to port 68 of any address
and connected to port 67 of any, so that only servers are heard.
Source: lwIP ``dhcp.c:dhcp_inc_pcb_refcount``, ``dhcp_create_msg``, ``dhcp_option_hostname``.
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.address import IP_ANY
from netstack.core import Core
from netstack.dhcp_message import (
    BROADCAST,
    DNS_SERVER,
    HOSTNAME,
    MAX_MESSAGE_SIZE,
    MESSAGE_LEN,
    PARAMETER_REQUEST_LIST,
    ROUTER,
    SUBNET_MASK,
    DhcpMessage,
    emit,
    room_left,
)
from netstack.errors import ERR_MEM
from netstack.ipv4 import SOF_BROADCAST
from netstack.netif import Netif
from netstack.pbuf import Pbuf
from netstack.udp import Udp, UdpPcb

CLIENT_PORT, SERVER_PORT = 68, 67


class DhcpOutput:
    """The way out for the messages of one client, which gets what comes in by ``recv``.

    ``max_dns_servers`` is how many of them the client makes use of.
    """

    __slots__ = ("_core", "_netif", "_pcb", "_recv", "_udp", "_users", "max_dns_servers")

    def __init__(
        self, core: Core, netif: Netif, udp: Udp, recv: Callable[[UdpPcb, Pbuf, int, int], None]
    ) -> None:
        self._core = core
        self._netif = netif
        self._udp = udp
        self._recv = recv
        self._pcb: UdpPcb | None = None
        self._users = 0
        profile = core.profile
        self.max_dns_servers = (
            min(profile.dns_max_servers, profile.lwip_dhcp_max_dns_servers) if profile.lwip_dns else 0
        )

    def open(self) -> bool:
        """One more user of the pcb, which is made for the first; False when there is none to be had.

        lwIP: where a program has port 68, the pcb gets another one, and hears nothing.
        """
        if not self._users:
            pcb = self._udp.new()
            if pcb is None:
                return False
            pcb.so_options |= SOF_BROADCAST
            self._udp.bind(pcb, IP_ANY, CLIENT_PORT)
            self._udp.connect(pcb, IP_ANY, SERVER_PORT)
            pcb.recv = self._recv
            self._pcb = pcb
        self._users += 1
        return True

    def close(self) -> None:
        """One user less; the last one gives the pcb back."""
        self._users -= 1
        if not self._users and self._pcb is not None:
            self._udp.remove(self._pcb)
            self._pcb = None

    def max_size(self, size: int | None = None) -> dict[int, bytes]:
        """The option that says how long the server's messages may be (None: as the MTU)."""
        size = self._netif.mtu & 0xFFFF if size is None else size
        return {MAX_MESSAGE_SIZE: size.to_bytes(2, "big")}

    def discover_options(self, hostname: str) -> dict[int, bytes]:
        """All options of a DISCOVER, but its type."""
        options = self.max_size()
        wanted = self._wanted()
        if self._core.profile.lwip_dhcp_discover_add_hostname:
            options |= self._hostname(hostname, options | wanted)
        return options | wanted

    def request_options(self, options: dict[int, bytes], hostname: str) -> dict[int, bytes]:
        """Those that every REQUEST has behind its own."""
        options = options | self._wanted()
        return options | self._hostname(hostname, options)

    def _wanted(self) -> dict[int, bytes]:
        codes = (SUBNET_MASK, ROUTER, BROADCAST, *((DNS_SERVER,) if self.max_dns_servers else ()))
        return {PARAMETER_REQUEST_LIST: bytes(codes)}

    def _hostname(self, hostname: str, others: dict[int, bytes]) -> dict[int, bytes]:
        """The host's name, as much of it as fits beside the other options (lwIP stops at an assertion)."""
        name = hostname.encode()[: room_left(others) - 2]
        return {HOSTNAME: name} if name and self._core.profile.lwip_netif_hostname else {}

    def has_memory(self) -> bool:
        """Whether there is heap for a message: lwIP takes it before it draws an xid."""
        buf = self._core.mem.tx.transport(MESSAGE_LEN)
        if buf is None:
            return False
        buf.free()
        return True

    def send(self, message: DhcpMessage, src: int, dst: int) -> int:
        """Send a message from the address ``src``, even 0.0.0.0; errs as ``Udp.sendto_from``."""
        if self._pcb is None:
            return ERR_MEM
        return self._udp.sendto_from(self._pcb, emit(message), dst, SERVER_PORT, src)
