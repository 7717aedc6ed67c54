"""Many conversations, in this process or split over several; what they showed is summed up."""

from __future__ import annotations

import itertools
import multiprocessing
from collections import Counter
from dataclasses import dataclass, field

from tests.lockstep.check import Outcome, check
from tests.lockstep.conversation import plan
from tests.lockstep.coverage import measure
from tests.lockstep.oracle import Oracle


@dataclass(frozen=True)
class Task:
    """Conversations ``seed``/``first``, ``seed``/``first + step``, ... until peers have sent ``segments``
    segments.

    ``state`` compares what is inside the stacks, too. ``coverage`` counts situations (it needs ``state``).
    """

    seed: str
    segments: int
    first: int = 0
    step: int = 1
    mood: str | None = None
    state: bool = False
    coverage: bool = False
    most_differences: int = 20  # then stop


@dataclass
class Report:
    """The sum of some conversations; ``differences`` are (seed, outcome), ``stops`` lwIP's own assertions."""

    conversations: int = 0
    segments: int = 0
    frames: int = 0
    stops: Counter[str] = field(default_factory=Counter)
    differences: list[tuple[str, Outcome]] = field(default_factory=list)
    situations: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        """Take in what another process found."""
        self.conversations += other.conversations
        self.segments += other.segments
        self.frames += other.frames
        self.stops += other.stops
        self.differences += other.differences
        self.situations.update(other.situations)

    def summary(self) -> str:
        """One line."""
        stops = sum(self.stops.values())
        return (
            f"{self.segments} segments in {self.conversations} conversations, {self.frames} frames of lwIP: "
            f"{len(self.differences)} differences; lwIP stopped {stops} times at an assertion of its own"
        )


def run(task: Task) -> Report:
    """Do a task in this process."""
    report = Report()
    with Oracle() as oracle:
        for index in itertools.count(task.first, task.step):
            if report.segments >= task.segments or len(report.differences) >= task.most_differences:
                return report
            seed = f"{task.seed}/{index}"
            outcome = check(oracle, plan(seed, task.mood, task.state))
            report.conversations += 1
            report.segments += outcome.segments
            report.frames += sum(record.kind == "F" for record in outcome.lwip)
            if outcome.stop:
                report.stops[outcome.stop] += 1
            if outcome.difference is not None:
                report.differences.append((seed, outcome))
            if task.coverage:
                report.situations.update(measure(outcome.lwip))
    raise AssertionError("count() ends never")


def run_split(task: Task, processes: int) -> Report:
    """Do a task in several processes; which conversations it has depends on their number."""
    share = -(-task.segments // processes)
    tasks = [
        Task(task.seed, share, first, processes, task.mood, task.state, task.coverage, task.most_differences)
        for first in range(processes)
    ]
    report = Report()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for part in pool.imap(run, tasks):
            report.add(part)
    return report
