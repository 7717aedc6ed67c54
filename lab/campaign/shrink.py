"""Makes a failing run small: of all that happened to it, the least that still makes it fail the same way.

What happened are the verdicts of chance (``tap.verdicts``) and the faults of the scenario, and a run can be
done with some of these causes left out (``lab.campaign.causes``). Delta debugging (``lab.campaign.ddmin``)
looks for a list of them that is 1-minimal: each one is needed for the failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.campaign import toml
from lab.campaign.causes import Cause, Causes, causes_of, verdicts_of
from lab.campaign.ddmin import ddmin
from lab.campaign.job import Job, execute
from lab.scenario import Result, Scenario, Verdict
from lab.scenario.model import Fault

LIMIT = 5000  # runs that the search may take


@dataclass(frozen=True)
class Shrunk:
    """The least of ``of`` causes that make ``job`` fail ``target``: verdicts and faults. ``text`` is the
    scenario with just these faults. ``minimal``: no single one can be left out (False: the search was given
    up, or ``problem`` says why there was none). ``runs``: how many it took.
    """

    job: Job
    target: str
    text: str
    verdicts: tuple[Verdict, ...]
    faults: tuple[Fault, ...]
    of: int
    runs: int
    minimal: bool
    problem: str = ""

    @property
    def left(self) -> int:
        """How many causes are left."""
        return len(self.verdicts) + len(self.faults)


def shrink(job: Job, limit: int = LIMIT, timeout: float | None = None) -> Shrunk:
    """Shrink a failing run. One that passes, or fails in another way when it is played, has a ``problem``.
    ``timeout``: how many s of real time each try may take (None: any).
    """
    whole = execute(job, timeout)
    target = target_of(whole)
    if target is None:
        return Shrunk(job, "", job.text, (), (), 0, 1, False, "the run does not fail")
    try:
        found = causes_of(job.load(), whole)
    except ValueError as error:
        return Shrunk(job, target, job.text, (), (), 0, 1, False, str(error))
    search = _Search(found, job.seed, target, timeout)
    if not search.fails(found.causes):
        problem = f"played from its verdicts it does not fail {target!r}"
        return search.result(job, found.causes, False, problem)
    least, minimal = ddmin(found.causes, search.fails, limit)
    return search.result(job, least, minimal)


class _Search:
    def __init__(self, causes: Causes, seed: int, target: str, timeout: float | None) -> None:
        self._causes = causes
        self._seed = seed
        self._target = target
        self._timeout = timeout
        self._runs = 1

    def fails(self, chosen: Sequence[Cause]) -> bool:
        """Whether these causes alone make the run fail the same way."""
        self._runs += 1
        try:
            scenario = self._causes.variant(chosen)
        except ValueError:
            return False
        return fails(scenario, self._seed, self._target, verdicts_of(chosen), self._timeout)

    def result(self, job: Job, chosen: Sequence[Cause], minimal: bool, problem: str = "") -> Shrunk:
        """What the search has come to."""
        return Shrunk(
            job=job,
            target=self._target,
            text=toml.write(self._causes.file(chosen)),
            verdicts=tuple(verdicts_of(chosen)),
            faults=tuple(cause for cause in chosen if isinstance(cause, Fault)),
            of=len(self._causes.causes),
            runs=self._runs,
            minimal=minimal,
            problem=problem,
        )


def fails(
    scenario: Scenario,
    seed: int,
    target: str,
    verdicts: Sequence[Verdict] | None = None,
    timeout: float | None = None,
) -> bool:
    """Whether a run fails ``target``, without chance but for ``verdicts`` (None: with chance)."""
    from lab.scenario import run

    try:
        return target in targets_of(run(scenario, seed=seed, verdicts=verdicts, timeout=timeout))
    except MemoryError:
        raise
    except Exception as error:
        return target == type(error).__name__


def targets_of(result: Result) -> list[str]:
    """What a run fails: texts of expectations, and the name of the exception that broke it."""
    found = [text for text, holds, _ in result.expectations if not holds]
    return found + ([result.error.partition(": ")[0]] if result.error else [])


def target_of(result: Result) -> str | None:
    """The first of them; None when there is none."""
    return next(iter(targets_of(result)), None)
