"""Runs MicroPython programs on a device.

A program finds the device's modules (``usocket.modules``) and is translated (``usocket.language``); where it
ends, its exit status comes back. Nothing of it stays in the interpreter. A program that resets the device
(``machine.reset``, ``machine.soft_reset``) begins anew. An exception that it does not handle is shown on
standard error as MicroPython shows it.

Sources: micropython/micropython:shared/runtime/pyexec.c, ports/rp2/main.c.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from usocket import console, report
from usocket.device import Device
from usocket.machine import Reset
from usocket.modules import Modules

SOFT_REBOOT = "MPY: soft reboot\n"


class Program:
    """A program between two resets: its modules and the namespace of ``__main__``."""

    def __init__(self, argv: Sequence[str], path: Sequence[str]) -> None:
        self.modules = Modules(argv, path)

    def run(self, source: str | bytes, name: str) -> int | None:
        """Run the text of file ``name`` in ``__main__``: None at its end, its exit status when it leaves.

        That is what it gave to ``sys.exit``, or 1 for an exception. KeyboardInterrupt and Reset pass through.
        """
        try:
            self.modules.execute(source, name, self.modules.main)
        except SystemExit as leaving:
            return status_of(leaving)
        except Exception as error:
            report.print_exception(error, console.stderr, self.modules.builtins)
            return 1
        return None


Course = Callable[[Program], int | None]


def run_script(
    device: Device, path: str | Path, args: Sequence[str] = (), library: Sequence[str | Path] = ()
) -> int:
    """Run the script in file ``path`` with ``sys.argv`` [path, \\*args] on an open device: its exit status.

    0 at its end, what it gave to ``sys.exit``, 1 for an exception. ``library`` are folders with more modules.
    Raises OSError when the file cannot be read; KeyboardInterrupt passes through.
    """
    file = Path(path)
    return run_source(device, file.read_bytes(), str(path), args, file.parent, library)


def run_source(
    device: Device,
    source: str | bytes,
    name: str,
    args: Sequence[str] = (),
    folder: str | Path = "",
    library: Sequence[str | Path] = (),
) -> int:
    """As ``run_script``, for the text of a script; ``folder`` is where its own modules are (``""``: the
    current one).
    """
    own = device.files.folder(Path(folder).resolve()) if folder else ""
    return run_program(device, [name, *args], [own], library, lambda program: program.run(source, name))


def run_board(device: Device, args: Sequence[str] = (), library: Sequence[str | Path] = ()) -> int:
    """What a board does at power-on: run ``boot.py`` and, unless that left, ``main.py`` of its files."""
    return run_program(device, ["", *args], ["", "/lib"], library, boot)


def boot(program: Program) -> int | None:
    """Run ``boot.py`` and ``main.py``, where they are there. Both are parts of one program."""
    for name in ("boot.py", "main.py"):
        file = program.modules.real(name)
        if file.is_file():
            status = program.run(file.read_bytes(), name)
            if status is not None:
                return status
    return None


def run_program(
    device: Device,
    argv: Sequence[str],
    path: Sequence[str],
    library: Sequence[str | Path],
    course: Course,
) -> int:
    """Run a program whose ``course`` says what it does; again after each reset. Its exit status."""
    folders = [*path, *(device.files.folder(Path(folder).resolve()) for folder in library)]
    with device.use():
        while True:
            program = Program(argv, folders)
            try:
                try:
                    return course(program) or 0
                finally:
                    program.modules.close()
            except Reset as reset:
                if reset.hard:
                    device.power_cycle()
                else:
                    device.soft_reset()
                    console.stdout.write(SOFT_REBOOT)


def status_of(leaving: SystemExit) -> int:
    """The exit status that a program asks for; a text is shown, and means 1."""
    code = leaving.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    console.stderr.write(f"{code}\n")
    return 1
