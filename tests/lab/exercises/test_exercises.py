"""The exercises: right solutions get all points, wrong ones lose those that they should, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.exercises.catalogue import EXERCISES
from lab.exercises.grade import Grade, grade, seed_of
from lab.exercises.student import methods
from tests.lab.exercises.inside import grade_inside
from tests.lab.exercises.wrong import ALL, SOLUTIONS, Wrong


def solved(name: str, seed: int) -> Grade:
    return grade_inside(SOLUTIONS / f"{name}.py", EXERCISES[name], seed)


@pytest.mark.parametrize("seed", [0, 1, 2, seed_of("s0123456"), 2**32])
@pytest.mark.parametrize("name", EXERCISES)
def test_the_right_solution_gets_all_points(name: str, seed: int) -> None:
    result = solved(name, seed)
    assert [(mark.name, mark.finding) for mark in result.marks if mark.finding] == []
    assert (result.points, result.of) == (100, 100)
    assert result.first_failure is None


@pytest.mark.parametrize(
    "wrong", [pytest.param(wrong, id=f"{wrong.exercise}: {wrong.mistake}") for wrong in ALL]
)
def test_a_wrong_solution_loses_what_it_should(wrong: Wrong, tmp_path: Path) -> None:
    file = tmp_path / "solution.py"
    file.write_text(wrong.source(), encoding="utf-8")
    result = grade_inside(file, EXERCISES[wrong.exercise], seed=1)
    lost = {mark.name for mark in result.marks if mark.finding} - {"bad line"}
    assert lost - wrong.also == wrong.lost, result.as_json()
    first = result.first_failure
    assert first is not None
    assert wrong.says in first.finding
    assert "\n" not in first.finding
    assert result.points < 100


@pytest.mark.parametrize("name", EXERCISES)
def test_the_process_of_a_student_finds_the_same(name: str, tmp_path: Path) -> None:
    file = tmp_path / "solution.py"
    file.write_text(next(wrong for wrong in ALL if wrong.exercise == name).source(), encoding="utf-8")
    assert grade(file, EXERCISES[name], 3) == grade_inside(file, EXERCISES[name], 3)


@pytest.mark.parametrize("name", EXERCISES)
def test_there_are_enough_wrong_ones(name: str) -> None:
    assert sum(wrong.exercise == name for wrong in ALL) >= 8
    tests = {test.name for test in EXERCISES[name].tests} - {"bad line", "fresh"}
    noticed = set().union(*(wrong.lost for wrong in ALL if wrong.exercise == name))
    assert tests <= noticed, "no wrong solution loses the points of these tests"


def test_points_and_names_make_sense() -> None:
    for exercise in EXERCISES.values():
        names = [test.name for test in exercise.tests]
        assert len(set(names)) == len(names)
        assert exercise.points == 100


def test_interfaces_explain_themselves() -> None:
    for exercise in EXERCISES.values():
        assert "RFC" in (exercise.interface.__doc__ or "") + str(
            [method.__doc__ for method in methods(exercise.interface).values()]
        )
        for name, method in methods(exercise.interface).items():
            assert method.__doc__, f"{exercise.name}: {name}"


@pytest.mark.parametrize("name", EXERCISES)
def test_a_starter_file_loses_everything_with_a_word_about_it(name: str) -> None:
    file = Path(__file__).parents[3] / "lab" / "exercises" / "starters" / f"{name}.py"
    result = grade_inside(file, EXERCISES[name], 0)
    assert result.points <= 5  # RtoEstimator begins with the right number
    assert result.first_failure is not None
    assert "not written yet" in result.first_failure.finding


def test_the_seed_changes_the_numbers_and_nothing_else() -> None:
    wrong = next(wrong for wrong in ALL if wrong.mistake == "no minimum")
    assert wrong.lost == {"minimum"}
    one, again, other = (solved("rto", seed) for seed in (4, 4, 5))
    assert one == again
    assert (one.points, one.seed) == (other.points, 4)


def test_the_same_seed_gives_the_same_finding(tmp_path: Path) -> None:
    file = tmp_path / "solution.py"
    file.write_text(next(wrong for wrong in ALL if wrong.mistake == "K is forgotten").source())
    one, again, other = (grade(file, EXERCISES["rto"], seed) for seed in (7, 7, 8))
    assert one.as_json() == again.as_json()
    assert one.first_failure is not None
    assert other.first_failure is not None
    assert one.first_failure.finding != other.first_failure.finding


def test_a_failure_comes_with_its_ladder(tmp_path: Path) -> None:
    file = tmp_path / "solution.py"
    file.write_text(next(wrong for wrong in ALL if wrong.mistake == "Karn is ignored").source())
    first = grade_inside(file, EXERCISES["rto"], 1).first_failure
    assert first is not None
    lines = first.ladder.splitlines()
    assert lines[0].split() == ["seconds", "device", "peer"]
    assert any(line.endswith("lost") for line in lines)
    assert "your on_ack(rtt=" in lines[-1]
    assert first.time > 0
