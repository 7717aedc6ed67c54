"""Answers: how they are read, and what they are worth."""

from __future__ import annotations

import pytest

from lab.lessons.ask import judge, question, reader
from lab.lessons.catalogue import lessons, runs_of
from lab.lessons.definition import Choice, Measure, Prediction, Runs
from tap.clock import MS, SECOND

TIME = Measure("time", lambda run: 0)
BYTES = Measure("bytes", lambda run: 0, "byte")
HOW_LONG = Prediction("How long?", "gap1", "It took {gap1}.", tolerance=100 * MS)
WHICH = Prediction("How many?", "syns", "Two.", (Choice(2), Choice(3, "{syns} were sent."), Choice(1, "No.")))


@pytest.fixture(scope="module")
def runs() -> Runs:
    return runs_of(lessons()[1])


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("2.75", 2750 * MS), ("2,75 s", 2750 * MS), ("250ms", 250 * MS), ("3 s", 3 * SECOND), ("0", 0)],
)
def test_times_are_seconds_unless_they_say_otherwise(typed: str, answer: int) -> None:
    assert reader(HOW_LONG, TIME)(typed) == answer


def test_numbers_may_have_their_unit() -> None:
    asked = Prediction("How many?", "x", "")
    assert [reader(asked, BYTES)(typed) for typed in ("536", "536 bytes", "2k")] == [536, 536, 2048]


def test_choices_are_letters() -> None:
    read = reader(WHICH, TIME)
    assert [read(typed) for typed in ("a", "B", " c) ")] == [0, 1, 2]


@pytest.mark.parametrize("typed", ["", "soon", "3 parsecs", "d"])
def test_what_makes_no_sense_raises_with_the_mend(typed: str) -> None:
    with pytest.raises(ValueError, match="write it as"):
        reader(HOW_LONG, TIME)(typed)
    with pytest.raises(ValueError, match="type one of a, b, c"):
        reader(WHICH, TIME)(typed)


def test_a_question_with_its_choices(runs: Runs) -> None:
    assert question(2, WHICH, runs) == ["2. How many?", "   a) 2", "   b) 3", "   c) 1"]


def test_a_number_may_be_off_by_its_tolerance(runs: Runs) -> None:
    assert judge(runs, HOW_LONG, 2650 * MS).is_right
    far = judge(runs, HOW_LONG, 3 * SECOND)
    assert (far.is_right, far.said, far.solution, far.reasons) == (
        False,
        "3 s",
        "2.75 s",
        ("It took 2.75 s.",),
    )


def test_a_wrong_choice_is_explained(runs: Runs) -> None:
    assert judge(runs, WHICH, 0).reasons == ("Two.",)
    wrong = judge(runs, WHICH, 1)
    assert (wrong.is_right, wrong.said, wrong.solution) == (False, "b) 3", "a) 2")
    assert wrong.reasons == ("2 were sent.", "Two.")
