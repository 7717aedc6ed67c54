"""The options that make a campaign of ``netstack scenario FILE``, and how long a run may take.

Imports nothing but click: a single run does not pay for campaigns.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

SINGLE = ("check", "repeat", "pcap", "journal", "trace")  # options of a single run


class Duration(click.ParamType[float | None]):
    """A time with its unit, as 90s or 5min, in s; None for 0s."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        from lab.scenario.units import time_of

        if not isinstance(value, str):
            return float(value)
        try:
            return time_of(value) / 10**9 or None
        except ValueError as error:
            self.fail(str(error), param, ctx)


TIMEOUT = click.option(
    "--timeout",
    type=Duration(),
    default="5min",
    show_default=True,
    metavar="TIME",
    help="How long a run may take in real time; longer ones are ended and have failed. 0s: any time.",
)
WORKERS = click.option(
    "-j",
    "workers",
    type=click.IntRange(min=0),
    default=os.cpu_count() or 1,
    show_default="as many as there are cores",
    metavar="N",
    help="Processes that do the runs; 0: this one.",
)
DASK = click.option(
    "--dask",
    "address",
    metavar="ADDRESS",
    help="Have the dask cluster at ADDRESS do the runs; `local`: one of -j processes.",
)
RESULTS = click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.sqlite",
    help="Keep the results there, and as JSON lines beside it; the same command goes on where it was.",
)

_OPTIONS = (
    click.option(
        "--seeds",
        type=click.IntRange(min=1),
        metavar="N",
        help="Run it with N seeds, from --seed (or 0) on; with --set KEY=A,B,C for each of these values.",
    ),
    WORKERS,
    DASK,
    RESULTS,
    click.option(
        "--shrink/--no-shrink",
        default=True,
        show_default=True,
        help="Of each kind of failure, look for the least faults that cause it.",
    ),
    click.option(
        "--artifacts",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Where to write what is left of a failure.  [default: the current folder]",
    ),
)


def campaign_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give the function of ``netstack scenario`` these options. With ``--seeds`` a campaign is run in its
    place; without it the function gets none of them.
    """

    @functools.wraps(command)
    def either(**given: Any) -> int:
        ours = {name: given.pop(name) for name in "seeds workers address results shrink artifacts".split()}
        context = click.get_current_context()
        if ours["seeds"] is None:
            _refuse(context, ours, "goes with --seeds N: add that, or leave it out")
            return command(**given)
        _refuse(context, SINGLE, "is for a single run: leave it or --seeds out")
        ours["timeout"] = given["timeout"]
        from lab.campaign.command import Options, run_campaign

        first, file, settings = given["seed"] or 0, given["file"], tuple(given["overrides"])
        return run_campaign(Options(file=file, first=first, settings=settings, **ours))

    for option in reversed(_OPTIONS):
        option(either)
    return either


def _refuse(context: click.Context, names: Any, why: str) -> None:
    """Raise UsageError when one of these options was given."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} {why}", context)
