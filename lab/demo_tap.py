"""The demonstration on a real TAP: Linux's ping and curl against the device."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
import textwrap
from pathlib import Path

import click

from lab.program import Program
from lab.tables import print_tables
from netstack.address import format_ip
from tap.netns import Namespace
from tap.tun import TapLink
from usocket import Device

PACKAGES = {"ping": "iputils-ping", "curl": "curl"}
PATIENCE = 60  # s for a command


def show(device: Device, tap: TapLink, server: Path) -> bool:
    """Run the commands one after the other, then print what the stack has counted. False when one failed."""
    assert tap.namespace is not None
    ip = format_ip(device.ip)
    click.echo(f"It is on {tap.name}, in a network namespace of its own; this machine is on the other side.")
    with Program(device, server) as program, tempfile.TemporaryDirectory() as folder:
        program.wait_until_it_listens()
        terminal = Terminal(tap.namespace, folder, device)
        terminal.run("ping", "-c", "3", "-i", "0.2", ip)
        terminal.run("curl", "-sS", f"http://{ip}/")
        terminal.run("curl", "-sS", "-o", "numbers", f"http://{ip}/download")
        if (numbers := Path(folder, "numbers")).exists():
            click.echo(f"    {numbers.stat().st_size:,} bytes in numbers")
            answer = terminal.run("curl", "-sS", "-T", "numbers", f"http://{ip}/upload")
            terminal.failed |= not _is_same(numbers.read_bytes(), answer)
        click.echo()
        print_tables(device.stack)
    return not terminal.failed


def _is_same(sent: bytes, answer: str) -> bool:
    """Whether what the device says of the upload (length and SHA-256) is what was sent."""
    same = answer.split() == [str(len(sent)), hashlib.sha256(sent).hexdigest()]
    verdict = "that is the SHA-256 of numbers" if same else "the SHA-256 of numbers is ANOTHER"
    click.secho(f"    {verdict}", fg="green" if same else "red")
    return same


class Terminal:
    """Runs commands in the device's namespace and shows them as a terminal would.

    ``failed``: one of them did.
    """

    def __init__(self, namespace: Namespace, folder: str, device: Device) -> None:
        self._namespace = namespace
        self._folder = folder
        self._device = device
        self.failed = False

    def run(self, *argv: str) -> str:
        """Run a command and show it with its output, which is returned. One that this machine lacks is named
        with its Debian package.
        """
        click.echo()
        click.secho(f"$ {shlex.join(argv)}", bold=True)
        path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
        if shutil.which(argv[0], path=path) is None:
            click.secho(f"    not installed: apt-get install {PACKAGES[argv[0]]}", fg="yellow")
            return ""
        try:
            done = self._namespace.run(
                argv,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=PATIENCE,
                start_new_session=True,  # Ctrl-C is for us, who then end it
            )
        except subprocess.TimeoutExpired:
            click.secho(f"    not done in {PATIENCE} s: given up", fg="red")
            self.failed = True
            return ""
        with self._device.host.lock:  # it has finished with the last frame, and has told of it
            pass
        if done.stdout:
            click.echo(textwrap.indent(done.stdout.rstrip("\n"), "    "))
        if done.returncode:
            click.secho(f"    exit status {done.returncode}", fg="red")
            self.failed = True
        return str(done.stdout)
