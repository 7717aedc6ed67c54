"""The words of a rule's text: separated by spaces, ``key=value`` or bare, quotes where a value has spaces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tap.rules.errors import RuleError

MAX_TEXT = 200_000  # characters; a frame in hex may be in it
MAX_WORD = 200  # of any other word

_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")


@dataclass(frozen=True, slots=True)
class Word:
    """A word at ``column`` (from 1): ``key`` "" when it is bare."""

    key: str
    value: str
    column: int


def words(text: str) -> list[Word]:
    """The words of ``text``. Raises RuleError."""
    if len(text) > MAX_TEXT:
        raise RuleError(f"{len(text)} characters are no rule: give {MAX_TEXT} at most")
    found: list[Word] = []
    at = 0
    for match in _WORD.finditer(text):
        _check_between(text, at, match.start())
        at = match.end()
        key, equals, value = match.group().partition("=")
        if len(match.group()) > MAX_WORD and key != "hex":
            raise RuleError(f"a word of {len(match.group())} characters: give {MAX_WORD} at most",
                            match.start() + 1)  # fmt: skip
        if not equals or '"' in key or "'" in key:
            key, value = "", match.group()
        found.append(Word(key, _QUOTED.sub(lambda quoted: quoted[1] or quoted[2] or "", value),
                          match.start() + 1))  # fmt: skip
    _check_between(text, at, len(text))
    return found


def _check_between(text: str, start: int, end: int) -> None:
    """What is not in a word is space, or a quote that does not end."""
    rest = text[start:end].lstrip()
    if rest:
        column = end - len(rest) + 1
        raise RuleError(f"the quote {rest[0]} does not end: add another {rest[0]}", column)


def quoted(value: str) -> str:
    """``value`` as a word's value."""
    if re.fullmatch(r"""[^\s"']+""", value):
        return value
    quote = "'" if '"' in value else '"'
    return f"{quote}{value}{quote}"
