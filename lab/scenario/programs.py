"""The programs of a scenario: built in, MicroPython scripts, Python functions; checked before the run."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lab.scenario.builtin import BUILTINS
from lab.scenario.errors import Mistake, about, instead
from lab.scenario.model import Program
from lab.scenario.names import Names
from lab.scenario.units import time_of
from usocket.script import run_script

if TYPE_CHECKING:
    from tap.streams import Stream
    from usocket.device import Device

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

# Makes what a program does of the device it is on and a random stream of its own.
Make = Callable[["Device", "Stream"], Callable[[], object]]


@dataclass(frozen=True)
class ProgramPlan:
    """A program that is to run: ``at`` in ns."""

    name: str
    on: str
    text: str
    at: int
    daemon: bool
    make: Make
    is_script: bool = False


def plan_program(program: Program, names: Names, folder: Path) -> ProgramPlan:
    """What a table says. Raises Mistake. ``folder`` is where the scenario is: scripts and modules, too."""
    with about("on"):
        device = names.device(program.on)
    with about("run"):
        short, make, endless = _parse(program, names, folder)
    name = program.name or _free(f"{device}.{short}", names.programs)
    if name in names.programs:
        raise Mistake(f"two programs are called {name}: give each a name of its own", "name")
    names.programs.append(name)
    daemon = endless if program.daemon is None else program.daemon
    is_script = program.run.endswith(".py")
    return ProgramPlan(name, device, program.run, time_of(program.at), daemon, make, is_script)


def _parse(program: Program, names: Names, folder: Path) -> tuple[str, Make, bool]:
    """A short name for it, how it is made, and whether it runs for ever."""
    words = program.run.split()
    if not words:
        raise Mistake("it is empty: write send bytes=64k to=server:5000, client.py or module:function")
    if words[0] in BUILTINS:
        if program.args:
            raise Mistake(f"{words[0]} takes no args: write them as NAME=VALUE behind it")
        builtin = BUILTINS[words[0]]
        values = builtin.parse(words[1:], names)
        return words[0], _builtin(words[0], values), builtin.is_endless(values)
    if program.run.endswith(".py"):
        return Path(program.run).stem, _script(folder / program.run, program.args), False
    if _FUNCTION.fullmatch(program.run):
        return program.run.partition(":")[2], _function(program.run, program.args, folder), False
    mend = instead(words[0], BUILTINS, "write a script as client.py, a function as module:function;")
    raise Mistake(f"there is no program {words[0]!r}: {mend}")


def _free(name: str, taken: list[str]) -> str:
    """The name, or with the next number that makes it one of its own."""
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}{number}"
    return free


def _builtin(name: str, values: dict[str, Any]) -> Make:
    builtin = BUILTINS[name]

    def make(device: Device, stream: Stream) -> Callable[[], object]:
        extra = {"stream": stream} if builtin.needs_stream else {}
        return lambda: builtin.function(**values, **extra)

    return make


def _script(path: Path, args: list[str]) -> Make:
    if not path.is_file():
        raise Mistake(f"there is no script {path}: name a file beside the scenario")
    return lambda device, stream: lambda: run_script(device, path, args)


def _function(text: str, args: list[str], folder: Path) -> Make:
    module, _, name = text.partition(":")
    function = getattr(_module(module, folder), name, None)
    if not callable(function):
        raise Mistake(f"{module} has no function {name}: write one, or name another")
    return lambda device, stream: lambda: function(*args)


def _module(name: str, folder: Path) -> ModuleType:
    """A module beside the scenario, or one that is installed. Raises Mistake."""
    file = folder / f"{name.replace('.', '/')}.py"
    try:
        if not file.is_file():
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except Exception as error:
        raise Mistake(f"{name} cannot be imported ({error}): mend it, or name another module") from None
    return module
