"""``netstack replay``: run scripts of the trace language on our stack, compare what comes out with what they
say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from lab.pkt.replay import Job, Outcome

MISMATCH = 1
MISTAKE = 2

_CHUNK = 8  # files a process takes at a time

_EXISTING = click.Path(exists=True, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING, metavar="FILE|DIR...")
@click.option(
    "--level",
    type=click.Choice(["A", "B", "C"], case_sensitive=False),
    default="A",
    show_default=True,
    metavar="A|B|C",
    help="A: frames; B: also API results and callbacks; C: also TCP's control blocks.",
)
@click.option(
    "--emit",
    type=_FOLDER,
    metavar="DIR",
    help="Write what our stack did, in the same language, one file for each input, at its relative path.",
)
@click.option(
    "--pcap",
    type=_FOLDER,
    metavar="DIR",
    help="Write a capture of all frames (pcapng), one file for each input, at its relative path.",
)
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("-q", "--quiet", is_flag=True, help="Show only files that do not match.")
@click.pass_context
def replay(
    ctx: click.Context,
    paths: tuple[Path, ...],
    level: str,
    emit: Path | None,
    pcap: Path | None,
    jobs: int,
    quiet: bool,
) -> None:
    """Replay conversations (.pkt) on our stack and compare every frame with what the files say.

    A folder stands for every .pkt file in and below it. A file without expectations is only run.

    Exit status: 0 all files match, 1 one does not, 2 one cannot be understood.
    """
    from lab.pkt.replay import ERROR, MALFORMED, MATCH, RAN, Job, find_scripts
    from lab.pkt.report import print_outcome, print_table
    from lab.tables import console

    level = level.upper()
    found = find_scripts(paths)
    if not found:
        raise click.UsageError(f"there is no .pkt file in {' '.join(map(str, paths))}")
    if emit is not None or pcap is not None:
        _refuse_collisions(relative for _, relative in found)
    work = [
        Job(
            str(path),
            level,
            _output(emit, relative, ".pkt"),
            _output(pcap, relative, ".pcapng"),
        )
        for path, relative in found
    ]
    out = console()
    outcomes = []
    with _progress(out, len(work)) as advance:
        for outcome in _replay_all(work, jobs):
            outcomes.append(outcome)
            print_outcome(out, outcome, quiet)
            advance()
    if len(outcomes) > 1:
        print_table(out, outcomes, level)
    statuses = {outcome.status for outcome in outcomes}
    if statuses & {MALFORMED, ERROR}:
        ctx.exit(MISTAKE)
    ctx.exit(0 if statuses <= {MATCH, RAN} else MISMATCH)


def _refuse_collisions(outputs: Iterable[Path]) -> None:
    seen: set[Path] = set()
    for path in outputs:
        if path in seen:
            mend = "name the folder above them, or replay them one by one"
            raise click.UsageError(f"two inputs would be written to {path}: {mend}")
        seen.add(path)


def _output(folder: Path | None, relative: Path, suffix: str) -> str | None:
    return None if folder is None else str(folder / relative.with_suffix(suffix))


def _replay_all(work: list[Job], processes: int) -> Iterable[Outcome]:
    """Outcomes in the order of the jobs, from this process or several others."""
    from lab.pkt.replay import replay as replay_one

    if processes == 1 or len(work) == 1:
        return map(replay_one, work)
    return _in_processes(work, min(processes, len(work)))


def _in_processes(work: list[Job], processes: int) -> Iterator[Outcome]:
    from concurrent.futures import ProcessPoolExecutor

    from lab.pkt.replay import replay as replay_one

    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(replay_one, work, chunksize=min(_CHUNK, -(-len(work) // processes)))


@contextmanager
def _progress(out: Console, total: int) -> Iterator[Callable[[], None]]:
    """A bar below the lines, on a terminal only; yields what moves it on by one file."""
    if not out.is_terminal or total == 1:
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(console=out, transient=True) as bar:
        task = bar.add_task("replay", total=total)
        yield lambda: bar.advance(task)
