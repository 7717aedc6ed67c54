"""``netstack run --cpython``: an unchanged program for CPython on a device (``usocket.patch``).

It runs in this process as ``python SCRIPT``, ``python -c`` or ``python -m`` would run it: with its own
``sys.argv``, ``sys.path`` and ``__main__``, to the end of its threads.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from usocket import Device

FAILED = 1


@dataclass(frozen=True, slots=True)
class CPythonProgram:
    """A file, a module's name or a text (exactly one of them), and the arguments."""

    script: Path | None
    module: str | None
    code: str | None
    args: tuple[str, ...]

    @classmethod
    def of(
        cls, script: str | None, module: str | None, code: str | None, args: tuple[str, ...]
    ) -> CPythonProgram:
        """From what the command line gives, where the first argument is taken for the script. UsageError."""
        if module is not None and code is not None:
            raise click.UsageError("give -c or -m, not both")
        if module is not None or code is not None:
            return cls(None, module, code, args if script is None else (script, *args))
        if script is None:
            raise click.UsageError("give a SCRIPT, -c CODE or -m MODULE")
        path = Path(script)
        if not path.exists():
            raise click.BadParameter(f"there is no file or folder {script}", param_hint="SCRIPT")
        return cls(path, None, None, args)

    def run(self, device: Device) -> int:
        """Run it to its end on an open device: 0, or 1 for an exception, which is shown as Python shows it.

        SystemExit and KeyboardInterrupt pass through.
        """
        before = set(threading.enumerate())
        with device.patched():
            try:
                self._execute()
            except Exception as error:
                _show(error)
                return FAILED
            finally:
                _wait_for_threads(before)
        return 0

    def _execute(self) -> None:
        if self.script is not None:
            sys.argv = [str(self.script), *self.args]
            if self.script.is_file():  # of a folder or an archive run_path itself takes care
                sys.path.insert(0, str(self.script.resolve().parent))
            runpy.run_path(str(self.script), run_name="__main__")
        elif self.module is not None:
            sys.argv = [self.module, *self.args]
            sys.path.insert(0, os.getcwd())
            runpy.run_module(self.module, run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c", *self.args]
            sys.path.insert(0, "")
            main = sys.modules["__main__"] = ModuleType("__main__")
            exec(compile(self.code or "", "<string>", "exec"), vars(main))


def _wait_for_threads(before: set[threading.Thread]) -> None:
    """As Python does at its end: all threads but daemons go on to theirs."""
    for thread in threading.enumerate():
        if thread not in before and not thread.daemon and thread is not threading.current_thread():
            thread.join()


def _show(error: Exception) -> None:
    """The exception and how the program came to it, without our own part of the way."""
    own = (__file__, runpy.run_path.__code__.co_filename)
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in own:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
