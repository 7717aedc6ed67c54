"""Delta debugging: the result fails, is 1-minimal, and keeps the order."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from lab.campaign.ddmin import ddmin, split


@given(st.integers(1, 60), st.data())
def test_a_planted_set_is_found_exactly(size: int, data: st.DataObject) -> None:
    planted = set(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=5)))
    assert ddmin(range(size), planted.issubset) == (sorted(planted), True)


@given(st.integers(1, 12), st.data())
def test_the_result_is_minimal_whatever_the_failure_is_like(size: int, data: st.DataObject) -> None:
    """Not monotone: a longer list need not fail when a shorter one does."""
    answers: dict[tuple[int, ...], bool] = {tuple(range(size)): True}

    def fails(part: list[int]) -> bool:
        key = tuple(part)
        if key not in answers:
            answers[key] = data.draw(st.booleans())
        return answers[key]

    found, minimal = ddmin(range(size), fails)
    assert minimal
    assert answers[tuple(found)]
    assert found == sorted(found)
    if found:
        assert not any(answers[tuple(found[:at] + found[at + 1 :])] for at in range(len(found)))


@given(st.integers(0, 40), st.integers(1, 40))
def test_parts_are_even_and_together_the_whole(size: int, n: int) -> None:
    parts = split(range(size), n)
    assert [item for part in parts for item in part] == list(range(size))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_failure_without_any_cause_needs_none() -> None:
    asked, fails = _counting(lambda _: True)
    assert ddmin(range(50), fails) == ([], True)
    assert asked == [[]]


def test_nothing_is_asked_twice() -> None:
    asked, fails = _counting(lambda part: {3, 17, 30} <= set(part))
    assert ddmin(range(40), fails) == ([3, 17, 30], True)
    assert len({tuple(part) for part in asked}) == len(asked) < 100


def test_with_a_limit_the_best_so_far_is_kept_and_called_not_minimal() -> None:
    asked, fails = _counting(lambda part: {3, 5} <= set(part))
    found, minimal = ddmin(range(40), fails, limit=8)
    assert not minimal
    assert {3, 5} <= set(found)
    assert len(found) < 40
    assert len(asked) == 8


def _counting(fails: Callable[[list[int]], bool]) -> tuple[list[list[int]], Callable[[list[int]], bool]]:
    asked: list[list[int]] = []

    def asking(part: list[int]) -> bool:
        asked.append(part)
        return fails(part)

    return asked, asking
