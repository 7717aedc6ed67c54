"""Every single fault that a run can meet, each in a run of its own: each frame lost, sent twice, delayed,
changed; each allocation refused. What the scenario expects has to hold in all of them.

The idea is that of SQLite's tests (https://sqlite.org/testing.html: "every I/O and every malloc fails once").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lab.campaign import toml
from lab.campaign.errors import CampaignError
from lab.campaign.job import Job, Record, execute
from lab.campaign.survey import Survey, survey
from lab.campaign.ways import way_of
from lab.scenario import Scenario
from lab.scenario.model import Expect, Fault
from lab.scenario.rules import check_rule

if TYPE_CHECKING:
    from collections.abc import Iterable

# What is done to frames; the name is the first word.
FRAME_FAULTS = ("drop", "duplicate copies=1", "delay 200ms", "corrupt")
FAIL = "fail"  # what is done to allocations

HELD, REFUSED, FAILED = "held", "refused", "failed"
_NO_MEMORY = re.compile(r"program \S+ ends well: failed with (ENOMEM|ENOBUFS) at")


@dataclass(frozen=True)
class Case:
    """A run with one fault: ``action`` (drop, ..., fail), ``place`` what it strikes, the ``job``."""

    action: str
    place: str
    job: Job

    @property
    def group(self) -> str:
        """The direction, or the device and its pool."""
        head, _, rest = self.place.partition(" ")
        return f"{head} {rest.partition(' ')[0]}" if self.action == FAIL else head


def outcome(case: Case, record: Record) -> str:
    """HELD, FAILED, or REFUSED: an allocation failed, a program was told so (ENOMEM or ENOBUFS, as
    documented) and gave up, and no memory leaked.
    """
    if record.ok:
        return HELD
    told = any(_NO_MEMORY.match(detail) for detail in record.details)
    leaks = any(text.startswith("pools ") for text in record.failed)
    return REFUSED if case.action == FAIL and told and not leaks and record.error is None else FAILED


def cases(
    job: Job,
    actions: Sequence[str] = FRAME_FAULTS,
    allocations: bool = True,
    timeout: float | None = None,
) -> list[Case]:
    """All runs with one fault, those of frames in the order of the frames; ``actions`` are texts of rules.

    Raises CampaignError for an action that is none and when the run fails as it is, also by taking longer
    than ``timeout`` s of real time, and ScenarioError.
    """
    job = with_leak_checks(job)
    scenario = job.load()
    for action in actions:
        try:
            check_rule(action, scenario.plan.names)
        except ValueError as error:
            raise CampaignError(f"{action}: {error}") from None
    whole = execute(job, timeout)
    if not whole.ok:
        raise CampaignError(f"without any fault it fails already ({whole.failed[0]}): mend that first")
    found = survey(scenario, job.seed)
    return [
        *_of_frames(job, scenario, found, actions),
        *(_of_allocations(job, scenario, found) if allocations else []),
    ]


def _of_frames(job: Job, scenario: Scenario, found: Survey, actions: Iterable[str]) -> list[Case]:
    made = []
    for action in actions:
        for direction, conditions in found.frames:
            on = f"{way_of(scenario.plan.names, direction)[2]} {conditions}"
            made.append(Case(action.split()[0], on, _with_fault(job, scenario, Fault(do=action, on=on))))
    return made


def _of_allocations(job: Job, scenario: Scenario, found: Survey) -> list[Case]:
    made = []
    for (device, pool), count in sorted(found.allocations.items()):
        for nth in range(1, count + 1):
            text = f"pool-fail pool={pool} nth={nth}"
            fault = Fault(do=text, device=device)
            made.append(Case(FAIL, f"{device} {pool} nth={nth}", _with_fault(job, scenario, fault)))
    return made


def _with_fault(job: Job, scenario: Scenario, fault: Fault) -> Job:
    """The job with one fault more, as an override, so that the command line can say it, too."""
    faults = [toml.inline(one) for one in (*scenario.file.fault, fault)]
    return replace(job, overrides=(*job.overrides, f"fault=[{', '.join(faults)}]"))


def with_leak_checks(job: Job) -> Job:
    """The job with the expectation for each device, where the scenario has none, that no memory leaks."""
    scenario = job.load()
    expects = scenario.file.expect
    looked_at: set[str] = set()
    for expect in expects:
        words = expect.that.split()
        looked_at |= {after for word, after in pairwise(words) if word == "pools"}
    missing = [
        Expect(that=f"pools {name} leaked == 0") for name in scenario.file.device if name not in looked_at
    ]
    if not missing:
        return job
    tables: list[Any] = [toml.inline(one) for one in (*expects, *missing)]
    return replace(job, overrides=(*job.overrides, f"expect=[{', '.join(tables)}]"))
