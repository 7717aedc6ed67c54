"""``netstack up``: a device that stays until Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.options import DeviceOptions, device_options

if TYPE_CHECKING:
    from lab.control.board import Board
    from lab.live import Live
    from tap.tun import TapLink

SCRIPT = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@device_options
@click.option("--ladder", is_flag=True, help="Show every frame as a ladder diagram.")
@click.option("--watch", is_flag=True, help="Serve a page on this machine that shows all that happens.")
@click.option(
    "--watch-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve it there (0: any free port), on 127.0.0.1.  [default: any]",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all that happens, for netstack explain, report and export.",
)
@click.argument("script", type=SCRIPT, required=False)
@click.argument("args", nargs=-1)
def up(
    options: DeviceOptions,
    ladder: bool,
    watch: bool,
    watch_port: int | None,
    record: Path | None,
    script: Path | None,
    args: tuple[str, ...],
) -> None:
    """Switch on a device that stays until Ctrl-C. It answers ping, and runs SCRIPT, a MicroPython program.

    The device is one end of a TAP, Linux is the other: without --netns any program of this machine can talk
    to it (that needs root), with --netns new those that `netstack exec` starts. `netstack ss` and its like
    ask it while it runs.
    """
    from lab.lease import follow_leases, wait_for_lease
    from lab.opening import opened, show_lines_at_once
    from usocket.script import run_script

    show_lines_at_once()
    with ExitStack() as cleanup:
        live, legend = _view(options, ladder)
        if live is not None:
            cleanup.enter_context(live)
        device, tap, board = cleanup.enter_context(opened(options, live))
        click.echo(_greeting(options, tap))
        if live is not None:
            live.hear_of_losses(board)
            click.echo(legend)
        if record is not None:
            cleanup.enter_context(_recorded(board, record))
        try:
            if watch or watch_port is not None:
                from lab.control.watch import Watch

                pages = cleanup.enter_context(Watch(board, watch_port or 0))
                click.echo(f"watch it: {pages.url}")
            if options.dhcp:
                follow_leases(device, options, tap, click.echo)
                wait_for_lease(device, options, tap, click.echo)
            if script is not None:
                status = run_script(device, script, args)
                click.echo(f"{script} has ended with status {status}; the device stays until Ctrl-C")
            device.host.wait(lambda: False)
        except KeyboardInterrupt:
            click.echo()


@contextmanager
def _recorded(board: Board, path: Path) -> Iterator[None]:
    """Within, all that happens is written to a file."""
    from lab.control.recording import Recording

    with Recording(board, path) as recording:
        yield
    if recording.problem is not None:
        click.echo(f"netstack: {recording.problem}", err=True)


def _view(options: DeviceOptions, ladder: bool) -> tuple[Live | None, str]:
    """What shows the frames, and its legend."""
    from lab.live import LEGEND, Live

    if ladder:
        from lab.ladder_view import LadderView

        view = LadderView(options.gateway)
        return view, view.legend
    return (Live(options.gateway, collapse=False), LEGEND) if options.trace else (None, "")


def _greeting(options: DeviceOptions, tap: TapLink) -> str:
    from netstack.address import format_ip, format_mac

    address = "" if options.dhcp else f" {options.interface}"
    ping = f"try: {options.way_in}ping {format_ip(options.interface.ip)}"
    return (
        f"{options.profile.name} device{address} ({format_mac(options.mac)}) on TAP {tap.name},"
        f" Linux has {format_ip(options.gateway)}\n"
        f"{'it asks a DHCP server for its address' if options.dhcp else ping}    Ctrl-C ends it"
    )
