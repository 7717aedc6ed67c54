"""Address conflict detection: nobody else may have the IPv4 address we are about to use, or use (RFC 5227).

Before an address is used, three ARP probes ask for it, without naming us as its owner; if nobody answers, it
is announced twice, two seconds apart, and may be used from the second announcement on. Later a packet from
somebody who claims our address is answered by one announcement (defence); a second one within ten seconds
makes us give the address up. After ten conflicts there is a minute between two attempts.

lwIP: all times are counted in ticks of 100 ms; a conflict between the two announcements is defended against
like a later one, although the address is not in use yet. DHCP and AutoIP are the users; a program that sets
its address by hand may be one.
Source: lwIP ``acd.c``.
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.address import IP_ANY, MAC_BROADCAST, MAC_ZERO, is_link_local
from netstack.arp import Arp
from netstack.arp_packet import REQUEST, ArpPacket
from netstack.core import Core
from netstack.netif import Netif

TICK_MS = 100
_SECOND = 1000 // TICK_MS  # in ticks

# RFC 5227 1.1
PROBE_WAIT = 1 * _SECOND
PROBE_NUM = 3
PROBE_MIN = 1 * _SECOND
PROBE_MAX = 2 * _SECOND
ANNOUNCE_WAIT = 2 * _SECOND
ANNOUNCE_NUM = 2
ANNOUNCE_INTERVAL = 2 * _SECOND
MAX_CONFLICTS = 10
RATE_LIMIT_INTERVAL = 60 * _SECOND
DEFEND_INTERVAL_MS = 10_000

# States (lwIP prot/acd.h)
OFF, PROBE_WAITING, PROBING, ANNOUNCE_WAITING, ANNOUNCING, ONGOING, PASSIVE_ONGOING, RATE_LIMIT = range(8)
_NOT_YET_OURS = (PROBE_WAITING, PROBING, ANNOUNCE_WAITING)
_OURS = (ANNOUNCING, ONGOING, PASSIVE_ONGOING)
_TIMED = (*_NOT_YET_OURS, ANNOUNCING, RATE_LIMIT)

# What a client is told
IP_OK, RESTART_CLIENT, DECLINE = range(3)


class AcdClient:
    """One address under watch (lwIP ``struct acd``).

    ``callback`` is told IP_OK (use it), DECLINE (it is somebody else's: stop using it) and RESTART_CLIENT
    (now try another one).
    """

    __slots__ = ("address", "callback", "conflicts", "defended", "sent", "state", "wait")

    def __init__(self, callback: Callable[[int], None]) -> None:
        self.callback = callback
        self.clear()

    def clear(self) -> None:
        """As new: off, and no conflicts so far."""
        self.address = IP_ANY
        self.state = OFF
        self.sent = 0  # probes or announcements
        self.wait = 0  # ticks until the next step
        self.conflicts = 0
        self.defended: int | None = None  # reading of the tick clock, in ms


class Acd:
    """The addresses of one interface that are under watch, newest client first."""

    __slots__ = ("_arp", "_core", "_netif", "_tick", "clients")

    def __init__(self, core: Core, netif: Netif, arp: Arp) -> None:
        self._core = core
        self._netif = netif
        self._arp = arp
        self.clients: list[AcdClient] = []
        if core.profile.lwip_acd:
            arp.on_arp.append(self.input)
            netif.on_address.append(self._on_address)
            netif.on_link_down.append(self._on_link_down)
            self._tick = core.timers.cyclic("acd", TICK_MS, self._on_tick, self._idle)

    def add(self, client: AcdClient) -> None:
        """Enlist a client, if it is not (``acd_add``)."""
        if client not in self.clients:
            self.clients.insert(0, client)

    def remove(self, client: AcdClient) -> None:
        """Strike a client off the list, if it is on it (``acd_remove``)."""
        if client in self.clients:
            self.clients.remove(client)

    def start(self, client: AcdClient, address: int) -> None:
        """Find out whether ``address`` is free, beginning within a second (``acd_start``)."""
        client.sent = 0
        client.defended = None
        client.address = address
        client.state = PROBE_WAITING
        client.wait = self._core.rand() % PROBE_WAIT

    # The network changes

    def _on_link_down(self) -> None:
        """The cable is pulled: nothing is known any more (``acd_network_changed_link_down``)."""
        for client in self.clients:
            client.state = OFF

    def _on_address(self, old: int, new: int) -> None:
        """A routable address takes the place of a link-local one, which goes on living in the background:
        watched, but not defended (``acd_netif_ip_addr_changed``).
        """
        if IP_ANY in (old, new) or not is_link_local(old) or is_link_local(new):
            return
        for client in tuple(self.clients):
            if client.address != old:
                continue
            if client.state in (ANNOUNCING, ONGOING):
                client.state = PASSIVE_ONGOING
            elif client.state in (*_NOT_YET_OURS, RATE_LIMIT):
                client.state = OFF
                client.callback(DECLINE)

    # ARP packets

    def input(self, packet: ArpPacket) -> None:
        """Every ARP packet that comes in: is it a conflict? (``acd_arp_reply``; RFC 5227 2.1.1, 2.4)."""
        for client in tuple(self.clients):
            address = client.address
            claims = packet.sender_ip == address
            from_other = packet.sender_mac != self._netif.mac
            if client.state in _NOT_YET_OURS:
                probes = packet.sender_ip == IP_ANY and packet.target_ip == address
                if claims or (probes and from_other):
                    self._give_up(client)
            elif client.state in _OURS and claims and from_other:
                self._conflict(client)

    def _conflict(self, client: AcdClient) -> None:
        """Somebody claims our address: defend it once in ten seconds (``acd_handle_arp_conflict``)."""
        now = self._tick.due
        if client.state == PASSIVE_ONGOING:
            client.state = OFF
            client.callback(DECLINE)
        elif client.defended is not None and now - client.defended < DEFEND_INTERVAL_MS:
            self._give_up(client)
        else:
            self._announce(client)
            client.defended = now

    def _give_up(self, client: AcdClient) -> None:
        """Let go of the address, and have the client start anew, after a minute if that happens too often
        (``acd_restart``).
        """
        client.conflicts = client.conflicts + 1 & 0xFF
        client.callback(DECLINE)
        if client.conflicts >= MAX_CONFLICTS:
            client.state = RATE_LIMIT
            client.wait = RATE_LIMIT_INTERVAL
        else:
            client.state = OFF
            client.callback(RESTART_CLIENT)

    # Time

    def _idle(self) -> bool:
        return not self.clients or not any(client.state in _TIMED for client in self.clients)

    def _on_tick(self) -> None:
        for client in tuple(self.clients):
            if client.wait:
                client.wait -= 1
            if not client.wait and client.state in _TIMED:
                self._step(client)

    def _step(self, client: AcdClient) -> None:
        """The time of waiting is over (``acd_tmr``)."""
        if client.state == RATE_LIMIT:
            client.state = OFF
            client.callback(RESTART_CLIENT)
        elif client.state in (PROBE_WAITING, PROBING):
            self._probe(client)
            client.sent += 1
            if client.sent < PROBE_NUM:
                client.state = PROBING
                client.wait = self._core.rand() % (PROBE_MAX - PROBE_MIN) + PROBE_MIN
            else:
                client.state = ANNOUNCE_WAITING
                client.sent = 0
                client.wait = ANNOUNCE_WAIT
        else:
            if client.state == ANNOUNCE_WAITING:
                client.state = ANNOUNCING
                client.conflicts = 0
            self._announce(client)
            client.sent += 1
            if client.sent < ANNOUNCE_NUM:
                client.wait = ANNOUNCE_INTERVAL
            else:
                client.state = ONGOING
                client.callback(IP_OK)

    def _probe(self, client: AcdClient) -> None:
        """Ask who has the address, without an address of our own (``etharp_acd_probe``)."""
        self._ask(IP_ANY, client.address)

    def _announce(self, client: AcdClient) -> None:
        """Ask for the address as its owner (``etharp_acd_announce``)."""
        self._ask(client.address, client.address)

    def _ask(self, sender_ip: int, address: int) -> None:
        packet = ArpPacket(REQUEST, self._netif.mac, sender_ip, MAC_ZERO, address)
        self._arp.send(MAC_BROADCAST, packet)
