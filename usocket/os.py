"""MicroPython's ``os``: files, the board's name, random bytes, and ``dupterm``.

Sources: micropython/micropython:extmod/modos.c, extmod/vfs.c, extmod/os_dupterm.c.
"""

from __future__ import annotations

import stat as modes
from collections import namedtuple
from collections.abc import Iterator
from os import lstat, statvfs_result
from os import rename as _rename
from os import statvfs as _statvfs
from typing import Any

from usocket import console
from usocket.addrinfo import integer
from usocket.current import current_device
from usocket.files import errors
from usocket.random import noise
from usocket.sys import VERSION

__all__ = [
    "chdir",
    "dupterm",
    "getcwd",
    "ilistdir",
    "listdir",
    "mkdir",
    "remove",
    "rename",
    "rmdir",
    "sep",
    "stat",
    "statvfs",
    "sync",
    "uname",
    "unlink",
    "urandom",
]

sep = "/"

FOLDER, FILE = 0x4000, 0x8000  # the second item of what ilistdir gives

Uname = namedtuple("Uname", "sysname nodename release version machine")


def uname() -> Uname:
    """The port and the board; the version is MicroPython's, of which these modules are."""
    port = current_device().port
    version = ".".join(map(str, VERSION))
    return Uname(port.platform, port.platform, version, f"v{version} (netstack)", port.machine)


def urandom(size: int, /) -> bytes:
    """``size`` bytes of the device's own random numbers."""
    return noise(integer(size))


def getcwd() -> str:
    """The current folder."""
    return current_device().files.current


def chdir(path: str, /) -> None:
    """Make a folder the current one. ENOENT."""
    current_device().files.change(path)


def listdir(path: str = "", /) -> list[str]:
    """The names in a folder, in order."""
    return [entry[0] for entry in ilistdir(path)]


def ilistdir(path: str = "", /) -> Iterator[tuple[str, int, int, int]]:
    """(name, 0x4000 for a folder or 0x8000 for a file, 0, size) of all that is in a folder."""
    with errors():
        found = sorted(current_device().files.real(path).iterdir())
        entries = [(each.name, each.is_dir(), lstat(each).st_size) for each in found]
    return iter([(name, FOLDER if is_dir else FILE, 0, size) for name, is_dir, size in entries])


def mkdir(path: str, /) -> None:
    """Make a folder. EEXIST."""
    with errors():
        current_device().files.real(path).mkdir()


def remove(path: str, /) -> None:
    """Remove a file. ENOENT."""
    with errors():
        current_device().files.real(path).unlink()


unlink = remove


def rmdir(path: str, /) -> None:
    """Remove an empty folder."""
    with errors():
        current_device().files.real(path).rmdir()


def rename(old: str, new: str, /) -> None:
    """Give a file another name."""
    files = current_device().files
    with errors():
        _rename(files.real(old), files.real(new))


def stat(path: str, /) -> tuple[int, ...]:
    """(mode, 0, 0, 0, 0, 0, size, atime, mtime, ctime). ENOENT."""
    with errors():
        found = current_device().files.real(path).stat()
    mode = FOLDER if modes.S_ISDIR(found.st_mode) else FILE
    times = (int(found.st_atime), int(found.st_mtime), int(found.st_ctime))
    return (mode, 0, 0, 0, 0, 0, found.st_size, *times)


def statvfs(path: str, /) -> tuple[int, ...]:
    """(block size, fragment size, blocks, free, available, files, free, available, flags, longest name)."""
    with errors():
        found: statvfs_result = _statvfs(current_device().files.real(path))
    return tuple(found)


def sync() -> None:
    """Nothing: files are written when they are closed."""


def dupterm(stream: Any, index: int = 0, /) -> Any:
    """Show all output on ``stream``, too (None: no more); the stream before. What it sends is not read."""
    integer(index)
    duplicates = console.duplicates()
    before = duplicates[0] if duplicates else None
    duplicates[:] = [] if stream is None else [stream]
    return before
