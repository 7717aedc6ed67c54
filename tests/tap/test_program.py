"""A program by itself: turns, end, being ended."""

from __future__ import annotations

import gc

import pytest

from tap import program as module
from tap.link import TapError
from tap.program import MAX_EXITS, Program, collector_off, load_greenlet


def test_a_program_runs_from_turn_to_turn() -> None:
    story: list[str] = []

    def work() -> str:
        story.append("begun")
        program.block()
        story.append("gone on")
        return "result"

    program = Program("worker", work, daemon=False)
    assert repr(program) == "<program worker: waits for its start>"
    assert not program.turn()
    story.append("meanwhile")
    assert program.turn()
    assert story == ["begun", "meanwhile", "gone on"]
    assert (program.result, program.error, program.finished) == ("result", None, True)
    assert repr(program) == "<program worker: finished>"


def test_what_a_program_raises_is_kept() -> None:
    error = ValueError("bad")

    def fail() -> None:
        raise error

    program = Program("failing", fail, daemon=False)
    assert program.turn()
    assert program.error is error


def test_leaving_is_no_error() -> None:
    def leave() -> None:
        raise SystemExit(3)

    program = Program("leaving", leave, daemon=False)
    assert program.turn()
    assert program.error is None


def test_a_killed_program_cleans_up() -> None:
    story: list[str] = []

    def work() -> None:
        try:
            program.block()
        finally:
            story.append("cleaned up")

    program = Program("worker", work, daemon=False)
    program.turn()
    program.kill()
    assert program.finished
    assert story == ["cleaned up"]
    never = Program("never begun", lambda: story.append("begun"), daemon=False)
    never.kill()
    assert never.finished
    assert story == ["cleaned up"]


def test_a_program_that_will_not_end_is_left_alone() -> None:
    tries: list[int] = []

    def stubborn() -> None:
        while True:
            try:
                tries.append(1)
                if len(tries) == 1:
                    program.block()
                program.leave()
            except BaseException:
                pass

    program = Program("stubborn", stubborn, daemon=False)
    program.turn()
    program.kill()
    assert program.finished
    assert len(tries) <= MAX_EXITS + 1
    assert program in module._stubborn


def test_the_collector_is_off_for_a_while() -> None:
    assert gc.isenabled()
    with collector_off():
        assert not gc.isenabled()
        with collector_off():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_missing_greenlet_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(module.importlib, "import_module", missing)
    with pytest.raises(TapError, match="pip install greenlet"):
        load_greenlet()


def test_the_same_program_again() -> None:
    runs: list[int] = []
    program = Program("worker", lambda: runs.append(len(runs)), daemon=True, is_thread=True)
    assert program.turn()
    again = program.again()
    assert (again.name, again.daemon, again.is_thread, again.finished) == ("worker", True, True, False)
    assert again.turn()
    assert runs == [0, 1]
