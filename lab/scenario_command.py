"""``netstack scenario``: run a scenario file, or check it; with ``--seeds`` a campaign (``lab.campaign``)."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.campaign_options import TIMEOUT, campaign_options

if TYPE_CHECKING:
    from lab.scenario import Result, Scenario

WIDTH = 100  # columns of a paragraph
FAILED, MISTAKE = 1, 2
MOST_LINES = 12  # of what programs printed
SECOND = 10**9


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--check", is_flag=True, help="Only look for mistakes in the file, and name them all.")
@click.option("--seed", type=click.IntRange(min=0), help="The run's seed.  [default: the file's, or 0]")
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Run it N times; that runs differ is an error.",
)
@click.option("--pcap", type=click.Path(path_type=Path), help="Write every frame to this pcapng file.")
@click.option(
    "--journal",
    type=click.Path(path_type=Path),
    help="Write what was done to each frame; `netstack replay-run` repeats the run from it.",
)
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    help="Write what happened inside the devices; `netstack report` draws it.",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value of the file, as device.client.options.tcp_mss=536; may be given again.",
)
@click.option("--quiet", is_flag=True, help="Leave out what the scenario is about.")
@TIMEOUT
@campaign_options
def scenario(
    file: Path,
    check: bool,
    seed: int | None,
    repeat: int,
    pcap: Path | None,
    journal: Path | None,
    trace: Path | None,
    overrides: tuple[str, ...],
    quiet: bool,
    timeout: float | None,
) -> int:
    """Run the experiment of a scenario FILE: a network in virtual time, programs, faults, and what is
    expected.

    Exit status: 0 when all expectations hold, 1 when not, 2 for a mistake in the file. docs/scenarios.md
    explains the file, examples/scenarios has ten.

    With --seeds N it is a campaign: N runs, each with a seed of its own, in several processes.
    """
    loaded = _loaded(file, overrides, check)
    if loaded is None:
        return MISTAKE
    warn(loaded)
    if check:
        click.echo(f"{file}: no mistakes")
        return 0
    if not quiet:
        about(loaded)
    from lab.scenario import run

    first = run(loaded, seed=seed, pcap=pcap, journal=journal, trace=trace, timeout=timeout)
    report(first)
    return _compare(loaded, first, seed, repeat, timeout)


def _loaded(file: Path, overrides: tuple[str, ...], everything: bool) -> Scenario | None:
    """The scenario; None when it has mistakes, of which the first, or ``everything``, is shown."""
    from lab.scenario import ScenarioError, load

    try:
        return load(file, overrides=overrides)
    except ScenarioError as error:
        for problem in error.problems if everything else error.problems[:1]:
            click.echo(problem, err=True)
        return None


def _compare(loaded: Scenario, first: Result, seed: int | None, repeat: int, timeout: float | None) -> int:
    """Run it again and compare the runs with the first; the exit status."""
    from lab.scenario import run

    digests = [first.digest]
    click.echo(f"sha256 {first.digest}")
    for _ in range(1, repeat):
        digests.append(run(loaded, seed=seed, timeout=timeout).digest)
        click.echo(f"sha256 {digests[-1]}")
    if len(set(digests)) > 1:
        click.secho("the runs differ: a program of its own has used Python's random or clock", fg="red")
        return FAILED
    return status_of(first)


def status_of(result: Result) -> int:
    """The exit status: also a run whose files are not whole is no success."""
    return FAILED if not result.ok else MISTAKE if result.problems else 0


def warn(loaded: Scenario) -> None:
    """Show what in a scenario does not do what it seems to."""
    for warning in loaded.warnings:
        click.secho(warning, fg="yellow", err=True)


def about(loaded: Scenario) -> None:
    """Show what a scenario is about."""
    click.secho(f"{loaded.title}\n", bold=True)
    for paragraph in loaded.about:
        click.echo(textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False) + "\n")


def report(result: Result) -> None:
    """Show what came of a run."""
    lines = result.output[-MOST_LINES:]
    if len(lines) < len(result.output):
        click.echo(f"({len(result.output) - len(lines)} lines of output before)")
    for time, device, line in lines:
        click.echo(f"{time / SECOND:12.6f}  {device}: {line}")
    for name, state in result.programs:
        click.echo(f"{name}: {state}")
    for text, holds, detail in result.expectations:
        click.secho("ok   " if holds else "FAIL ", nl=False, fg="green" if holds else "red", bold=not holds)
        click.echo(f"{text}: {detail}" if detail else text)
    if result.error is not None:
        click.secho(f"broken: {result.error}", fg="red", bold=True)
    bad = sum(not holds for _, holds, _ in result.expectations)
    verdict = "all expectations hold" if not bad else f"{bad} of {len(result.expectations)} fail"
    if result.error is not None:
        verdict = "the run broke"
    took = f"{result.frames} frames in {result.time / SECOND:.6f} s of virtual time"
    click.echo(f"{verdict}; {took}, seed {result.seed}")
    for problem in result.problems:
        click.echo(f"netstack: {problem}", err=True)
