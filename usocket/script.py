"""Runs a MicroPython script on a device.

The script finds the device's modules (``usocket.modules``); where it ends, its exit status comes back.
Nothing of it stays in the interpreter.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from usocket.device import Device
from usocket.modules import Modules


def run_script(device: Device, path: str | Path, args: Sequence[str] = ()) -> int:
    """Run the script in file ``path`` with ``sys.argv`` [path, \\*args] on an open device: its exit status.

    0 at its end, what it gave to ``sys.exit``, 1 with its traceback on standard error for an exception.
    Raises OSError when the file cannot be read; KeyboardInterrupt passes through.
    """
    file = Path(path)
    return run_source(device, file.read_bytes(), str(path), args, file.parent)


def run_source(
    device: Device, source: bytes, name: str, args: Sequence[str] = (), folder: str | Path = "."
) -> int:
    """As ``run_script``, for the text of a script; ``folder`` is where its own modules are."""
    modules = Modules([name, *args], Path(folder))
    main = ModuleType("__main__")
    modules.loaded["__main__"] = main
    with device.use():
        try:
            modules.execute(source, name, main)
        except SystemExit as leaving:
            return _status(leaving.code)
        except Exception as error:
            _report(error, modules.builtins)
            return 1
    return 0


def _status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _report(error: BaseException, builtins: dict[str, Any]) -> None:
    """Print the traceback with the script's own lines only, as a board, whose modules are machine code,
    would.
    """
    error.__traceback__ = _of_script(error.__traceback__, builtins)
    traceback.print_exception(error)


def _of_script(trace: TracebackType | None, builtins: dict[str, Any]) -> TracebackType | None:
    """The entries of ``trace`` that are the script's."""
    entries = []
    while trace is not None:
        if trace.tb_frame.f_globals.get("__builtins__") is builtins:
            entries.append(trace)
        trace = trace.tb_next
    rest = None
    for entry in reversed(entries):
        rest = TracebackType(rest, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return rest
