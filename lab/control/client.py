"""The other end of a control socket: finds the running devices of this user, chooses one, and asks it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, NamedTuple

import click

from lab.control.path import address, socket_files

PATIENCE = 10.0  # s for an answer: a device may be busy
NOTHING_RUNS = "no device is running: start one in another terminal, netstack up"


class Running(NamedTuple):
    """A running device: its control socket and what it says of itself."""

    path: Path
    about: dict[str, Any]

    def ask(self, do: str, **more: object) -> Any:
        """Its answer. Raises ClickException with the line that it answers an error with."""
        return ask(self.path, do, **more)


def ask(path: Path, do: str, **more: object) -> Any:
    """What the device at a socket answers. Raises OSError when nobody is there, ClickException as above."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(PATIENCE)
        with address(path) as name:
            control.connect(name)
        control.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
        with control.makefile("rb") as answers:
            line = answers.readline()
    try:
        answer = json.loads(line)
    except ValueError:
        raise click.ClickException("the device has ended meanwhile") from None
    if "error" in answer:
        raise click.ClickException(answer["error"])
    return answer["ok"]


def running() -> list[Running]:
    """All running devices of this user. What a killed one has left is removed. Raises TapError."""
    found = []
    for path in socket_files():
        try:
            found.append(Running(path, ask(path, "about")))
        except ConnectionRefusedError:  # its process is gone
            path.unlink(missing_ok=True)
        except FileNotFoundError:  # it ended just now
            continue
        except (OSError, click.ClickException) as error:
            found.append(Running(path, {"pid": int(path.stem), "ip": "?", "problem": str(error)}))
    return found


def choose(wanted: str | None) -> Running:
    """The device with the address or process number ``wanted``, or the only one. Raises ClickException."""
    devices = running()
    if not devices:
        raise click.ClickException(NOTHING_RUNS)
    there = ", ".join(f"{one.about['ip']} (process {one.about['pid']})" for one in devices)
    if wanted is not None:
        devices = [one for one in devices if wanted in (one.about["ip"], str(one.about["pid"]))]
        if not devices:
            raise click.ClickException(f"no running device is {wanted}: there are {there}")
    if len(devices) > 1:
        what = "several devices are running" if wanted is None else f"several devices are {wanted}"
        raise click.ClickException(f"{what} ({there}): choose one with --on ADDRESS or --on PROCESS")
    found = devices[0]
    if "problem" in found.about:
        raise click.ClickException(f"process {found.about['pid']} does not answer: {found.about['problem']}")
    return found
