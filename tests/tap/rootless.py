"""Running a program as an ordinary user, for the tests of rootless use; root becomes nobody for it."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import tap.link
from tap.netns import python_module

# In namespaces of its own root prepares, makes a /dev/net/tun with mode $2, and becomes nobody.
SHELL = """
set -e
eval "${5-}"
mount -t tmpfs none "$1/dev"
mknod "$1/dev/tun" c 10 200
chmod "$2" "$1/dev/tun"
mount --bind "$1/dev/tun" /dev/net/tun
exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$3" -c "$4"
"""


def as_ordinary_user(program: str, device_mode: str = "0666", prepare: str = "") -> str:
    """Run a Python program that imports ``tap`` as an ordinary user; returns what it printed.

    Root becomes nobody, who finds /dev/net/tun with ``device_mode`` after root has run the shell commands
    ``prepare`` in the network namespace. An ordinary user runs the program where he is, or skips the test
    when it needs root.
    """
    if os.geteuid() != 0:
        if device_mode != "0666" or prepare:
            pytest.skip("only root can prepare what this test looks at")
        _, environment = python_module("tap.netns")
        return finished([sys.executable, "-c", program], environment)
    with tempfile.TemporaryDirectory(prefix="netstack-test-") as folder:
        copy_packages(Path(folder))
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        arguments = ["sh", folder, device_mode, python_for_all()]
        shell = ["unshare", "--mount", "--net", "sh", "-c", SHELL, *arguments]
        probe = subprocess.run([*shell, ""], env=environment, capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            pytest.skip(f"this machine cannot give a test an ordinary user: {probe.stderr.strip()}")
        return finished([*shell, program, prepare], environment)


def copy_packages(place: Path) -> None:
    """Copy what nobody needs to where nobody may read it: the repository and site-packages may be private."""
    place.chmod(0o755)
    (place / "dev").mkdir()
    for package in ("tap", "netstack"):
        source = Path(tap.link.__file__).parent.parent / package
        shutil.copytree(source, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    pytun = importlib.util.find_spec("pytun")
    assert pytun is not None, "python-pytun is missing: run the tests with make test"
    assert pytun.origin is not None
    shutil.copy(pytun.origin, place)


@functools.cache
def python_for_all() -> str:
    """An interpreter of this version that others may run; that of a virtual environment may be private."""
    for path in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        if all(folder.stat().st_mode & 0o001 for folder in Path(path).resolve().parents):
            version = subprocess.run([path, "-V"], capture_output=True, text=True, check=False).stdout
            if version.startswith("Python {}.{}.".format(*sys.version_info)):
                return path
    pytest.skip(f"an ordinary user may run neither {sys.executable} nor a /usr/bin/python3 like it")


def finished(argv: list[str], environment: dict[str, str]) -> str:
    """What a program printed; it has to end well."""
    done = subprocess.run(argv, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
