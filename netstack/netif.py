"""The one Ethernet interface of a stack: addresses, up/down, link, and who is told when they change.

Source: lwIP ``netif.c``.
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.address import IP_ANY, IP_BROADCAST

AddressListener = Callable[[int, int], None]  # (old ip, new ip), called while the old address is still set


class Netif:
    """Interface state. Setters follow lwIP's order of steps; listeners are called in the order of adding.

    ``usable`` is up, linked and addressed: what routing asks for (``ip4_route``). ``subnet_broadcast`` is the
    broadcast address of the own subnet (0, which is a broadcast anyway, where there is none).
    """

    __slots__ = (
        "gateway",
        "ip",
        "link_up",
        "mac",
        "mtu",
        "netmask",
        "on_address",
        "on_down",
        "on_link",
        "on_link_down",
        "on_report",
        "subnet_broadcast",
        "up",
        "usable",
    )

    def __init__(self, mac: bytes, mtu: int, ip: int, netmask: int, gateway: int) -> None:
        self.mac = mac
        self.mtu = mtu
        self.gateway = gateway
        self.up = False
        self.link_up = True
        self.on_address: list[AddressListener] = []  # before a changed address is set: tcp, udp, raw
        # when up, linked and addressed anew: gratuitous ARP, IGMP reports
        self.on_report: list[Callable[[], None]] = []
        self.on_down: list[Callable[[], None]] = []  # when set down: the ARP table is emptied
        self.on_link: list[Callable[[], None]] = []  # when the link comes up, before the reports: DHCP
        self.on_link_down: list[Callable[[], None]] = []  # when it goes down: conflict detection stops
        self._assign(ip, netmask)

    def routes(self, address: int) -> bool:
        """Whether a packet to ``address`` can leave here, which 127/8 cannot (``ip4_route``)."""
        return self.usable and (address >> 24 != 127 or self.in_subnet(address))

    def in_subnet(self, address: int) -> bool:
        """Whether ``address`` is in the interface's own subnet."""
        return address & self.netmask == self.ip & self.netmask

    def is_broadcast(self, address: int) -> bool:
        """Whether ``address`` is a broadcast for this interface: all ones, all zeros, or all ones in the own
        subnet's host part, but never the own address (``ip4_addr_isbroadcast_u32``).
        """
        return address in (self.subnet_broadcast, IP_BROADCAST, IP_ANY)

    def set_up(self, up: bool) -> None:
        """Bring the interface up or down administratively (``netif_set_up``, ``netif_set_down``)."""
        if up == self.up:
            return
        self.up = up
        self._update_usable()
        if up:
            self._report()
        else:
            for listener in self.on_down:
                listener()

    def set_link(self, link_up: bool) -> None:
        """The cable is plugged or pulled (``netif_set_link_up``, ``netif_set_link_down``)."""
        if link_up == self.link_up:
            return
        self.link_up = link_up
        self._update_usable()
        if link_up:
            for listener in self.on_link:
                listener()
            self._report()
        else:
            for listener in self.on_link_down:
                listener()

    def set_addr(self, ip: int, netmask: int, gateway: int) -> None:
        """Set address, mask and gateway (``netif_set_addr``): a changed address aborts connections bound to
        the old one.

        An address is set after the mask and the gateway, but removed (``ip`` 0) before them, so that resets
        still find out.
        """
        if ip == IP_ANY:
            self._set_ip(ip)
        self.gateway = gateway
        self._assign(self.ip, netmask)
        if ip != IP_ANY:
            self._set_ip(ip)

    def _set_ip(self, ip: int) -> None:
        if ip == self.ip:
            return
        for listener in self.on_address:
            listener(self.ip, ip)
        self._assign(ip, self.netmask)
        self._report()

    def _assign(self, ip: int, netmask: int) -> None:
        self.ip = ip
        self.netmask = netmask
        broadcast = ip & netmask | ~netmask & 0xFFFFFFFF
        self.subnet_broadcast = broadcast if broadcast != ip else IP_ANY
        self._update_usable()

    def _update_usable(self) -> None:
        self.usable = self.up and self.link_up and self.ip != IP_ANY

    def _report(self) -> None:
        """Tell the neighbours that we are here (``netif_issue_reports``)."""
        if self.usable:
            for listener in self.on_report:
                listener()
