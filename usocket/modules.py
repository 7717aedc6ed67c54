"""The modules that a MicroPython script finds on a device, and its ``import``.

A script's modules are its own: the device's (``socket``, ``select``, ``time`` and so on), files beside it,
and of CPython's the pure ones that MicroPython has, too. They are in no ``sys.modules`` but the script's, so
nothing else in the process ever sees them, and a script never gets a socket of the machine it runs on.
"""

from __future__ import annotations

import builtins
import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import usocket
from usocket import errno, select, thread, time

VERSION = (1, 28, 0)  # the MicroPython whose modules these are
PLATFORM = "rp2"

# CPython's modules that scripts may have: no way out of the device leads through them.
SHARED = frozenset(
    """
    __future__ abc array base64 binascii bisect cmath collections contextlib copy datetime functools gc
    hashlib heapq hmac io itertools json logging math operator os random re string struct textwrap traceback
    types typing uuid zlib
    """.split()
)


def _module(name: str, contents: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(contents)
    return module


def _copy(name: str, original: ModuleType, without: Sequence[str] = ()) -> ModuleType:
    """A module of what ``original`` has for others."""
    contents = {public: getattr(original, public) for public in original.__all__ if public not in without}
    return _module(name, contents)


def device_modules(argv: Sequence[str], path: list[str]) -> dict[str, ModuleType]:
    """The modules that every script has: new ones, by name. ``argv`` and ``path`` go to its ``sys``."""
    not_micropythons = ("Device", "NoDevice", "current_device")
    lwip = _copy("lwip", usocket, not_micropythons)
    modules = {
        "lwip": lwip,
        "socket": lwip,
        "select": _copy("select", select),
        "errno": _copy("errno", errno),
        "time": _copy("time", time),
        "_thread": _copy("_thread", thread),
        "micropython": _module("micropython", {"const": _same, "native": _same, "viper": _same}),
    }
    modules["sys"] = _sys(argv, path, modules)
    modules |= {f"u{name}": modules[name] for name in ("socket", "select", "errno", "time", "sys")}
    return modules


def _same(value: Any) -> Any:
    return value


def _sys(argv: Sequence[str], path: list[str], modules: dict[str, ModuleType]) -> ModuleType:
    return _module(
        "sys",
        {
            "argv": list(argv),
            "path": path,
            "modules": modules,
            "exit": _exit,
            "stdin": sys.stdin,
            "stdout": sys.stdout,
            "stderr": sys.stderr,
            "print_exception": _print_exception,
            "implementation": SimpleNamespace(name="micropython", version=VERSION),
            "version": "3.4.0; MicroPython v" + ".".join(map(str, VERSION)),
            "version_info": (3, 4, 0),
            "platform": PLATFORM,
            "byteorder": "little",
            "maxsize": 0x7FFFFFFF,
        },
    )


def _exit(status: object = 0, /) -> NoReturn:
    raise SystemExit(status)


def _print_exception(error: BaseException, file: Any = None, /) -> None:
    traceback.print_exception(error, file=file or sys.stdout)


class Modules:
    """The modules of one script. ``builtins`` is what its code has to be run with."""

    def __init__(self, argv: Sequence[str], folder: Path) -> None:
        self.path = [str(folder)]
        self.loaded = device_modules(argv, self.path)
        self.builtins: dict[str, Any] = {**vars(builtins), "__import__": self.import_, "print": _print}

    def execute(self, source: bytes, file: str, module: ModuleType) -> None:
        """Run ``source`` as the code of ``module``."""
        vars(module).update(__file__=file, __builtins__=self.builtins)
        exec(compile(source, file, "exec", dont_inherit=True), vars(module))  # the script itself

    def import_(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """The script's ``__import__``."""
        if isinstance(fromlist, list):  # PyImport_Import: C code that the script calls wants one of its own
            return importlib.import_module(name)
        if level:
            package = str((globals or {}).get("__package__") or "")
            if not package:
                raise ImportError("can't perform relative import")
            base = package.rsplit(".", level - 1)[0] if level > 1 else package
            name = f"{base}.{name}" if name else base
        module = self._load(name)
        if not fromlist:
            return module if level else self._load(name.partition(".")[0])
        for wanted in fromlist:
            if wanted != "*" and not hasattr(module, wanted) and hasattr(module, "__path__"):
                self._load(f"{name}.{wanted}")
        return module

    def _load(self, name: str) -> ModuleType:
        found = self.loaded.get(name)
        if found is not None:
            return found
        parent, _, last = name.rpartition(".")
        places = self.path
        if parent:
            places = getattr(self._load(parent), "__path__", [])
        module = self._from_file(name, last, places) or self._shared(name)
        if parent and not hasattr(self.loaded[parent], last):
            setattr(self.loaded[parent], last, module)
        return module

    def _from_file(self, name: str, last: str, places: Sequence[str]) -> ModuleType | None:
        for place in places:
            folder = Path(place, last)
            package = folder / "__init__.py"
            file = package if package.is_file() else folder.with_suffix(".py")
            if file.is_file():
                module = ModuleType(name)
                module.__package__ = name if file is package else name.rpartition(".")[0]
                if file is package:
                    module.__path__ = [str(folder)]
                self.loaded[name] = module
                try:
                    self.execute(file.read_bytes(), str(file), module)
                except BaseException:
                    del self.loaded[name]
                    raise
                return module
        return None

    def _shared(self, name: str) -> ModuleType:
        """One of CPython's modules, by its name or as u-something."""
        top = name.partition(".")[0]
        if top not in SHARED and (name[0] != "u" or name[1:] not in SHARED):
            raise ImportError(f"no module named '{name}' on the device, nor {top}.py beside the script")
        module = self.loaded[name] = importlib.import_module(name if top in SHARED else name[1:])
        return module


def _print(*values: object, sep: str = " ", end: str = "\n", file: Any = None) -> None:
    """``print`` that is seen at once, also in a pipe, as on a board's serial line."""
    out = file or sys.stdout
    out.write(sep.join(map(str, values)) + end)
    out.flush()
