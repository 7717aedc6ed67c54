"""The files of a device: a folder of this machine that is the board's flash, or this machine's own files.

With a root, ``/`` is that folder and nothing outside it can be named. Without one, paths are this machine's,
as in MicroPython's unix port. Each device has a current folder of its own. Errors are MicroPython's OSErrors.

Sources: micropython/micropython:extmod/vfs.c, extmod/vfs_posix.c.
"""

from __future__ import annotations

import io
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from usocket.current import current_device
from usocket.errno import MicroPythonError
from usocket.stream import part_of


class _Bytes:
    """Binary files that take a str, too (it has the buffer protocol), and parts of what they are given."""

    def write(self, data: Any, offset: int = -1, size: int = -1, /) -> int:
        return super().write(part_of(data, offset, size))  # type: ignore[misc, no-any-return]


class _Writer(_Bytes, io.BufferedWriter):
    pass


class _ReaderAndWriter(_Bytes, io.BufferedRandom):
    pass


class FileSystem:
    """What ``open`` and ``os`` see. ``current`` is the current folder, as the program knows it.

    ``mounts`` are other folders of this machine, by the names that they have on a device with a root.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self.mounts: dict[str, Path] = {}
        self.current = "/" if root is not None else os.getcwd()

    def absolute(self, path: str) -> str:
        """The whole path as the program knows it."""
        whole = posixpath.normpath(posixpath.join(self.current, path))
        return "/" + whole.lstrip("/")

    def real(self, path: str) -> Path:
        """Where it is on this machine."""
        whole = self.absolute(path)
        if self._root is None:
            return Path(whole)
        first, _, rest = whole[1:].partition("/")
        return self.mounts["/" + first] / rest if "/" + first in self.mounts else self._root / whole[1:]

    def folder(self, real: Path) -> str:
        """The name under which the program knows a folder of this machine; it is mounted if it has none."""
        if self._root is None:
            return str(real)
        if real.is_relative_to(self._root):
            return "/" + str(real.relative_to(self._root)).removeprefix(".")
        name = f"/{real.name}" if f"/{real.name}" not in self.mounts else f"/{real.name}{len(self.mounts)}"
        self.mounts[name] = real
        return name

    def open(self, path: str, mode: str = "r") -> IO[Any]:
        """A file, as the builtin ``open`` gives it: text is UTF-8, and newlines are not translated."""
        with errors():
            if "b" not in mode:
                return self.real(path).open(mode, encoding="utf-8", newline="\n")
            raw = io.FileIO(self.real(path), mode.replace("b", "").replace("t", ""))
            if "+" in mode:
                return _ReaderAndWriter(raw)
            return io.BufferedReader(raw) if raw.readable() else _Writer(raw)

    def change(self, path: str) -> None:
        """Make a folder the current one."""
        with errors():
            os.listdir(self.real(path))
        self.current = self.absolute(path)


@contextmanager
def errors() -> Iterator[None]:
    """This machine's OSErrors become MicroPython's."""
    try:
        yield
    except OSError as error:
        raise MicroPythonError(error.errno or 0) from None


def open_file(path: str, mode: str = "r", **_: Any) -> IO[Any]:
    """The builtin ``open`` of a program."""
    return current_device().files.open(path, mode)
