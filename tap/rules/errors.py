"""The error of rules: one line that says where, what and the mend."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class RuleError(ValueError):
    """A rule that cannot be meant so. ``column`` (from 1) is the place in its text, 0 when it has none."""

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(f"rule, column {column}: {message}" if column else f"rule: {message}")
        self.column = column
        self.bare = message  # without the place


def instead(word: str, known: Iterable[str]) -> str:
    """``did you mean ...?``, or all there are."""
    names = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), names, 1)
    return f"did you mean {names[near[0]]}?" if near else f"there are {', '.join(names.values())}"
