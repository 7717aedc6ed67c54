"""What a lesson is made of: runs, measures of them, and predictions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.explain.words import duration, plural
from lab.lessons.played import Played, play

Value = int | str | None  # None: it did not happen

MAIN = "main"  # the name of the run of the scenario as it stands

_NAME = re.compile(r"\{(\w+)(?:@(\w+))?\}")


@dataclass(frozen=True)
class Variant:
    """A run of a lesson's scenario with some changes. ``label`` heads its column in tables."""

    label: str = "as it stands"
    overrides: tuple[str, ...] = ()
    file: str = ""  # another scenario beside the lesson's, as 01-other.toml

    def command(self, number: int) -> str:
        """What shows it."""
        shows = (
            f"netstack scenario examples/lessons/{self.file}" if self.file else f"netstack lesson {number}"
        )
        return " ".join([shows, *(f"--set {_quoted(one)}" for one in self.overrides)])


@dataclass(frozen=True)
class Measure:
    """Something that is measured in a run. ``unit``: time (ns), or the word for what is counted, as byte
    or segment; "" for a bare number or a text.
    """

    meaning: str
    of: Callable[[Played], Value]
    unit: str = "time"

    def text(self, played: Played) -> str:
        """Its value with its unit."""
        return shown(self.of(played), self.unit)


@dataclass(frozen=True)
class Choice:
    """A possible answer. ``value`` is what its measure would have to be; ``wrong`` says why it is not;
    ``text`` shows it where the value alone says too little.
    """

    value: Value
    wrong: str = ""
    text: str = ""


@dataclass(frozen=True)
class Prediction:
    """A question to be answered before the run. Its answer is a measure: one of ``choices``, or, without
    them, a number that may be off by ``tolerance`` (in the measure's unit, ns for times).

    ``why`` tells the reason; in it ``{name}`` and ``{name@run}`` stand for measures.
    """

    question: str
    answer: str
    why: str
    choices: tuple[Choice, ...] = ()
    tolerance: int = 0


@dataclass(frozen=True)
class Lesson:
    """A lesson: its runs by name (MAIN is the scenario as it stands), measures by name, three predictions.

    ``pictures``: (name of a picture of the report, name of a run).
    """

    number: int
    name: str
    title: str
    runs: Mapping[str, Variant]
    measures: Mapping[str, Measure]
    predictions: tuple[Prediction, ...]
    pictures: tuple[tuple[str, str], ...] = ()

    @property
    def stem(self) -> str:
        """The name of its files."""
        return f"{self.number:02}-{self.name}"

    def asked(self, prediction: Prediction) -> tuple[Measure, str]:
        """The measure that answers it and the name of the run."""
        name, _, run = prediction.answer.partition("@")
        return self.measures[name], run or MAIN


class Runs:
    """The runs of a lesson, each played when it is first asked for. ``folder`` has the scenarios."""

    def __init__(self, lesson: Lesson, folder: Path) -> None:
        self.lesson = lesson
        self._folder = folder
        self._played: dict[str, Played] = {}

    def __getitem__(self, name: str) -> Played:
        if name not in self._played:
            variant = self.lesson.runs[name]
            file = self._folder / (variant.file or f"{self.lesson.stem}.toml")
            self._played[name] = play(file, variant.overrides)
        return self._played[name]

    def text(self, reference: str) -> str:
        """The value of a measure, as ``gap`` or ``gap@run`` names it."""
        name, _, run = reference.partition("@")
        return self.lesson.measures[name].text(self[run or MAIN])

    def fill(self, text: str) -> str:
        """A text with values for its ``{name}``s."""
        return _NAME.sub(lambda found: self.text(found[0][1:-1]), text)


def shown(value: Value, unit: str) -> str:
    """A value as pages write it: ``2.75 s``, ``536 bytes``, ``none`` where nothing was."""
    if value is None:
        return "never" if unit == "time" else "none"
    if isinstance(value, str):
        return value
    if unit == "time":
        return duration(value)
    if not unit:
        return str(value)
    return plural(value, unit)


def _quoted(override: str) -> str:
    """For a shell."""
    return f"'{override}'" if re.search(r"[^\w.=:/-]", override) else override
