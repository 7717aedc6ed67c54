"""How a scenario names the directions of its network, whose own names have ports of switches and routers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.scenario.names import Names


class Unsayable(ValueError):
    """A scenario cannot say it; the text is what it is."""


def way_of(names: Names, direction: str) -> tuple[str, str, str]:
    """Link and side of a direction of the network, and how a scenario names it. Raises Unsayable."""
    source, _, target = (end.partition(".")[0] for end in direction.partition(">"))
    ways = [(link, side) for link, (one, other) in names.links.items()
            for side, pair in (("forth", (one, other)), ("back", (other, one)))
            if pair == (source, target)]  # fmt: skip
    if not ways:
        raise Unsayable(direction)
    link, side = ways[0]
    return link, side, f"{source}>{target}" if len(ways) == 1 else f"{link}.{side}"
