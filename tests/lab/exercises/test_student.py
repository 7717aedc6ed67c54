"""Whatever a student's file does is a finding with one line, and ends."""

from __future__ import annotations

import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lab.exercises.catalogue import EXERCISES
from lab.exercises.grade import Grade, grade, which_exercise
from lab.exercises.student import Broken, WrongType, brief, flag, number, octets, ranges, shown, whole
from tests.lab.commands import ENVIRONMENT, NETSTACK
from tests.lab.exercises.wrong import SOLUTIONS

RTO = (SOLUTIONS / "rto.py").read_text(encoding="utf-8")
REST = "".join(RTO.partition("    def on_ack")[1:])


def graded(tmp_path: Path, source: str, name: str = "rto", seconds: float = 0.5) -> Grade:
    file = tmp_path / "solution.py"
    file.write_text(source, encoding="utf-8")
    return grade(file, EXERCISES[name], 1, seconds)


def broken(tmp_path: Path, old: str, new: str) -> str:
    """The first finding of the right solution with a change."""
    assert RTO.count(old) == 1
    first = graded(tmp_path, RTO.replace(old, new)).first_failure
    assert first is not None
    assert "Traceback" not in first.finding
    assert "\n" not in first.finding
    return first.finding


BACK_OFF = "        self.current = min(2 * self.current, MAX_RTO)"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("1 / 0", "on_timeout(): line 28: ZeroDivisionError: division by zero"),
        ("raise ValueError('two\\nlines')", "on_timeout(): line 28: ValueError: two lines"),
        ("raise NotImplementedError", "on_timeout(): line 28: not written yet"),
        ("self.no_such.thing", "AttributeError: 'RtoEstimator' object has no attribute 'no_such'"),
        ("self.on_timeout()", "RecursionError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise SystemExit", "on_timeout(): line 28: SystemExit"),
        ("x = [0] * 10**10", "MemoryError"),
    ],
)
def test_exceptions(tmp_path: Path, statement: str, says: str) -> None:
    assert says in broken(tmp_path, BACK_OFF, f"        {statement}")


@pytest.mark.parametrize(
    "loop",
    [
        "while True: pass",
        "while True:\n            try:\n                while True: 1\n            except Exception: pass",
    ],
)
def test_endless_loops(tmp_path: Path, loop: str) -> None:
    result = graded(tmp_path, RTO.replace(BACK_OFF, f"        {loop}"), seconds=0.25)
    late = [mark for mark in result.marks if "its time was up: an endless loop?" in mark.finding]
    assert [mark.name for mark in late if mark.name != "bad line"] == [
        "karn",
        "back-off",
        "maximum",
        "recovery",
    ]
    assert "on_timeout(): line " in late[0].finding
    assert result.points >= 50  # what came before and what does not need on_timeout


def test_what_only_waits_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.exercises.grade.START", 2.0)
    monkeypatch.setattr("lab.exercises.grade.PATIENCE", 1)
    file = tmp_path / "solution.py"
    file.write_text(RTO.replace(BACK_OFF, "        import time; time.sleep(1000)"), encoding="utf-8")
    exercise = EXERCISES["rto"]
    karn = grade(file, replace(exercise, tests=exercise.tests[:6]), 1, 0.3).marks[5]
    assert karn.finding == "not done after 2.3 s: it waits for something, or cannot be stopped"


DEAF = """
import pathlib, signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except OSError:
        pass
pathlib.Path(__file__).with_name("deaf").touch()
while True:
    pass
"""


def test_ctrl_c_ends_the_grader_of_a_program_that_ignores_all_signals(tmp_path: Path) -> None:
    file = tmp_path / "solution.py"
    file.write_text(RTO + DEAF, encoding="utf-8")
    with subprocess.Popen([*NETSTACK, "grade", str(file)], env=ENVIRONMENT, stderr=subprocess.PIPE) as grader:
        while not (tmp_path / "deaf").exists():
            time.sleep(0.05)
        grader.send_signal(signal.SIGINT)
        assert grader.wait(20) == 130
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(file).encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_process_that_dies_costs_its_own_test_only(tmp_path: Path) -> None:
    result = graded(tmp_path, RTO.replace(BACK_OFF, "        import os; os._exit(7)"))
    found = {mark.name: mark.finding for mark in result.marks if mark.finding}
    found.pop("bad line", None)
    assert set(found) == {"karn", "back-off", "maximum", "recovery"}
    assert set(found.values()) == {"the process of your program has ended (exit status 7)"}


def test_a_file_that_cannot_be_loaded(tmp_path: Path) -> None:
    for source, says in (
        ("def x(:\n", "the file cannot be loaded: line 1: SyntaxError"),
        ("import no_such_module\n", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("\n\n1 / 0\n", "line 3: ZeroDivisionError"),
        ("while True: pass\n", "still not done when its time was up"),
        ("x = 1\n", "the file has no class RtoEstimator"),
        ("def RtoEstimator(): pass\n", "the file has no class RtoEstimator"),
        ("import sys\nsys.exit('bye')\n", "SystemExit: bye"),
    ):
        result = graded(tmp_path, source)
        assert result.points == 0
        assert all(says in mark.finding for mark in result.marks), result.marks[0]


def test_missing_and_wrong_methods(tmp_path: Path) -> None:
    for old, new, says in (
        ("def on_timeout(self)", "def timeout(self)", "RtoEstimator has no method on_timeout()"),
        (
            "def on_ack(self, rtt, retransmitted)",
            "def on_ack(self, rtt)",
            "must be callable as on_ack(rtt, retransmitted)",
        ),
        ("def rto(self)", "def rto(self, more)", "must be callable as rto()"),
        ("def rto(self):\n        return self.current", "rto = 5", "RtoEstimator has no method rto()"),
        (
            "def __init__(self, granularity)",
            "def begin(self, granularity)",
            "has no method __init__(granularity)",
        ),
        (
            "def __init__(self, granularity)",
            "def __init__(self)",
            "must be callable as __init__(granularity)",
        ),
    ):
        assert says in broken(tmp_path, old, new)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("None", "rto() returned None: it must be a number"),
        ("'1000'", "rto() returned '1000': it must be a number"),
        ("True", "rto() returned True: it must be a number"),
        ("float('nan')", "rto() returned nan: it must be a number"),
        ("float('inf')", "rto() returned inf: it must be a number"),
        ("0", "rto() returned 0: a time-out is more than 0 ms"),
        ("-5", "rto() returned -5: a time-out is more than 0 ms"),
        ("[1000] * 100", "..."),
    ],
)
def test_results_of_the_wrong_kind(tmp_path: Path, value: str, says: str) -> None:
    assert says in broken(tmp_path, "        return self.current", f"        return {value}")


def test_what_a_student_prints_is_no_result(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = RTO.replace("    def rto(self):\n", "    def rto(self):\n        print('so far so good')\n")
    assert graded(tmp_path, source).points == 100
    shown_to_user = capfd.readouterr()
    assert shown_to_user.out == ""
    assert "so far so good" in shown_to_user.err


def test_a_neighbour_module_can_be_imported_but_hides_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "struct.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "rounding.py").write_text("def same(x):\n    return x\n", encoding="utf-8")
    source = "import struct\nimport dataclasses\nimport rounding\n" + RTO
    assert (
        graded(tmp_path, source.replace("return self.current", "return rounding.same(self.current)")).points
        == 100
    )


def test_a_network_that_is_flooded_ends(tmp_path: Path) -> None:
    source = (SOLUTIONS / "window.py").read_text(encoding="utf-8")
    result = graded(
        tmp_path, source.replace("        return self.announced\n", "        return 10**30\n"), "window"
    )
    assert result.first_failure is not None
    assert result.points < 70


def test_which_exercise_a_file_is(tmp_path: Path) -> None:
    for name, exercise in EXERCISES.items():
        assert which_exercise(SOLUTIONS / f"{name}.py") is exercise
    file = tmp_path / "x.py"
    for source, says in (
        ("x = 1", "it has none of the classes ReassemblyQueue (reassembly), RtoEstimator (rto)"),
        ("class RtoEstimator: 1\nclass ReceiveWindow: 1\n", "--exercise rto"),
        ("def (", "line 1: SyntaxError"),
        ("x = '\0'", "null bytes"),
    ):
        file.write_text(source, encoding="utf-8")
        with pytest.raises(Broken) as caught:
            which_exercise(file)
        assert says in str(caught.value)


def test_kinds_of_results() -> None:
    assert number(1.5) == 1.5
    assert whole(0) == 0
    assert flag(False) is False
    assert octets(bytearray(b"x")) == b"x"
    assert ranges([[1, 2], (3, 4)]) == [(1, 2), (3, 4)]
    for shape, value in (
        (whole, 1.0), (whole, -1), (whole, True), (flag, 1), (octets, "x"), (octets, None),
        (ranges, None), (ranges, [1]), (ranges, [(1,)]), (ranges, [(1, 2.0)]), (ranges, [(1, 1 << 32)]),
        (ranges, [(-1, 2)]),
    ):  # fmt: skip
        with pytest.raises(WrongType):
            shape(value)


def test_calls_and_values_are_shown_briefly() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError

    assert shown("insert", {"seq": 5, "data": bytes(500)}) == "insert(seq=5, data=<500 bytes>)"
    assert brief(Odd()) == "<a Odd>"
    assert len(brief("x" * 500)) < 70
