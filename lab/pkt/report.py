"""Outcomes of a replay for people: one line a file, the first difference side by side, a table family ×
profile."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.pkt.compare import Difference
from lab.pkt.replay import DIFFERS, ERROR, FAILED, MALFORMED, MATCH, RAN, UNSUPPORTED, Outcome

_STYLES = {
    MATCH: "green",
    RAN: "green",
    DIFFERS: "red",
    FAILED: "bold red",
    MALFORMED: "bold red",
    ERROR: "bold red",
    UNSUPPORTED: "yellow",
}
_NOTHING = "(nothing more)"
_MIN_COLUMN = 40


def file_line(outcome: Outcome) -> Text:
    """``match      tests/golden/full/rx/fin.pkt   levels A B C   0.01 s``"""
    line = Text(f"{outcome.status:<11} ", style=_STYLES[outcome.status])
    line.append(outcome.path, style="default")
    if outcome.status in (MATCH, DIFFERS):
        levels = " ".join(outcome.levels) or "none"
        line.append(f"   levels {levels}", style="dim")
    line.append(f"   {outcome.seconds:.2f} s", style="dim")
    if outcome.ignored:
        line.append(f"   ignores {' '.join(outcome.ignored)}", style="yellow")
    return line


def print_outcome(console: Console, outcome: Outcome, quiet: bool) -> None:
    """The file's line and, where it does not match, why. ``quiet`` leaves out files that do."""
    if quiet and outcome.status in (MATCH, RAN):
        return
    console.print(file_line(outcome), soft_wrap=True)
    if outcome.reason:
        console.print(Text("    " + outcome.reason.rstrip().replace("\n", "\n    ")), soft_wrap=True)
    if outcome.difference is not None:
        _print_difference(console, outcome.path, outcome.difference)


def _print_difference(console: Console, path: str, difference: Difference) -> None:
    console.print(Text(f"    first difference at {path}:{difference.line}", style="bold"), soft_wrap=True)
    for line in difference.story:
        console.print(Text(f"      {line}", style="dim"), no_wrap=True, overflow="ellipsis")
    expected = difference.expected or [_NOTHING]
    got = difference.got or [_NOTHING]
    width = max(_MIN_COLUMN, (console.width - 11) // 2)
    table = Table(show_edge=False, pad_edge=False, box=None, padding=(0, 1))
    table.add_column("      expected", width=width, overflow="fold")
    table.add_column("|", width=1)
    table.add_column("got", width=width, overflow="fold")
    table.add_row(
        _marked("      ", expected[0], got[0], "green"), "|", _marked("", got[0], expected[0], "red")
    )
    for left, right in zip_longest(expected[1:], got[1:], fillvalue=""):
        table.add_row(Text(f"      {left}", style="dim"), "|", Text(right, style="dim"))
    console.print(table)
    console.print()


def _marked(indent: str, line: str, other: str, style: str) -> Text:
    """The line, bold, with the words that ``other`` has not at their place in colour."""
    others = other.split(" ")
    text = Text(indent, style="bold")
    for index, word in enumerate(line.split(" ")):
        same = index < len(others) and others[index] == word
        text.append(" " if index else "").append(word, style=None if same else style)
    return text


def family_and_profile(outcome: Outcome) -> tuple[str, str]:
    """The family is the folder's name; a file that names no profile belongs to the folder above it."""
    parts = Path(outcome.path).absolute().parts
    return parts[-2], outcome.profile or (parts[-3] if len(parts) > 2 else "")


def tally(outcomes: list[Outcome], level: str) -> dict[tuple[str, str], tuple[int, int]]:
    """(family, profile) -> (files that match at ``level`` or had nothing to match, all files)."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for outcome in outcomes:
        key = family_and_profile(outcome)
        good, total = counts.get(key, (0, 0))
        counts[key] = good + (level in outcome.levels or outcome.status == RAN), total + 1
    return counts


def print_table(console: Console, outcomes: list[Outcome], level: str) -> None:
    """``good/all`` for every family and profile, with sums."""
    counts = tally(outcomes, level)
    families = list(dict.fromkeys(family for family, _ in counts))
    profiles = list(dict.fromkeys(profile for _, profile in counts))
    console.print(f"files that match at level {level}:")
    table = Table(box=None, pad_edge=False)
    table.add_column("family")
    for profile in [*profiles, "all"]:
        table.add_column(profile, justify="right")
    for family in sorted(families):
        cells = [counts.get((family, profile)) for profile in profiles]
        table.add_row(family, *(_cell(cell) for cell in [*cells, _sum(cells)]))
    columns = [_sum([counts.get((family, profile)) for family in families]) for profile in profiles]
    table.add_section()
    table.add_row("all", *(_cell(cell) for cell in [*columns, _sum(columns)]))
    console.print(table)


def _sum(cells: Sequence[tuple[int, int] | None]) -> tuple[int, int]:
    return sum(cell[0] for cell in cells if cell), sum(cell[1] for cell in cells if cell)


def _cell(cell: tuple[int, int] | None) -> Text:
    if cell is None or not cell[1]:
        return Text("-", style="dim")
    good, total = cell
    return Text(f"{good}/{total}", style="green" if good == total else "red")
