"""docs/usocket.md: every row of its tables names tests, and these exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "usocket.md"
NAME = re.compile(r"`(\w+)::(\w+)(?:::(\w+))?`")


def rows() -> list[tuple[int, str]]:
    """(line number, last cell) of all rows of tables whose last column is for tests."""
    found = []
    named = False
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            named = False
        elif cells[-1] == "tests":
            named = True
        elif named and set(line) - set("|- "):
            found.append((number, cells[-1]))
    return found


@cache
def contents_of(name: str) -> dict[str, list[str]]:
    """What a test file has: functions, and classes with their methods."""
    folder, stem = ("lab", "run") if name == "run" else ("usocket", name)
    tree = ast.parse((ROOT / "tests" / folder / f"test_{stem}.py").read_text(encoding="utf-8"))
    return {
        node.name: [each.name for each in getattr(node, "body", []) if isinstance(each, ast.FunctionDef)]
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def test_every_row_names_a_test() -> None:
    assert len(rows()) > 80
    assert [number for number, cell in rows() if not NAME.search(cell)] == []


def test_the_named_tests_exist() -> None:
    missing = []
    for number, cell in rows():
        for name, outer, inner in NAME.findall(cell):
            found = contents_of(name)
            is_test = outer.lower().startswith("test") and (inner or "test").startswith("test")
            if not is_test or outer not in found or (inner and inner not in found[outer]):
                missing.append(f"line {number}: {name}::{outer}::{inner}")
    assert missing == []


def test_every_module_of_the_package_for_programs_is_in_the_page() -> None:
    from usocket.modules import NATIVE, SHARED

    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in NATIVE if f"`{name}`" not in text and name != "socket"] == []
    assert [name for name in SHARED if name != "__future__" and not re.search(rf"\b{name}\b", text)] == []


def test_every_oddity_is_in_the_page() -> None:
    from usocket.oddities import ODDITIES

    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in ODDITIES if f"\n| `{name}` | " not in text] == []
