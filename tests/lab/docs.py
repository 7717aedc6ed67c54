"""The examples of docs/trace-language.md: each stands behind a comment with its name."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "trace-language.md"


def example(name: str) -> str:
    """The text of the code block called ``name``."""
    found = re.search(
        rf"<!-- {re.escape(name)} -->\n```\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found is not None, f"{PAGE.name} has no example {name}"
    return found[1]
