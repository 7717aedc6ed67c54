"""The modules that a MicroPython program finds on a device, and its ``import``.

A program's modules are its own: files in the folders of its ``sys.path``, the device's (``NATIVE``), and
CPython's pure ones that MicroPython has, too (``SHARED``), as copies. They are in no ``sys.modules`` but the
program's, so nothing else in the process ever sees them, and a program never gets a socket of the machine it
runs on. What it is made of is translated by ``usocket.language``.

As on a board, a file in ``sys.path`` goes before a module of the device (but not those of ``FIRST``), which a
``u`` in front of its name reaches all the same.

A row of ``NATIVE`` names the module of ours that is behind a name. What it offers is its ``__all__``, the
same objects for every program, with ``usocket.current`` telling devices apart; or what its function
``for_script(modules)`` returns, made anew for each program; or, for a package, the modules by full name that
its function ``modules(sys)`` returns.

Source: micropython/micropython:py/builtinimport.c.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from usocket import console, files
from usocket.current import current_device
from usocket.language import BUILTINS, compile_script

NATIVE = {
    name: f"usocket.{name}"
    for name in """
    asyncio binascii collections errno gc hashlib io json machine micropython network os random re select ssl
    struct sys time tls
    """.split()
} | {"_thread": "usocket.thread", "socket": "usocket.module"}

# Never looked for in sys.path first.
FIRST = frozenset("_thread builtins cmath gc lwip math micropython network".split())

# CPython's modules that programs may have: neither the machine nor another program can be reached by them.
SHARED = frozenset(
    """
    __future__ abc array base64 bisect cmath contextlib copy fnmatch functools heapq hmac itertools math
    operator stat string textwrap traceback types typing zlib
    """.split()
)

ALIASES = {"uasyncio": "asyncio"}  # on a board a file that imports the other, whichever that is


OURS = Path(__file__).parent  # programs started beside it mean MicroPython's usocket


def _module(name: str, contents: Mapping[str, Any]) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(contents)
    return module


def _nothing(*args: object, **kwargs: object) -> None:
    """What ``print`` does when the program has ended."""


class Modules:
    """The modules of one program on the current device.

    ``path`` are the folders that ``sys.path`` begins with, as the program knows them (``usocket.files``).
    ``builtins`` is what its code has to be run with, ``loaded`` its ``sys.modules``.
    """

    def __init__(self, argv: Sequence[str], path: Iterable[str]) -> None:
        self.argv = argv
        self.path = list(path)
        self.loaded: dict[str, ModuleType] = {}
        self._owned: dict[str, ModuleType | None] = {}
        self.builtins: dict[str, Any] = {
            **BUILTINS,
            "__import__": self.import_,
            "compile": compile_script,
            "eval": self._eval,
            "exec": self._exec,
            "execfile": self._execfile,
            "input": console.input_,
            "open": files.open_file,
            "print": console.print_,
        }
        self.main = self.loaded["__main__"] = ModuleType("__main__")
        self.loaded["builtins"] = _module("builtins", self.builtins)

    # Running code

    def execute(self, source: str | bytes, file: str, module: ModuleType) -> None:
        """Run ``source`` as the code of ``module``. Raises what it raises, and SyntaxError."""
        vars(module)["__file__"] = file
        self.run(compile_script(source, file), vars(module))

    def run(self, code: CodeType, namespace: dict[str, Any]) -> None:
        """Run translated code."""
        namespace["__builtins__"] = self.builtins
        exec(code, namespace)

    def _exec(self, source: Any, globals: Any = None, locals: Any = None, /) -> None:
        """The builtin ``exec`` of the program."""
        code = source if isinstance(source, CodeType) else compile_script(source, "<string>")
        exec(code, *self._namespaces(globals, locals))

    def _eval(self, source: Any, globals: Any = None, locals: Any = None, /) -> Any:
        """The builtin ``eval`` of the program."""
        if isinstance(source, str | bytes):
            source = compile_script(source.strip(), "<string>", "eval")
        return eval(source, *self._namespaces(globals, locals))

    def _execfile(self, file: str, /) -> None:
        """The builtin ``execfile``: run a file in the caller's namespace."""
        code = compile_script(self.real(file).read_bytes(), file)
        exec(code, *self._namespaces(None, None))

    def _namespaces(self, globals: Any, locals: Any) -> tuple[Any, Any]:
        caller = sys._getframe(2)
        if globals is None:
            globals, locals = caller.f_globals, caller.f_locals if locals is None else locals
        globals.setdefault("__builtins__", self.builtins)
        return globals, globals if locals is None else locals

    def real(self, path: str) -> Path:
        """Where a file of the device is on this machine."""
        return current_device().files.real(path)

    def close(self) -> None:
        """The program has ended. What its tasks do on being ended is not shown: on a board they just stop."""
        asyncio = self._owned.get("asyncio")
        if asyncio is not None:
            self.builtins["print"] = _nothing
            asyncio.get_event_loop().abandon()

    # Importing

    def import_(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """The program's ``__import__``."""
        if isinstance(fromlist, list):  # PyImport_Import: C code that the program calls wants one of its own
            return importlib.import_module(name)
        if level:
            if globals is None:  # there it is the caller's (asyncio relies on that)
                globals = sys._getframe(1).f_globals
            package = str(globals.get("__package__") or "")
            if not package:
                raise ImportError("can't perform relative import")
            base = package.rsplit(".", level - 1)[0] if level > 1 else package
            name = f"{base}.{name}" if name else base
        module = self.load(name)
        if not fromlist:
            return module if level else self.load(name.partition(".")[0])
        for wanted in fromlist if isinstance(fromlist, tuple) else ():  # True will do, there, too
            if wanted != "*" and not hasattr(module, wanted) and hasattr(module, "__path__"):
                setattr(module, wanted, self.load(f"{name}.{wanted}"))  # it may be half loaded: a circle
        return module

    def load(self, name: str) -> ModuleType:
        """The module of that name, imported when it is not there yet. Raises ImportError."""
        found = self.loaded.get(name)
        if found is not None:
            return found
        top, dot, rest = name.partition(".")
        if top in ALIASES:
            self.loaded[name] = self.load(ALIASES[top] + dot + rest)
            return self.loaded[name]
        parent, _, last = name.rpartition(".")
        if not parent:
            return self._load_top(name)
        places = getattr(self.load(parent), "__path__", [])
        module: ModuleType | None = self.loaded.get(name) or self._from_file(name, last, places)
        if module is None:
            raise ImportError(f"no module named '{name}'")
        if not hasattr(self.loaded[parent], last):
            setattr(self.loaded[parent], last, module)
        return module

    def _load_top(self, name: str) -> ModuleType:
        module: ModuleType | None = self._own(name) if name in FIRST else None
        module = module or self._from_file(name, name, self.path) or self._own(name)
        if module is None and name[0] == "u":
            module = self._own(name[1:])
        if module is None:
            raise ImportError(f"no module named '{name}' on the device, nor {name}.py in sys.path")
        self.loaded[name] = module
        return module

    def _from_file(self, name: str, last: str, places: Sequence[str]) -> ModuleType | None:
        """A folder (whose ``__init__.py`` is run if there is one) or a file in one of the ``places``."""
        for place in places:
            known = f"{place}/{last}" if place else last
            folder = self.real(known)
            if folder == OURS:
                continue
            is_package = folder.is_dir()
            file = folder / "__init__.py" if is_package else folder.with_name(f"{last}.py")
            if is_package or file.is_file():
                module = ModuleType(name)
                module.__package__ = name if is_package else name.rpartition(".")[0]
                if is_package:
                    module.__path__ = [known]
                self.loaded[name] = module
                if file.is_file():
                    self._run_file(file, f"{known}/__init__.py" if is_package else f"{known}.py", name)
                return self.loaded[name]
            if folder.with_name(f"{last}.mpy").is_file():
                raise ImportError(f"{known}.mpy is machine code for a board: put {last}.py there")
        return None

    def _run_file(self, file: Path, shown: str, name: str) -> None:
        try:
            self.execute(file.read_bytes(), shown, self.loaded[name])
        except BaseException:
            del self.loaded[name]
            raise

    def _own(self, name: str) -> ModuleType | None:
        """One of the device's own modules, or a copy of one of CPython's; always the same."""
        if name == "lwip":
            return self._own("socket") if current_device().port.api == "modlwip" else None
        if name not in self._owned:
            self._owned[name] = self._make(name)
        return self._owned[name]

    def _make(self, name: str) -> ModuleType | None:
        if name in SHARED:
            return _module(name, vars(importlib.import_module(name)))
        if name not in NATIVE or (name == "_thread" and not current_device().port.threads):
            return None
        original = importlib.import_module(NATIVE[name])
        if hasattr(original, "modules"):
            package: dict[str, ModuleType] = original.modules(self.load("sys"))
            self.loaded.update(package)
            return package[name]
        if hasattr(original, "for_script"):
            return _module(name, original.for_script(self))
        return _module(name, {public: getattr(original, public) for public in original.__all__})
