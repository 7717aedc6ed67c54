"""A cable spliced in before a link: nothing is there until it is wanted, and nothing is lost when it goes."""

from __future__ import annotations

from collections import deque

import pytest

from tap.cable import Cable, Port
from tap.clock import MS, VirtualClock
from tap.passage import Passage, Visit
from tap.splice import SplicedLink

FRAME = bytes(12) + b"\x08\x00" + bytes(46)


class Line:
    """A link whose other end is the test."""

    mtu = 1500

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.coming: deque[bytes] = deque()
        self.closed = 0

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)

    def receive(self) -> bytes | None:
        return self.coming.popleft() if self.coming else None

    def fileno(self) -> int:
        return 7

    def close(self) -> None:
        self.closed += 1


class Told:
    """A recorder."""

    def __init__(self) -> None:
        self.frames: list[tuple[str, str]] = []

    def entered(self, passage: Passage) -> None:
        self.frames.append(("entered", passage.direction.name))

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        self.frames.append((action, visit.passage.direction.name))

    def handled(self, visit: Visit) -> None: ...

    def passed(self, visit: Visit, frame: bytes, at: int) -> None: ...

    def arrived(self, passage: Passage, frame: bytes) -> None:
        self.frames.append(("arrived", passage.direction.name))


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def splice(line: Line, clock: VirtualClock) -> SplicedLink:
    return SplicedLink(line, clock, "device", seed=1)


def test_unused_it_adds_nothing(splice: SplicedLink, line: Line) -> None:
    assert splice.cable is None
    assert (splice.send, splice.receive) == (line.send, line.receive)
    assert (splice.mtu, splice.fileno(), splice.namespace) == (1500, 7, None)
    splice.close()
    assert line.closed == 1


def test_rules_in_both_directions(splice: SplicedLink, line: Line) -> None:
    assert splice.directions == ("device>linux", "linux>device")
    out = splice.direction("device>linux").rules.add("drop n=2")
    into = splice.direction("linux>device").rules.add("drop n=1")
    for number in range(3):
        splice.send(FRAME + bytes([number]))
        line.coming.append(FRAME + bytes([number]))
    assert line.sent == [FRAME + b"\0", FRAME + b"\2"]
    assert [splice.receive(), splice.receive(), splice.receive()] == [FRAME + b"\1", FRAME + b"\2", None]
    assert (out.hits, into.hits) == (1, 1)


def test_it_goes_with_the_last_that_uses_it(splice: SplicedLink, line: Line) -> None:
    way = splice.direction("device>linux")
    rule = way.rules.add("drop")
    stages = way.netem("delay 5ms")
    told = Told()
    splice.watch(told)
    for end in (rule.remove, lambda: way.remove(stages[0])):
        end()
        splice.settle()
        assert splice.cable is not None
    splice.unwatch(told)
    assert splice.cable is None
    splice.send(FRAME)
    line.coming.append(FRAME)
    assert (line.sent, splice.receive()) == ([FRAME], FRAME)
    assert told.frames == []
    assert splice.direction("linux>device").rules.add("drop n=1").hits == 0  # a new one counts anew


def test_what_is_under_way_when_it_goes_arrives_all_the_same(
    splice: SplicedLink, line: Line, clock: VirtualClock
) -> None:
    for name in splice.directions:
        splice.direction(name).netem("delay 5ms")
    splice.send(FRAME + b"late")
    line.coming.append(FRAME + b"late")
    assert (line.sent, splice.receive()) == ([], None)
    for name in splice.directions:
        way = splice.direction(name)
        way.remove(way.stages[0])
    splice.settle()
    assert splice.cable is None
    splice.send(FRAME)
    clock.wait(6 * MS)
    clock.run_due()
    line.coming.append(FRAME)
    assert line.sent == [FRAME, FRAME + b"late"]
    assert [splice.receive(), splice.receive(), splice.receive()] == [FRAME + b"late", FRAME, None]


def test_recorders_are_told_of_every_frame(splice: SplicedLink, line: Line) -> None:
    one, other = Told(), Told()
    splice.watch(one)
    splice.watch(other)
    splice.direction("linux>device").rules.add("drop")
    splice.send(FRAME)
    line.coming.append(FRAME)
    assert splice.receive() is None
    splice.unwatch(one)
    splice.send(FRAME)
    passed = [("entered", "device>linux"), ("arrived", "device>linux")]
    assert one.frames == [*passed, ("entered", "linux>device"), ("drop", "linux>device")]
    assert other.frames == one.frames + passed


def test_listeners_hear_what_stages_do(splice: SplicedLink) -> None:
    heard: list[tuple[str, bytes, str]] = []
    splice.listeners.append(lambda way, stage, frame, action, detail: heard.append((way.name, frame, action)))
    splice.direction("device>linux").rules.add("drop")
    splice.send(FRAME)
    assert heard == [("device>linux", FRAME, "drop")]


def test_many_frames_that_die_do_not_keep_others_waiting(splice: SplicedLink, line: Line) -> None:
    splice.direction("linux>device").rules.add("drop")
    line.coming.extend([FRAME] * 1000)
    assert splice.receive() is None
    assert 900 < len(line.coming) < 1000


def test_chance_comes_from_the_seed_and_the_device_is_found_by_its_name(
    splice: SplicedLink, line: Line
) -> None:
    again = SplicedLink(line, VirtualClock(), "device", seed=1)
    other = SplicedLink(line, VirtualClock(), "device", seed=2)
    assert splice.stream("x").u64() == again.stream("x").u64() != other.stream("x").u64()
    with pytest.raises(ValueError, match="no device is called device: there is device"):
        splice.find("device")
    splice.device = device = object()
    assert splice.find("device") is device
    with pytest.raises(ValueError, match="no device is called linux: there is device"):
        splice.find("linux")


def test_who_waits_is_told_by_the_link_and_of_late_frames(clock: VirtualClock) -> None:
    far, near = Port("far"), Port("near")  # as a network's cable ends
    Cable(clock, far, near, delay=MS)
    splice = SplicedLink(near, clock, "device", seed=1)
    told: list[int] = []
    splice.notify(lambda: told.append(clock.now()))
    splice.direction("linux>device").netem("delay 5ms")
    far.send(FRAME)
    for _ in range(2):
        clock.wait(None)
        clock.run_due()
        splice.receive()
    assert told == [MS, 6 * MS]
