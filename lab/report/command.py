"""The command ``netstack report``: the page of a run, of two runs side by side, or the pictures as SVG
files.
"""

from __future__ import annotations

from pathlib import Path

import click

from lab.report.compare import first_difference
from lab.report.data import RunData
from lab.report.load import load
from lab.report.page import page
from lab.report.svg import THEMES, NoEngine, write
from lab.trace.reader import TraceError


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN]", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The page [RUN.html].")
@click.option(
    "--svg", type=click.Path(path_type=Path, file_okay=False), help="Write pictures into this folder instead."
)
@click.option(
    "--theme", type=click.Choice(THEMES), default="light", show_default=True, help="Of the SVG pictures."
)
def report(runs: tuple[Path, ...], output: Path | None, svg: Path | None, theme: str) -> None:
    """Show a RUN from inside: ladder, time-sequence graph, windows, timers, buffers, states, and why.

    A RUN is a trace (.jsonl), a scenario (.toml, which is run) or a script (.pkt, which is replayed). The
    page is one file that any browser opens, without a network. Two RUNs are laid side by side and their
    first difference marked.
    """
    if len(runs) > 2:
        raise click.UsageError(f"{len(runs)} runs: a page shows one, or two side by side")
    try:
        loaded = _load(runs)
        if svg is not None:
            _svg(loaded, svg, theme)
        else:
            _page(loaded, output or Path(f"{runs[0].stem.removesuffix('.trace')}.html"))
    except (TraceError, NoEngine) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None


def _load(runs: tuple[Path, ...]) -> list[RunData]:
    """The runs, called by their files' names where there are two (A and B where those are alike)."""
    if len(runs) == 1:
        return [load(runs[0])]
    names = [run.stem.removesuffix(".trace") for run in runs]
    return [load(run, name) for run, name in zip(runs, names if names[0] != names[1] else "AB", strict=True)]


def _page(runs: list[RunData], output: Path) -> None:
    difference = first_difference(*runs) if len(runs) == 2 else None
    text = page(runs, difference)
    output.write_text(text, encoding="utf-8")
    click.echo(f"{output}: {len(text.encode()) / 1000:.0f} kB")
    if len(runs) == 2:
        click.echo(
            f"first difference: {difference['text']}"
            if difference
            else "both runs send the same frames at the same times"
        )


def _svg(runs: list[RunData], folder: Path, theme: str) -> None:
    for run in runs:
        for path in write(run, folder / run.label, theme):
            click.echo(str(path))
