"""What a campaign comes to: a row for each point of the grid, and of the failures what they are and how each
is done again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median_low

from rich.table import Table

from lab.campaign.job import DIED, FAILED, PASSED, Job, Record
from tap.clock import SECOND

Runs = Sequence[tuple[Job, Record]]


def summary(runs: Runs, title: str) -> Table:
    """The final table. It depends on the results alone, not on the order in which they came."""
    made = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    for key in _keys(runs):
        made.add_column(key)
    for column in ("runs", PASSED, FAILED, DIED, "frames", "time"):
        made.add_column(column, justify="right")
    made.add_column("most often failed")
    for point in dict.fromkeys(job.overrides for job, _ in runs):
        records = [record for job, record in runs if job.overrides == point]
        statuses = Counter(record.status for record in records)
        values = [change.partition("=")[2] for change in point]
        numbers = [str(statuses[status] or "") for status in (PASSED, FAILED, DIED)]
        alive = [record for record in records if record.status != DIED]
        frames = str(median_low(record.frames for record in alive)) if alive else ""
        time = f"{median_low(record.time for record in alive) / SECOND:.3f} s" if alive else ""
        style = "red" if statuses[FAILED] or statuses[DIED] else ""
        made.add_row(*values, str(len(records)), *numbers, frames, time, _most_often(records), style=style)
    return made


def _keys(runs: Runs) -> list[str]:
    return [change.partition("=")[0] for change in runs[0][0].overrides] if runs else []


def _most_often(records: Sequence[Record]) -> str:
    reasons = Counter(record.reason for record in records if record.status != PASSED)
    if not reasons:
        return ""
    reason, times = min(reasons.items(), key=lambda item: (-item[1], item[0]))
    return f"{reason} ({times})"


def failures(runs: Runs, most: int) -> list[str]:
    """Two lines for each of the first ``most`` failed runs: what failed, the command that does it again."""
    failed = [(job, record) for job, record in runs if record.status != PASSED]
    lines = []
    for job, record in failed[:most]:
        lines += [f"seed {job.seed}{_at(job)}: {first_detail(record)}", f"    {job.reproduction}"]
    if len(failed) > most:
        lines.append(f"and {len(failed) - most} more: --results FILE.sqlite has them all")
    return lines


def first_detail(record: Record) -> str:
    """What it failed with, in one line."""
    more = len(record.details) - 1
    text = record.details[0] if record.details else record.error or "nothing is known"
    return f"{text} (and {more} more)" if more > 0 else text


def _at(job: Job) -> str:
    return f", {', '.join(job.overrides)}" if job.overrides else ""
