"""docs/impairments.md is what the catalogue says, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

from tap.impair.catalogue import KINDS
from tap.impair.page import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "impairments.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tap.impair.page docs/impairments.md"


def test_every_stage_and_parameter_is_there() -> None:
    text = page()
    for kind in KINDS.values():
        section = text.split(f"\n## {kind.name}\n")[1].split("\n## ")[0]
        for name in kind.parameters():
            assert f"| `{name}` |" in section


def test_the_examples_run() -> None:
    examples = re.findall(r"(?:^    .*\n|^\n(?=    ))+", page(), re.MULTILINE)
    code = "\n".join(line[4:] for example in examples for line in example.splitlines())
    names: dict[str, object] = {}
    exec(compile(code, "docs/impairments.md", "exec"), names)  # our own page, generated
    assert len(names["stages"]) == 1  # type: ignore[arg-type]
    assert "jitter reorders" in " ".join(names["settings"].warnings)  # type: ignore[attr-defined]
