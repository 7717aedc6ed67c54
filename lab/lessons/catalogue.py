"""The lessons there are, and where their files lie."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

import lab.lessons
from lab.lessons.definition import Lesson, Runs

_PREFIX = "lesson_"


def folder(*names: str) -> Path:
    """A folder like docs/lessons, of the source tree or of the installed package."""
    here = Path(__file__).resolve().parent.parent
    there = here.parent.joinpath(*names)
    return there if there.is_dir() else here.joinpath(*names)


@cache
def lessons() -> dict[int, Lesson]:
    """All lessons by their numbers: those of the modules ``lesson_NN``."""
    found = [
        import_module(f"lab.lessons.{module.name}").LESSON
        for module in pkgutil.iter_modules(lab.lessons.__path__)
        if module.name.startswith(_PREFIX)
    ]
    return {lesson.number: lesson for lesson in sorted(found, key=lambda lesson: lesson.number)}


def scenario_of(lesson: Lesson) -> Path:
    """Its scenario."""
    return folder("examples", "lessons") / f"{lesson.stem}.toml"


def page_of(lesson: Lesson) -> Path:
    """Its text."""
    return folder("docs", "lessons") / f"{lesson.stem}.md"


def runs_of(lesson: Lesson) -> Runs:
    """Its runs, none of which has been played yet."""
    return Runs(lesson, folder("examples", "lessons"))
