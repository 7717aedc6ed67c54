"""The one interface of a device, as ``network`` tells of it: up or down, joined to an access point or not.

Without an ``AccessPoint`` the device is on a cable: there is always a link. With one there is a link once
``join`` has succeeded, some time after it was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usocket.current import PerDevice

if TYPE_CHECKING:
    from usocket.device import Device

# What status() tells (cyw43_tcpip_link_status)
DOWN, JOINING, NO_ADDRESS, UP, FAILED, NOT_FOUND, WRONG_KEY = 0, 1, 2, 3, -1, -2, -3

MS = 1_000_000


@dataclass
class AccessPoint:
    """What ``WLAN`` can join: its name, its key (None: any), and the ms that joining takes.

    ``present`` False: it cannot be found, and who has joined loses the link at the next ``update``.
    """

    ssid: str
    key: str | None = None
    delay: int = 1500
    rssi: int = -50
    channel: int = 6
    present: bool = True

    @property
    def bssid(self) -> bytes:
        """Its MAC address."""
        return b"\x02\x00\x00" + self.channel.to_bytes(1, "big") + len(self.ssid).to_bytes(2, "big")


class Interface:
    """The state behind ``LAN`` and ``WLAN``."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.active = device.stack.netif.up
        self.outcome = DOWN  # of the last connect that failed
        self.joining = 0  # connects counted while one is under way, else 0
        self._joins = 0
        self.ssid = ""
        self.country = "XX"
        self.prefer = 4
        self.settings: dict[str, Any] = {"trace": 0}

    def set_active(self, active: bool) -> None:
        """Bring the interface up or down."""
        device, netif = self.device, self.device.stack.netif
        with device.host.lock:
            self.active = active
            if not active:
                self.leave()
                device.stack.dhcp.stop()
            netif.set_up(active)
            if active and device.dhcp:
                device.stack.dhcp.start()

    def status(self) -> int:
        """As WLAN.status()."""
        netif = self.device.stack.netif
        if self.joining:
            return JOINING
        if self.outcome != DOWN:
            return self.outcome
        if not (netif.up and netif.link_up):
            return DOWN
        return UP if netif.ip else NO_ADDRESS

    def lan_status(self) -> int:
        """As LAN.status(): 0 no link, 1 a link but not active, 2 no address, 3 up."""
        netif = self.device.stack.netif
        if not netif.link_up:
            return 0
        return 1 if not netif.up else UP if netif.ip else NO_ADDRESS

    def join(self, ssid: str, key: str | None, bssid: bytes | None) -> None:
        """Begin to join a network."""
        device = self.device
        ap = device.access_point
        self.leave()
        self.ssid = ssid
        if ap is None:
            return  # a cable: there already
        self._joins += 1
        self.joining = joining = self._joins
        with device.host.lock:
            device.call_at(
                device.clock.now() + ap.delay * MS, lambda: self._joined(joining, ap, ssid, key, bssid)
            )

    def _joined(self, joining: int, ap: AccessPoint, ssid: str, key: str | None, bssid: bytes | None) -> None:
        if self.joining != joining:
            return
        self.joining = 0
        if not ap.present or ap.ssid != ssid or bssid not in (None, ap.bssid):
            self.outcome = NOT_FOUND
        elif ap.key is not None and ap.key != (key or ""):
            self.outcome = WRONG_KEY
        else:
            self.device.stack.netif.set_link(True)

    def leave(self) -> None:
        """Leave the network, or stop joining."""
        self.joining = 0
        self.outcome = DOWN
        if self.device.access_point is not None:
            with self.device.host.lock:
                self.device.stack.netif.set_link(False)

    def start_dhcp(self) -> None:
        """Ask for an address, or for more time with the one there is."""
        dhcp = self.device.stack.dhcp
        with self.device.host.lock:
            if dhcp.supplied_address:
                dhcp.renew()
            else:
                dhcp.stop()
                dhcp.start()


interface_of_device: PerDevice[Interface] = PerDevice(Interface)
