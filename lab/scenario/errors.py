"""Mistakes in a scenario: each one line that names the file, the line, what is wrong, and the mend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

Path = tuple[str | int, ...]  # where in the file: ("device", "client", "options", "tcp_mss")


class ScenarioError(ValueError):
    """A scenario that makes no sense. Its text is the first of ``problems``; all of them are lines."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__(self.problems[0])

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[list[str]]]:
        return type(self), (self.problems,)


class Mistake(ValueError):
    """What is wrong with one value. ``keys`` are the keys of its table that it is about, for the line."""

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


@contextmanager
def about(key: str) -> Iterator[None]:
    """Within, a ValueError is about this key of a table."""
    try:
        yield
    except ValueError as error:
        raise Mistake(str(error), key) from None


def instead(word: str, known: Iterable[str], what: str = "there are") -> str:
    """The mend for a word that is none of ``known``: the one that was meant, or all there are."""
    names = list(known)
    near = get_close_matches(word, names, 1) or get_close_matches(word.lower(), names, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"{what} {', '.join(names)}" if names else "there are none"
