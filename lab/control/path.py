"""Where control sockets are: ``PID.sock`` in the private folder of ``tap.running``.

The address of a Unix socket has room for 107 bytes, which a folder's name may exceed, so it is reached
through a descriptor of the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tap.running import private_folder

SUFFIX = ".sock"


def socket_file(pid: int) -> Path:
    """The socket of the device that process ``pid`` runs. Raises TapError."""
    return private_folder() / f"{pid}{SUFFIX}"


def socket_files() -> list[Path]:
    """All that there are, also those of processes that were killed; lowest pid first. Raises TapError."""
    found = [path for path in private_folder().glob(f"*{SUFFIX}") if path.stem.isdecimal()]
    return sorted(found, key=lambda path: int(path.stem))


@contextmanager
def address(path: Path) -> Iterator[str]:
    """The address of the socket ``path``, short whatever its folder is called. Raises OSError."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
