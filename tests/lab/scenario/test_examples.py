"""The ten scenarios of examples/scenarios: they hold, they repeat, and each is about its fault."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lab.scenario import load, run
from tests.lab.scenario.texts import EXAMPLES

IDS = [path.stem for path in EXAMPLES]


def test_they_are_ten() -> None:
    assert IDS == [
        "bufferbloat", "dhcp-server-gone", "duplicate-ip", "half-open-peer", "lost-syn-ack",
        "lost-third-segment", "pool-starvation", "reboot-mid-transfer", "silly-window", "zero-window",
    ]  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=IDS)
def test_each_holds_and_is_the_same_twice(path: Path) -> None:
    first = run(load(path))
    assert first.failed == []
    assert run(load(path)) == first


@pytest.mark.parametrize("path", EXAMPLES, ids=IDS)
def test_each_fails_when_its_fault_is_taken_away(path: Path) -> None:
    text = path.read_text()
    assert len(tomllib.loads(text)["fault"]) == 1
    without = load(text, str(path), ["fault.1.at=24h"])  # it still has its name, but never begins
    result = run(without)
    assert result.error is None
    failed = [one for one, holds, _ in result.expectations if not holds and "hits" not in one]
    assert failed, f"{path.stem} expects nothing of its fault"


@pytest.mark.parametrize("path", EXAMPLES, ids=IDS)
def test_each_says_what_to_look_at(path: Path) -> None:
    scenario = load(path)
    assert scenario.title[0].isupper()
    assert len(scenario.title) < 70
    assert len(scenario.about) >= 2
    assert scenario.about[-1].startswith("What to look at: ")
    assert all(len(line) <= 120 for line in path.read_text().splitlines())


@pytest.mark.parametrize("path", EXAMPLES, ids=IDS)
def test_each_expects_numbers(path: Path) -> None:
    statements = [one.statement.text for one in load(path).plan.expectations]
    assert len(statements) >= 4
    assert any(" in " in one for one in statements)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("path", EXAMPLES, ids=IDS)
def test_none_depends_on_the_seed(path: Path, seed: int) -> None:
    assert run(load(path), seed=seed).failed == []
