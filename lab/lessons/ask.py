"""Asks a lesson's questions before its run, and judges the answers after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.lessons.definition import Measure, Prediction, Runs, shown
from lab.lessons.fill import LETTERS, choices, right, solution
from lab.scenario.units import number_of, time_of

UNIT_FREE = "s"  # what a time without a unit is in


@dataclass(frozen=True)
class Judgement:
    """What an answer was worth: ``said`` and ``solution`` as texts, ``reasons`` what explains it."""

    is_right: bool
    said: str
    solution: str
    reasons: tuple[str, ...]


def question(number: int, asked: Prediction, runs: Runs) -> list[str]:
    """The lines of a question."""
    lines = [f"{number}. {runs.fill(asked.question)}"]
    texts = zip(LETTERS, choices(runs, asked), strict=False)
    return lines + [f"   {letter}) {text}" for letter, text in texts]


def reader(asked: Prediction, measure: Measure) -> Callable[[str], int]:
    """What turns the text that is typed into an answer: the index of a choice, or a number (times in ns).
    It raises ValueError with the mend.
    """

    def choice(text: str) -> int:
        letter = text.strip().lower().rstrip(")")
        if letter not in list(LETTERS[: len(asked.choices)]):
            raise ValueError(f"type one of {', '.join(LETTERS[: len(asked.choices)])}")
        return LETTERS.index(letter)

    def number(text: str) -> int:
        word = text.replace(" ", "").replace(",", ".")
        if measure.unit == "time":
            return time_of(word if word[-1:].isalpha() else word + UNIT_FREE)
        return number_of(word.rstrip("abcdefghijlnopqrstuvwxyz"))

    return choice if asked.choices else number


def judge(runs: Runs, asked: Prediction, answer: int) -> Judgement:
    """Compare an answer, as ``reader`` gives it, with the run."""
    measure, run = runs.lesson.asked(asked)
    fact = solution(runs, asked).strip("*")
    why = runs.fill(asked.why)
    if not asked.choices:
        value = measure.of(runs[run])
        assert isinstance(value, int)
        return Judgement(abs(answer - value) <= asked.tolerance, shown(answer, measure.unit), fact, (why,))
    chosen = asked.choices[answer]
    said = f"{LETTERS[answer]}) {choices(runs, asked)[answer]}"
    if chosen == right(runs, asked):
        return Judgement(True, said, fact, (why,))
    return Judgement(False, said, fact, tuple(filter(None, (runs.fill(chosen.wrong), why))))
