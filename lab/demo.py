"""``netstack demo``: the main job in one command. A device on a TAP answers this machine's own ping and curl.

Where no TAP can be had, the same device talks to a second emulated host over an in-memory wire.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from lab.options import DEFAULT_INTERFACE, PROFILE_OPTION, SET_OPTION, DeviceOptions, Settings, collect
from netstack.address import format_ip
from netstack.profile import Profile

SERVER = "http_server.py"


@click.command()
@PROFILE_OPTION
@SET_OPTION
@click.option(
    "--pcap",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default="demo.pcapng",
    show_default=True,
    help="Write all frames to this pcapng file.",
)
@click.option("--in-memory", is_flag=True, help="Use no TAP, as happens where none can be had.")
def demo(profile: Profile, settings: Settings, pcap: Path, in_memory: bool) -> int:
    """Show a device that answers this machine's ping and curl, every segment live.

    The device runs an HTTP server, a MicroPython program. It is pinged, and curl gets a small page, downloads
    1 MB and uploads it again, over a TAP in a network namespace of its own that is gone afterwards.
    """
    from lab import demo_memory, demo_tap
    from lab.live import LEGEND, Live
    from lab.opening import opened, show_lines_at_once
    from tap.link import TapError

    show_lines_at_once()
    options = collect(profile, settings, DEFAULT_INTERFACE, netns="new", pcap=pcap)
    server = server_script()
    click.echo(
        f"A device with lwIP's stack, profile {profile.name}, {options.interface}, runs {server.name}."
    )
    click.echo(LEGEND)
    with ExitStack() as cleanup:
        live = cleanup.enter_context(Live(options.gateway, collapse=True))
        found = None
        if not in_memory:
            try:
                found = cleanup.enter_context(opened(options, live))
            except TapError as error:
                click.echo(f"\nNo TAP can be had, so Linux cannot talk to the device: {error}")
                click.echo("`netstack doctor` tries all that is needed.")
        if found is not None:
            worked = demo_tap.show(found.device, found.tap, server)
        else:
            worked = demo_memory.show(options, server, live)
    click.echo(_what_next(options, server))
    return 0 if worked else 1


def server_script() -> Path:
    """The server of the examples: in the source tree, or where the installed package has it."""
    here = Path(__file__).resolve().parent
    for folder in (here.parent / "examples", here / "examples"):
        if (folder / SERVER).exists():
            return folder / SERVER
    raise click.ClickException(f"examples/{SERVER} is missing: install the package anew")


def _what_next(options: DeviceOptions, server: Path) -> str:
    shown = server.relative_to(Path.cwd()) if server.is_relative_to(Path.cwd()) else server
    netstack = "netstack"
    if shutil.which(netstack) is None and Path(sys.argv[0]).name == netstack:
        netstack = sys.argv[0]  # as make run calls it: the environment's folder is not in PATH
    commands = (
        (f"wireshark {options.pcap}", f"every frame of this (or: tshark -r {options.pcap})"),
        (f"{netstack} up {shown} --netns new", "a device that stays; then, in another terminal:"),
        (f"{netstack} exec -- curl http://{format_ip(options.interface.ip)}/", "Linux talks to it"),
        (f"{netstack} demo --set TCP_WND=1600", "this again, with a smaller receive window"),
        (f"{netstack} profiles {options.profile.name}", "all that --set can change"),
    )
    width = max(len(command) for command, _ in commands)
    return "\n".join(["What next:", *(f"  {command:{width}}  {why}" for command, why in commands)])
