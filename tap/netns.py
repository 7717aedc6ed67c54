"""Network namespaces: one of our own, or that of another process, and Linux commands that run in it.

The caller never moves. Whatever has to happen in a namespace is done by a child process that enters it first
(``tap.enter``); a namespace of our own is held by a process (``tap.holder``) that ends with its parent,
however that ends. Without root's rights both need the namespace's user namespace to be ours, which it is for
a new one and for rootless containers.

Sources: setns(2), ioctl_ns(2).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tap.enter import CLONE_NEWNET
from tap.link import TapError
from tap.running import announce

NS_GET_USERNS = 0xB701  # ioctl_ns(2): a descriptor of the user namespace that owns a namespace
NS_GET_NSTYPE = 0xB703  # the CLONE_NEW... value of a namespace

SPELLINGS = "give new, pid:NUMBER, name:NAME or path:FILE"


class Namespace:
    """A network namespace. ``open`` gives one; close it, or use it with ``with``.

    ``holder`` is the pid of the process that holds a namespace of our own, otherwise None.
    """

    def __init__(
        self,
        spec: str,
        path: str,
        process: subprocess.Popen[bytes] | None = None,
        control: socket.socket | None = None,
    ) -> None:
        self.spec = spec
        self.holder = None if process is None else process.pid
        self._process = process
        self._control = control
        self._net = _open_namespace(spec, path)
        self._user = -1
        with contextlib.suppress(OSError):  # an owner we may not see: root enters without it
            self._user = fcntl.ioctl(self._net, NS_GET_USERNS)

    @classmethod
    def open(cls, spec: str) -> Namespace:
        """The namespace that ``spec`` names.

        ``new``: one of our own that goes when it is closed or this process ends; ``pid:N``: that of process N
        (a container, say); ``name:X``: one made with ``ip netns add X``; ``path:F``: the one mounted at F.
        Raises TapError.
        """
        kind, _, rest = spec.partition(":")
        if spec == "new":
            return cls._new()
        if kind == "pid" and rest.isdecimal():
            return cls(spec, f"/proc/{rest}/ns/net")
        if kind == "name" and rest and "/" not in rest:
            return cls(spec, f"/run/netns/{rest}")
        if kind == "path" and rest:
            return cls(spec, rest)
        raise TapError(f"unknown network namespace {spec!r}: {SPELLINGS}")

    @classmethod
    def _new(cls) -> Namespace:
        ours, theirs = socket.socketpair()
        with theirs:
            argv, environment = python_module("tap.holder", str(theirs.fileno()), str(os.getpid()))
            process = subprocess.Popen(
                argv,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            answer_or_raise(ours.recv(4096), "the process that holds the namespace")
            return cls("new", f"/proc/{process.pid}/ns/net", process, ours)
        except BaseException:
            ours.close()
            process.wait()
            raise

    def popen(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a command in the namespace; ``options`` are subprocess.Popen's.

        Raises TapError when the namespace cannot be entered or the command cannot be run.
        """
        reading, status = os.pipe()
        fds = [status, self._net, self._user]
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("enter.py")), *map(str, fds)]
        passed = [*options.pop("pass_fds", ()), *(fd for fd in fds if fd >= 0)]
        with open(reading, encoding="utf-8") as answers:
            try:
                process = subprocess.Popen([*launcher, *argv], pass_fds=passed, **options)
            finally:
                os.close(status)
            problem = answers.read()
        if problem:
            process.communicate()
            raise TapError(problem)
        return process

    def run(self, argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command in the namespace to its end.

        ``options`` are subprocess.run's capture_output, timeout, check and input, and subprocess.Popen's.
        Raises what subprocess.run and ``popen`` raise.
        """
        check, timeout = options.pop("check", False), options.pop("timeout", None)
        data = options.pop("input", None)
        if options.pop("capture_output", False):
            options["stdout"] = options["stderr"] = subprocess.PIPE
        if data is not None:
            options["stdin"] = subprocess.PIPE
        with self.popen(argv, **options) as process:
            try:
                out, err = process.communicate(data, timeout)
            except BaseException:
                process.kill()
                raise
        done = subprocess.CompletedProcess(list(argv), process.returncode, out, err)
        if check:
            done.check_returncode()
        return done

    def announce(self, **facts: Any) -> None:
        """Let other processes of this user find the namespace (``tap.running``); for one of our own only."""
        if self.holder is None:
            raise ValueError("only a namespace of our own is announced")
        announce(self.holder, facts)

    def close(self) -> None:
        """Let go of the namespace. One of our own is gone, with all that still ran in it, on return."""
        if self._control is not None and self._process is not None:
            self._control.close()
            self._process.wait()
            self._control = None
        for fd in (self._net, self._user):
            if fd >= 0:
                os.close(fd)
        self._net = self._user = -1

    def __enter__(self) -> Namespace:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open_namespace(spec: str, path: str) -> int:
    """A descriptor of the network namespace at ``path``; TapError names ``spec``."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError as error:
        problem = f"no right to enter the network namespace {spec}"
        raise TapError(f"{problem}: run as root (sudo)", error.errno) from None
    except OSError as error:
        raise TapError(f"there is no network namespace {spec}: {_whereabouts(spec)}", error.errno) from None
    try:
        right = fcntl.ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET
    except OSError:
        right = False
    if not right:
        os.close(fd)
        raise TapError(f"{path} is not a network namespace: {SPELLINGS}")
    return fd


def _whereabouts(spec: str) -> str:
    if spec.startswith("pid:"):
        return "no such process is running; for a container ask `docker inspect -f '{{.State.Pid}}' NAME`"
    return "`ip netns list` shows those with a name"


def python_module(module: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command, and its environment, that runs a module of this package in a Python of its own."""
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return [sys.executable, "-P", "-m", module, *arguments], {**os.environ, "PYTHONPATH": path}


def answer_or_raise(answer: bytes, who: str) -> Any:
    """The JSON that a child process answered; TapError when it is an error, or when there is none."""
    if not answer:
        raise TapError(f"{who} died without a word: its own message is above")
    decoded = json.loads(answer)
    if "error" in decoded:
        raise TapError(decoded["error"], decoded["errno"])
    return decoded
