"""Grading: runs the tests of an exercise on a student's file, in processes that nothing it does can harm.

A worker that hangs is killed, one that dies has that for a finding; the next test gets a new one.
"""

from __future__ import annotations

import ast
import json
import os
import selectors
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from lab.exercises.catalogue import EXERCISES
from lab.exercises.definition import Exercise
from lab.exercises.student import Broken

SECONDS = 10.0  # of CPU time for a test
START = 30.0  # s of real time that a busy machine may take to start a process
PATIENCE = 4  # times the CPU time in real time: then a test hangs


@dataclass(frozen=True)
class Mark:
    """One test: the points it brought, and what is wrong ("" where all is right). ``time`` in ns."""

    name: str
    title: str
    points: int
    of: int
    finding: str
    time: int
    ladder: str


@dataclass(frozen=True)
class Grade:
    """The marks of a file."""

    exercise: str
    file: str
    seed: int
    marks: tuple[Mark, ...]

    @property
    def points(self) -> int:
        """Those of all tests together."""
        return sum(mark.points for mark in self.marks)

    @property
    def of(self) -> int:
        """What can be had."""
        return sum(mark.of for mark in self.marks)

    @property
    def first_failure(self) -> Mark | None:
        """The first test that brought nothing."""
        return next((mark for mark in self.marks if mark.finding), None)

    def as_json(self) -> str:
        """All of it, for programs."""
        numbers = {"exercise": self.exercise, "file": self.file, "seed": self.seed}
        tests = [asdict(mark) for mark in self.marks]
        return json.dumps(numbers | {"points": self.points, "of": self.of, "tests": tests}, indent=2)


def seed_of(student: str) -> int:
    """The seed of a student, from whatever tells them apart (a number, a name, an address)."""
    return int.from_bytes(sha256(student.strip().encode()).digest()[:4], "big")


def which_exercise(path: Path) -> Exercise:
    """The exercise whose class a file has; the file is not run. Raises Broken when that is none, or several,
    or the file is no Python.
    """
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"line {line}: " if line else ""
        raise Broken(f"{where}{type(error).__name__}: {getattr(error, 'msg', error)}") from None
    names = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    found = [exercise for exercise in EXERCISES.values() if exercise.interface.__name__ in names]
    if len(found) == 1:
        return found[0]
    if found:
        raise Broken(f"it has the classes of several exercises: say which, --exercise {found[0].name}")
    wanted = ", ".join(f"{exercise.interface.__name__} ({name})" for name, exercise in EXERCISES.items())
    raise Broken(f"it has none of the classes {wanted}: begin with `netstack exercise NAME`")


def grade(path: Path, exercise: Exercise, seed: int, seconds: float = SECONDS) -> Grade:
    """Run all tests."""
    marks: list[Mark] = []
    while len(marks) < len(exercise.tests):
        before = len(marks)
        for report in _work(path, exercise, seed, seconds, before):
            test = exercise.tests[len(marks)]
            finding, at, ladder = report or ("", 0, "")
            points = 0 if finding else test.points
            marks.append(Mark(test.name, test.title, points, test.points, finding, at, ladder))
    return Grade(exercise.name, str(path), seed, tuple(marks))


Report = tuple[str, int, str] | None  # finding, time, ladder


def _work(path: Path, exercise: Exercise, seed: int, seconds: float, first: int) -> list[Report]:
    """What one process reports, from test ``first`` on: at least one."""
    arguments = [str(path), exercise.name, str(seed), str(seconds), str(first)]
    # -P: no file in the student's folder stands in for one of ours
    command = [sys.executable, "-P", "-m", "lab.exercises.worker", *arguments]
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    reports: list[Report] = []
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        lines = _Lines(process.stdout.fileno())
        patience = START + PATIENCE * seconds
        try:
            while first + len(reports) < len(exercise.tests):
                line = lines.next(patience)
                if line is None:
                    process.kill()
                    text = f"not done after {patience:g} s: it waits for something, or cannot be stopped"
                    reports.append((text, 0, ""))
                if not line:
                    break
                report = json.loads(line)
                reports.append(None if report is None else tuple(report))
            status = process.wait(START)
        except BaseException as stopped:  # Ctrl-C, too: what runs there may have shut its ears to it
            process.kill()
            if not isinstance(stopped, subprocess.TimeoutExpired):
                raise
            status = process.wait()
        if not reports:
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            reports.append((f"the process of your program has ended ({how})", 0, ""))
    return reports


class _Lines:
    """Lines of a pipe, waited for only so long."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def next(self, seconds: float) -> bytes | None:
        """The next line; b"" at the end, None when none came in time."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return None
                more = os.read(self._descriptor, 65536)
                if not more:
                    return b""
                self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line
