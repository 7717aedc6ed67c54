"""A namespace with a TAP, the device on it that ``netstack run`` makes, and Linux's programs as its peers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tap.netns import Namespace
from tests.lab.commands import ENVIRONMENT, NETSTACK

DEVICE, LINUX, TAP = "192.168.7.2", "192.168.7.1", "tap0"
PATIENCE = 30  # s: a busy machine must not fail a test


class Board:
    """Runs foreign programs; ``folder`` is for files, ``folder/lib`` is the board's library."""

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        self.namespace, self.folder, self.library = namespace, folder, folder / "lib"
        self.library.mkdir()
        made = f"tuntap add dev {TAP} mode tap"
        for words in ("link set lo up", made, f"address add {LINUX}/24 dev {TAP}", f"link set {TAP} up"):
            namespace.run(["ip", *words.split()], check=True)

    def command(self, source: str | Path, *args: str, options: tuple[str, ...] = ()) -> list[str]:
        """``netstack run`` with this library on this TAP."""
        here = ("--tap", TAP, "--ip", f"{DEVICE}/24", "--path", str(self.library))
        what = [str(source)] if isinstance(source, Path) else ["-c", source]
        return [*NETSTACK, "run", *here, *options, *what, *args]

    def run(self, source: str | Path, *args: str, options: tuple[str, ...] = ()) -> str:
        """What a program (a file, or its text) prints; it has to end well and without a remark of ours."""
        command = self.command(source, *args, options=options)
        done = self.namespace.run(
            command, capture_output=True, timeout=PATIENCE, text=True, env=ENVIRONMENT, cwd=self.folder
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        output: str = done.stdout
        return output

    @contextmanager
    def running(
        self, source: str | Path, *args: str, ready: str = "ready"
    ) -> Iterator[subprocess.Popen[str]]:
        """A program that prints ``ready`` in its first lines, and goes on until the end of the block."""
        command = self.command(source, *args)
        with self._peer(command, stdin=subprocess.PIPE, cwd=self.folder) as process:
            assert process.stdout is not None
            said = process.stdout.readline()
            while ready not in said and (line := process.stdout.readline()):
                said += line
            assert ready in said, said
            yield process

    def linux(self, *argv: str, data: str | None = None) -> str:
        """What a program of Linux prints, which has to end well."""
        done = self.namespace.run(argv, capture_output=True, timeout=PATIENCE, text=True, input=data)
        assert done.returncode == 0, (argv, done.returncode, done.stderr)
        output: str = done.stdout
        return output

    @contextmanager
    def python(self, source: str, *args: str) -> Iterator[subprocess.Popen[str]]:
        """A Python program of Linux that has printed its first line, ``ready``."""
        with self._peer([sys.executable, "-u", "-c", source, *args], cwd=self.folder) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process

    @contextmanager
    def server(self, argv: list[str], port: int, log: str) -> Iterator[Path]:
        """A server of Linux that listens on a TCP port; yields the file with what it says."""
        file = self.folder / log
        with file.open("a", encoding="utf-8") as output, self._peer(argv, stdout=output) as process:
            self._await(port, process)
            yield file

    def _await(self, port: int, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + PATIENCE
        while f":{port} " not in self.linux("ss", "-Hltn"):
            assert process.poll() is None, process.args
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @contextmanager
    def _peer(self, argv: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": ENVIRONMENT, **options}
        with self.namespace.popen(argv, text=True, **options) as process:
            try:
                yield process
            finally:
                process.kill()
