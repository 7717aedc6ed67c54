"""``netstack explain``: what happened in a run and why, in plain words."""

from __future__ import annotations

import re
from pathlib import Path

import click

_UNITS = {"": 1_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


class Time(click.ParamType[int]):
    """A time of the run: ``2.75``, ``2.75s``, ``2750ms``; ns."""

    name = "TIME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"(\d+)(?:\.(\d+))?(s|ms|us|ns|)", value)
        if found is None:
            self.fail(f"{value} is no time: write 2.75 or 2.75s, 2750ms, 2750000us", param, ctx)
        whole, part, unit = found.groups()
        factor = _UNITS[unit]
        return int(whole) * factor + int(part or 0) * factor // int("1" + "0" * len(part or ""))


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=Path), metavar="RUN")
@click.option("--at", type=Time(), metavar="T", help="What happened at this time, or why nothing did.")
@click.option(
    "--segment", type=int, metavar="SEQ", help="Why the segment with this number was sent, or was not."
)
@click.option("--device", metavar="NAME", help="Only this device.")
@click.option("--event", type=int, metavar="I", help="This event and what caused it.")
def explain(run: Path, at: int | None, segment: int | None, device: str | None, event: int | None) -> None:
    """Tell what happened in a run and why: numbers, RFC sections, lwIP's functions.

    RUN is a trace (.jsonl), a scenario (.toml), which is run, or a script (.pkt), which is replayed. Without
    options it is told as a story. Sequence numbers count from each side's SYN.
    """
    from lab.explain import Explainer, Question, answer
    from lab.trace import TraceError, load_run

    try:
        for line in answer(Explainer(load_run(run)), Question(at, segment, device, event)):
            click.echo(line)
    except TraceError as error:
        raise click.ClickException(str(error)) from None
