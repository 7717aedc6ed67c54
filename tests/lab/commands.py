"""Runs the command line as users do: in processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NETSTACK = [sys.executable, "-m", "lab.cli"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
PATIENCE = 30  # s: a busy machine must not fail a test


def without_tap() -> list[str]:
    """What starts a command where there is no /dev/net/tun; skips the test where that cannot be had."""
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    launcher = ["unshare", *rights, "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh"]
    done = subprocess.run([*launcher, "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"/dev/net/tun cannot be hidden here: {done.stderr.strip()}")
    return launcher


def netstack(
    *arguments: str, cwd: Path = ROOT, timeout: float = 60, launcher: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*launcher, *NETSTACK, *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Running:
    """A command that stays, in a process group of its own as under a terminal. ``log`` is what it wrote."""

    def __init__(self, folder: Path, *arguments: str, cwd: Path = ROOT, launcher: Sequence[str] = ()) -> None:
        self.log_file = folder / f"log-{time.monotonic_ns()}"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*launcher, *NETSTACK, *arguments],
                cwd=cwd,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        """Return when ``text`` is in its output; fail when it ends before, or takes too long."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.log:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.log}"
            assert time.monotonic() < deadline, f"no {text!r} in: {self.log}"
            time.sleep(0.02)

    def ctrl_c(self) -> int:
        """What a terminal does for Ctrl-C; the exit status."""
        return self.signal(signal.SIGINT)

    def signal(self, number: int) -> int:
        """Send a signal to the whole process group; the exit status."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.signal(signal.SIGKILL)


class Traces:
    """What a running command has started: processes, and the network namespaces they are in, which go (with
    all interfaces and addresses) when no process is in them any more.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        own = os.readlink("/proc/self/ns/net")
        self.pids = {process.pid} | _descendants(process.pid)
        self.namespaces = {link for pid in self.pids if (link := _namespace(pid)) not in ("", own)}

    def left(self) -> list[str]:
        """What of it is still there after some time to vanish."""
        deadline = time.monotonic() + PATIENCE
        while (found := self._there()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def _there(self) -> list[str]:
        found = [f"process {pid}" for pid in self.pids if Path(f"/proc/{pid}/ns").exists()]
        pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
        return found + [f"process {pid} in it" for pid in pids if _namespace(pid) in self.namespaces]


def _descendants(pid: int) -> set[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return set()
    children = {int(child) for child in text.split()}
    return children.union(*map(_descendants, children))


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""
