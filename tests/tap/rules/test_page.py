"""docs/rules.md is what the tables say, and what it shows is what happens."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from tap.rules.actions import ACTIONS
from tap.rules.conditions import CONDITIONS
from tap.rules.craft import CRAFTS
from tap.rules.errors import RuleError
from tap.rules.grammar import parse
from tap.rules.kinds import GROUPS, KINDS
from tap.rules.page import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "rules.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tap.rules.page docs/rules.md"


def test_everything_is_there() -> None:
    text = page()
    for word in (*KINDS, *GROUPS, *CRAFTS):
        assert f"| `{word}` |" in text
    for condition in CONDITIONS.values():
        assert f"| `{condition.example}` |" in text
    for name, action in ACTIONS.items():
        section = text.split(f"\n### {name}\n")[1].split("\n## ")[0].split("\n### ")[0]
        assert all(f"| `{option}` |" in section for option in action.options)


EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", page(), re.DOTALL)


@pytest.mark.parametrize("example", range(2))
def test_the_examples_print_what_is_shown(example: int) -> None:
    code, shown = EXAMPLES[example]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "docs/rules.md", "exec"), {})  # our own page, generated
    assert printed.getvalue() == shown


def test_the_mistake_is_the_one_that_is_shown() -> None:
    text, message = re.findall(r"^    (drop kidn=data) +->  (.*)$", page(), re.MULTILINE)[0]
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert str(caught.value) == message
