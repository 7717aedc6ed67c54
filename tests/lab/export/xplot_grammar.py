"""A strict parser of xplot's language, as its README and demo.0 describe it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

TYPES = set("double signed unsigned timeval dtime".split())
COLOURS = set("white green red blue yellow purple orange magenta pink".split())
HEADINGS = set("title xlabel ylabel".split())
TEXTS = set("atext btext ltext rtext ctext".split())
POINTS = set("x . dot plus + box diamond utick dtick ltick rtick htick vtick".split())
POINTS |= set("uarrow darrow larrow rarrow invisible".split())
LINES = {"line", "dline"}


class Mark(NamedTuple):
    colour: str
    command: str
    numbers: tuple[Decimal, ...]
    text: str = ""


def parse(text: str) -> list[Mark]:
    """The marks of a file; asserts that every line of it is in the language."""
    assert text.endswith("\n")
    lines = iter(text.splitlines())
    x_type, y_type = next(lines).split(" ")
    assert {x_type, y_type} <= TYPES
    marks, colour = [], ""
    for line in lines:
        command, *words = line.split(" ")
        if command == "go":
            assert not words
            assert next(lines, None) is None, "something behind go"
            return marks
        if command in COLOURS:
            assert not words
            colour = command
        elif command in HEADINGS:
            assert not words
            marks.append(Mark("", command, (), next(lines)))
        else:
            assert command in POINTS | LINES | TEXTS, line
            count = 4 if command in LINES else 2
            own = words[count:]
            assert len(words) >= count, line
            assert not own or (len(own) == 1 and own[0] in COLOURS), line
            numbers = tuple(map(Decimal, words[:count]))
            label = next(lines) if command in TEXTS else ""
            assert command not in TEXTS or label
            marks.append(Mark(own[0] if own else colour, command, numbers, label))
    raise AssertionError("no go at the end")
