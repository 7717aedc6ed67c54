"""The architecture, proved on the syntax trees: who imports whom, how pure the core is, how large things are.

What a change may have to decide is a table at the top: a new module of netstack needs a place in LAYERS, a
new third-party package one in THIRD_PARTY and its reason in docs/dependencies.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Imports go from right to left only: lab -> usocket -> tap -> netstack.
PACKAGES = ("netstack", "tap", "usocket", "lab")

# The pure part of the standard library: no I/O, no clock, no threads, no chance.
PURE_STDLIB = set(
    """
    __future__ abc bisect collections contextlib copy dataclasses difflib enum functools heapq itertools math
    operator re struct types typing
    """.split()
)

# Builtins that reach out of the core, or whose result differs from run to run.
IMPURE_BUILTINS = set("__import__ breakpoint eval exec hash id input open print".split())

# What importing netstack must not even load.
IMPURE_STDLIB = "_socket asyncio logging random select socket ssl threading".split()

# Third-party package -> the only files (or folders, ending in /) of the packages that may import it.
THIRD_PARTY = {
    "click": ("lab/",),
    "distributed": ("lab/campaign/engine.py",),
    "greenlet": ("tap/program.py",),
    "hypothesis": ("lab/testing.py",),
    "msgspec": ("lab/scenario/", "lab/campaign/"),
    "pcpp": ("lab/profile_import_c.py",),
    "py_mini_racer": ("lab/report/svg.py",),
    "pytest": ("lab/pytest_plugin.py",),
    "pytun": ("tap/tun.py",),
    "rich": ("lab/",),
    "scapy": ("lab/",),
    "websockets": ("lab/control/watch.py",),
}

# Never at the top of a module: each is slow to import, or missing on some machines.
LAZY = {"distributed", "greenlet", "hypothesis", "py_mini_racer", "pytun", "scapy", "websockets"}

# The layers of netstack, lowest first: a module imports its own layer and those below it. A name stands for
# the module, for everything in it when it is a folder, and for its parts that have no place of their own: dns
# for dns_ports, too.
LAYERS = (
    # values: numbers, formats, tables; they know nothing
    {"address", "checksum", "dhcp_message", "dns_message", "errors", "ip_header", "options", "pool"}
    | {"rate", "stats", "timers", "trace"},
    {"netif", "pbuf", "quirks", "sanity"},
    {"profile"},
    {"core", "memory"},
    {"ethernet"},
    {"arp", "reassembly"},
    {"acd", "fragment"},
    {"ipv4"},
    {"icmp", "igmp", "raw", "tcp"},
    {"udp"},
    {"autoip", "dhcp", "dns"},
    {"stack"},
    {"api"},
    {"device_profiles", "profiles"},  # devices by name, which nothing in the stack knows
)

MAX_FILE_LINES = 450
MAX_FUNCTION_LINES = 80

# Each module of these has a test file of its own: netstack/tcp/ack.py -> tests/netstack/tcp/test_ack.py.
MIRRORED = ("netstack", "tap", "usocket")

# Folders that no commit holds; virtual environments are known by their pyvenv.cfg.
NOT_OURS = {".git", "__pycache__", "build", "dist"} | {
    f".{tool}" for tool in ("hypothesis", "mypy_cache", "pytest_cache", "ruff_cache")
}

# Put together here so that this file does not contain what it looks for.
MACHINE_PATH = re.compile("/(" + "|".join(("wo" "rk", "ro" "ot", "ho" "me", "fa" "rm")) + ")/")


@dataclass(frozen=True)
class Import:
    """One import, wherever it stands (also inside a function, or for type checkers only)."""

    target: str  # the full name of what is imported
    line: int
    at_top: bool  # executed when the module is imported


@dataclass(frozen=True)
class Module:
    """One Python file of the packages."""

    path: Path

    @cached_property
    def relative(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.relative)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._imports(self.tree, at_top=True))

    def _imports(self, node: ast.AST, at_top: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, at_top)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(f"{self._origin(node)}.{alias.name}", node.lineno, at_top)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for statement in node.body:
                yield from self._imports(statement, at_top=False)
            for statement in node.orelse:
                yield from self._imports(statement, at_top)
        else:
            inside = at_top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            for child in ast.iter_child_nodes(node):
                yield from self._imports(child, inside)

    def _origin(self, node: ast.ImportFrom) -> str:
        """The absolute name behind `from ..x import y`."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        if self.path.name != "__init__.py":
            parts = parts[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, node.module] if node.module else parts)


def modules_of(*packages: str) -> list[Module]:
    return [Module(path) for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


ALL = modules_of(*PACKAGES)
CORE = modules_of("netstack")
BY_NAME = {module.name: module for module in ALL}


def top(target: str) -> str:
    return target.partition(".")[0]


def nearest(target: str) -> str | None:
    """The module of ours that an import reads, `tap.link` for `tap.link.Link`; None for any other."""
    while target and target not in BY_NAME:
        target = target.rpartition(".")[0]
    return target or None


def report(problems: list[str]) -> None:
    """Fail with all problems, one a line."""
    assert not problems, "\n" + "\n".join(problems)


def test_packages_are_there() -> None:
    assert {module.package for module in ALL} == set(PACKAGES)
    report([f"{name}/py.typed is missing" for name in PACKAGES if not (ROOT / name / "py.typed").exists()])


def test_imports_go_one_way() -> None:
    outside = {"tests", "benchmarks", "examples", "scripts"}
    report([
        f"{module.relative}:{found.line}: {module.package} must not import {found.target}"
        for module in ALL
        for found in module.imports
        if top(found.target) in outside
        or (
            top(found.target) in PACKAGES
            and PACKAGES.index(top(found.target)) > PACKAGES.index(module.package)
        )
    ])  # fmt: skip


def test_core_imports_only_the_pure_standard_library() -> None:
    report([
        f"{module.relative}:{found.line}: {found.target} is not in PURE_STDLIB"
        for module in CORE
        for found in module.imports
        if top(found.target) not in PURE_STDLIB | {"netstack"}
    ])


def test_core_calls_no_impure_builtin() -> None:
    report([
        f"{module.relative}:{node.lineno}: {node.func.id}() in the pure core"
        for module in CORE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_BUILTINS
    ])


def test_third_party_packages_stay_in_their_files() -> None:
    known = set(sys.stdlib_module_names) | set(PACKAGES)
    problems = []
    for module in ALL:
        for found in module.imports:
            name = top(found.target)
            if name in known:
                continue
            where = f"{module.relative}:{found.line}"
            if not module.relative.startswith(THIRD_PARTY.get(name, ())):
                problems.append(f"{where}: THIRD_PARTY does not allow {name} here")
            if name in LAZY and found.at_top:
                problems.append(f"{where}: import {name} inside the function that needs it")
    report(problems)


def layer_of(name: str) -> int | None:
    """The number of the layer of a module of netstack; None for any other and for one that LAYERS lacks."""
    package, _, rest = name.partition(".")
    if package != "netstack":
        return None
    piece = rest.partition(".")[0]
    for entry in (piece, piece.partition("_")[0]):
        for number, layer in enumerate(LAYERS):
            if entry in layer:
                return number
    return None


def test_lower_layers_of_the_core_know_no_higher_one() -> None:
    there = {module.name.split(".")[1] for module in CORE if module.name != "netstack"}
    problems = [f"LAYERS: there is no {name}" for name in sorted(set().union(*LAYERS) - there)]
    problems += [f"LAYERS: {name} has two places" for name in there if sum(name in row for row in LAYERS) > 1]
    for module in CORE:
        if module.name == "netstack":
            continue
        mine = layer_of(module.name)
        if mine is None:
            problems.append(f"{module.relative}: give it a place in LAYERS")
            continue
        for found in module.imports:
            target = nearest(found.target)
            theirs = layer_of(target) if target else None
            if theirs is not None and theirs > mine:
                problems.append(f"{module.relative}:{found.line}: knows the higher layer {target}")
    report(problems)


def test_modules_do_not_import_each_other_in_circles() -> None:
    graph = {
        module.name: {
            found
            for imported in module.imports
            if imported.at_top and (found := nearest(imported.target)) and found != module.name
        }
        for module in ALL
    }
    report([" -> ".join(circle) for circle in circles(graph)])


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Each circle that a depth-first walk meets."""
    found: list[list[str]] = []
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> None:
        if name in path:
            found.append([*path[path.index(name) :], name])
        elif name not in done:
            for target in sorted(graph[name]):
                walk(target, [*path, name])
            done.add(name)

    for name in sorted(graph):
        walk(name, [])
    return found


def test_files_and_functions_are_small_enough_to_teach() -> None:
    problems = [
        f"{module.relative}: {len(module.text.splitlines())} lines; does it hold one job?"
        for module in ALL
        if len(module.text.splitlines()) > MAX_FILE_LINES
    ]
    problems += [
        f"{module.relative}:{node.lineno}: {node.name} is {node.end_lineno - node.lineno + 1} lines long"
        for module in ALL
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    report(problems)


def test_every_module_says_what_it_is() -> None:
    report([f"{module.relative}: no docstring" for module in ALL if not ast.get_docstring(module.tree)])


def test_every_module_has_its_own_tests() -> None:
    problems = []
    for module in modules_of(*MIRRORED):
        if module.path.name == "__init__.py":
            continue
        mirror = ROOT / "tests" / Path(module.relative).with_name(f"test_{module.path.name}")
        if not mirror.exists():
            problems.append(f"{module.relative}: {mirror.relative_to(ROOT)} is missing")
        elif "def test_" not in mirror.read_text(encoding="utf-8"):
            problems.append(f"{mirror.relative_to(ROOT)}: tests nothing")
    report(problems)


# Run in a Python of its own, without site-packages (so no scapy, python-pytun, click or rich): imports every
# module of one package, prints what of `watched` that loaded, and whether a descriptor or a thread was left.
IMPORT_ALL = """
import os, sys
def descriptors():
    return sorted(os.listdir("/proc/self/fd"))
root, package, *watched = sys.argv[1:]
sys.path.insert(0, root)
before, loaded = descriptors(), set(sys.modules)
import importlib, pkgutil
top = importlib.import_module(package)
for found in pkgutil.walk_packages(top.__path__, package + "."):
    importlib.import_module(found.name)
problems = [name for name in watched if name in sys.modules and name not in loaded]
problems += ["an open descriptor"] * (descriptors() != before)
if "threading" in sys.modules:
    problems += ["a thread"] * (sys.modules["threading"].active_count() != 1)
print(*problems, sep=", ")
"""


@pytest.mark.parametrize(
    ("package", "watched"),
    [
        ("netstack", IMPURE_STDLIB),
        ("tap", ["asyncio"]),
        ("usocket", ["asyncio"]),
    ],
)
def test_importing_opens_and_starts_nothing(package: str, watched: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(ROOT), package, *watched],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", f"importing {package} loads or leaves: {done.stdout}"


def our_files() -> Iterator[Path]:
    """Every file that a commit may hold."""

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.name in NOT_OURS or path.is_symlink() or (path / "pyvenv.cfg").exists():
                continue
            if path.is_dir():
                yield from walk(path)
            else:
                yield path

    return walk(ROOT)


def test_no_text_names_a_path_of_a_machine() -> None:
    problems = []
    for path in our_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a capture or a picture
        problems += [
            f"{path.relative_to(ROOT)}:{number}: {found.group()}"
            for number, line in enumerate(lines, 1)
            if (found := MACHINE_PATH.search(line))
        ]
    report(problems)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = [re.split(r"[^\w.-]", requirement)[0] for group in groups for requirement in group]
    reasons = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert names
    report([f"{name}: no reason in docs/dependencies.md" for name in names if f"`{name}`" not in reasons])
