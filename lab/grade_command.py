"""``netstack grade``: what a student's file is worth. ``netstack exercise``: the file to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lab.exercises.definition import Exercise
    from lab.exercises.grade import Grade

INCOMPLETE = 1  # exit status: not all points
WIDTH = 110  # columns of a finding

FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--exercise", "name", metavar="NAME", help="Which exercise it is, where the file does not tell."
)
@click.option("--seed", type=click.IntRange(min=0), help="The numbers of the tests (0 unless given).")
@click.option("--student", metavar="ID", help="The same: a seed made from what tells students apart.")
@click.option(
    "--limit", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Computing time for a test (10 s)."
)
@click.option("--json", "as_json", is_flag=True, help="The marks for programs.")
def grade(
    file: Path, name: str | None, seed: int | None, student: str | None, limit: float | None, as_json: bool
) -> int:
    """Grade FILE, a student's part of TCP: plug it into the stack and play its tests in virtual time.

    Shows the points of each test, and of the first failure what is wrong and the segments before it. The exit
    status is 0 with all points, 1 with fewer. `netstack exercise` makes a FILE to begin with.
    """
    from lab.exercises.grade import SECONDS, seed_of, which_exercise
    from lab.exercises.grade import grade as run
    from lab.exercises.student import Broken

    if seed is not None and student is not None:
        raise click.UsageError("--seed and --student mean the same: give one of them")
    if student is not None:
        seed = seed_of(student)
    try:
        exercise = which_exercise(file) if name is None else _exercise(name)
    except Broken as broken:
        raise click.BadParameter(f"{file}: {broken}", param_hint="FILE") from None
    result = run(file, exercise, seed or 0, SECONDS if limit is None else limit)
    click.echo(result.as_json() if as_json else render(result))
    return 0 if result.points == result.of else INCOMPLETE


def _exercise(name: str) -> Exercise:
    from lab.exercises.catalogue import EXERCISES

    if name not in EXERCISES:
        raise click.BadParameter(
            f"there is no exercise {name}: there are {', '.join(EXERCISES)}", param_hint="NAME"
        )
    return EXERCISES[name]


def render(result: Grade) -> str:
    """A grade as a person reads it."""
    lines = [f"{result.exercise}: {result.points} of {result.of} points (seed {result.seed})", ""]
    for mark in result.marks:
        lines.append(f"  {mark.points:3} of {mark.of:2}  {mark.name:13} {mark.title}")
        if mark.finding:
            lines.append(f"             {mark.finding}")
    first = result.first_failure
    if first is not None and first.ladder:
        lines += ["", f'The first failure, "{first.name}", at {first.time / 1e9:.4f} s:', "", first.ladder]
    return "\n".join(lines)


@click.command()
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--list", "list_them", is_flag=True, help="Say which there are.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to write it (NAME.py)."
)
def exercise(name: str | None, list_them: bool, output: Path | None) -> None:
    """Write the starter file of exercise NAME: a class to fill in, which explains what it has to do."""
    from lab.exercises.catalogue import EXERCISES

    if list_them or name is None:
        for each in EXERCISES.values():
            click.echo(f"{each.name:12} {each.title}: {each.interface.__name__}, {len(each.tests)} tests")
        click.echo(
            "\n`netstack exercise NAME` writes the file to begin with, `netstack grade FILE` grades it."
        )
        return
    _exercise(name)
    source = Path(__file__).parent / "exercises" / "starters" / f"{name}.py"
    target = Path(f"{name}.py") if output is None else output
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(source.read_text(encoding="utf-8"))
    except FileExistsError:
        raise click.ClickException(f"{target} exists already: give another name with -o") from None
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}") from None
    click.echo(f"{target} is written. Fill it in, then: netstack grade {target}")
