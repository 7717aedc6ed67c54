"""Which devices with a namespace of their own are running: one small file each, for ``netstack exec`` and its
like. (The control sockets of ``lab.control`` are in the same folder.)

The file is named after the process that holds the namespace and lies in $XDG_RUNTIME_DIR/netstack, or in
/tmp/netstack-UID. It goes with the namespace (the holder removes it, also after its parent was killed); one
whose holder is gone is ignored and removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from tap.link import TapError


def state_file(holder: int) -> Path:
    """Where the file of the namespace that process ``holder`` holds is, or would be."""
    return _folder() / f"{holder}.json"


def _folder() -> Path:
    uid = os.geteuid()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and _is_private(Path(runtime), uid):
        return Path(runtime, "netstack")
    return Path(f"/tmp/netstack-{uid}")


def _is_private(folder: Path, uid: int) -> bool:
    """Whether it is a folder of user ``uid`` that nobody else can write to."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o022


def private_folder() -> Path:
    """The folder, made if need be. Raises TapError when it cannot be had for this user alone."""
    folder = _folder()
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700)
    if not _is_private(folder, os.geteuid()):
        raise TapError(f"{folder} is not yours alone: remove it, or set XDG_RUNTIME_DIR to a folder that is")
    return folder


def announce(holder: int, facts: dict[str, Any]) -> None:
    """Write the file of a running device. ``facts`` (names, addresses: JSON) is what ``running`` shows of it.

    Raises TapError when the folder cannot be had.
    """
    private_folder()
    path = state_file(holder)
    draft = path.with_suffix(".new")
    try:
        draft.write_text(
            json.dumps({**facts, "holder": holder, "started": started(holder)}), encoding="utf-8"
        )
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)  # still there only when interrupted


def running() -> list[dict[str, Any]]:
    """The facts of all running devices of this user, oldest first, each with its ``holder`` (a pid)."""
    found = []
    for path in private_folder().glob("*.json"):
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            if started(facts["holder"]) == facts["started"]:
                found.append(facts)
                continue
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not written by us, or the holder is gone
        path.unlink(missing_ok=True)
    return sorted(found, key=lambda facts: (facts["started"], facts["holder"]))


def started(pid: int) -> int:
    """When process ``pid`` was started, in clock ticks since boot: with the pid it names one process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[19])  # field 22 of proc(5); the name before it may contain spaces
