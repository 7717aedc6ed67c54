"""Delta debugging: a list of causes made as short as it gets while it still causes the failure.

The result is 1-minimal: without any single one of its elements the failure is gone. Source: A. Zeller, R.
Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")


class OutOfTries(Exception):
    """The limit of tests was reached."""


def ddmin(
    items: Sequence[T], fails: Callable[[list[T]], bool], limit: int | None = None
) -> tuple[list[T], bool]:
    """A part of ``items`` (in their order) for which ``fails`` is true, and whether it is 1-minimal (False:
    ``limit`` tests were not enough). ``fails(list(items))`` is taken for granted; none is asked twice.
    """
    known: dict[tuple[int, ...], bool] = {}
    best = list(range(len(items)))

    def test(part: list[int]) -> bool:
        nonlocal best
        key = tuple(part)
        if key not in known:
            if limit is not None and len(known) >= limit:
                raise OutOfTries
            known[key] = fails([items[index] for index in part])
        if known[key]:
            best = part
        return known[key]

    try:
        _reduce(best, test)
    except OutOfTries:
        return [items[index] for index in best], False
    return [items[index] for index in best], True


def _reduce(whole: list[int], test: Callable[[list[int]], bool]) -> None:
    """The algorithm: subsets, then their complements, then finer ones."""
    if not whole or test([]):
        return
    current, n = whole, min(2, len(whole))
    while len(current) >= 2:
        parts = split(current, n)
        part = next((part for part in parts if test(part)), None)
        if part is not None:
            current, n = part, 2
            continue
        rests = ([index for index in current if index not in set(part)] for part in parts) if n > 2 else ()
        rest = next((rest for rest in rests if test(rest)), None)
        if rest is not None:
            current, n = rest, max(n - 1, 2)
        elif n >= len(current):
            return
        else:
            n = min(2 * n, len(current))


def split(items: Sequence[T], n: int) -> list[list[T]]:
    """``n`` parts in order, as even as can be."""
    ends = [len(items) * part // n for part in range(n + 1)]
    return [list(items[start:end]) for start, end in pairwise(ends)]
