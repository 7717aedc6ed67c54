"""Planted bugs are shrunk to lists of which each element is needed, and to those that were planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.campaign import Job, Shrunk, execute, shrink
from lab.campaign.causes import Cause, causes_of, verdicts_of
from lab.campaign.shrink import fails
from tests.lab.campaign.planted import LOSSY, plant

PLAIN = '"loss rate=30%"'
FAULTS = """
[[fault]]
on = "client>server kind=udp n=2"
do = "delay 1ms"

[[fault]]
on = "client>server kind=udp n=3"
do = "drop"

[[fault]]
on = "client>server kind=udp p=40%"
do = "drop"

[[fault]]
link = "wire"
do = "duplicate rate=20%"

[[fault]]
device = "client"
do = "pool-fail pool=HEAP p=1% times=1"
"""


def failing(file: Path, target: str, most: int = 300) -> Job:
    """The first seed with which the scenario fails this."""
    text = file.read_text(encoding="utf-8")
    for seed in range(most):
        job = Job(text, str(file), seed)
        if any(text == target and not holds for text, holds, _ in execute(job).expectations):
            return job
    raise AssertionError(f"no seed of {most} fails {target}")


def described(shrunk: Shrunk) -> list[str]:
    return [f"{line['action']} {line['frame']}" for line in shrunk.verdicts]


def assert_each_is_needed(shrunk: Shrunk) -> None:
    """Independent of the search: all of them fail, and without any one of them it does not."""
    causes = causes_of(replace(shrunk.job, text=shrunk.text, overrides=()).load(), execute(shrunk.job))
    chosen: list[Cause] = [one for one in causes.causes if one in (*shrunk.faults, *shrunk.verdicts)]
    assert len(chosen) == shrunk.left

    def still(part: list[Cause]) -> bool:
        return fails(causes.variant(part), shrunk.job.seed, shrunk.target, verdicts_of(part))

    assert still(chosen)
    for at in range(len(chosen)):
        assert not still(chosen[:at] + chosen[at + 1 :]), f"{chosen[at]} is not needed"


def test_the_loss_of_two_frames_is_found_exactly(tmp_path: Path) -> None:
    shrunk = shrink(failing(plant(tmp_path, forth=PLAIN), "program server.pair ends well"))
    assert shrunk.target == "program server.pair ends well"
    assert described(shrunk) == [
        "drop client>server kind=udp n=3 conn=1",
        "drop client>server kind=udp n=7 conn=1",
    ]
    assert shrunk.minimal
    assert not shrunk.problem
    assert shrunk.of > 2
    assert_each_is_needed(shrunk)


@pytest.mark.parametrize("server", ["pair", "twice", "late"])
def test_among_loss_duplication_and_jitter_each_cause_that_is_left_is_needed(
    tmp_path: Path, server: str
) -> None:
    shrunk = shrink(failing(plant(tmp_path, server, LOSSY), f"program server.{server} ends well"))
    assert shrunk.minimal
    assert 0 < shrunk.left < shrunk.of
    assert_each_is_needed(shrunk)


def test_faults_of_the_scenario_are_causes_too(tmp_path: Path) -> None:
    """3 is lost by a rule, 7 by a rule with a probability; a delay, copies and a refused allocation are not
    needed.
    """
    file = plant(tmp_path, forth="")
    file.write_text(file.read_text() + FAULTS)
    shrunk = shrink(failing(file, "program server.pair ends well"))
    assert [(fault.do, fault.on) for fault in shrunk.faults] == [("drop", "client>server kind=udp n=3")]
    assert described(shrunk) == ["drop client>server kind=udp n=7 conn=1"]
    assert_each_is_needed(shrunk)


def test_allocations_that_fail_by_chance_become_faults_that_name_them(tmp_path: Path) -> None:
    file = plant(tmp_path, forth=PLAIN)
    file.write_text(file.read_text() + '\n[[fault]]\ndevice = "client"\ndo = "pool-fail pool=HEAP p=15%"\n')
    shrunk = shrink(failing(file, "program client.send ends well"))
    assert shrunk.of > shrunk.left == 1
    assert shrunk.faults[0].do.startswith("pool-fail pool=HEAP nth=")
    assert_each_is_needed(shrunk)


def test_what_fails_without_any_fault_has_none_left(tmp_path: Path) -> None:
    file = plant(tmp_path, "broken")
    shrunk = shrink(Job(file.read_text(), str(file), 1))
    assert (shrunk.left, shrunk.minimal, shrunk.problem) == (0, True, "")


def test_a_run_that_passes_has_a_problem(tmp_path: Path) -> None:
    file = plant(tmp_path, forth="")
    assert shrink(Job(file.read_text(), str(file), 1)).problem == "the run does not fail"


def test_a_search_that_is_given_up_says_so(tmp_path: Path) -> None:
    shrunk = shrink(failing(plant(tmp_path), "program server.pair ends well"), limit=2)
    assert not shrunk.minimal
    assert shrunk.left == shrunk.of


def test_a_broken_program_is_a_failed_run(tmp_path: Path) -> None:
    file = plant(tmp_path, "broken")
    result = execute(Job(file.read_text(), str(file), 1))
    assert not result.ok
    assert "program server.broken ends well: failed with ZeroDivisionError: planted at 0 s" in result.failed


def test_a_scenario_that_cannot_be_loaded_is_a_failed_run() -> None:
    result = execute(Job("nonsense", None, 1))
    assert result.error is not None
    assert result.error.startswith("ScenarioError: scenario.toml: ")
