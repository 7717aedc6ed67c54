"""What happens in a run of a scenario that faults can strike: its frames, each with its coordinate, and the
allocations of its devices. A run with one fault is the same up to that fault, so it will strike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.scenario import Scenario
from lab.scenario.build import build
from lab.scenario.play import play
from lab.scenario.pools import memory_of
from tap.records import Silent
from usocket.emulation import Network

if TYPE_CHECKING:
    from lab.scenario.bench import Bench
    from netstack.pool import Heap, Pool
    from tap.passage import Passage


@dataclass
class Survey:
    """``frames``: (direction, conditions of the coordinate) in the order in which they were sent;
    ``allocations``: how many elements of a pool a device asked for, by (device, pool).
    """

    frames: list[tuple[str, str]] = field(default_factory=list)
    allocations: dict[tuple[str, str], int] = field(default_factory=dict)


def survey(scenario: Scenario, seed: int) -> Survey:
    """Run it and look. Raises what breaks the run."""
    found = Survey()
    with Network(seed) as net:
        bench = build(scenario, net)
        net.watch(_Frames(found))
        with bench.output.taken():
            play(bench, lambda: _count_allocations(bench, found))
        return Survey(list(found.frames), dict(found.allocations))  # not what comes as it is switched off


class _Frames(Silent):
    """Notes the coordinate of every frame that enters a cable."""

    def __init__(self, found: Survey) -> None:
        self._found = found

    def entered(self, passage: Passage) -> None:
        coordinate = passage.coordinate
        if coordinate.kind != "injected":
            self._found.frames.append((passage.direction.name, coordinate.conditions()))


def _count_allocations(bench: Bench, found: Survey) -> None:
    """Count what is asked of the pools and the heap of each device, as ``pool-fail`` does: from now on, until
    the device is rebooted.
    """
    for name, device in bench.devices.items():
        for pool in memory_of(device.stack.mem):
            _count(name, pool, found)


def _count(device: str, pool: Heap | Pool, found: Survey) -> None:
    key = device, pool.name

    def count(_: int) -> bool:
        found.allocations[key] = found.allocations.get(key, 0) + 1
        return True

    pool.add_gate(count)
