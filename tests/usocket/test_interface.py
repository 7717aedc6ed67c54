"""The state behind network: a cable, or an access point that has to be joined."""

from __future__ import annotations

from tap.clock import MS, SECOND
from tests.usocket.router import DEVICE, LEASED, device_and_router
from tests.usocket.support import raises, two_devices
from usocket.errno import EHOSTUNREACH
from usocket.interface import (
    DOWN,
    JOINING,
    NO_ADDRESS,
    NOT_FOUND,
    UP,
    WRONG_KEY,
    AccessPoint,
    interface_of_device,
)


def test_a_cable_is_up_from_the_beginning() -> None:
    with two_devices() as pair:
        interface = interface_of_device.of(pair.client)
        assert (interface.active, interface.status(), interface.lan_status()) == (True, UP, 3)
        interface.join("any", None, None)
        assert interface.status() == UP
        interface.set_active(False)
        assert (interface.status(), interface.lan_status()) == (DOWN, 1)
        with raises(EHOSTUNREACH):
            pair.client.socket().connect((DEVICE, 80))
        interface.set_active(True)
        assert interface.status() == UP
        pair.client.stack.netif.set_link(False)
        assert (interface.status(), interface.lan_status()) == (DOWN, 0)


def test_joining_takes_its_time() -> None:
    ap = AccessPoint("home", "secret", delay=1500)
    with device_and_router(access_point=ap) as (device, _):
        interface = interface_of_device.of(device)
        assert (interface.active, interface.status()) == (False, DOWN)
        interface.set_active(True)
        interface.join("home", "secret", None)
        device.sleep_ns(1400 * MS)
        assert interface.status() == JOINING
        device.sleep_ns(200 * MS)
        assert interface.status() == UP
        interface.leave()
        assert interface.status() == DOWN


def test_joining_fails() -> None:
    ap = AccessPoint("home", "secret", delay=100)
    with device_and_router(access_point=ap) as (device, _):
        interface = interface_of_device.of(device)
        interface.set_active(True)
        for ssid, key, outcome in (
            ("other", "secret", NOT_FOUND),
            ("home", "wrong", WRONG_KEY),
            ("home", None, WRONG_KEY),
        ):
            interface.join(ssid, key, None)
            device.sleep_ns(200 * MS)
            assert interface.status() == outcome
        ap.present = False
        interface.join("home", "secret", None)
        device.sleep_ns(200 * MS)
        assert interface.status() == NOT_FOUND
        interface.join("home", "secret", ap.bssid)
        interface.leave()
        device.sleep(1)
        assert interface.status() == DOWN


def test_an_address_is_asked_for_once_there_is_a_link() -> None:
    ap = AccessPoint("home", delay=100)
    with device_and_router(access_point=ap, dhcp=True) as (device, router):
        interface = interface_of_device.of(device)
        device.sleep(10)
        assert router.asked == []
        interface.set_active(True)
        interface.join("home", "whatever", None)
        device.sleep_ns(101 * MS)
        assert interface.status() == NO_ADDRESS
        assert device.wait_for_address(10)
        assert interface.status() == UP
        assert device.stack.netif.ip == int.from_bytes(bytes(map(int, LEASED.split("."))), "big")
        assert router.asked[:2] == [1, 3]
        interface.set_active(False)
        assert device.stack.netif.ip == 0


def test_power_off_ends_joining() -> None:
    with device_and_router(access_point=AccessPoint("home", delay=100)) as (device, _):
        interface = interface_of_device.of(device)
        interface.set_active(True)
        interface.join("home", None, None)
        device.power_cycle()
        device.sleep_ns(SECOND)
        assert interface_of_device.of(device) is not interface
        assert interface_of_device.of(device).status() == DOWN
