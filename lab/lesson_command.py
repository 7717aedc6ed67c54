"""``netstack lesson``: lessons about TCP, to be read, predicted, run and varied."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lab.lessons.ask import Judgement
    from lab.lessons.definition import Lesson, Runs
    from lab.lessons.played import Played

WIDTH = 100  # columns of prose
SETTING = "The experiment"  # the section that --predict shows before it asks
FENCE = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@click.command()
@click.argument("number", type=int, required=False)
@click.option("--predict", is_flag=True, help="Ask three questions, run it, say what was right.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value of the scenario, show the ladder and what is measured; may be given again.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report of the run, a page for the browser.",
)
def lesson(number: int | None, predict: bool, overrides: tuple[str, ...], output: Path | None) -> None:
    """Lessons about TCP: a page to read, an experiment in virtual time, three predictions.

    Without a NUMBER they are listed. Each is a page of docs/lessons and a scenario of examples/lessons, which
    also `netstack scenario`, `netstack explain` and `netstack report` take.
    """
    from lab.lessons.catalogue import lessons, runs_of
    from lab.scenario import ScenarioError

    found = lessons()
    if number is None:
        if predict or overrides or output:
            raise click.UsageError("give the NUMBER of a lesson, as in netstack lesson 1 --predict")
        _list(list(found.values()))
        return
    if number not in found:
        problem = f"there is no lesson {number}: they go from {min(found)} to {max(found)}"
        raise click.BadParameter(problem, param_hint="NUMBER")
    if predict and overrides:
        raise click.UsageError("the questions are about the lesson as it stands: leave --set out")
    runs = runs_of(found[number])
    try:
        played = _vary(runs, overrides) if overrides else _predict(runs) if predict else _show(runs)
    except ScenarioError as error:
        raise click.ClickException(str(error)) from None
    _report(runs.lesson, played, output)


def _list(found: list[Lesson]) -> None:
    for one in found:
        click.echo(f"{one.number:3}  {one.title}")
    click.echo("\n`netstack lesson 1` shows the first, `netstack lesson 1 --predict` asks before it shows.")


def _show(runs: Runs) -> Played:
    """The whole page, with the numbers and ladders of runs that are made now."""
    from lab.lessons.definition import MAIN
    from lab.lessons.fill import fill

    _render(fill(_page(runs.lesson), runs))
    return runs[MAIN]


def _vary(runs: Runs, overrides: tuple[str, ...]) -> Played:
    """The ladder and the measures of a changed run beside those of the lesson."""
    from lab.lessons.catalogue import scenario_of
    from lab.lessons.definition import MAIN
    from lab.lessons.fill import ladder_of
    from lab.lessons.played import play

    played = play(scenario_of(runs.lesson), overrides)
    click.echo(ladder_of(_page(runs.lesson), played) + "\n")
    rows = [
        (measure.meaning, measure.text(runs[MAIN]), measure.text(played))
        for measure in runs.lesson.measures.values()
    ]
    rows.insert(0, ("", "in the lesson", "now"))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for meaning, before, now in rows:
        click.secho(
            f"{meaning:{widths[0]}}  {before:>{widths[1]}}  {now}", bold=before != now and bool(meaning)
        )
    return played


def _predict(runs: Runs) -> Played:
    """Show the setting, ask, show the run, judge."""
    from lab.lessons.ask import judge, question, reader
    from lab.lessons.definition import MAIN
    from lab.lessons.fill import ladder_of

    this = runs.lesson
    click.secho(f"{this.number}  {this.title}\n", bold=True)
    _render(_setting(this))
    answers = []
    for number, asked in enumerate(this.predictions, 1):
        measure, _ = this.asked(asked)
        for line in question(number, asked, runs):
            _paragraph(line)
        answers.append(_answer(number, _typed(reader(asked, measure))))
        click.echo()
    click.echo(ladder_of(_page(this), runs[MAIN]) + "\n")
    judged = [judge(runs, asked, answer) for asked, answer in zip(this.predictions, answers, strict=True)]
    for number, judgement in enumerate(judged, 1):
        _judged(number, judgement)
    points = sum(judgement.is_right for judgement in judged)
    click.secho(f"{points} of {len(judged)} right", bold=True)
    return runs[MAIN]


def _answer(number: int, read: Callable[[str], int]) -> int:
    """What is typed; asked again until it makes sense. Raises ClickException at the end of the input."""
    try:
        answer: int = click.prompt("  ", prompt_suffix="> ", value_proc=read)
    except click.Abort as ended:
        if not isinstance(ended.__context__, EOFError):
            raise
        click.echo()
        problem = f"the input ended before question {number} was answered: type three answers, one a line"
        raise click.ClickException(problem) from None
    return answer


def _typed(read: Callable[[str], int]) -> Callable[[str], int]:
    """A reader whose mistakes click shows before it asks again."""

    def convert(text: str) -> int:
        try:
            return read(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


def _judged(number: int, judgement: Judgement) -> None:
    words = "right" if judgement.is_right else f"you said {judgement.said}"
    click.secho(f"{number}. {judgement.solution}: ", nl=False, bold=True)
    click.secho(words, fg="green" if judgement.is_right else "yellow")
    for reason in judgement.reasons:
        _paragraph(f"   {reason}")
    click.echo()


def _setting(this: Lesson) -> str:
    """The section of the page that says what the experiment is."""
    found = re.search(rf"^## {SETTING}\n(.*?)(?=^## |\Z)", _page(this), re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def _page(this: Lesson) -> str:
    from lab.lessons.catalogue import page_of

    return page_of(this).read_text(encoding="utf-8")


def _paragraph(text: str) -> None:
    from lab.tables import console

    first = " " * (len(text) - len(text.lstrip()))
    hanging = first + " " * (3 if re.match(r"\s*\w[.)]", text) else 0)
    width = min(console().width, WIDTH)
    text = text.replace("`", "")
    click.echo(textwrap.fill(text, width, subsequent_indent=hanging, break_on_hyphens=False))


def _render(page: str) -> None:
    """A page in the terminal: prose by rich, ladders as they are, neither pictures nor folded answers."""
    from rich.markdown import Markdown

    from lab.lessons.fill import bare
    from lab.tables import console

    text = re.sub(r"\n *<details>.*?</details>\n?", "\n", bare(page), flags=re.DOTALL)
    text = re.sub(r"^!\[.*?\]\(.*?\)\n", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)
    out = console()
    narrow = min(out.width, WIDTH)
    pieces = FENCE.split(text)
    for place in range(0, len(pieces), 3):
        out.print(Markdown(pieces[place], hyperlinks=False), width=narrow)
        if place + 2 < len(pieces):
            click.echo("\n" + textwrap.indent(pieces[place + 2], "  " if pieces[place + 1] != "text" else ""))


def _report(this: Lesson, played: Played, output: Path | None) -> None:
    """Write the report, or say how to get it."""
    if output is None:
        click.echo(f"\nnetstack lesson {this.number} -o lesson.html writes the report of this run")
        return
    from lab.report.load import explained
    from lab.report.page import page

    try:
        output.write_text(page([explained(played.trace)]), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"\n{output}: the report of this run")
