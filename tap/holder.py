"""The process that holds a network namespace of our own: ``python -m tap.holder`` (started by ``tap.netns``).

A namespace lives as long as a process is in it. This one enters a new network namespace (for an ordinary user
inside a new user namespace, which gives the rights for it), says so, and waits until its parent closes the
socket between them or dies, however it dies. Then it ends whatever still runs in the namespace and goes; the
kernel removes the rest.

Sources: network_namespaces(7), user_namespaces(7), pidfd_open(2).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from errno import ENOSPC
from pathlib import Path
from types import FrameType

from tap.enter import CLONE_NEWNET, CLONE_NEWUSER, unshare
from tap.link import TapError
from tap.running import state_file

GRACE = 0.5  # s between SIGTERM and SIGKILL for what still runs in the namespace


def main(control: socket.socket, parent: int) -> None:
    """Make the namespace, answer on ``control`` ({} or an error), hold it until ``parent`` is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    signal.signal(signal.SIGTERM, _leave)
    state = state_file(os.getpid())  # before the user changes
    outside = os.readlink("/proc/self/ns/net")
    try:
        try:
            make_namespaces()
        except TapError as error:
            control.send(json.dumps({"error": str(error), "errno": error.errno}).encode())
            return
        loopback_up()
        control.send(b"{}")
        wait_for_the_end(control, parent)
    finally:
        if os.readlink("/proc/self/ns/net") != outside:
            sweep()
        with contextlib.suppress(OSError):  # it was never announced, or the folder is another user's
            state.unlink()


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit()


def make_namespaces() -> None:
    """Enter a new network namespace, if need be in a new user namespace where this user is root."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        try:
            unshare(CLONE_NEWNET)
        except PermissionError:  # not root: a user namespace has to give the rights
            unshare(CLONE_NEWUSER | CLONE_NEWNET)
            Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    except OSError as error:
        problem = f"a network namespace cannot be made here ({error.strerror})"
        raise TapError(f"{problem}: {why_not(error.errno)}", error.errno) from None


def why_not(number: int | None) -> str:
    """Why this user may not make namespaces, and the mend. ``number`` is the errno of the attempt."""
    for switch, bad, mend in (
        ("kernel/unprivileged_userns_clone", "0", "1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
        ("user/max_user_namespaces", "0", "1000"),
    ):
        with contextlib.suppress(OSError):
            if Path("/proc/sys", switch).read_text(encoding="ascii").strip() == bad:
                name = switch.replace("/", ".")
                return f"{name} is {bad}: run as root, or have root run `sysctl -w {name}={mend}`"
    if number == ENOSPC:
        return "there are too many: close some, or have root raise user.max_net_namespaces with sysctl"
    return "run as root (in a container: with --cap-add SYS_ADMIN --cap-add NET_ADMIN)"


def loopback_up() -> None:
    """Set lo up (netdevice(7)), so that programs in the namespace can talk to themselves."""
    siocsifflags, iff_up = 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sh14x", b"lo", iff_up))


def wait_for_the_end(control: socket.socket, parent: int) -> None:
    """Sleep until ``control`` is closed at the other end or ``parent`` is no more."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    with contextlib.suppress(OSError):  # the parent is gone, or the kernel has no pidfd: the socket tells
        poll.register(os.pidfd_open(parent), select.POLLIN)
    poll.poll()


def sweep() -> None:
    """End every other process in this network namespace."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in neighbours():
            with contextlib.suppress(OSError):
                os.kill(pid, number)
        patience = time.monotonic() + GRACE
        while neighbours() and time.monotonic() < patience:
            time.sleep(0.005)


def neighbours() -> list[int]:
    """The other processes in this network namespace, as far as they can be seen."""
    here = os.readlink("/proc/self/ns/net")
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{name}/ns/net") == here:
                    found.append(int(name))
    return found


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
