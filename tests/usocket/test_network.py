"""network: LAN and WLAN are the device's interface."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from netstack.profiles import named
from tap.clock import MS, SECOND
from tests.usocket.router import DEVICE, LEASED, ROUTER, device_and_router
from tests.usocket.support import CLIENT, raises, two_devices
from usocket import network
from usocket.addrinfo import getaddrinfo
from usocket.interface import AccessPoint
from usocket.modules import Modules
from usocket.network import LAN, WLAN


def module() -> Any:
    """The module as a program sees it."""
    return Modules([], []).import_("network")


def test_it_is_up_before_the_first_line() -> None:
    with two_devices():
        assert LAN().ifconfig() == (CLIENT, "255.255.255.0", "0.0.0.0", "0.0.0.0")
        assert LAN().isconnected()
        assert LAN().active() is True
        assert WLAN().isconnected()
        assert WLAN(0).status() == network.UP == module().STAT_GOT_IP
        assert LAN() is LAN()
        assert WLAN() is WLAN(network.STA_IF) is not WLAN(network.AP_IF)
        assert repr(WLAN()) == f"<CYW43 STA up {CLIENT}>"
        assert repr(LAN()) == f"<ETH 3 {CLIENT}>"
        assert network.route() == [LAN()]


def test_the_usual_program_of_a_pico() -> None:
    ap = AccessPoint("home", "secret", delay=1500)
    with device_and_router(access_point=ap, dhcp=True, dns=None) as (device, router):
        router.names["micropython.org"] = "192.0.2.9"
        wlan = WLAN(network.STA_IF)
        assert wlan.active() is False
        with raises(-1):
            wlan.connect("home", "secret")
        wlan.active(True)
        assert wlan.scan() == [(b"home", ap.bssid, 6, -50, 5, 1)]
        wlan.connect("home", "secret")
        states = []
        while not wlan.isconnected():
            states.append(wlan.status())
            device.sleep_ns(500 * MS)
        assert states[0] == network.JOINING
        assert wlan.ifconfig() == (LEASED, "255.255.255.0", ROUTER, ROUTER)
        assert wlan.status("rssi") == -50
        assert getaddrinfo("micropython.org", 80)[0][-1] == ("192.0.2.9", 80)
        wlan.disconnect()
        assert not wlan.isconnected()
        wlan.connect("elsewhere")
        device.sleep(2)
        assert wlan.status() == module().STAT_NO_AP_FOUND
        wlan.connect("home", "guess", bssid=ap.bssid)
        device.sleep(2)
        assert wlan.status() == module().STAT_WRONG_PASSWORD
        assert repr(wlan).startswith("<CYW43 STA badauth")


def test_esp32_has_other_numbers() -> None:
    with two_devices(client=named("micropython-esp32")):
        esp32 = module()
        assert (esp32.STAT_GOT_IP, esp32.STAT_WRONG_PASSWORD) == (1010, 202)
        assert WLAN().status() == 1010
        WLAN().active(False)
        assert WLAN().status() == esp32.STAT_IDLE == 1000


def test_static_addresses() -> None:
    with two_devices() as pair:
        WLAN().ifconfig(("10.0.0.9", "255.255.0.0", "10.0.0.1", "10.0.0.53"))
        assert LAN().ifconfig() == ("10.0.0.9", "255.255.0.0", "10.0.0.1", "10.0.0.53")
        assert network.ipconfig("dns") == "10.0.0.53"
        LAN().ipconfig(addr4="10.0.0.8/24", gw4="10.0.0.2")
        assert LAN().ipconfig("addr4") == ("10.0.0.8", "255.255.255.0")
        assert LAN().ipconfig("gw4") == "10.0.0.2"
        LAN().ipconfig(addr4="10.0.0.7")
        LAN().ipconfig(addr4=("10.0.0.6", "255.0.0.0"))
        assert LAN().ifconfig()[:2] == ("10.0.0.6", "255.0.0.0")
        LAN().ipconfig(addr4=None)
        assert LAN().ifconfig()[0] == "0.0.0.0"
        assert LAN().status() == network.NO_ADDRESS
        assert pair.server.stack.netif.ip == pair.server.ip


def test_dhcp() -> None:
    with device_and_router() as (device, router):
        assert LAN().ipconfig("dhcp4") is LAN().ipconfig("has_dhcp4") is False
        LAN().ifconfig("dhcp")
        assert LAN().ifconfig()[0] == LEASED
        assert LAN().ipconfig("dhcp4") is LAN().ipconfig("has_dhcp4") is True
        LAN().ipconfig(dhcp4=True)  # has one: asks for more time
        device.sleep(1)
        assert router.asked == [1, 3, 3]
        LAN().ipconfig(dhcp4=False)
        assert LAN().ifconfig()[0] == "0.0.0.0"
        LAN().ipconfig(dhcp4=True)
        assert device.wait_for_address(10)
        LAN().ifconfig((DEVICE, "255.255.255.0", ROUTER, ROUTER))
        assert LAN().ipconfig("dhcp4") is False
        router.is_silent = True
        started = device.clock.now()
        with pytest.raises(OSError, match="timeout waiting for DHCP to get IP address"):
            LAN().ifconfig("dhcp")
        assert device.clock.now() - started == 10 * SECOND


def test_its_name_goes_to_the_server() -> None:
    with device_and_router() as (device, _):
        assert network.hostname() == "mpy-rp2"
        network.hostname("kitchen")
        assert network.hostname() == device.stack.dhcp.hostname == "kitchen"
        WLAN().config(hostname="cellar")
        assert WLAN().config("hostname") == "cellar"
        with pytest.raises(ValueError):
            network.hostname("x" * 33)


def test_what_it_is_asked_and_told() -> None:
    with two_devices() as pair:
        assert WLAN().config("mac") == LAN().config("mac") == pair.client.mac
        WLAN().config(pm=WLAN.PM_NONE)
        assert WLAN().config("pm") == 0x10
        WLAN().connect("home", "secret")
        assert WLAN().config("ssid") == "home"
        assert (network.country(), network.ipconfig("prefer")) == ("XX", 4)
        network.country("DE")
        network.ipconfig(dns="10.0.0.1", prefer=6)
        assert network.country() == "DE"
        assert (network.ipconfig("prefer"), network.ipconfig("dns")) == (6, "10.0.0.1")
        assert WLAN().scan() == []


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: LAN().ipconfig("nothing"), ValueError, "unexpected key"),
        (lambda: LAN().ipconfig(nothing=1), ValueError, "unexpected key"),
        (lambda: LAN().ipconfig(), TypeError, "must query one param"),
        (lambda: LAN().ipconfig("gw4", gw4="1.2.3.4"), TypeError, "can't specify pos and kw args"),
        (lambda: LAN().ifconfig(("10.0.0.1",)), ValueError, "requested length 4 but object has length 1"),
        (lambda: LAN().ifconfig(("x", "", "", "")), ValueError, "invalid arguments"),
        (lambda: LAN().ipconfig(gw4="x"), ValueError, "invalid arguments"),
        (lambda: network.ipconfig("x"), ValueError, "unexpected key"),
        (lambda: network.ipconfig(dns="x"), ValueError, "invalid arguments as dns server"),
        (lambda: network.ipconfig(prefer=5), ValueError, "invalid prefer argument"),
        (lambda: network.country("DEU"), ValueError, "^$"),
        (lambda: LAN().config("x"), ValueError, "unknown config param"),
        (lambda: WLAN().config(mac=b""), ValueError, "unknown config param"),
        (lambda: WLAN().status("x"), ValueError, "unknown status param"),
        (lambda: WLAN().status("stations"), ValueError, "AP required"),
        (lambda: WLAN().connect("x", bssid=b"123"), ValueError, "^$"),
        (lambda: WLAN(1).active(True), RuntimeError, "an access point is not emulated"),
        (lambda: WLAN(1).connect("x"), RuntimeError, "an access point is not emulated"),
    ],
)
def test_mistakes(call: Any, error: type[Exception], text: str) -> None:
    with two_devices(), pytest.raises(error, match=text):
        call()


def test_the_own_access_point_is_down() -> None:
    with two_devices():
        own = WLAN(network.AP_IF)
        assert (own.active(), own.isconnected()) == (False, False)
        assert (own.status(), own.status("stations")) == (0, [])
        assert repr(own) == "<CYW43 AP down 0.0.0.0>"


def test_two_devices_are_kept_apart() -> None:
    with two_devices() as pair:
        network.hostname("client")
        WLAN().active(False)
        with pair.server.use():
            assert network.hostname() == "mpy-rp2"
            assert WLAN().active() is True
        assert SimpleNamespace(**vars(module())).LAN is LAN
