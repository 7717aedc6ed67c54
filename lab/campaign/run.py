"""Runs the jobs of a campaign that have no result yet, on an engine, and keeps each result as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from lab.campaign.engine import Engine
from lab.campaign.errors import CampaignError
from lab.campaign.job import DIED, Job, Record, code_version, record
from lab.campaign.store import Store
from lab.campaign.tasks import perform

Heard = Callable[[Job, Record], None]


def campaign(
    jobs: Sequence[Job],
    engine: Engine,
    store: Store,
    heard: Heard | None = None,
    note: Callable[[str], None] = lambda _: None,
    timeout: float | None = None,
) -> list[Record]:
    """The records of all jobs, in their order; those that ``store`` has are not run again.

    ``heard`` is told of each run that ended now; ``note`` of what else there is to say. KeyboardInterrupt
    ends the workers and passes; what is done is kept. A run that takes longer than ``timeout`` s of real time
    (None: any) has failed. Raises CampaignError.
    """
    known = store.records(jobs)
    code = code_version()

    def keep(job: Job, made: Record) -> None:
        if made.code != code:
            mend = "install the same everywhere, and do not change it meanwhile"
            raise CampaignError(f"a worker's code is {made.code}, not {code}: {mend}")
        store.add(job, made)
        known[job] = made
        if heard is not None:
            heard(job, made)

    def lost(job: Job, why: str) -> None:
        keep(job, Record(job.seed, job.overrides, DIED, details=(why,), error=why, code=code))

    missing = [job for job in dict.fromkeys(jobs) if job not in known]
    if missing:
        perform(partial(record, timeout=timeout), missing, engine, keep, lost, note)
    return [known[job] for job in jobs]
