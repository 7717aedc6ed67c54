"""Drop from the front."""

from __future__ import annotations

from tap.clock import MS, VirtualClock
from tap.impair.drophead import DropHead
from tests.tap.impair.rig import Rig, burst, order


def rig(packets: int | None, size: int | None) -> Rig:
    clock = VirtualClock()
    return Rig(DropHead(1_000_000, packets, size, clock=clock), clock=clock)


def test_the_oldest_is_lost() -> None:
    found = rig(2, None)
    burst(found, 6, size=125)
    assert order(found.frames) == [0, 4, 5]
    assert found.times == [MS, 2 * MS, 3 * MS]
    assert found.notes == [("drop", "queue full, 2 packets, oldest")] * 3


def test_by_bytes_as_many_as_it_takes() -> None:
    found = rig(None, 300)
    for number, size in enumerate((125, 125, 125, 300, 301)):
        found.send(bytes([number]) * size)
    found.run()
    assert [frame[0] for frame in found.frames] == [0, 3]
    assert found.notes[-1] == ("drop", "queue full, 300 bytes"), "it would not fit into an empty queue"
    assert len(found.notes) == 3
