"""The lessons are true: pages are compared with the runs, and every number in the prose is one of a run."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from lab.lessons.catalogue import lessons, page_of, runs_of, scenario_of
from lab.lessons.definition import MAIN, Runs
from lab.lessons.fill import MARKED, bare, fill, right
from lab.lessons.page import write
from lab.lessons.pictures import draw, file_name
from lab.report.svg import NoEngine
from lab.scenario import load

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "docs" / "pictures" / "lessons"
INDEX = ROOT / "docs" / "lessons" / "README.md"
SECTIONS = ["The experiment", "Predict", "What happens"]

EACH = pytest.mark.parametrize("number", lessons())

# What is no measure: sources, code, links, names, exponents.
NO_NUMBER = re.compile(
    r"RFC \d+|§§? ?[\d.]+(\(\d+\)|[–-][\d.]+)?|MUST-\d+|SHLD-\d+|`[^`]*`|\]\([^)]*\)|lesson \d+|lwIP \d[\d.]*"
    r"|IPv4|ESP32|\d+\^\d+|\d+/\d+|page \d+"
)
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w]*[A-Za-z_]\w*\()")


@cache
def runs(number: int) -> Runs:
    """The runs of a lesson, shared by the tests."""
    return runs_of(lessons()[number])


def text(number: int) -> str:
    """The page as it is kept."""
    return page_of(lessons()[number]).read_text(encoding="utf-8")


def page_is_up_to_date(number: int) -> None:
    assert fill(text(number), runs(number)) == text(number), (
        f"the page is behind its runs: python -m lab.lessons.page docs/lessons {number}"
    )


def scenario_is_a_success(number: int) -> None:
    result = runs(number)[MAIN].result
    assert result.ok, result.failed
    assert load(scenario_of(lessons()[number])).about, "a comment at its top says what it is about"


def runs_come_to_their_end(number: int) -> None:
    for name in lessons()[number].runs:
        assert runs(number)[name].result.error is None, name


def predictions_have_answers(number: int) -> None:
    predictions = lessons()[number].predictions
    assert len(predictions) == 3
    for asked in predictions:
        measure, run = lessons()[number].asked(asked)
        assert "?" in asked.question
        assert len(runs(number).fill(asked.why)) > 80, "a reason takes a few words"
        for choice in asked.choices:
            assert "{" not in runs(number).fill(choice.wrong + choice.text)
        if asked.choices:
            assert len(asked.choices) in (2, 3, 4)
            best = right(runs(number), asked)
            assert all(choice.wrong for choice in asked.choices if choice != best), asked.question
        else:
            assert isinstance(measure.of(runs(number)[run]), int)
            assert asked.tolerance or not measure.unit, asked.question


def measures_say_something(number: int) -> None:
    lesson = lessons()[number]
    for name, measure in lesson.measures.items():
        values = {measure.text(runs(number)[run]) for run in lesson.runs}
        assert values - {"none", "never"}, f"{name} is nothing in every run"


@EACH
def test_a_lesson_is_what_its_runs_show(number: int) -> None:
    """One test for each lesson, so that no two processes play its runs."""
    page_is_up_to_date(number)
    scenario_is_a_success(number)
    runs_come_to_their_end(number)
    predictions_have_answers(number)
    measures_say_something(number)


@EACH
def test_the_page_has_its_parts(number: int) -> None:
    lesson = lessons()[number]
    page = text(number)
    assert page.startswith(f"# {number} {lesson.title}\n")
    heads = re.findall(r"(?m)^## (.*)$", page)
    assert heads[:3] == SECTIONS
    assert "<!--[ladder" in page
    assert "<!--[predictions]-->" in page
    assert "RFC " in page
    experiment = re.search(r"(?ms)^## The experiment\n(.*?)^## ", page)
    assert experiment is not None
    assert "```" not in experiment[1], "the setting must not tell what happens"


@EACH
def test_the_page_shows_its_pictures(number: int) -> None:
    lesson = lessons()[number]
    shown = re.findall(r"!\[[^]]+\]\(\.\./pictures/lessons/([^)]+)\)", text(number))
    assert sorted(shown) == sorted(file_name(lesson, *picture) for picture in lesson.pictures)
    assert shown
    for name in shown:
        assert (PICTURES / name).stat().st_size < 60_000


@EACH
def test_the_pictures_are_up_to_date(number: int) -> None:
    try:
        drawn = draw(lessons()[number])
    except NoEngine as missing:
        pytest.skip(str(missing))
    for name, picture in drawn.items():
        assert (PICTURES / name).read_text(encoding="utf-8") == picture, (
            f"{name} is behind its run: python -m lab.lessons.pictures docs/pictures/lessons {number}"
        )


@EACH
def test_numbers_in_the_prose_are_numbers_of_the_run(number: int) -> None:
    """What stands in the text without a marker also stands in the scenario or in what the runs made."""
    lesson = lessons()[number]
    page = text(number)
    scenarios = {
        scenario_of(lesson),
        *(scenario_of(lesson).parent / one.file for one in lesson.runs.values() if one.file),
    }
    given = [path.read_text(encoding="utf-8") for path in scenarios]
    given += [change for one in lesson.runs.values() for change in one.overrides]
    unknown = unmarked(page, " ".join(given)) - CONSTANTS.get(number, set())
    assert not unknown, "put them between markers: <!--=name--><!--/-->"


def unmarked(page: str, given: str) -> set[str]:
    """Numbers of the prose that are neither in what the runs made nor in what was given."""
    made = " ".join(found[3] for found in MARKED.finditer(page))
    known = set(re.findall(r"\d+(?:\.\d+)?", f"{made} {given}"))
    prose = re.sub(r"(?ms)^```.*?^```$|^    .*?$|^#+ .*?$|<!--.*?-->", " ", MARKED.sub(" ", page))
    return set(NUMBER.findall(NO_NUMBER.sub(" ", prose))) - known


def test_a_stale_number_is_found() -> None:
    marked = "<!--=gap-->2.75 s<!--/-->"
    page = f"# 1 Title\n\nIt took 7.5 s (RFC 6298 §5.4) in `run 9`, {marked}, not 2.75 s or 40 ms.\n"
    assert unmarked(page, "delay = 40") == {"7.5"}


# Numbers of RFCs, of lwIP and of history: they cannot go stale.
CONSTANTS = {
    2: {"4294967295", "32"},
    5: {"1988"},
    6: {"1990"},
}


def test_the_index_has_every_lesson() -> None:
    rows = re.findall(r"(?m)^\| (\d+) \| \[(.*?)\]\((.*?)\) \| \S", INDEX.read_text(encoding="utf-8"))
    assert rows == [(str(one.number), one.title, f"{one.stem}.md") for one in lessons().values()]
    assert list(lessons()) == list(range(1, len(lessons()) + 1))


def test_writing_fills_what_stands_between_markers(tmp_path: Path) -> None:
    page = tmp_path / "01-handshake.md"
    page.write_text("after <!--=gap1-->?<!--/-->\n", encoding="utf-8")
    write(tmp_path, [1])
    assert page.read_text(encoding="utf-8") == "after <!--=gap1-->2.75 s<!--/-->\n"
    assert bare(page.read_text(encoding="utf-8")) == "after 2.75 s\n"
