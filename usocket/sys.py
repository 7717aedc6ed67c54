"""MicroPython's ``sys``, of one program.

Source: micropython/micropython:py/modsys.c.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from usocket import console, report
from usocket.current import current_device

if TYPE_CHECKING:
    from usocket.modules import Modules

VERSION = (1, 28, 0)  # the MicroPython whose modules these are
PYTHON = "3.4.0"


def for_script(modules: Modules) -> dict[str, Any]:
    """The contents of the module."""
    port = current_device().port
    version = ".".join(map(str, VERSION))

    def print_exception(error: BaseException, file: Any = console.stdout, /) -> None:
        """Write an exception as it would be shown were it not caught."""
        report.print_exception(error, file, modules.builtins)

    return {
        "argv": list(modules.argv),
        "byteorder": "little",
        "exit": exit_,
        "implementation": SimpleNamespace(
            name="micropython", version=(*VERSION, ""), _machine=port.machine, _build="netstack"
        ),
        "maxsize": 0x7FFFFFFF,
        "modules": modules.loaded,
        "path": modules.path,
        "platform": port.platform,
        "print_exception": print_exception,
        "ps1": ">>> ",
        "ps2": "... ",
        "stderr": console.stderr,
        "stdin": console.stdin,
        "stdout": console.stdout,
        "version": f"{PYTHON}; MicroPython v{version}",
        "version_info": (3, 4, 0),
    }


def exit_(*status: object) -> NoReturn:
    """End the program; ``status`` is what the command passes on."""
    raise SystemExit(*status)
