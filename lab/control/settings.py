"""``netstack set NAME=VALUE``: what lwIP's API can change while a device runs, and why the rest cannot be.

lwIP's options are compiled into a device's firmware. At run time there are the socket options (their names
are lwIP's, as in ``setsockopt``), here set on all connections and listeners or on those of one port, the
calls of ``netif.c``, and ``dns_setserver``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.control.errors import ControlError
from lab.options import parse_interface
from netstack.address import format_ip, parse_ip
from netstack.api.common import set_pcb_option
from netstack.errors import ERR_OK
from netstack.options import OPTIONS
from netstack.stack import Stack
from netstack.tcp.tcb import PRIO_MAX
from tap.rules.errors import instead

MIN_MTU = 68  # RFC 791


@dataclass(frozen=True)
class Setting:
    """Something that can be set: the ``call`` of lwIP, what a value is, the ``meaning``.

    ``read`` turns the text into the value (ValueError says what is wrong); ``write`` sets it and returns what
    was changed, in words ("" where nothing is: no pcb has such an option).
    """

    call: str
    value: str
    meaning: str
    read: Callable[[str], Any]
    write: Callable[[Stack, Any, int | None], str]


def _flag(text: str) -> int:
    if text.lower() in ("1", "on", "yes", "true"):
        return 1
    if text.lower() in ("0", "off", "no", "false"):
        return 0
    raise ValueError(f"{text!r} is neither on nor off")


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            value = int(text, 0)
        except ValueError:
            raise ValueError(f"{text!r} is no number from {lowest} to {highest}") from None
        if not lowest <= value <= highest:
            raise ValueError(f"{value} is not from {lowest} to {highest}")
        return value

    return read


# Options of pcbs


def _of_pcbs(name: str, tcp: bool = True, udp: bool = True) -> Callable[[Stack, Any, int | None], str]:
    """Set an option of ``setsockopt`` on the pcbs of TCP, of UDP, or of both."""

    def write(stack: Stack, value: int, port: int | None) -> str:
        lists = stack.tcp
        pcbs: list[Any] = []
        if tcp:
            pcbs += (*lists.listen_pcbs, *lists.active_pcbs, *lists.tw_pcbs, *lists.bound_pcbs)
        if udp:
            pcbs += stack.udp.pcbs
        chosen = [pcb for pcb in pcbs if port in (None, pcb.local_port)]
        changed = [pcb for pcb in chosen if set_pcb_option(pcb, name, value, stack.profile) == ERR_OK]
        return _counted(len(changed))

    return write


def _backlog(stack: Stack, value: int, port: int | None) -> str:
    chosen = [pcb for pcb in stack.tcp.listen_pcbs if port in (None, pcb.local_port)]
    for pcb in chosen:
        pcb.backlog = value
    return _counted(len(chosen), "listener")


def _counted(number: int, what: str = "pcb") -> str:
    return f"{number} {what}{'s' if number != 1 else ''}" if number else ""


# The interface


def _up(stack: Stack, value: int, _: int | None) -> str:
    stack.netif.set_up(bool(value))
    return f"the interface is {'up' if stack.netif.up else 'down'}"


def _link(stack: Stack, value: int, _: int | None) -> str:
    stack.netif.set_link(bool(value))
    return f"the link is {'up' if stack.netif.link_up else 'down'}"


def _mtu(stack: Stack, value: int, _: int | None) -> str:
    stack.netif.mtu = value
    return f"the interface's MTU is {value}"


def _address(stack: Stack, value: Any, _: int | None) -> str:
    netif = stack.netif
    netif.set_addr(value.ip, value.netmask, netif.gateway)
    return f"the address is {value}; connections of the old one are reset"


def _gateway(stack: Stack, value: int, _: int | None) -> str:
    netif = stack.netif
    netif.set_addr(netif.ip, netif.netmask, value)
    return f"the gateway is {format_ip(value)}"


def _dns(stack: Stack, value: int, _: int | None) -> str:
    stack.dns.set_server(0, value)
    return f"the name server is {format_ip(value)}"


_BYTE, _SECONDS = _number(0, 255), _number(0, 4_294_967)

PCB_SETTINGS = {
    "IP_TTL": Setting("pcb->ttl", "0..255", "time to live of what it sends", _BYTE, _of_pcbs("IP_TTL")),
    "IP_TOS": Setting("pcb->tos", "0..255", "type of service of what it sends", _BYTE, _of_pcbs("IP_TOS")),
    "SO_KEEPALIVE": Setting(
        "ip_set_option(SOF_KEEPALIVE)", "on, off", "keep-alive probes", _flag,
        _of_pcbs("SO_KEEPALIVE", udp=False),
    ),
    "SO_REUSEADDR": Setting(
        "ip_set_option(SOF_REUSEADDR)", "on, off", "the port may be bound again", _flag,
        _of_pcbs("SO_REUSEADDR"),
    ),
    "SO_BROADCAST": Setting(
        "ip_set_option(SOF_BROADCAST)", "on, off", "broadcasts may be sent", _flag,
        _of_pcbs("SO_BROADCAST", tcp=False),
    ),
    "TCP_NODELAY": Setting(
        "tcp_nagle_disable", "on, off", "no Nagle: short segments wait for nothing", _flag,
        _of_pcbs("TCP_NODELAY"),
    ),
    "TCP_KEEPIDLE": Setting(
        "pcb->keep_idle", "seconds", "of silence until the first probe", _SECONDS, _of_pcbs("TCP_KEEPIDLE")
    ),
    "TCP_KEEPINTVL": Setting(
        "pcb->keep_intvl", "seconds", "between two probes (with LWIP_TCP_KEEPALIVE)", _SECONDS,
        _of_pcbs("TCP_KEEPINTVL"),
    ),
    "TCP_KEEPCNT": Setting(
        "pcb->keep_cnt", "1..255", "probes until it is given up (with LWIP_TCP_KEEPALIVE)", _number(1, 255),
        _of_pcbs("TCP_KEEPCNT"),
    ),
    "TCP_PRIO": Setting(
        "tcp_setprio", f"1..{PRIO_MAX}", "who has to go when pcbs run out: the lowest", _number(1, PRIO_MAX),
        _of_pcbs("TCP_PRIO"),
    ),
    "TCP_BACKLOG": Setting(
        "tcp_backlog_set", "1..255", "connections of a listener that may wait for accept", _number(1, 255),
        _backlog,
    ),
}  # fmt: skip

DEVICE_SETTINGS = {
    "NETIF_UP": Setting("netif_set_up, netif_set_down", "on, off", "the interface", _flag, _up),
    "NETIF_LINK": Setting(
        "netif_set_link_up, ..._down", "on, off", "the cable, as the device sees it", _flag, _link
    ),
    "NETIF_MTU": Setting("netif->mtu", f"{MIN_MTU}..1500", "largest IP packet", _number(MIN_MTU, 1500), _mtu),
    "NETIF_ADDR": Setting(
        "netif_set_addr", "address/prefix", "address and netmask", parse_interface, _address
    ),
    "NETIF_GW": Setting("netif_set_gw", "address", "the gateway, 0.0.0.0 for none", parse_ip, _gateway),
    "DNS_SERVER": Setting("dns_setserver", "address", "the name server, 0.0.0.0 for none", parse_ip, _dns),
}

SETTINGS = PCB_SETTINGS | DEVICE_SETTINGS

# What a user may mean by an option that is compiled in
_RELATED = {
    "tcp_ttl": "IP_TTL", "udp_ttl": "IP_TTL", "ip_default_ttl": "IP_TTL",
    "tcp_keepidle_default": "TCP_KEEPIDLE", "tcp_keepintvl_default": "TCP_KEEPINTVL",
    "tcp_keepcnt_default": "TCP_KEEPCNT", "tcp_default_listen_backlog": "TCP_BACKLOG",
}  # fmt: skip


def change(stack: Stack, text: str, port: int | None) -> str:
    """Set ``NAME=VALUE``, of pcbs only those with this local port: what was changed, in words. Raises
    ControlError. Called with the lock.
    """
    name, equals, value = text.partition("=")
    name = name.strip().upper()
    setting = SETTINGS.get(name)
    if setting is None:
        raise ControlError(_refusal(name, value))
    if not equals or not value:
        raise ControlError(f"{name} needs a value: {name}={setting.value.partition(',')[0]}")
    if port is not None and name in DEVICE_SETTINGS:
        raise ControlError(f"{name} is the interface's, not that of a port: leave out --port")
    try:
        wanted = setting.read(value.strip())
    except ValueError as error:
        raise ControlError(f"{name}: {error}") from None
    changed = setting.write(stack, wanted, port)
    if not changed:
        lacks = name in _WITH_KEEPALIVE and not stack.profile.lwip_tcp_keepalive
        why = "the profile has no LWIP_TCP_KEEPALIVE" if lacks else "see `netstack ss`"
        where = "" if port is None else f" at port {port}"
        raise ControlError(f"{name}: nothing{where} has that option: {why}")
    return f"{name}={value.strip()}: {changed}"


_WITH_KEEPALIVE = ("TCP_KEEPINTVL", "TCP_KEEPCNT")


def _refusal(name: str, value: str) -> str:
    """Why that cannot be set."""
    option = name.lower()
    if option in OPTIONS:
        mend = f"start the device anew with --set {name}={value or 'VALUE'}"
        if option in _RELATED:
            mend += f", or change what is there: netstack set {_RELATED[option]}=..."
        return f"{name} is compiled into the device, no call of lwIP changes it: {mend}"
    return f"there is nothing called {name}: {instead(name, SETTINGS)}"
