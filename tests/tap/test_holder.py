"""The process that holds a network namespace: what it makes, and the reasons it gives when it cannot."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from errno import EPERM
from pathlib import Path

import pytest

from tap.holder import why_not
from tap.netns import Namespace, python_module
from tests.tap.rootless import as_ordinary_user
from tests.tap.test_driver import until

pytestmark = pytest.mark.tap


def test_it_holds_a_namespace_until_the_socket_closes() -> None:
    ours, theirs = socket.socketpair()
    argv, environment = python_module("tap.holder", str(theirs.fileno()), str(os.getpid()))
    with subprocess.Popen(argv, env=environment, pass_fds=[theirs.fileno()]) as process, ours:
        theirs.close()
        assert ours.recv(100) == b"{}"
        assert os.readlink(f"/proc/{process.pid}/ns/net") != os.readlink("/proc/self/ns/net")
        process.send_signal(signal.SIGINT)  # as Ctrl-C does to all processes of a terminal
        ours.close()
        assert process.wait(10) == 0


def test_sigterm_ends_it_in_order() -> None:
    with Namespace.open("new") as namespace:
        child = namespace.popen(["sleep", "100"])
        assert namespace.holder is not None
        os.kill(namespace.holder, signal.SIGTERM)
        assert child.wait(10) == -signal.SIGTERM


ROOTLESS = """
import os, subprocess
from tap.netns import Namespace
with Namespace.open("new") as namespace:
    print(os.getuid(), namespace.run(["id", "-u"], capture_output=True, text=True).stdout.strip())
    namespace.run(["ip", "link", "add", "dummy1", "type", "bridge"], check=True)
    print(namespace.run(["ip", "-br", "link"], capture_output=True, text=True).stdout.count("\\n"))
    with Namespace.open(f"pid:{namespace.holder}") as again:  # as for a rootless container
        print(again.run(["id", "-u"], capture_output=True, text=True).stdout.strip())
    try:
        Namespace.open("pid:1")
    except OSError as error:
        print(error)
"""


def test_an_ordinary_user_is_root_in_a_namespace_of_his_own() -> None:
    printed = as_ordinary_user(ROOTLESS).splitlines()
    uid, *rest = printed
    assert uid.split()[0] != "0"
    assert uid.split()[1] == "0"
    assert rest[:2] == ["2", "0"]
    assert rest[2].startswith("no right to enter the network namespace pid:1: run as root")


NO_MORE = """
from pathlib import Path
from tap.enter import CLONE_NEWUSER, unshare
from tap.netns import Namespace
import os
uid = os.geteuid()
unshare(CLONE_NEWUSER)
Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
Path("/proc/sys/user/LIMIT").write_text("0")
try:
    Namespace.open("new")
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("max_net_namespaces", "there are too many: close some, or have root raise user.max_net_namespaces"),
        ("max_user_namespaces", None),
    ],
)
def test_the_reason_is_given_when_the_kernel_refuses(limit: str, reason: str | None) -> None:
    """In a user namespace of its own, where the kernel's limits are lowered for nobody else."""
    program = NO_MORE.replace("LIMIT", limit)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=python_module("tap.netns")[1],
        capture_output=True,
        text=True,
        check=True,
    )
    if reason is None:  # this one is root there and needs no user namespace
        assert done.stdout == ""
    else:
        problem = "a network namespace cannot be made here (No space left on device)"
        assert done.stdout.startswith(f"{problem}: {reason}")
        assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_without_a_known_reason_the_rights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "free")
    assert why_not(EPERM).startswith("run as root (in a container: with --cap-add SYS_ADMIN")


@pytest.mark.parametrize(
    ("switch", "value", "mend"),
    [
        ("kernel.unprivileged_userns_clone", "0", "1"),
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ("user.max_user_namespaces", "0", "1000"),
    ],
)
def test_a_switch_of_the_kernel_is_named_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, switch: str, value: str, mend: str
) -> None:
    def read_text(path: Path, **_: object) -> str:
        if path == Path("/proc/sys", switch.replace(".", "/")):
            return value + "\n"
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", read_text)
    assert why_not(EPERM) == f"{switch} is {value}: run as root, or have root run `sysctl -w {switch}={mend}`"


def test_the_namespace_is_gone_after_the_holder_was_killed() -> None:
    with Namespace.open("new") as namespace:
        holder = namespace.holder
        assert holder is not None
        os.kill(holder, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{holder}/ns/net").exists(), "the holder still lives")
