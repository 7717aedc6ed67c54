"""scripts/setup.sh where something is missing: it names what, and the command that mends it.

The script runs on a PATH of stand-ins: an ordinary user, Debian's apt-get, and only the commands a test
gives. That it really sets up a new machine is what every run of `make test` shows.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Machine:
    """A PATH that holds what the script itself needs and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.venv = folder / "venv"
        self.bin.mkdir()
        for command in ("sh", "dirname", "cat", "paste", "sha256sum"):
            (self.bin / command).symlink_to(shutil.which(command) or pytest.fail(f"no {command} here"))
        self.add("id", "echo 1000")
        self.add("apt-get", "echo apt-get must not run >&2; exit 1")

    def add(self, command: str, body: str) -> None:
        path = self.bin / command
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def add_python(self, version: str, recent: bool, venv: bool) -> None:
        """An interpreter that tells its version when asked, and has the module venv or not."""
        answer = f"echo /python3 {version} {recent}"
        self.add("python3", f'case "$2" in *version*) {answer};; *) exit {int(not venv)};; esac')

    def setup(self, goal: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(ROOT / "scripts" / "setup.sh"), goal],
            env={"PATH": str(self.bin), "VENV": str(self.venv)},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_unknown_goal_gets_the_usage(machine: Machine) -> None:
    done = machine.setup("everything")
    assert (done.returncode, done.stderr) == (2, "usage: scripts/setup.sh run|test\n")


def test_no_interpreter(machine: Machine) -> None:
    done = machine.setup("run")
    assert done.returncode == 1
    assert done.stderr == "set-up: there is no python3: sudo apt-get install python3 python3-venv\n"


def test_an_old_interpreter(machine: Machine) -> None:
    machine.add_python("3.10.9", recent=False, venv=True)
    done = machine.setup("test")
    assert done.returncode == 1
    assert done.stderr.endswith("older than Python 3.11; name a newer one: make test PYTHON=python3.11\n")


def test_an_ordinary_user_learns_what_is_missing_and_the_command(machine: Machine) -> None:
    machine.add_python("3.11.2", recent=True, venv=False)
    machine.add("ping", "exit 0")
    done = machine.setup("run")
    assert done.returncode == 1
    missing, stop = done.stderr.splitlines()
    told = re.fullmatch(r"set-up: missing \(.*\): (.*); to install: sudo apt-get install (.*)", missing)
    assert told is not None, missing
    assert "curl" in told[1].split()
    assert told[1] == told[2]
    assert "iputils-ping" not in missing
    assert stop == "set-up: python3 cannot make virtual environments: sudo apt-get install python3-venv"
    assert not machine.venv.exists()


def ready(machine: Machine, goal: str) -> None:
    """Make the environment look as if this very set-up had made it."""
    made_for = f"/python3 3.11.2 True in {ROOT}"
    parts = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "scripts/setup.sh")]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()
    machine.venv.mkdir(exist_ok=True)
    (machine.venv / f".ready-{goal}").write_text(f"{made_for} {digest}  -\n")


def test_root_gets_what_is_missing_and_what_cannot_be_had_is_tried_once(
    machine: Machine, tmp_path: Path
) -> None:
    machine.add_python("3.11.2", recent=True, venv=True)
    machine.add("id", "echo 0")
    machine.add("ip", "exit 0")
    calls = tmp_path / "calls"
    # This Debian has curl, and has never heard of ping.
    machine.add(
        "apt-get",
        f'echo "$DEBIAN_FRONTEND $*" >>{calls}\n'
        f'case "$*" in *update*) ;; *ping*) exit 100 ;;\n'
        f"*curl*) echo exit 0 >{machine.bin}/curl; {shutil.which('chmod')} +x {machine.bin}/curl ;; esac",
    )
    ready(machine, "run")
    done = machine.setup("run")
    assert done.returncode == 0
    assert (machine.bin / "curl").exists()
    assert done.stderr.splitlines()[-1].endswith(
        ": iputils-ping; to install: sudo apt-get install iputils-ping"
    )
    tried = calls.read_text()
    assert all(line.startswith("noninteractive ") for line in tried.splitlines())
    again = machine.setup("run")
    assert (again.returncode, again.stderr) == (0, done.stderr.splitlines()[-1] + "\n")
    assert calls.read_text() == tried


def test_nothing_is_done_twice(machine: Machine) -> None:
    """With the stamp of this very set-up there, neither pip nor venv nor apt-get runs."""
    machine.add_python("3.11.2", recent=True, venv=False)
    machine.add("curl", "exit 0")
    machine.add("ping", "exit 0")
    machine.add("ip", "exit 0")
    ready(machine, "run")
    done = machine.setup("run")
    assert (done.returncode, done.stderr) == (0, "")
    (machine.venv / ".ready-run").write_text(f"/python3 3.11.2 True in {ROOT} {'0' * 64}  -\n")
    assert machine.setup("run").returncode == 1
