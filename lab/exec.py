"""``netstack exec``: Linux commands in the network namespace of a running device.

The command's exit status is passed on (128 and more where a signal ended it), Ctrl-C is the command's.
"""

from __future__ import annotations

import signal
from typing import Any

import click

from tap.netns import Namespace
from tap.running import running

NOTHING_RUNS = "no device with a namespace of its own is running: start one with `netstack up --netns new`"


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("--on", "wanted", metavar="ADDRESS", help="Which device, where several run.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_command(wanted: str | None, command: tuple[str, ...]) -> int:
    """Run COMMAND where a device with a namespace of its own can be reached: `netstack exec -- curl ...`.

    The device is one that runs meanwhile, with `netstack up --netns new`.
    """
    device = _choose(running(), wanted)
    with Namespace.open(f"pid:{device['holder']}") as namespace, namespace.popen(command) as process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command gets it, too
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        status = int(process.wait())
    return status if status >= 0 else 128 - status


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
