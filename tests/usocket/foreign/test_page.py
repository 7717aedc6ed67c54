"""docs/foreign.md says what the tables say, and the tables name all tests."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.usocket.foreign.page import page
from tests.usocket.foreign.programs import PROGRAMS

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "foreign.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "docs/foreign.md is behind the tests: python -m tests.usocket.foreign.page docs/foreign.md"
    )


def test_every_test_is_in_the_table() -> None:
    files = set(HERE.glob("test_*.py")) - {HERE / "test_page.py"} - set(HERE.glob("test_micropython_*.py"))
    there = {
        f"{file.stem}::{node.name}"
        for file in files
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert {name for program in PROGRAMS for name in program.tests} == there
