"""Fills the pages of the lessons with the numbers of their runs.

    python -m lab.lessons.page docs/lessons            # all of them
    python -m lab.lessons.page docs/lessons 1 6

tests/lab/lessons/test_pages.py says when a page is behind the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from lab.lessons.catalogue import lessons, runs_of
from lab.lessons.fill import fill


def write(folder: Path, numbers: Iterable[int]) -> None:
    """Make the pages of these lessons anew."""
    for number in numbers:
        lesson = lessons()[number]
        page = folder / f"{lesson.stem}.md"
        page.write_text(fill(page.read_text(encoding="utf-8"), runs_of(lesson)), encoding="utf-8")


def main() -> None:
    """Fill the pages of the folder named on the command line, or those of the lessons named behind it."""
    folder, *numbers = sys.argv[1:]
    write(Path(folder), [int(number) for number in numbers] or lessons())


if __name__ == "__main__":
    main()
