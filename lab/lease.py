"""``--dhcp``: waiting for the address that a DHCP server lends the device, and telling what came of it.

The lease is left at the end, not given back: Ctrl-C is a board's power cut, and no lwIP board says good-bye
to its server. Since the MAC address is the same in every run, the next run is lent the same address.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.options import DeviceOptions
from netstack.address import format_ip
from netstack.dhcp_lease import INFINITE
from netstack.stack import Stack
from tap.clock import SECOND
from tap.tun import TapLink
from usocket import Device

PATIENCE = 10  # s until an answer is missed; as MicroPython's ifconfig("dhcp")
CHECK = 10  # s that finding out whether the address is free may take (ACD: 6 to 9)

Tell = Callable[[str], object]


def follow_leases(
    device: Device, options: DeviceOptions, tap: TapLink | None, tell: Tell | None = None
) -> None:
    """Keep the announced address right, and have ``tell`` called with a line for each lease: the one there
    is, if any, and every change from now on.
    """

    def changed(ip: int) -> None:
        if tap is not None:
            announce(options, tap, ip)
        if tell is not None:
            tell(_described(device.stack) if ip else "the device has no address from DHCP any more")

    with device.host.lock:
        device.on_address = changed
        if device.stack.dhcp.supplied_address:
            changed(device.stack.netif.ip)


def announce(options: DeviceOptions, tap: TapLink, ip: int = 0) -> None:
    """Let ``netstack exec --on`` find the device by its address; by that of --ip while it has none."""
    if tap.namespace is not None and tap.namespace.holder is not None:
        tap.namespace.announce(ip=format_ip(ip or options.interface.ip), profile=options.profile.name)


def wait_for_lease(device: Device, options: DeviceOptions, tap: TapLink | None, tell: Tell) -> None:
    """Return when the device has its address; after some seconds without one say what to do, and return."""
    profile = device.profile
    seconds = PATIENCE + (CHECK if profile.lwip_dhcp_does_acd_check and profile.lwip_acd else 0)
    deadline = device.clock.now() + seconds * SECOND
    if not device.host.wait(lambda: device.stack.dhcp.supplied_address, deadline, "waiting for a lease"):
        mend = "" if tap is None else f". To start a server: {_server(options, tap)}"
        tell(f"no DHCP server has lent an address within {seconds} s; the device goes on asking{mend}")


def _server(options: DeviceOptions, tap: TapLink) -> str:
    """The command that starts a DHCP server on Linux's side of the TAP; it lends the address of --ip."""
    ip = format_ip(options.interface.ip)
    return f"{options.way_in}dnsmasq -d -C /dev/null --leasefile-ro -p 0 -z -i {tap.name} -F {ip},{ip}"


def _described(stack: Stack) -> str:
    """The lease in words."""
    netif, lease = stack.netif, stack.dhcp.lease
    servers = [format_ip(server) for server in stack.dns.servers if server]
    return (
        f"lease: {format_ip(netif.ip)}/{netif.netmask.bit_count()} from DHCP server {format_ip(lease.server)}"
        f" {'for ever' if lease.t0 == INFINITE else f'for {lease.t0} s'},"
        f" gateway {format_ip(netif.gateway) if netif.gateway else 'none'},"
        f" name servers {', '.join(servers) or 'none'}"
    )
