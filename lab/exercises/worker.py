"""The process in which a student's code runs: one test after the other, one line of JSON for each.

Each test may take so much CPU time; then TimeUp is raised wherever the process is, again and again in case
the student's code catches it. What nothing can stop, the process that started this one kills (``grade``).
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from lab.exercises.bench import Bench, Finding
from lab.exercises.catalogue import EXERCISES
from lab.exercises.definition import Exercise, Test
from lab.exercises.student import Broken, TimeUp, load

AGAIN = 0.2  # s between two attempts to stop what does not stop
MEMORY = 2 << 30  # bytes that the process may take
FILE_SIZE = 1 << 24  # bytes of a file that it may write
START = 60  # s of CPU time beside those of the tests


def main() -> None:
    """``python -m lab.exercises.worker FILE EXERCISE SEED SECONDS FIRST``: from test number FIRST on."""
    file, name, seed, seconds, first = sys.argv[1:]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the student prints is no result
    exercise = EXERCISES[name]
    _limit(float(seconds) * (len(exercise.tests) + 1))
    signal.signal(signal.SIGPROF, _time_up)
    path = Path(file).resolve()
    with _Clock(float(seconds)):
        try:
            cls: type | Broken = load(path, exercise.interface)
        except Broken as broken:
            cls = broken
    for test in exercise.tests[int(first) :]:
        spent, finding = False, None
        if isinstance(cls, Broken):
            finding = Finding(str(cls), 0, "")
        else:
            spent, finding = _play(exercise, test, cls, path, int(seed), float(seconds))
        report = None if finding is None else [finding.text, finding.time, finding.ladder]
        print(json.dumps(report), file=out, flush=True)
        if spent:  # who knows what was interrupted: the next tests get a new process
            os._exit(0)
    out.close()
    sys.stderr.flush()
    os._exit(0)  # threads of the student do not keep the process


def _play(
    exercise: Exercise, test: Test, cls: type, path: Path, seed: int, seconds: float
) -> tuple[bool, Finding | None]:
    """One test. Whether its time was up, and what is wrong."""
    bench = Bench(exercise, test, cls, path, seed)
    try:
        with _Clock(seconds):
            bench.play()
            spent = bench.finding is not None and "its time was up" in bench.finding.text
            if not spent:
                bench.close()
    except Exception as error:
        bench.fail(f"the run broke off, which is the grader's fault: {type(error).__name__}: {error}")
        return True, bench.finding
    except TimeUp:
        bench.fail(f"not done after {seconds:g} s of computing and {bench.wire.frames} frames")
        return True, bench.finding
    return spent, bench.finding


class _Clock:
    """TimeUp after so many seconds of CPU time within the ``with`` block."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, self._seconds, AGAIN)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _time_up(number: int, frame: FrameType | None) -> Any:
    raise TimeUp


def _limit(seconds: float) -> None:
    """What a program that has gone wrong may take of the machine: also when nobody is left to kill it."""
    time = START + 2 * math.ceil(seconds)
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_CPU, time),
    ):
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or hard > most:
            resource.setrlimit(kind, (most, hard))


if __name__ == "__main__":
    main()
