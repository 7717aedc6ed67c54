"""Ranges of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.rules.errors import RuleError
from tap.rules.ranges import Ranges, ranges


@pytest.mark.parametrize(
    ("value", "inside", "outside"),
    [
        ("3", [3], [2, 4]),
        ("1..3", [1, 2, 3], [0, 4]),
        ("2..", [2, 10**12], [1]),
        ("..5", [-7, 5], [6]),
        ("1,4,7..9", [1, 4, 7, 8, 9], [2, 6, 10]),
        (5, [5], [4, 6]),
        (range(3, 6), [3, 4, 5], [2, 6]),
        ([2, 9], [2, 9], [3]),
    ],
)
def test_ranges(value: object, inside: list[int], outside: list[int]) -> None:
    found = ranges(value)  # type: ignore[arg-type]
    assert all(number in found for number in inside)
    assert not any(number in found for number in outside)
    assert ranges(str(found), None) == found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "is no number"),
        ("x", "is no number"),
        ("1.3", "is no number"),
        ("..", "is no number"),
        ("1..2..3", "is no number"),
        ("5..2", "write 2..5"),
        ("0", "below 1"),
        ("-3", "below 1"),
        (0, "below 1"),
        (True, "is no number"),
        (1.5, "is no number"),
        ([], "is no number"),
        ("9" * 50, "is no number"),
    ],
)
def test_mistakes(value: object, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        ranges(value)  # type: ignore[arg-type]


def test_relative_numbers_may_be_negative() -> None:
    assert -5 in ranges("-7..-2", None)


@given(st.integers(-9, 9), st.integers(0, 9), st.integers(-9, 9), st.integers(0, 9))
def test_overlap(first: int, more: int, start: int, length: int) -> None:
    found = Ranges(((first, first + more),))
    assert found.overlap(start, length) == any(number in found for number in range(start, start + length))


def test_single() -> None:
    assert ranges("3").single
    assert ranges(0, None).single
    assert not ranges("3..4").single
    assert not ranges("3,5").single
    assert not ranges("3..").single
