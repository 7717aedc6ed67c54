"""Devices for the tests of what can be asked of them while they run, each seen by its own test only."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.commands import Running, netstack

LAUNCHED = "Ctrl-C ends it"


class Machine:
    """A runtime folder of the test's own, so that no other device is seen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = folder / "run"
        self.runtime.mkdir(mode=0o700)
        self.plain()

    def plain(self) -> None:
        """Commands write into files and pipes."""
        self.launcher = ["env", f"XDG_RUNTIME_DIR={self.runtime}"]

    def terminal(self, no_color: bool) -> None:
        """What is started now has a terminal."""
        given = ["-u", "NO_COLOR", f"XDG_RUNTIME_DIR={self.runtime}", *(["NO_COLOR=1"] if no_color else [])]
        self.launcher = ["env", *given, sys.executable, str(Path(__file__).with_name("terminal.py"))]

    @contextmanager
    def up(self, *arguments: str, listening: bool = False) -> Iterator[Running]:
        """``netstack up`` in a namespace of its own."""
        options = ("up", "--netns", "new", *arguments)
        with Running(self.folder, *options, launcher=self.launcher) as up:
            up.wait_for(LAUNCHED)
            if listening:
                up.wait_for("listening on port")
            self.wait_for_sockets(1)
            yield up

    def wait_for_sockets(self, number: int) -> None:
        """Until so many devices can be asked."""
        for _ in range(500):
            if len(self.sockets()) >= number:
                return
            subprocess.run(["sleep", "0.02"], check=True)
        raise AssertionError(f"no {number} sockets: {self.sockets()}")

    def sockets(self) -> list[Path]:
        return sorted(self.runtime.glob("netstack/*.sock"))

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return netstack(*arguments, launcher=self.launcher)

    def said(self, *arguments: str) -> str:
        """The output of a command that works."""
        done = self.call(*arguments)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """The line of a command that is refused."""
        done = self.call(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert done.stderr.count("\n") == 1
        return done.stderr.rstrip()

    def refused_late(self, *arguments: str) -> str:
        """The line of a command that is refused after it has said something."""
        done = self.call(*arguments)
        assert done.returncode == 2, done
        assert done.stderr.count("\n") == 1
        return done.stderr.rstrip()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.said(*arguments, "--json"))

    def linux(self, *command: str, on: str = "") -> str:
        """What a Linux command beside the device prints."""
        done = self.call("exec", *(("--on", on) if on else ()), "--", *command)
        assert done.returncode == 0, done
        return done.stdout
