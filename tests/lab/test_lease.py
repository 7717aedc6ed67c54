"""What ``--dhcp`` says and when, in virtual time with a router that we play (real ones: test_up_dhcp.py)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.lease import announce, follow_leases, wait_for_lease
from lab.options import DEFAULT_INTERFACE, DeviceOptions, collect
from netstack.address import format_ip, parse_ip
from netstack.profiles import named
from tap.clock import SECOND
from tap.running import running
from tap.tun import TapLink
from tests.usocket.router import LEASED, ROUTER, Router, device_and_router
from usocket import Device

LEASE = f"lease: {LEASED}/24 from DHCP server {ROUTER} for 3600 s, gateway {ROUTER}, name servers {ROUTER}"
GONE = "the device has no address from DHCP any more"


def options_of(profile: str = "micropython", netns: str | None = None) -> DeviceOptions:
    return collect(named(profile), (), DEFAULT_INTERFACE, dhcp=True, netns=netns)


@contextmanager
def asking(profile: str = "micropython") -> Iterator[tuple[Device, Router, list[str]]]:
    """A device that asks a router for its address, and the lines that are told."""
    with device_and_router(profile=profile, dhcp=True, dns=None) as (device, router):
        yield device, router, []


def test_the_lease_is_told_when_it_comes() -> None:
    with asking() as (device, _, told):
        follow_leases(device, options_of(), None, told.append)
        assert told == []
        wait_for_lease(device, options_of(), None, told.append)
        assert told == [LEASE]
        assert device.clock.now() < SECOND
        assert [format_ip(ip) for ip in device.stack.dns.servers if ip] == [ROUTER]


def test_one_that_is_there_already_is_told_at_once() -> None:
    with asking() as (device, _, told):
        wait_for_lease(device, options_of(), None, told.append)
        assert told == []
        follow_leases(device, options_of(), None, told.append)
        assert told == [LEASE]


def test_a_lease_that_ends_and_one_after_a_reset_are_told_a_renewed_one_is_not() -> None:
    with asking() as (device, router, told):
        follow_leases(device, options_of(), None, told.append)
        device.sleep(2000)  # T1 is at 1800 s
        assert router.asked == [1, 3, 3]
        assert told == [LEASE]
        router.is_silent = True
        device.sleep(4000)
        assert told == [LEASE, GONE]
        router.is_silent = False
        device.power_cycle()
        device.sleep(10)
        assert told == [LEASE, GONE, LEASE]


@pytest.mark.parametrize(("profile", "patience"), [("micropython", 10), ("lwip-default", 20)])
def test_nobody_answers(profile: str, patience: int) -> None:
    with asking(profile) as (device, router, told):
        router.is_silent = True
        follow_leases(device, options_of(profile), None, told.append)
        wait_for_lease(device, options_of(profile), None, told.append)
        assert device.clock.now() == patience * SECOND
        assert told == [f"no DHCP server has lent an address within {patience} s; the device goes on asking"]
        router.is_silent = False
        device.sleep(60)
        assert told[1:] == [LEASE]


def test_conflict_detection_is_waited_for() -> None:
    with asking("lwip-default") as (device, _, told):
        wait_for_lease(device, options_of("lwip-default"), None, told.append)
        assert told == []
        assert 6 * SECOND < device.clock.now() < 11 * SECOND


@pytest.mark.tap
def test_the_announced_address_is_that_of_the_lease() -> None:
    options = options_of(netns="new")
    with TapLink.open("tap0", netns="new") as tap:
        assert tap.namespace is not None

        def announced() -> str:
            (mine,) = [each["ip"] for each in running() if each["holder"] == tap.namespace.holder]
            return str(mine)

        announce(options, tap)
        assert announced() == "192.168.7.2"
        announce(options, tap, parse_ip(LEASED))
        assert announced() == LEASED
        with asking() as (device, router, told):
            follow_leases(device, options, tap)
            device.sleep(1)
            assert announced() == LEASED
            router.is_silent = True
            device.power_cycle()
            device.stack.dhcp.stop()
            wait_for_lease(device, options, tap, told.append)
        (line,) = told
        assert line.endswith(
            "To start a server: netstack exec -- dnsmasq -d -C /dev/null --leasefile-ro -p 0 -z -i tap0"
            " -F 192.168.7.2,192.168.7.2"
        )
