"""Moving to other namespaces: the two calls of the C library (Python has them from 3.12 on only), and a
launcher.

Both calls move just the calling thread, and only a process of one thread may change its user namespace. So
commands that are to run in a namespace are started through this file: ``python enter.py STATUS NET USER
COMMAND...`` enters the namespaces behind the descriptors NET and USER (USER may be -1) and becomes COMMAND.
What goes wrong is written to the descriptor STATUS, which is closed when the command has been started. It is
run by its path, without this package: no import of ours.

Source: unshare(2), setns(2), namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


def unshare(flags: int) -> None:
    """Move the calling thread to new namespaces of these kinds; OSError with unshare's errno."""
    _call("unshare", flags)


def setns(fd: int, kind: int) -> None:
    """Move the calling thread to the namespace of this kind behind ``fd``; OSError with setns's errno."""
    _call("setns", fd, kind)


def _call(name: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def enter(net: int, user: int) -> None:
    """Move to the network namespace ``net``; where that needs it through ``user``, its owner (or -1)."""
    try:
        setns(net, CLONE_NEWNET)
    except PermissionError:
        if user < 0:
            raise
        setns(user, CLONE_NEWUSER)
        setns(net, CLONE_NEWNET)


def main(status: int, net: int, user: int, argv: list[str]) -> None:
    """Enter the namespaces and become the command."""
    for fd in (status, net, user):
        if fd >= 0:
            os.set_inheritable(fd, False)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    try:
        enter(net, user)
    except OSError as error:
        problem = f"no right to enter the network namespace ({error.strerror})"
        os.write(status, f"{problem}: run as root (sudo)".encode())
        return
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(status, f"{argv[0]} cannot be run ({error.strerror}): install it, or give its path".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
