"""``netstack run``: a MicroPython program on a device; its exit status is the command's."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from lab.options import DeviceOptions, device_options
from lab.up import SCRIPT


@click.command(context_settings={"allow_interspersed_args": False})
@device_options
@click.argument("script", type=SCRIPT)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def run(options: DeviceOptions, script: Path, args: tuple[str, ...]) -> int:
    """Run SCRIPT, a MicroPython program, with ARGS on a device. Its exit status is passed on.

    Options stand before SCRIPT. The device is there as long as the program runs.
    """
    from lab.live import Live
    from lab.opening import opened, show_lines_at_once
    from usocket.script import run_script

    show_lines_at_once()
    with ExitStack() as cleanup:
        live = cleanup.enter_context(Live(options.gateway, collapse=False)) if options.trace else None
        device, _ = cleanup.enter_context(opened(options, live))
        return run_script(device, script, args)
