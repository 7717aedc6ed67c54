"""docs/scenarios.md: its tables are fresh, its examples run, its messages are what one sees."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path

import pytest

from lab.scenario import ScenarioError, load, page, run
from tests.lab.scenario.texts import BASE, ROOT, TRANSFER, expecting

PAGE = ROOT / "docs" / "scenarios.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)( mistakes)?\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
TOML = [text for kind, mistakes, text in BLOCKS if kind == "toml" and not mistakes]


def test_tables_are_fresh() -> None:
    assert page.filled(TEXT) == TEXT, "python -m lab.scenario.page docs/scenarios.md"


def test_examples_run() -> None:
    assert len(TOML) == 3
    result = run(load(TOML[0]))
    assert result.failed == []
    load(TRANSFER + TOML[1])
    result = run(load(TRANSFER + TOML[2]))
    assert result.failed == []


def test_what_failing_expectations_say() -> None:
    shown = next(text for kind, _, text in BLOCKS if kind == "text" and text.startswith("FAIL"))
    statements = [line[5:].partition(": ")[0] for line in shown.splitlines()]
    result = run(load(TOML[0] + expecting(*statements)))
    failed = {one: detail for one, holds, detail in result.expectations if not holds}
    assert "".join(f"FAIL {one}: {failed[one]}\n" for one in statements) == shown


def test_mistakes_are_shown_as_they_are() -> None:
    text = next(text for kind, mistakes, text in BLOCKS if mistakes)
    shown = next(text for kind, _, text in BLOCKS if kind == "text" and text.startswith("mistakes.toml"))
    with pytest.raises(ScenarioError) as caught:
        load(text, "mistakes.toml")
    assert "".join(f"{problem}\n" for problem in caught.value.problems) == shown


def test_the_python_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    at = next(index for index, block in enumerate(BLOCKS) if block[0] == "python")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(BLOCKS[at][2], {})
    assert out.getvalue() == BLOCKS[at + 1][2]


def test_every_option_of_the_command_is_there() -> None:
    for option in ("--check", "--seed", "--repeat", "--pcap", "--journal", "--trace", "--set", "--seeds"):
        assert f"`netstack scenario FILE {option}" in TEXT


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target
    assert Path(BASE)
    assert os.sep
