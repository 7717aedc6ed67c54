"""The options that describe a device, shared by all commands that open one, and their parsing.

Each value is checked where it is read: what cannot work is refused with a line that names the option and the
mend.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click

from lab.profile_file import find_profile
from netstack.address import format_ip, is_multicast, parse_ip, parse_mac, prefix_to_mask
from netstack.profile import Profile, parse_setting

DEFAULT_PROFILE = "micropython"
DEFAULT_IP = "192.168.7.2/24"  # as usocket.Device


class Interface(NamedTuple):
    """An address in its subnet: ``ip`` (int) and the length of the prefix."""

    ip: int
    prefix: int

    @property
    def netmask(self) -> int:
        return prefix_to_mask(self.prefix)

    def contains(self, address: int) -> bool:
        """Whether ``address`` is one of this subnet's hosts (neither its first nor its last address)."""
        host = address & ~self.netmask & 0xFFFFFFFF
        return address & self.netmask == self.ip & self.netmask and 0 < host < ~self.netmask & 0xFFFFFFFF

    def first_other_host(self) -> int:
        """The lowest host address of the subnet that is not ``ip``."""
        first = (self.ip & self.netmask) + 1
        return first if first != self.ip else first + 1

    def __str__(self) -> str:
        return f"{format_ip(self.ip)}/{self.prefix}"


def parse_interface(text: str) -> Interface:
    """``192.168.7.2/24`` to its value. Raises ValueError for what no device can have as its address."""
    address, slash, prefix = text.partition("/")
    if not slash or not (prefix.isascii() and prefix.isdigit() and 1 <= int(prefix) <= 30):
        raise ValueError(f"{text}: give the address with the length of its prefix (1..30), like {DEFAULT_IP}")
    interface = Interface(parse_ip(address), int(prefix))
    if is_multicast(interface.ip) or interface.ip >> 28 == 0xF or interface.ip >> 24 in (0, 127):
        raise ValueError(f"{address} is no device's address: choose one like {DEFAULT_IP}")
    if not interface.contains(interface.ip):
        free = f"{format_ip(interface.first_other_host())}/{prefix}"
        raise ValueError(f"{address} is the first or last of its subnet: choose another, like {free}")
    return interface


DEFAULT_INTERFACE = parse_interface(DEFAULT_IP)


def _mac(text: str) -> bytes:
    mac = parse_mac(text)
    if mac[0] & 1:
        raise ValueError(f"{text} is a group address: the first byte must be even, like 02:00:00:00:00:02")
    return mac


class Parsed(click.ParamType[Any]):
    """An option's value, read by a function whose ValueError says what is wrong."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


Settings = tuple[tuple[str, int | str], ...]  # what --set gives


@dataclass(frozen=True, slots=True)
class DeviceOptions:
    """What the options say about one device.

    Addresses are ints, ``mac`` six bytes; ``tap`` "" leaves the name to the kernel, ``dns`` 0 is no server.
    With ``dhcp`` the device asks for its address; ``interface`` is then the network it expects.
    """

    profile: Profile
    interface: Interface
    gateway: int
    mac: bytes
    tap: str = ""
    netns: str | None = None
    pcap: Path | None = None
    trace: bool = False
    seed: int = 0
    dns: int = 0
    dhcp: bool = False

    @property
    def way_in(self) -> str:
        """What stands before a Linux command (a space included) so that it can talk to the device."""
        kind, _, which = (self.netns or "").partition(":")
        ways = {
            "": "",
            "new": "netstack exec -- ",
            "pid": f"nsenter --net=/proc/{which}/ns/net ",
            "name": f"ip netns exec {which} ",
            "path": f"nsenter --net={which} ",
        }
        return ways[kind]


def collect(
    profile: Profile,
    settings: Settings,
    ip: Interface,
    mac: bytes | None = None,
    gateway: int | None = None,
    **others: Any,
) -> DeviceOptions:
    """The options together: what one leaves open follows from the others."""
    if gateway is None:
        gateway = ip.first_other_host()
    elif not ip.contains(gateway) or gateway == ip.ip:
        first = format_ip(ip.first_other_host())
        problem = f"{format_ip(gateway)} is not another host of {ip}: choose one, like {first}"
        raise click.BadParameter(problem, param_hint="--gateway")
    if mac is None:  # the same in every run: a changing one would leave stale ARP entries on the other side
        mac = b"\x02\x00" + ip.ip.to_bytes(4, "big")
    options = DeviceOptions(changed(profile, settings), ip, gateway, mac, **others)
    if options.dhcp and not options.profile.lwip_dhcp:
        problem = f"profile {profile.name} has no DHCP client: add --set LWIP_DHCP=1"
        raise click.BadParameter(problem, param_hint="--dhcp")
    return options


def changed(profile: Profile, settings: Settings) -> Profile:
    """The profile with what --set changes. Raises ProfileError."""
    options: dict[str, Any] = dict(settings)
    return profile.replace(**options) if options else profile


PROFILE_OPTION = click.option(
    "--profile",
    type=Parsed("NAME", find_profile),
    default=DEFAULT_PROFILE,
    show_default=True,
    help="Which device it is; `netstack profiles` lists them. Or a file: ./my-board.toml.",
)

SET_OPTION = click.option(
    "--set",
    "settings",
    type=Parsed("OPTION=VALUE", parse_setting),
    multiple=True,
    help="Change one lwIP option of the profile, like TCP_WND=8192; may be given again.",
)

_OTHERS = (
    click.option(
        "--ip",
        type=Parsed("ADDRESS/PREFIX", parse_interface),
        default=DEFAULT_IP,
        show_default=True,
        help="The device's address.",
    ),
    click.option(
        "--mac",
        type=Parsed("MAC", _mac),
        help="The device's MAC address.  [default: 02:00 and the four bytes of its address]",
    ),
    click.option(
        "--gateway",
        type=Parsed("ADDRESS", parse_ip),
        help="The device's gateway, which is Linux's address on the TAP.  [default: the subnet's first]",
    ),
    click.option(
        "--dns", type=Parsed("ADDRESS", parse_ip), default="0.0.0.0", help="The name server.  [default: none]"
    ),
    click.option(
        "--dhcp",
        is_flag=True,
        help="Have the device ask a DHCP server for its address, gateway and name servers; --ip is then the"
        " network that Linux's side is in. The lease is not given back at the end: it is as if the board's"
        " power were cut.",
    ),
    click.option(
        "--tap",
        metavar="NAME",
        default="",
        help="Name the TAP; one that is there already is used as it is.  [default: the kernel names it]",
    ),
    click.option(
        "--netns",
        metavar="new|pid:N",
        help="Where the TAP is to be: in a network namespace of its own (new), or in that of process N (a"
        " container, say).  [default: where the command runs]",
    ),
    click.option(
        "--pcap",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write all frames to this pcapng file.",
    ),
    click.option("--trace", is_flag=True, help="Show every segment as one line."),
    click.option(
        "--seed",
        type=click.IntRange(0, 0xFFFFFFFF),
        default=0,
        show_default=True,
        help="Where the device's random numbers start.",
    ),
)


def device_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets them as one ``DeviceOptions``, its argument ``options``."""

    @functools.wraps(function)
    def collecting(*args: Any, **kwargs: Any) -> Any:
        given = "profile settings ip mac gateway dns dhcp tap netns pcap trace seed".split()
        return function(*args, options=collect(**{name: kwargs.pop(name) for name in given}), **kwargs)

    for option in reversed((PROFILE_OPTION, SET_OPTION, *_OTHERS)):
        option(collecting)
    return collecting
