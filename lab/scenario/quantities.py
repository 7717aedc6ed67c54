"""All quantities that statements may compare, by their names."""

from __future__ import annotations

from lab.scenario.quantities_device import Address, Connections, Drops, Oddity, Pool, Pools, Stat
from lab.scenario.quantities_frame import Count, First, Gap, Hits, Last, Time
from lab.scenario.quantities_program import Ended, Error, Output, Result
from lab.scenario.quantities_stream import Delivered, Sent
from lab.scenario.quantity import Quantity, Value

__all__ = ["QUANTITIES", "Quantity", "Value"]

_ALL: tuple[type[Quantity], ...] = (
    Delivered, Sent,
    Count, Gap, First, Last, Hits, Time,
    Result, Error, Ended, Output,
    Pools, Pool, Stat, Drops, Connections, Address, Oddity,
)  # fmt: skip

QUANTITIES = {one.name: one for one in _ALL}
