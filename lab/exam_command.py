"""``netstack exam``: a sheet of questions about TCP with their answers, from runs in virtual time."""

from __future__ import annotations

from pathlib import Path

import click

MOST = 50  # questions of a sheet


@click.command()
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, help="Chooses questions and numbers (0 unless given)."
)
@click.option(
    "--questions",
    "count",
    type=click.IntRange(1, MOST),
    default=8,
    help=f"How many, 1 to {MOST} (8 unless given).",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write an HTML page, for A4 paper.",
)
@click.option("--answers", is_flag=True, help="The answers, too, on a page of their own.")
def exam(seed: int, count: int, output: Path | None, answers: bool) -> None:
    """Make an exam sheet: what is sent next, and when, which window, which cwnd, which state?

    Every question and its answer come from a run of the stack, as lwIP and, where that differs, as the RFCs
    have it. The same seed makes the same sheet, byte for byte.
    """
    from lab.exam.page import html, text
    from lab.exam.sheet import draw

    sheet = draw(seed, count)
    if output is None:
        click.echo(text(sheet, answers), nl=False)
        return
    try:
        output.write_text(html(sheet, answers), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    click.echo(
        f"{output} is written: {count} questions, {sheet.points} points{', with answers' if answers else ''}"
    )
