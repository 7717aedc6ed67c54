"""Sets of whole numbers as rules write them: ``3``, ``1..3``, ``2..`` (and more), ``..5``, ``1,4,7..9``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tap.rules.errors import RuleError

_PART = re.compile(r"(-?\d{1,12})?(\.\.)?(-?\d{1,12})?")

Numbers = int | str | range | Iterable[int]


class Ranges:
    """Some whole numbers; ``parts`` are (first, last), None for no end."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[tuple[int | None, int | None], ...]) -> None:
        self.parts = parts

    def __contains__(self, number: int) -> bool:
        for first, last in self.parts:
            if (first is None or first <= number) and (last is None or number <= last):
                return True
        return False

    def overlap(self, start: int, length: int) -> bool:
        """Whether one of ``length`` numbers from ``start`` on is in it."""
        end = start + length
        for first, last in self.parts:
            if length and (first is None or first < end) and (last is None or start <= last):
                return True
        return False

    @property
    def single(self) -> bool:
        """Whether it is one number."""
        return len(self.parts) == 1 and self.parts[0][0] == self.parts[0][1] is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __str__(self) -> str:
        return ",".join(_text(first, last) for first, last in self.parts)


def ranges(value: Numbers, least: int | None = 1) -> Ranges:
    """The set that a text, a number, a ``range`` or a collection of numbers means. ``least``: the smallest
    number there is. Raises RuleError.
    """
    parts: tuple[tuple[int | None, int | None], ...]
    if isinstance(value, int) and not isinstance(value, bool):
        parts = ((value, value),)
    elif isinstance(value, str):
        parts = tuple(_part(part) for part in value.split(","))
    elif isinstance(value, range) and value.step == 1 and value:
        parts = ((value.start, value.stop - 1),)
    else:
        numbers = list(value) if isinstance(value, Iterable) else []
        if not numbers or not all(isinstance(number, int) for number in numbers):
            raise RuleError(f"{value!r} is no number: write 3, 1..3, 2.. or 1,4")
        parts = tuple((number, number) for number in numbers)
    for first, last in parts:
        smallest = first if first is not None else last
        if least is not None and smallest is not None and smallest < least:
            raise RuleError(f"{_text(first, last)} has numbers below {least}, the first there is")
        if first is not None and last is not None and first > last:
            raise RuleError(f"{first}..{last} is empty: write {last}..{first}")
    return Ranges(parts)


def _part(text: str) -> tuple[int | None, int | None]:
    found = _PART.fullmatch(text)
    if found is None or not (found[1] or found[3]) or (found[1] and found[3] and not found[2]):
        raise RuleError(f"{text!r} is no number: write 3, 1..3, 2.. or 1,4")
    first = int(found[1]) if found[1] else None
    last = int(found[3]) if found[3] else None
    return (first, last) if found[2] else (first, first)


def _text(first: int | None, last: int | None) -> str:
    if first == last is not None:
        return str(first)
    return f"{'' if first is None else first}..{'' if last is None else last}"
