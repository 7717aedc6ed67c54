"""The system calls that change namespaces, and the launcher that enters one and becomes a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from errno import EBADF, EINVAL
from pathlib import Path

import pytest

import tap.enter
from tap.enter import CLONE_NEWNET, setns, unshare
from tap.netns import Namespace


def launch(net: int, user: int, *command: str) -> tuple[str, str]:
    """Run the launcher: what it wrote to its status descriptor, and what the command printed."""
    reading, status = os.pipe()
    fds = [status, net, user]
    done = subprocess.run(
        [sys.executable, "-I", "-S", tap.enter.__file__, *map(str, fds), *command],
        pass_fds=[fd for fd in fds if fd >= 0],
        capture_output=True,
        text=True,
        check=True,
    )
    os.close(status)
    with open(reading, encoding="utf-8") as answers:
        return answers.read(), done.stdout + done.stderr


def test_a_failed_call_is_an_oserror_with_its_errno() -> None:
    with pytest.raises(OSError) as caught:
        setns(-1, CLONE_NEWNET)
    assert caught.value.errno == EBADF
    with pytest.raises(OSError) as caught:
        unshare(-1)
    assert caught.value.errno == EINVAL


@pytest.mark.tap
def test_the_launcher_becomes_the_command_in_the_namespace(namespace: Namespace) -> None:
    path = f"/proc/{namespace.holder}/ns/net"
    net = os.open(path, os.O_RDONLY)
    user = os.open(f"/proc/{namespace.holder}/ns/user", os.O_RDONLY)
    status, printed = launch(net, user, "readlink", "/proc/self/ns/net")
    assert (status, printed) == ("", os.readlink(path) + "\n")
    os.close(net)
    os.close(user)


@pytest.mark.tap
def test_the_command_inherits_no_descriptor_and_default_signals(namespace: Namespace) -> None:
    program = "ls /proc/self/fd; grep SigIgn /proc/self/status"  # 3 is the folder that ls reads
    done = namespace.run(["sh", "-c", program], capture_output=True, text=True)
    *fds, _, ignored = done.stdout.split()
    assert fds == ["0", "1", "2", "3"]
    # What Python ignores is not; what whoever started us ignores (nohup, a shell's background job) still is.
    status = Path("/proc/self/status").read_text()
    ours = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn")), 16)
    python_ignores = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1
    assert ours & python_ignores
    assert int(ignored, 16) == ours & ~python_ignores


@pytest.mark.tap
def test_a_command_that_is_not_there_is_one_line(namespace: Namespace) -> None:
    net = os.open(f"/proc/{namespace.holder}/ns/net", os.O_RDONLY)
    user = os.open(f"/proc/{namespace.holder}/ns/user", os.O_RDONLY)
    status, printed = launch(net, user, "no-such-command", "-x")
    assert status.startswith("no-such-command cannot be run (No such file or directory): install it")
    assert printed == ""
    os.close(net)
    os.close(user)


def test_a_namespace_that_may_not_be_entered_is_one_line() -> None:
    """There is no right to it and no user namespace to get one from; here it is not even a namespace."""
    net = os.open("/proc/self/status", os.O_RDONLY)
    status, printed = launch(net, -1, "true")
    assert status.startswith("no right to enter the network namespace (")
    assert status.endswith(": run as root (sudo)")
    assert printed == ""
    os.close(net)
