"""``netstack profiles check`` on the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from lab.profile_check import (
    CONSEQUENCES,
    MAX_CONNECTIONS,
    Direction,
    Load,
    compute,
    full_segment,
    usual_loads,
)
from lab.profile_load import run
from lab.tables import console
from netstack.profile import Profile


def print_check(profile: Profile, limits: tuple[int, int] | None) -> bool:
    """Print what the device holds; ``limits`` (connections, bytes in each) None: of its usual loads.

    False: it does not hold ``limits``, or the stack does otherwise than computed.
    """
    loads = list(usual_loads(profile)) if limits is None else _given(profile, *limits)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("load", "holds", "first at its limit", "then", "tried"):
        table.add_column(column)
    agree = True
    holds = limits is None
    outcomes = []
    for what, load in loads:
        computed, tried = compute(profile, load), run(profile, load)
        agree = agree and computed == tried
        outcomes.append(computed)
        same = Text("the same", "green") if computed == tried else Text(tried.of(load), "bold red")
        limit = computed.limit or "-"
        then = CONSEQUENCES[limit] if computed.limit else ""
        table.add_row(f"{load.direction.value}: {what}", computed.of(load), Text(limit, "bold"), then, same)
    out = console()
    out.print(f"[bold]{profile.name}[/]: what is sent is not acknowledged, what is received not read\n")
    out.print(table)
    if limits is not None:
        holds = all(outcome.limit is None for outcome in outcomes)
        out.print(
            f"\n{profile.name} {'holds' if holds else 'does not hold'} {limits[0]} × {limits[1]} bytes."
        )
    return holds and agree


def _given(profile: Profile, connections: int, size: int) -> list[tuple[str, Load]]:
    segment = full_segment(profile)
    tried = min(connections, max(MAX_CONNECTIONS, profile.memp_num_tcp_pcb + 1))
    what = f"{connections} × {size} bytes"
    return [(what, Load(direction, tried, size, segment)) for direction in Direction]
