"""AutoIP: an address of 169.254/16 where nobody gives one (RFC 3927).

The first address tried follows from the MAC, so a device has it again after each start; every conflict leads
to the next one. Conflict detection (``acd.py``) says whether an address is free, and later whether it still
is. The mask has 16 bits, and there is no gateway.

lwIP: a link that comes back has the same address checked again, during which the interface keeps it. What is
tried after a conflict is the neighbour of the address, not a random one (RFC 3927 2.1).
Source: lwIP ``autoip.c``.
"""

from __future__ import annotations

from netstack import acd
from netstack.acd import Acd, AcdClient
from netstack.address import IP_ANY, is_link_local
from netstack.core import Core
from netstack.errors import ERR_ARG, ERR_MEM, ERR_OK, ERR_VAL
from netstack.ipv4 import Ipv4
from netstack.netif import Netif

NETWORK = 0xA9FE0000
NETMASK = 0xFFFF0000
RANGE_START, RANGE_END = 0xA9FE0100, 0xA9FEFEFF  # the first and last 256 are reserved (RFC 3927 2.1)
_RANGE = RANGE_END - RANGE_START + 1

# States (lwIP prot/autoip.h)
OFF, CHECKING, BOUND = range(3)

_SIZEOF_AUTOIP = 36  # lwIP's struct autoip with its struct acd, in the heap from the first start on


class AutoIp:
    """The AutoIP client of one interface. ``address`` is the one tried or used, ``tried`` counts those that
    had conflicts.
    """

    __slots__ = ("_acd", "_block", "_client", "_core", "_ipv4", "_netif", "address", "state", "tried")

    def __init__(self, core: Core, netif: Netif, ipv4: Ipv4, acd: Acd) -> None:
        self._core = core
        self._netif = netif
        self._ipv4 = ipv4
        self._acd = acd
        self._client = AcdClient(self._on_conflict)
        self._block: int | None = None
        self.state = OFF
        self.address = IP_ANY
        self.tried = 0
        if core.profile.lwip_dhcp_autoip_coop:
            netif.on_link_down.append(self._on_link_down)
        else:
            netif.on_link.append(self._on_link)

    @property
    def supplied_address(self) -> bool:
        """Whether the interface has its address from AutoIP (``autoip_supplied_address``)."""
        return self.state == BOUND and self._netif.ip == self.address

    def start(self) -> int:
        """Look for a free address, unless that is under way or done (``autoip_start``).

        ERR_ARG: the interface is down; ERR_MEM: no heap; ERR_VAL: LWIP_AUTOIP is 0.
        """
        if not self._core.profile.lwip_autoip:
            return ERR_VAL
        if not self._netif.up:
            return ERR_ARG
        if self._block is None:
            block = self._core.mem.heap.malloc(_SIZEOF_AUTOIP)
            if block < 0:
                return ERR_MEM
            self._block = block
        if self.state == OFF:
            self._acd.add(self._client)
            if not is_link_local(self.address):
                self.address = self._choose()
            self._check()
        return ERR_OK

    def stop(self) -> None:
        """Take the address from the interface and do nothing any more (``autoip_stop``).

        lwIP: conflict detection goes on, and a conflict found makes AutoIP start again.
        """
        self.state = OFF
        self._ipv4.second_address = IP_ANY
        if is_link_local(self._netif.ip):
            self._netif.set_addr(IP_ANY, IP_ANY, IP_ANY)

    def cleanup(self) -> None:
        """Stop for good, and give back the heap that the client takes from its first start on."""
        self.stop()
        self._acd.remove(self._client)
        self._client.clear()
        if self._block is not None:
            self._core.mem.heap.free(self._block)
            self._block = None

    def _choose(self) -> int:
        """The next address of the sequence that the MAC begins (``autoip_create_addr``)."""
        mac = self._netif.mac
        address = NETWORK | (RANGE_START + (mac[4] | mac[5] << 8) + self.tried & 0xFFFF)
        if address < RANGE_START:
            address += _RANGE
        if address > RANGE_END:
            address -= _RANGE
        return address

    def _check(self) -> None:
        self.state = CHECKING
        self._ipv4.second_address = IP_ANY
        self._acd.start(self._client, self.address)

    def _on_link(self) -> None:
        """The cable is plugged in (``autoip_network_changed_link_up``)."""
        if self.state != OFF:
            self._check()

    def _on_link_down(self) -> None:
        """The cable is pulled; DHCP starts it again (``autoip_network_changed_link_down``)."""
        if self.state != OFF:
            self.stop()

    def _on_conflict(self, event: int) -> None:
        """What conflict detection found out (``autoip_conflict_callback``)."""
        if event == acd.IP_OK:
            self.state = BOUND
            self._ipv4.second_address = self.address
            self._netif.set_addr(self.address, NETMASK, IP_ANY)
        elif event == acd.DECLINE:
            self.address = IP_ANY
            self.stop()
        else:
            self.tried = self.tried + 1 & 0xFF
            self.start()
