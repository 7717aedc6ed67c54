"""Opens the device that the command line describes: a TAP, perhaps a capture around it, the device on top."""

from __future__ import annotations

import io
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from lab import interrupt
from lab.control.board import Board
from lab.control.server import ControlServer
from lab.lease import announce
from lab.options import DeviceOptions, Interface
from netstack.address import format_ip, format_mac
from netstack.trace import TraceHook
from tap.capture import Capture, CaptureLink
from tap.clock import Clock, RealClock
from tap.link import Link
from tap.splice import SplicedLink
from tap.tun import TapLink
from usocket import Device

NAME = "device"  # of the only one there is, in directions: device>linux


class Opened(NamedTuple):
    """A device on a TAP, and what the control socket does to it."""

    device: Device
    tap: TapLink
    board: Board


@contextmanager
def opened(options: DeviceOptions, trace: TraceHook | None = None) -> Iterator[Opened]:
    """The device, which also answers while its program computes, for a ``with`` block. It has a control
    socket (``lab.control``).

    Raises TapError, and ClickException where the subnet is taken.
    """
    attaching = options.netns is None and options.tap in [name for _, name in socket.if_nameindex()]
    if options.netns is None and not attaching:
        _refuse_taken_subnet(options.interface)
    linux = None if attaching else f"{format_ip(options.gateway)}/{options.interface.prefix}"
    clock = RealClock()
    with ExitStack() as cleanup:
        capture = cleanup.enter_context(Capture(options.pcap)) if options.pcap is not None else None
        with interrupt.held():
            tap = TapLink.open(options.tap, address=linux, netns=options.netns)
        cleanup.callback(tap.close)
        splice = SplicedLink(tap, clock, NAME, options.seed)
        link: Link = splice
        if capture is not None:
            link = CaptureLink(splice, capture, clock, tap.name, options.mac)
        device = device_for(options, link, clock, trace, service=True)
        announce(options, tap)
        board = Board(cleanup.enter_context(device), splice, tap.name)
        try:
            cleanup.enter_context(ControlServer(board))
        except OSError as error:
            click.echo(f"netstack: it cannot be asked while it runs: {error}", err=True)
        yield Opened(device, tap, board)
        if capture is not None and capture.problem is not None:
            click.echo(f"netstack: {capture.problem}", err=True)


def device_for(
    options: DeviceOptions, link: Link, clock: Clock, trace: TraceHook | None, *, service: bool = False
) -> Device:
    """The device that the options describe, on ``link``; not opened yet."""
    return Device(
        options.profile,
        address=str(options.interface),
        gateway=format_ip(options.gateway),
        mac=format_mac(options.mac),
        link=link,
        clock=clock,
        name=NAME,
        seed=options.seed,
        trace=trace,
        dns=format_ip(options.dns),
        dhcp=options.dhcp,
        service=service,
    )


def _refuse_taken_subnet(interface: Interface, routes: Path = Path("/proc/net/route")) -> None:
    """Linux would lose its way to a network it is in if the TAP got an address of the same one (proc(5))."""
    for line in routes.read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        destination, mask = (int.from_bytes(bytes.fromhex(fields[i]), "little") for i in (1, 7))
        common = mask & interface.netmask
        if mask and destination & common == interface.ip & common:
            problem = f"the subnet of {interface} is in use on this machine ({fields[0]})"
            raise click.ClickException(f"{problem}: choose another with --ip, or use --netns new")


def show_lines_at_once() -> None:
    """Standard output shows each line when it is written, also in a pipe."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
