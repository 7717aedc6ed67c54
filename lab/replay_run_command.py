"""``netstack replay-run``: repeat a run from its journal, without any random draw.

The journal's first line holds the scenario, the seed and what was changed; the rest what was done to the
frames. Nothing else is read, so a journal repeats a run where its scenario file is long gone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.campaign_options import TIMEOUT
from lab.scenario_command import FAILED, MISTAKE, about, report

if TYPE_CHECKING:
    from lab.scenario import Scenario
    from tap.journal import Recorded


@click.command("replay-run")
@click.argument("journal", type=click.Path(path_type=Path), metavar="JOURNAL")
@click.option("--pcap", type=click.Path(path_type=Path), help="Write every frame to this pcapng file.")
@click.option("--trace", type=click.Path(path_type=Path), help="Write what happened inside the devices.")
@click.option("--quiet", is_flag=True, help="Leave out what the scenario is about.")
@TIMEOUT
def replay_run(
    journal: Path, pcap: Path | None, trace: Path | None, quiet: bool, timeout: float | None
) -> int:
    """Repeat the run that wrote JOURNAL (`netstack scenario FILE --journal JOURNAL`).

    Nothing is drawn by chance: what the journal says is done to the frames. Exit status: 0 when the run is
    the same to the frame, 1 when not, 2 for a journal that cannot be read.
    """
    from lab.scenario import ScenarioError, run
    from tap.journal import JournalError, read

    try:
        recorded = read(journal)
        scenario = _scenario(journal, recorded)
    except (JournalError, ScenarioError) as error:
        click.echo(str(error), err=True)
        return MISTAKE
    if not quiet:
        about(scenario)
    result = run(
        scenario,
        seed=recorded.seed,
        pcap=pcap,
        trace=trace,
        verdicts=recorded.verdicts,
        timeout=timeout,
    )
    report(result)
    click.echo(f"sha256 {result.digest}")
    if recorded.end is None:
        click.echo("the journal does not say how its run ended: it was cut off")
        return FAILED
    if result.digest != recorded.end["digest"]:
        click.secho(f"it is another run: the journal's was {recorded.end['digest']}", fg="red")
        return FAILED
    click.echo("the same run as the journal's")
    return MISTAKE if result.problems else 0


def _scenario(path: Path, recorded: Recorded) -> Scenario:
    """The scenario in a journal's header. Raises ScenarioError."""
    from lab.scenario import ScenarioError, load

    header = recorded.header.get("scenario")
    if not isinstance(header, dict) or not isinstance(header.get("text"), str):
        raise ScenarioError([f"{path}:1: no scenario is in it: give a journal that netstack scenario wrote"])
    return load(header["text"], header.get("path") or "", header.get("overrides", ()))
