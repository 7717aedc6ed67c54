"""``netstack explore``: every single fault that a run of a scenario can meet, and what of it failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.campaign_options import DASK, RESULTS, TIMEOUT, WORKERS

if TYPE_CHECKING:
    from rich.table import Table

    from lab.campaign.engine import Engine
    from lab.campaign.explore import Case
    from lab.campaign.job import Job, Record
    from lab.campaign.store import Store

MISTAKE, INTERRUPTED = 2, 130
MOST_FAILURES = 20
FAIL = "fail"
ACTIONS = ("drop", "duplicate", "delay", "corrupt", FAIL)


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--seed", type=click.IntRange(min=0), help="The runs' seed.  [default: the file's, or 0]")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value of the file, as device.client.options.tcp_mss=536; may be given again.",
)
@click.option(
    "--fault",
    "actions",
    multiple=True,
    type=click.Choice(ACTIONS),
    help="Try only this: one of a frame's faults, or fail (allocations); may be given again.",
)
@click.option("--delay", default="200ms", show_default=True, metavar="TIME", help="How long delay is.")
@WORKERS
@DASK
@RESULTS
@TIMEOUT
def explore(
    file: Path,
    seed: int | None,
    overrides: tuple[str, ...],
    actions: tuple[str, ...],
    delay: str,
    workers: int,
    address: str | None,
    results: Path | None,
    timeout: float | None,
) -> int:
    """Run a scenario FILE once for every single fault that it can meet: each frame dropped, duplicated,
    delayed, corrupted, each allocation refused. What it expects has to hold each time, and no memory may
    leak.

    A program that was refused memory, says so (ENOMEM, ENOBUFS) and gives up counts as refused, not failed.

    Exit status: 0 when nothing failed, 1 when something did, 2 for a mistake of yours.
    """
    from lab.campaign.command import engine_of
    from lab.campaign.errors import CampaignError
    from lab.campaign.explore import cases
    from lab.campaign.job import Job
    from lab.campaign.store import Store
    from lab.scenario import ScenarioError, load

    wanted = actions or ACTIONS
    texts = [_text(action, delay) for action in wanted if action != FAIL]
    try:
        loaded = load(file, overrides=overrides)
        first = Job(loaded.text, str(file), loaded.file.run.seed if seed is None else seed, tuple(overrides))
        found = cases(first, texts, FAIL in wanted, timeout)
        with Store(results) as store:
            return _run(file, found, engine_of(workers, address), store, timeout)
    except (ScenarioError, CampaignError) as error:
        click.echo(str(error), err=True)
        return MISTAKE


def _text(action: str, delay: str) -> str:
    """The text of a rule."""
    return {"delay": f"delay {delay}", "duplicate": "duplicate copies=1"}.get(action, action)


def _run(file: Path, found: Sequence[Case], engine: Engine, store: Store, timeout: float | None) -> int:
    """Run what is not in the store yet, show what came of it; the exit status."""
    from lab.campaign.explore import FAILED, outcome
    from lab.campaign.progress import Progress
    from lab.campaign.run import campaign
    from lab.campaign.table import first_detail

    jobs = {case.job: case for case in found}
    total = len(jobs) - len(store.records(jobs))
    status = 0
    with Progress(total, "single faults") as progress:

        def heard(job: Job, record: Record) -> None:
            case = jobs[job]
            failed = outcome(case, record) == FAILED
            progress.ran(not failed, f"{case.action} {case.place}: {first_detail(record)}")

        try:
            campaign(list(jobs), engine, store, heard, progress.say, timeout)
        except KeyboardInterrupt:
            status = INTERRUPTED
    records = store.records(jobs)
    _show(file, [(case, records[job]) for job, case in jobs.items() if job in records])
    if status:
        click.echo(f"interrupted: {len(records)} of {len(jobs)} single faults were tried", err=True)
    held = all(outcome(jobs[job], record) != FAILED for job, record in records.items())
    return status or (0 if held and len(records) == len(jobs) else 1)


def _show(file: Path, tried: Sequence[tuple[Case, Record]]) -> None:
    from lab.campaign.explore import FAILED, outcome
    from lab.campaign.table import first_detail
    from lab.tables import console

    console().print(_table(file, tried))
    failed = [(case, record) for case, record in tried if outcome(case, record) == FAILED]
    for case, record in failed[:MOST_FAILURES]:
        click.echo(f"{case.action} {case.place}: {first_detail(record)}\n    {case.job.reproduction}")
    if len(failed) > MOST_FAILURES:
        click.echo(f"and {len(failed) - MOST_FAILURES} more: --results FILE.sqlite has them all")


def _table(file: Path, tried: Sequence[tuple[Case, Record]]) -> Table:
    """A row for what was done, with where; allocations by device and pool."""
    from collections import Counter

    from rich.table import Table

    from lab.campaign.explore import FAILED, HELD, REFUSED, outcome

    table = Table(
        title=f"{file}, {len(tried)} single faults", title_justify="left", title_style="bold", box=None,
        pad_edge=False, header_style="dim",
    )  # fmt: skip
    for column in ("fault", "where", "tried", HELD, REFUSED, FAILED):
        table.add_column(column, justify="left" if column in ("fault", "where") else "right")
    table.add_column("most often failed")
    rows: dict[tuple[str, str], list[tuple[Case, Record]]] = {}
    for case, record in tried:
        rows.setdefault((case.action, case.group), []).append((case, record))
    for (action, where), group in rows.items():
        outcomes = Counter(outcome(case, record) for case, record in group)
        reasons = Counter(record.reason for case, record in group if outcome(case, record) == FAILED)
        often = min(reasons.items(), key=lambda item: (-item[1], item[0]))[0] if reasons else ""
        numbers = [str(outcomes[one] or "") for one in (HELD, REFUSED, FAILED)]
        table.add_row(action, where, str(len(group)), *numbers, often, style="red" if reasons else "")
    return table
