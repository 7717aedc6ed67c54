"""``netstack exec``: Linux commands in the network namespace of a running device.

The command takes this process's place, so its exit status, its signals and its terminal are its own.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import click

from tap.netns import Namespace
from tap.running import running

NOTHING_RUNS = "no device with a network namespace of its own is running: start one with `netstack up --netns new`"


@click.command(
    "exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option("--on", "wanted", metavar="ADDRESS", help="Which device, where several run.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(wanted: str | None, command: tuple[str, ...]) -> None:
    """Run COMMAND where a running device (`netstack up --netns new`) can be reached: `netstack exec -- curl ...`."""
    device = _choose(running(), wanted)
    with Namespace.open(f"pid:{device['holder']}") as namespace:
        try:
            namespace.enter()
        except OSError as error:
            raise click.ClickException(f"no right to enter the device's network namespace ({error.strerror})") from None
        for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored_by_python, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            mend = "install it, or give its path"
            raise click.ClickException(f"{command[0]} cannot be run ({error.strerror}): {mend}") from None


def _choose(devices: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    """The device with the address ``wanted``, or the only one."""
    if not devices:
        raise click.ClickException(NOTHING_RUNS)
    addresses = ", ".join(str(device.get("ip")) for device in devices)
    if wanted is not None:
        found = [device for device in devices if device.get("ip") == wanted]
        if not found:
            raise click.ClickException(f"no running device has the address {wanted}: there are {addresses}")
        return found[-1]
    if len(devices) > 1:
        raise click.ClickException(f"several devices are running ({addresses}): choose one with --on ADDRESS")
    return devices[0]
