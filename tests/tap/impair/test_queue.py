"""What queues with a discipline share: the line, its order, its rate."""

from __future__ import annotations

from tap.clock import MS, VirtualClock
from tap.impair.mahimahi import Opportunities
from tap.impair.queue import Queue, Waiting
from tap.impair.rate import Rate, Service
from tests.tap.impair.rig import Rig, burst, order


class LastFirst(Queue):
    """A discipline for the test: the latest frame first, three at most."""

    def __init__(self, rate: int | Service, clock: VirtualClock) -> None:
        super().__init__(rate, 3, None, 0, clock, "last first")

    def admit(self, frame: bytes) -> str | None:
        return self.limits.exceeded(len(self.waiting) + 1, self.bytes + len(frame))

    def take(self, now: int) -> Waiting | None:
        if not self.waiting:
            return None
        self.waiting.rotate(1)
        return self.pop()


def test_a_discipline_says_who_is_next() -> None:
    clock = VirtualClock()
    rig = Rig(LastFirst(1_000_000, clock), clock=clock)
    burst(rig, 5, size=125)
    assert order(rig.frames) == [0, 3, 2, 1]
    assert rig.times == [MS, 2 * MS, 3 * MS, 4 * MS]
    assert rig.notes == [("drop", "queue full, 3 packets")]


def test_the_line_rests_and_begins_again() -> None:
    clock = VirtualClock()
    stage = LastFirst(1_000_000, clock)
    rig = Rig(stage, clock=clock)
    burst(rig, 4, gap=5 * MS, size=125)
    assert rig.times == [MS, 6 * MS, 11 * MS, 16 * MS]
    assert (len(stage.waiting), stage.bytes) == (0, 0)


def test_it_is_as_fast_as_droptail_by_any_service() -> None:
    for service in (lambda: 1_000_000, lambda: Opportunities([1, 2, 2, 9])):
        clock = VirtualClock()
        ours, theirs = Rig(LastFirst(service(), clock), clock=clock), Rig(Rate(service()))
        burst(ours, 3, gap=MS // 4, size=1000)
        burst(theirs, 3, gap=MS // 4, size=1000)
        assert ours.times == theirs.times
