"""``netstack grade`` and ``netstack exercise`` as a student and a teacher use them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lab.exercises.catalogue import EXERCISES
from lab.exercises.grade import seed_of
from tests.lab.commands import ROOT, netstack
from tests.lab.exercises.wrong import ALL, SOLUTIONS


def test_a_right_solution() -> None:
    done = netstack("grade", str(SOLUTIONS / "congestion.py"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("congestion: 100 of 100 points (seed 0)\n")
    assert "   10 of 10  slow start" in done.stdout
    assert "failure" not in done.stdout


def test_a_wrong_solution(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(next(wrong for wrong in ALL if wrong.mistake == "Karn is ignored").source())
    done = netstack("grade", str(file), "--student", "s0123456")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"rto: 85 of 100 points (seed {seed_of('s0123456')})\n")
    assert "    0 of 15  karn" in done.stdout
    assert 'The first failure, "karn", at ' in done.stdout
    assert "  seconds  device" in done.stdout
    assert "(Karn, RFC 6298 3)" in done.stdout


def test_the_page_shows_what_really_comes(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")
    file = tmp_path / "mine.py"
    file.write_text(next(wrong for wrong in ALL if wrong.mistake == "Karn is ignored").source())
    shown = netstack("grade", str(file), "--seed", "1").stdout
    assert f"```text\n{shown}```" in page
    rows = [line[1:-1].split("|") for line in page.splitlines() if re.match(r"\| .*\| +\d+ \|", line)]
    for column, exercise in enumerate(EXERCISES.values()):
        cells = [(row[2 * column].strip(), row[2 * column + 1].strip()) for row in rows]
        told = [(name, int(points)) for name, points in cells if name]
        assert told == [(test.name, test.points) for test in exercise.tests], exercise.name


def test_marks_for_programs() -> None:
    done = netstack("grade", str(SOLUTIONS / "rto.py"), "--exercise", "rto", "--seed", "3", "--json")
    marks = json.loads(done.stdout)
    assert (marks["exercise"], marks["seed"], marks["points"], marks["of"]) == ("rto", 3, 100, 100)
    assert [test["name"] for test in marks["tests"]] == [test.name for test in EXERCISES["rto"].tests]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["grade"], "Missing argument 'FILE'"),
        (["grade", "no.py"], "File 'no.py' does not exist"),
        (["grade", "README.md"], "README.md: line"),
        (["grade", "lab/cli.py"], "begin with `netstack exercise NAME`"),
        (["grade", "README.md", "--exercise", "rtt"], "there is no exercise rtt: there are reassembly, rto"),
        (["grade", "README.md", "--seed", "1", "--student", "x"], "--seed and --student mean the same"),
        (["grade", "README.md", "--seed", "x"], "'x' is not a valid integer"),
        (["exercise", "rtt"], "there is no exercise rtt"),
        (["exercise", "rto", "-o", "no/such/place.py"], "no/such/place.py cannot be written"),
        (["exercise", "rto", "-o", "README.md"], "README.md exists already"),
    ],
)
def test_mistakes_get_one_line(arguments: list[str], says: str) -> None:
    done = netstack(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_exercises_are_listed() -> None:
    for arguments in (["exercise", "--list"], ["exercise"]):
        done = netstack(*arguments)
        assert done.returncode == 0
        for name, exercise in EXERCISES.items():
            assert f"{name:12} {exercise.title}: {exercise.interface.__name__}" in done.stdout


@pytest.mark.parametrize("name", EXERCISES)
def test_a_starter_file_is_written_once_and_graded(name: str, tmp_path: Path) -> None:
    done = netstack("exercise", name, "-o", str(tmp_path / "mine.py"))
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "mine.py").read_text(encoding="utf-8")
    assert "# TODO" in text
    compile(text, "mine.py", "exec")
    done = netstack("grade", str(tmp_path / "mine.py"))
    assert done.returncode == 1
    assert "not written yet" in done.stdout
    assert netstack("exercise", name, "-o", str(tmp_path / "mine.py")).returncode == 2
