"""docs/device-faults.md is what the catalogue says, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

from tap.devicefault.catalogue import KINDS, check
from tap.devicefault.page import page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "device-faults.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tap.devicefault.page docs/device-faults.md"


def test_every_fault_and_parameter_is_there() -> None:
    text = page()
    for kind in KINDS.values():
        section = text.split(f"\n## {kind.name}\n")[1].split("\n## ")[0]
        assert kind.example in section
        assert "**A program sees:**" in section
        for name in kind.parameters():
            assert f"| `{name}` |" in section
        for place in kind.evidence:
            repository, number = place.split("#")
            assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository)
            assert f"https://github.com/{repository}/issues/{number})" in section


def test_the_examples_run() -> None:
    examples = re.findall(r"(?:^    .*\n|^\n(?=    ))+", page(), re.MULTILINE)
    code = "\n".join(line[4:] for line in examples[0].splitlines())
    exec(compile(code, "docs/device-faults.md", "exec"), {})  # our own page, generated
    found = re.search(r'do = "(.*)"', examples[1])
    assert found is not None
    check(found.group(1))
