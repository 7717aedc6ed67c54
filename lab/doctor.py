"""``netstack doctor``: what this machine allows, found out by trying, and how to get the rest."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from typing import NamedTuple

import click

from tap.link import TapError
from tap.netns import Namespace
from tap.tun import DEVICE, TapLink, load_pytun

PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"  # Debian's users lack the last two

# Linux programs that commands and tests use, the Debian package of each, and what for.
PROGRAMS = {
    "ip": ("iproute2", "see and set up interfaces"),
    "ping": ("iputils-ping", "the demo, tests"),
    "curl": ("curl", "the demo, tests"),
    "tshark": ("tshark", "tests that read captures"),
    "socat": ("socat", "tests"),
    "nc": ("netcat-openbsd", "tests"),
    "dnsmasq": ("dnsmasq-base", "a server for --dhcp, tests"),
    "arping": ("arping", "tests"),
    "nmap": ("nmap", "tests"),
}


class Finding(NamedTuple):
    """One thing that was tried. ``mend`` is empty when it works."""

    what: str
    works: bool
    detail: str
    mend: str = ""


def _try(what: str, attempt: Callable[[], str]) -> Finding:
    """``attempt`` returns a detail; a TapError's text is "problem: mend"."""
    try:
        return Finding(what, True, attempt())
    except TapError as error:
        problem, _, mend = str(error).partition(": ")
        return Finding(what, False, problem, mend)


def _pytun() -> str:
    load_pytun()
    return "loads"


def _tap_here() -> str:
    with TapLink.open() as link:
        return f"made {link.name} and removed it"


def _namespace() -> str:
    with Namespace.open("new"):
        return "made one and removed it"


def _tap_in_namespace() -> str:
    with TapLink.open(netns="new") as link:
        return f"made {link.name} in one and removed both"


def findings() -> Iterator[Finding]:
    """Everything that is tried, in order: Python, TAPs, then programs."""
    yield Finding(f"Python {platform.python_version()}", True, "3.11 or newer")
    yield _try("python-pytun", _pytun)
    yield _try("a network namespace of its own (--netns new)", _namespace)
    yield _try("a TAP in a namespace of its own", _tap_in_namespace)
    yield _try(f"a TAP right here, through {DEVICE}", _tap_here)
    for program, (package, use) in PROGRAMS.items():
        there = shutil.which(program, path=PATH) is not None
        yield Finding(program, there, use if there else "missing", f"apt-get install {package}")


@click.command()
def doctor() -> None:
    """Try what this machine allows (TAPs, namespaces, programs), and say how to get the rest."""
    tap = False
    for found in findings():
        mark = click.style("yes", fg="green") if found.works else click.style("no ", fg="red")
        click.echo(f"{mark}  {found.what}: {found.detail}")
        if not found.works:
            click.echo(f"     mend: {found.mend}")
        tap |= found.works and "a TAP" in found.what
    if tap:
        click.echo("\nDevices can be reached from Linux: try `netstack demo`.")
    else:
        click.echo("\nNo TAP can be had: Linux cannot reach devices, which still reach each other in memory.")
