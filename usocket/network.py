"""MicroPython's ``network``: one interface, that of the device, as ``LAN()`` and as ``WLAN()``.

The interface comes up as the device was configured, with its address or asking for one (DHCP), so that a
program that only uses sockets just works; ``active(False)`` takes it down. With an ``AccessPoint``
(``usocket.interface``) there is no link until ``WLAN.connect`` has joined it, which takes time and can fail,
by its name, its key, or because it is gone. The device as an access point of its own is not emulated.

Sources: micropython/micropython:extmod/modnetwork.c, extmod/network_lwip.c, extmod/network_cyw43.c,
ports/stm32/network_lan.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from netstack.address import aton, format_ip, parse_ip
from netstack.dhcp import OFF
from usocket.addrinfo import integer, text
from usocket.current import PerDevice, current_device
from usocket.interface import (
    DOWN,
    FAILED,
    JOINING,
    NO_ADDRESS,
    NOT_FOUND,
    UP,
    WRONG_KEY,
    Interface,
    interface_of_device,
)
from usocket.stream import buffer_of

if TYPE_CHECKING:
    from usocket.device import Device
    from usocket.modules import Modules

STA_IF, AP_IF = 0, 1

_WORDS = {
    DOWN: "down", JOINING: "join", NO_ADDRESS: "join", UP: "up", NOT_FOUND: "nonet", WRONG_KEY: "badauth"
}  # fmt: skip

# The names of what status() tells, by port
_RP2 = {
    "STAT_IDLE": DOWN,
    "STAT_CONNECTING": JOINING,
    "STAT_GOT_IP": UP,
    "STAT_CONNECT_FAIL": FAILED,
    "STAT_NO_AP_FOUND": NOT_FOUND,
    "STAT_WRONG_PASSWORD": WRONG_KEY,
}
_ESP32 = {
    "STAT_IDLE": 1000,
    "STAT_CONNECTING": 1001,
    "STAT_GOT_IP": 1010,
    "STAT_CONNECT_FAIL": 203,
    "STAT_NO_AP_FOUND": 201,
    "STAT_WRONG_PASSWORD": 202,
}

LONGEST_HOSTNAME = 32
DHCP_PATIENCE = 10_000_000_000  # ns that ifconfig("dhcp") waits

_UNEXPECTED = "unexpected key"
_ONE_PARAMETER = "must query one param"
_BOTH_KINDS = "can't specify pos and kw args"


_interface = interface_of_device


class _Nic:
    """What both interfaces can do."""

    __slots__ = ()

    def active(self, active: object = None, /) -> bool | None:
        """Whether it is up; ``active(True)`` brings it up, ``active(False)`` takes it down."""
        if active is None:
            return _interface().active
        if bool(active) != _interface().active:
            _interface().set_active(bool(active))
        return None

    def status(self) -> int:
        """Its state as a number."""
        raise NotImplementedError

    def isconnected(self) -> bool:
        """Whether there is a link and an address."""
        return self.status() == UP

    def ifconfig(self, config: Any = None, /) -> tuple[str, str, str, str] | None:
        """(ip, netmask, gateway, name server); sets these four, or with ``'dhcp'`` asks for them (10 s)."""
        interface = _interface()
        device = interface.device
        stack, netif = device.stack, device.stack.netif
        if config is None:
            ip, netmask, gateway = format_ip(netif.ip), format_ip(netif.netmask), format_ip(netif.gateway)
            return ip, netmask, gateway, format_ip(stack.dns.servers[0])
        if config == "dhcp":
            interface.start_dhcp()
            device.enter()
            deadline = device.clock.now() + DHCP_PATIENCE
            if not device.wait(lambda: stack.dhcp.supplied_address, deadline, "DHCP"):
                raise OSError("timeout waiting for DHCP to get IP address")
            return None
        if len(config) != 4:
            raise ValueError(f"requested length 4 but object has length {len(config)}")
        given = [_quad(each) for each in config]
        with device.host.lock:
            stack.dhcp.stop()
            netif.set_addr(*given[:3])
            stack.dns.set_server(0, given[3])
        return None

    def ipconfig(self, *query: str, **settings: Any) -> Any:
        """One of ``addr4``, ``gw4``, ``dhcp4``, ``has_dhcp4``; sets ``addr4``, ``gw4``, ``dhcp4``."""
        interface = _interface()
        stack, netif = interface.device.stack, interface.device.stack.netif
        if not settings:
            values = {
                "addr4": (format_ip(netif.ip), format_ip(netif.netmask)),
                "gw4": format_ip(netif.gateway),
                "dhcp4": stack.dhcp.state != OFF,
                "has_dhcp4": stack.dhcp.supplied_address,
            }
            return _queried(query, values, _UNEXPECTED)
        if query:
            raise TypeError(_BOTH_KINDS)
        for key, value in settings.items():
            if key == "dhcp4" and value:
                interface.start_dhcp()
                continue
            with interface.device.host.lock:
                if key == "dhcp4":
                    stack.dhcp.stop()
                elif key == "addr4":
                    netif.set_addr(*_address(value, netif.netmask), netif.gateway)
                elif key == "gw4":
                    netif.set_addr(netif.ip, netif.netmask, _numeric(value))
                else:
                    raise ValueError(_UNEXPECTED)
        return None

    def config(self, *query: str, **settings: Any) -> Any:
        """``'mac'`` or one of the others; what is set is remembered."""
        interface = _interface()
        if not settings:
            return _queried(query, self._configured(interface), "unknown config param")
        if query:
            raise TypeError(_BOTH_KINDS)
        for key, value in settings.items():
            if key == "hostname":
                hostname(value)
            elif key in self._configured(interface) and key != "mac":
                interface.settings[key] = value
            else:
                raise ValueError("unknown config param")
        return None

    def _configured(self, interface: Interface) -> dict[str, Any]:
        return {"mac": interface.device.mac} | interface.settings


class LAN(_Nic):
    """The interface as a wired one. Arguments (pins, a PHY) mean nothing here."""

    __slots__ = ()

    def __new__(cls, *args: Any, **settings: Any) -> LAN:
        return _lan()

    def status(self) -> int:
        """0 no link, 1 a link but not active, 2 no address, 3 up."""
        return _interface().lan_status()

    def __repr__(self) -> str:
        return f"<ETH {self.status()} {format_ip(_interface().device.stack.netif.ip)}>"


class WLAN(_Nic):
    """The interface as a wireless one: ``WLAN()``, ``WLAN(STA_IF)``. ``WLAN(AP_IF)`` is there, but down."""

    __slots__ = ()

    IF_STA, IF_AP = STA_IF, AP_IF
    SEC_OPEN, SEC_WPA_WPA2, SEC_WPA2 = 0, 0x00400006, 0x00400004
    SEC_WPA3, SEC_WPA2_WPA3 = 0x01000004, 0x01400004
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0x10, 0xA11142, 0xA11C82

    def __new__(cls, interface: int = STA_IF, /) -> WLAN:
        return _own_ap() if integer(interface) == AP_IF else _wlan()

    def active(self, active: object = None, /) -> bool | None:
        """As of all interfaces."""
        if not self._is_own_ap:
            return super().active(active)
        if active:
            _no_access_point()
        return False if active is None else None

    def connect(
        self,
        ssid: Any,
        key: Any = None,
        *,
        auth: int = -1,
        bssid: Any = None,
        channel: int = -1,
    ) -> None:
        """Begin to join a network: ``status()`` and ``isconnected()`` tell how it goes. OSError(-1): down."""
        if self._is_own_ap:
            _no_access_point()
        interface = _interface()
        if not interface.active:
            raise interface.device.error(-1)
        if bssid is not None and len(buffer_of(bssid)) != 6:
            raise ValueError
        password = None if key is None else text(key)
        interface.join(text(ssid), password, None if bssid is None else buffer_of(bssid))

    def disconnect(self) -> None:
        """Leave the network."""
        _interface().leave()

    def scan(self, **_: Any) -> list[tuple[bytes, bytes, int, int, int, int]]:
        """(ssid, bssid, channel, RSSI, security, how often seen) of the networks there are."""
        if not _interface().active:
            raise OSError("STA must be active")
        ap = _interface().device.access_point
        if ap is None or not ap.present:
            return []
        security = 0 if ap.key is None else 5
        return [(ap.ssid.encode(), ap.bssid, ap.channel, ap.rssi, security, 1)]

    def status(self, what: str | None = None, /) -> Any:
        """The state as a number; ``'rssi'``: the signal's strength in dBm."""
        interface = _interface()
        ap = interface.device.access_point
        if what == "rssi" and ap is not None:
            return ap.rssi
        if what == "stations":
            if not self._is_own_ap:
                raise ValueError("AP required")
            return []
        if what is not None:
            raise ValueError("unknown status param")
        status = DOWN if self._is_own_ap else interface.status()
        return _of_port(status, interface.device)

    def isconnected(self) -> bool:
        """Whether it has joined a network and has an address."""
        return not self._is_own_ap and _interface().status() == UP

    @property
    def _is_own_ap(self) -> bool:
        return self is _own_ap()

    def _configured(self, interface: Interface) -> dict[str, Any]:
        ap = interface.device.access_point
        return {
            "ssid": interface.ssid,
            "essid": interface.ssid,
            "channel": ap.channel if ap is not None else 0,
            "pm": self.PM_PERFORMANCE,
            "txpower": 31,
            "security": self.SEC_WPA2,
            "hostname": hostname(),
            **super()._configured(interface),
        }

    def __repr__(self) -> str:
        if self._is_own_ap:
            return "<CYW43 AP down 0.0.0.0>"
        interface = _interface()
        word = _WORDS.get(interface.status(), "fail")
        return f"<CYW43 STA {word} {format_ip(interface.device.stack.netif.ip)}>"


# The interface has one object of each kind.
_lan: PerDevice[LAN] = PerDevice(lambda _: object.__new__(LAN))
_wlan: PerDevice[WLAN] = PerDevice(lambda _: object.__new__(WLAN))
_own_ap: PerDevice[WLAN] = PerDevice(lambda _: object.__new__(WLAN))


def hostname(name: Any = None, /) -> str | None:
    """The device's name, which DHCP servers are told; at most 32 characters."""
    dhcp = current_device().stack.dhcp
    if name is None:
        return dhcp.hostname
    if len(text(name)) > LONGEST_HOSTNAME:
        raise ValueError
    dhcp.hostname = text(name)
    return None


def country(code: Any = None, /) -> str | None:
    """The two letters of the country whose rules hold."""
    interface = _interface()
    if code is None:
        return interface.country
    if len(text(code)) != 2:
        raise ValueError
    interface.country = text(code)
    return None


def ipconfig(*query: str, **settings: Any) -> Any:
    """``dns`` or ``prefer`` (4 or 6: which kind of address names are looked up for; there are only 4s)."""
    interface = _interface()
    dns = interface.device.stack.dns
    if not settings:
        return _queried(query, {"dns": format_ip(dns.servers[0]), "prefer": interface.prefer}, _UNEXPECTED)
    if query:
        raise TypeError(_BOTH_KINDS)
    for key, value in settings.items():
        if key == "dns":
            server = aton(text(value))
            if server is None:
                raise ValueError("invalid arguments as dns server")
            dns.set_server(0, server)
        elif key == "prefer":
            if integer(value) not in (4, 6):
                raise ValueError("invalid prefer argument")
            interface.prefer = value
        else:
            raise ValueError(_UNEXPECTED)
    return None


def route() -> list[_Nic]:
    """The interfaces."""
    return [_lan()]


def for_script(modules: Modules) -> dict[str, Any]:
    """The contents of the module, with the numbers that the port's ``WLAN.status()`` tells."""
    numbers = _ESP32 if current_device().port.platform == "esp32" else _RP2
    return {
        "AP_IF": AP_IF,
        "LAN": LAN,
        "STA_IF": STA_IF,
        "WLAN": WLAN,
        "country": country,
        "hostname": hostname,
        "ipconfig": ipconfig,
        "route": route,
        **numbers,
    }


def _of_port(status: int, device: Device) -> int:
    if device.port.platform != "esp32":
        return status
    names = {number: name for name, number in _RP2.items()} | {NO_ADDRESS: "STAT_CONNECTING"}
    return _ESP32[names[status]]


def _no_access_point() -> NoReturn:
    raise RuntimeError("the device as an access point is not emulated: use WLAN(STA_IF)")


def _queried(query: tuple[str, ...], values: dict[str, Any], unknown: str) -> Any:
    if len(query) != 1:
        raise TypeError(_ONE_PARAMETER)
    if query[0] not in values:
        raise ValueError(unknown)
    return values[query[0]]


def _quad(value: Any) -> int:
    """The address in four numbers; ``''`` is 0.0.0.0."""
    try:
        return parse_ip(text(value)) if value else 0
    except ValueError:
        raise ValueError("invalid arguments") from None


def _numeric(value: Any) -> int:
    address = aton(text(value))
    if address is None:
        raise ValueError("invalid arguments")
    return address


def _address(value: Any, netmask: int) -> tuple[int, int]:
    """(ip, netmask) of what ``ipconfig(addr4=...)`` takes: ``'ip/bits'``, ``'ip'``, (ip, netmask), None."""
    if value is None:
        return 0, 0
    if not isinstance(value, str):
        ip, mask = value
        return _numeric(ip), _numeric(mask)
    ip, slash, bits = value.partition("/")
    return _numeric(ip), -1 << 32 - int(bits) & 0xFFFFFFFF if slash else netmask
