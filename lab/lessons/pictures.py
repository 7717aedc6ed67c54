"""Draws the pictures of the lessons' pages with the code that draws the report (extra ``svg``).

``python -m lab.lessons.pictures docs/pictures/lessons`` draws all of them, with numbers behind it those of
these lessons.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab.lessons.catalogue import lessons, runs_of
from lab.lessons.definition import MAIN, Lesson
from lab.report.load import explained
from lab.report.svg import pictures


def file_name(lesson: Lesson, picture: str, run: str) -> str:
    """The file of a picture: ``01-handshake-ladder.svg``, ``01-handshake-rfc-ladder.svg``."""
    return f"{lesson.stem}-{picture}.svg" if run == MAIN else f"{lesson.stem}-{run}-{picture}.svg"


def draw(lesson: Lesson) -> dict[str, str]:
    """The pictures of a lesson: file name -> SVG. Raises NoEngine where JavaScript cannot be run."""
    runs = runs_of(lesson)
    drawn = {run: pictures(explained(runs[run].trace)) for run in {run for _, run in lesson.pictures}}
    return {file_name(lesson, picture, run): drawn[run][picture] for picture, run in lesson.pictures}


def main() -> None:
    """Write them into the folder named on the command line; of the lessons named behind it, or of all."""
    folder, *numbers = sys.argv[1:]
    for number in [int(number) for number in numbers] or lessons():
        for name, text in draw(lessons()[number]).items():
            (Path(folder) / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
