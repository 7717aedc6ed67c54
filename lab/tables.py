"""What the commands show of a stack: its pools and counters with their high-water marks, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from netstack.stats import Drop

if TYPE_CHECKING:
    from netstack.stack import Stack

PIPE_WIDTH = 160  # columns where the output is no terminal: a row is to stay one line for grep


def console() -> Console:
    """Standard output: colours and the terminal's width on a terminal, plain long lines elsewhere."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )


class PoolUse(NamedTuple):
    """How a pool (elements) or the heap (bytes) is used: now, most at a time, of how much, failures."""

    name: str
    used: int
    max: int
    size: int
    failed: int
    unit: str = ""


def pool_uses(stack: Stack) -> list[PoolUse]:
    """The heap and every pool that the profile has."""
    memory = stack.mem
    heap = memory.heap
    uses = [PoolUse(heap.name, heap.used, heap.max, heap.size, heap.err, "bytes")]
    uses += [PoolUse(pool.name, pool.used, pool.max, pool.size, pool.err) for pool in memory.pools()]
    return [use for use in uses if use.size]


def pools_table(uses: Iterable[PoolUse]) -> Table:
    """A row for each; what was never used is dim."""
    table = _table("memory")
    table.add_column("pool", no_wrap=True)
    for column in ("in use", "high water", "size", "failed"):
        table.add_column(column, justify="right")
    table.add_column("")
    for use in uses:
        table.add_row(*_pool_row(use), style="" if use.max or use.failed else "dim")
    return table


def _pool_row(use: PoolUse) -> tuple[RenderableType, ...]:
    size = f"{use.size} {use.unit}".rstrip()
    failed = Text(str(use.failed), "bold red" if use.failed else "")
    return use.name, str(use.used), str(use.max), size, failed, _bar(use.max, use.size)


def _bar(value: int, size: int, width: int = 20) -> Text:
    """A bar of ``width`` cells; anything above nothing shows, and only full is full."""
    cells = min(width, -(-value * width // size))
    style = "red" if value >= size else "yellow" if 4 * value >= 3 * size else "green"
    return Text("█" * cells, style) + Text("·" * (width - cells), "dim")


def counters_table(stack: Stack) -> Table:
    """lwIP's counters (``stats.h``) that are not zero, a row per protocol."""
    table = _table("counters")
    rows: dict[str, dict[str, int]] = {}
    for name, value in stack.stats.items():
        protocol, _, counter = name.partition(".")
        if value:
            rows.setdefault(protocol, {})[counter] = value
    columns = [counter for counter in _order(stack) if any(counter in row for row in rows.values())]
    table.add_column("protocol", no_wrap=True)
    for counter in columns:
        table.add_column(counter, justify="right")
    for protocol, row in rows.items():
        table.add_row(protocol, *(str(row.get(counter, "")) for counter in columns))
    return table


def _order(stack: Stack) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[2] for name, _ in stack.stats.items()))


def drops_table(stack: Stack) -> Table | None:
    """Why packets went no further, or None when all did."""
    if not stack.stats.drops:
        return None
    table = _table("dropped")
    for column in ("packets", "reason", "meaning"):
        table.add_column(column, justify="right" if column == "packets" else "left")
    for name, count in sorted(stack.stats.drops.items()):
        table.add_row(str(count), name, Drop.all[name].meaning)
    return table


def print_tables(stack: Stack) -> None:
    """Print those that have rows."""
    out = console()
    for table in (pools_table(pool_uses(stack)), counters_table(stack), drops_table(stack)):
        if table is not None and table.row_count:
            out.print(table)
            out.print()
