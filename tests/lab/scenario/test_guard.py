"""A run that takes too long in real time is ended, whatever its programs do, and says where it was."""

from __future__ import annotations

import multiprocessing
import threading
import time
from pathlib import Path

import pytest

from lab.scenario import Result, guard, load, run
from tests.lab.scenario.texts import BASE, TRANSFER, fault, played, program

LIMIT = 0.2  # s


def spun(folder: Path, script: str) -> Result:
    """What came of a script that never ends by itself."""
    (folder / "spin.py").write_text(script)
    scenario = load(BASE + program("client", "spin.py"), str(folder / "x.toml"))
    begin = time.monotonic()
    result = run(scenario, timeout=LIMIT)
    assert time.monotonic() - begin < 30
    assert not result.ok
    return result


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "PATIENCE", 0.1)
    monkeypatch.setattr(guard, "AGAIN", 0.01)


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("while True:\n    pass\n", (1, 2)),
        ("import time\nwhile time.ticks_ms() < 500:\n    pass\n", (2, 3)),
        ("while True:\n    try:\n        x = 1\n    except:\n        pass\n", (1, 5)),
    ],
    ids=["computes", "reads the clock", "catches everything"],
)
def test_a_program_that_never_lets_time_pass(tmp_path: Path, script: str, lines: tuple[int, int]) -> None:
    error = spun(tmp_path, script).error or ""
    begin, _, rest = error.partition("(spin.py:")
    assert begin == "OutOfTime: 0.2 s of real time are over in program client.spin, at 0.000000 s "
    line, _, mend = rest.partition("): ")
    assert lines[0] <= int(line) <= lines[1]
    assert mend == "let time pass there, as sleep does, or give a longer timeout"


def test_a_network_that_never_rests() -> None:
    scenario = load(BASE + fault(link="wire", do="pull", every="1ns"), "x.toml")
    error = run(scenario, timeout=LIMIT).error or ""
    assert error.startswith("OutOfTime: 0.2 s of real time are over at 0.0")
    assert error.endswith(" s: have it stop earlier, or give a longer timeout")


def test_a_run_that_is_quick_enough_is_as_without(tmp_path: Path) -> None:
    scenario = load(TRANSFER, "x.toml")
    threads = threading.active_count()
    assert run(scenario, timeout=60) == run(scenario)
    assert threading.active_count() == threads


def test_nothing_is_raised_afterwards(tmp_path: Path) -> None:
    for _ in range(3):
        spun(tmp_path, "while True:\n    pass\n")
        assert played(TRANSFER).ok
        time.sleep(3 * guard.AGAIN)
        sum(range(10_000))


def test_a_worker_that_never_comes_back_to_python_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LAST", 0.1)
    worker = multiprocessing.get_context("fork").Process(target=_sleeps)
    worker.start()
    worker.join(30)
    assert worker.exitcode == 1


def _sleeps() -> None:
    with guard.Guard(LIMIT):
        time.sleep(1000)
