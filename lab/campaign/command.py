"""``netstack scenario FILE --seeds N``: the campaign behind the command.

Exit status: 0 when all runs passed, 1 when some failed, 2 for a mistake of the user, 130 after Ctrl-C, which
keeps what is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.campaign.engine import Engine, dask, here, processes
from lab.campaign.errors import CampaignError
from lab.campaign.job import Job, Record
from lab.campaign.progress import Progress
from lab.campaign.run import campaign
from lab.campaign.store import Store
from lab.campaign.sweep import sweep
from lab.campaign.table import failures, first_detail, summary
from lab.campaign.tasks import perform

if TYPE_CHECKING:
    from lab.campaign.shrink import Shrunk

FAILED, MISTAKE, INTERRUPTED = 1, 2, 130
MOST_FAILURES = 20  # runs that are shown; the file of results has all
MOST_SHRUNK = 10  # kinds of failures that are shrunk


@dataclass(frozen=True)
class Options:
    """What the command line says: ``seeds`` runs from ``first`` on at each point of ``settings``' grid, by
    ``workers`` processes (0: this one), or by the dask cluster at ``address`` ("local": one of its own).
    """

    file: Path
    seeds: int
    first: int = 0
    settings: tuple[str, ...] = ()
    workers: int = 1
    address: str | None = None
    results: Path | None = None
    shrink: bool = True
    artifacts: Path | None = None
    timeout: float | None = None  # s of real time for a run


def run_campaign(options: Options) -> int:
    """Do it and show it; the exit status."""
    from lab.scenario import ScenarioError

    try:
        jobs = _jobs(options)
        _make_folder(options.artifacts)
        with Store(options.results) as store:
            return _run(options, jobs, store)
    except (ScenarioError, CampaignError) as error:
        click.echo(str(error), err=True)
        return MISTAKE


def _make_folder(artifacts: Path | None) -> None:
    """What is shrunk must have somewhere to go, which is seen before anything runs. Raises CampaignError."""
    try:
        (artifacts or Path()).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"--artifacts {artifacts} cannot be made ({error.strerror})"
        raise CampaignError(f"{why}: name another") from None


def _jobs(options: Options) -> list[Job]:
    """The jobs; each point of the grid is checked before anything runs. Raises ScenarioError and
    CampaignError.
    """
    from lab.scenario import load

    loaded = load(options.file)
    text = loaded.text
    seeds = range(options.first, options.first + options.seeds)
    jobs = sweep(text, str(options.file), seeds, options.settings)
    warnings = loaded.warnings
    for overrides in dict.fromkeys(job.overrides for job in jobs):
        warnings += load(text, str(options.file), overrides).warnings
    for warning in dict.fromkeys(warnings):
        click.secho(warning, fg="yellow", err=True)
    return jobs


def _run(options: Options, jobs: Sequence[Job], store: Store) -> int:
    known = store.records(jobs)
    if known:
        click.echo(f"{len(known)} of {len(jobs)} runs are in {options.results} already", err=True)
    make = engine_of(options.workers, options.address)
    try:
        with Progress(len(jobs) - len(known), "runs") as progress:
            records = campaign(
                jobs, make, store, lambda *run: _heard(progress, *run), progress.say, options.timeout
            )
    except KeyboardInterrupt:
        _show([(job, record) for job, record in store.records(jobs).items()], options)
        click.echo(_interrupted(options, store, jobs), err=True)
        return INTERRUPTED
    runs = list(zip(jobs, records, strict=True))
    _show(runs, options)
    failed = [(job, record) for job, record in runs if not record.ok]
    if failed and options.shrink:
        try:
            _shrink(failed, options, store)
        except KeyboardInterrupt:
            click.echo("interrupted: what was shrunk is written", err=True)
            return INTERRUPTED
    return FAILED if failed else 0


def engine_of(workers: int, address: str | None = None) -> Engine:
    """The engine that the command line names. Raises CampaignError."""
    if address is not None:
        return dask(None if address == "local" else address, max(1, workers))
    return processes(workers) if workers else here()


def _heard(progress: Progress, job: Job, record: Record) -> None:
    at = f", {', '.join(job.overrides)}" if job.overrides else ""
    progress.ran(record.ok, f"seed {job.seed}{at}: {first_detail(record)}")


def _interrupted(options: Options, store: Store, jobs: Sequence[Job]) -> str:
    done = len(store.records(jobs))
    if options.results is None:
        return f"interrupted after {done} of {len(jobs)} runs: with --results FILE.sqlite they would be kept"
    return f"interrupted: {done} of {len(jobs)} runs are in {options.results}; the same command goes on"


def _show(runs: list[tuple[Job, Record]], options: Options) -> None:
    from lab.tables import console

    if not runs:
        return
    console().print(summary(runs, f"{options.file}, {len(runs)} runs"))
    for line in failures(runs, MOST_FAILURES):
        click.echo(line)


# Shrinking


def alike(failed: Sequence[tuple[Job, Record]]) -> list[tuple[Job, int]]:
    """For each way to fail at each point of the grid: the run with the fewest verdicts, how many fail so."""
    groups: dict[tuple[tuple[str, ...], str], list[tuple[Job, Record]]] = {}
    for job, record in failed:
        groups.setdefault((job.overrides, record.reason), []).append((job, record))
    return [
        (min(group, key=lambda run: (run[1].verdicts, run[0].seed))[0], len(group))
        for group in groups.values()
    ]


def _shrink(failed: Sequence[tuple[Job, Record]], options: Options, store: Store) -> None:
    """Shrink a run of each kind of failure, and show what is left."""
    from lab.campaign.shrink import shrink

    kinds = alike([run for run in failed if run[1].is_final])
    folder = options.artifacts or Path()
    found: dict[Job, Shrunk] = {}
    with Progress(len(kinds[:MOST_SHRUNK]), "failures shrunk") as progress:

        def keep(job: Job, shrunk: Shrunk) -> None:
            found[job] = shrunk
            progress.ran(True, "")

        def lost(job: Job, why: str) -> None:
            progress.ran(False, f"seed {job.seed} cannot be shrunk: {why}")

        chosen = [job for job, _ in kinds[:MOST_SHRUNK]]
        search = partial(shrink, timeout=options.timeout)
        perform(search, chosen, engine_of(options.workers, options.address), keep, lost, progress.say)
    for job, times in kinds[:MOST_SHRUNK]:
        if job in found:
            _report(found[job], times, folder, store)
    if len(kinds) > MOST_SHRUNK:
        click.echo(f"{len(kinds) - MOST_SHRUNK} further kinds of failures were not shrunk")


def _report(shrunk: Shrunk, times: int, folder: Path, store: Store) -> None:
    from lab.campaign.write import write

    runs = f"{times} run{'s' if times > 1 else ''}"
    click.secho(f"\n{shrunk.target} ({runs}, here seed {shrunk.job.seed})", bold=True)
    if shrunk.problem:
        click.echo(f"  not shrunk: {shrunk.problem}")
        return
    if not shrunk.left:
        click.echo("  it fails also without any fault")
        return
    try:
        written = write(shrunk, folder)
    except OSError as error:
        why = f"cannot be written to {folder} ({error.strerror or error})"
        mend = "free some space, or name another folder with --artifacts"
        click.echo(f"  {shrunk.left} of {shrunk.of} faults are left, but {why}: {mend}")
        return
    store.add_shrunk(shrunk.job, shrunk.target, written.faults, shrunk.minimal, str(written.file))
    least = "each is needed" if shrunk.minimal else "perhaps not all are needed"
    click.echo(f"  {shrunk.left} of {shrunk.of} faults are left ({least}; {shrunk.runs} runs):")
    for line in written.faults:
        click.echo(f"    {line}")
    again = "scenario" if written.file.suffix == ".toml" else "replay-run"
    click.echo(f"  netstack {again} {written.file}")
