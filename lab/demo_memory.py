"""The demonstration where no TAP can be had: the device and a second emulated host, on an in-memory wire."""

from __future__ import annotations

import hashlib
import textwrap
from contextlib import ExitStack
from pathlib import Path

import click

import usocket
from lab.options import DeviceOptions
from lab.program import Program
from lab.tables import print_tables
from netstack.address import format_ip, format_mac
from netstack.trace import TraceHook
from tap.capture import Capture, CaptureLink
from tap.clock import RealClock
from tap.link import Link
from tap.wire import wire

PIECE = 4096  # bytes that are written or read at a time


def show(options: DeviceOptions, server: Path, trace: TraceHook) -> bool:
    """A page, a download and an upload by a program on the second host, then what the stack has counted.

    False when the device has not answered as it should.
    """
    ip = format_ip(options.interface.ip)
    peer_ip = format_ip(options.gateway)
    clock = RealClock()
    near, far = wire(clock)
    link: Link = near
    with ExitStack() as cleanup:
        if options.pcap is not None:
            link = CaptureLink(near, cleanup.enter_context(Capture(options.pcap)), clock, "wire", options.mac)
        device = usocket.Device(
            options.profile,
            address=str(options.interface),
            mac=format_mac(options.mac),
            link=link,
            clock=clock,
            trace=trace,
        )
        there = f"{peer_ip}/{options.interface.prefix}"
        peer = usocket.Device("full", address=there, link=far, clock=clock, name="peer")
        cleanup.enter_context(device)
        program = cleanup.enter_context(Program(device, server))
        program.wait_until_it_listens()
        cleanup.enter_context(peer)
        click.echo(f"It is on an in-memory wire; at the other end is {peer_ip}, an emulated host, too.")
        click.echo(textwrap.indent(_get(ip, "/").decode().rstrip("\n"), "    "))
        numbers = _get(ip, "/download")
        click.echo(f"    {len(numbers):,} bytes")
        answer = _ask(ip, b"PUT /upload", numbers).split()
        same = answer == [str(len(numbers)).encode(), hashlib.sha256(numbers).hexdigest().encode()]
        click.echo(f"    SHA-256 on both sides: {'the same' if same else 'DIFFERENT'}\n")
        print_tables(device.stack)
    return same


def _get(ip: str, path: str) -> bytes:
    return _ask(ip, f"GET {path}".encode(), b"")


def _ask(ip: str, request: bytes, body: bytes) -> bytes:
    """One HTTP exchange on the current device: the answer's body."""
    click.echo()
    click.secho(request.decode() + (f" with {len(body):,} bytes" if body else ""), bold=True)
    answer = bytearray()
    with usocket.socket() as sock:
        try:
            sock.connect((ip, 80))
            sock.write(b"%s HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % (request, len(body)))
            sock.write(body)
            while data := sock.recv(PIECE):
                answer += data
        except OSError as error:
            click.secho(f"    {error}", fg="red")
    return bytes(answer.partition(b"\r\n\r\n")[2])
