"""Cables: ports, directions, stages in a row, and the line itself."""

from __future__ import annotations

import pytest

from tap.cable import QUEUE_FRAMES, Cable, Line, Note, PassOn, Port
from tap.clock import MS, SECOND, VirtualClock


class Twice:
    """A stage that hands every frame on at once and again after ``later`` ns, with its name behind it."""

    def __init__(self, name: str, later: int) -> None:
        self.name = name
        self.later = later

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        note("duplicate", f"at {now}")
        pass_on(frame + self.name.encode(), now)
        pass_on(frame + self.name.upper().encode(), now + self.later)


class Bench:
    """A cable between two ports."""

    def __init__(self, rate: int | None = None, delay: int = 0) -> None:
        self.clock = VirtualClock()
        self.near, self.far = Port("a"), Port("b")
        self.cable = Cable(self.clock, self.near, self.far, rate, delay)

    def received(self, until: int) -> list[tuple[int, bytes]]:
        """What comes out at b up to a time, and when."""
        got = []
        while True:
            while (frame := self.far.receive()) is not None:
                got.append((self.clock.now(), frame))
            due = self.clock.next_event()
            if due is None or due > until:
                return got
            self.clock.wait(due)
            self.clock.run_due()


def test_a_plain_cable_adds_nothing() -> None:
    bench = Bench()
    bench.near.send(b"there")
    bench.far.send(b"back")
    assert bench.far.receive() == b"there"
    assert bench.near.receive() == b"back"
    assert bench.far.receive() is None
    assert bench.clock.next_event() is None


def test_names_are_made_of_the_ends() -> None:
    cable = Bench().cable
    assert (cable.name, cable.forth.name, cable.back.name) == ("a-b", "a>b", "b>a")


def test_stages_follow_one_another_in_their_order() -> None:
    bench = Bench()
    bench.cable.forth.add(Twice("y", 3))
    bench.cable.forth.add(Twice("x", 10), at=0)
    bench.near.send(b"-")
    assert bench.received(SECOND) == [(0, b"-xy"), (3, b"-xY"), (10, b"-Xy"), (13, b"-XY")]
    bench.far.send(b"untouched")
    assert bench.near.receive() == b"untouched"


def test_a_stage_can_be_taken_out_while_frames_are_on_their_way() -> None:
    bench = Bench()
    first, second = Twice("x", 10), Twice("y", 3)
    bench.cable.forth.add(first)
    bench.cable.forth.add(second)
    bench.near.send(b"1")
    bench.cable.forth.remove(second)
    bench.near.send(b"2")
    assert bench.cable.forth.stages == (first,)
    ones = [(0, b"1xy"), (3, b"1xY"), (10, b"1Xy"), (13, b"1XY")]
    twos = [(0, b"2x"), (10, b"2X")]
    assert bench.received(SECOND) == sorted(ones + twos)


def test_an_observer_hears_what_stages_note() -> None:
    bench = Bench()
    stage = Twice("x", 1)
    bench.cable.forth.add(stage)
    heard: list[tuple[object, ...]] = []
    bench.cable.forth.observer = lambda *what: heard.append(what)
    bench.near.send(b"frame")
    assert heard == [(bench.cable.forth, stage, b"frame", "duplicate", "at 0")]


def test_a_line_takes_its_time() -> None:
    bench = Bench(rate=1_000_000, delay=5 * MS)
    for size in (125, 250):  # 1 and 2 ms of bits
        bench.near.send(bytes(size))
    assert [(at, len(frame)) for at, frame in bench.received(SECOND)] == [(6 * MS, 125), (8 * MS, 250)]
    bench.near.send(bytes(125))
    assert [at for at, _ in bench.received(SECOND)] == [8 * MS + 6 * MS]


@pytest.mark.parametrize(("rate", "delay"), [(0, 0), (-1, 0), (None, -1)])
def test_impossible_lines_are_refused(rate: int | None, delay: int) -> None:
    with pytest.raises(ValueError, match="give"):
        Line(rate, delay)


def test_a_pulled_cable_loses_what_is_sent_but_not_what_is_on_its_way() -> None:
    bench = Bench(delay=MS)
    bench.near.send(b"on its way")
    bench.cable.pull()
    assert not bench.cable.plugged
    bench.near.send(b"lost")
    assert bench.received(SECOND) == [(MS, b"on its way")]
    assert bench.near.dropped == 1
    bench.cable.plug()
    bench.near.send(b"again")
    assert bench.received(SECOND) == [(2 * MS, b"again")]


def test_a_port_has_one_cable() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match="a has a cable already"):
        Cable(bench.clock, Port("c"), bench.near)
    bench.cable.pull()
    other = Cable(bench.clock, Port("c"), bench.near)
    with pytest.raises(ValueError, match="a has a cable already"):
        bench.cable.plug()
    bench.cable.pull()  # it is out: nothing happens
    assert other.plugged
    assert not bench.cable.plugged


def test_a_port_holds_so_many_frames() -> None:
    bench = Bench()
    for _ in range(QUEUE_FRAMES + 3):
        bench.near.send(b"frame")
    assert bench.far.dropped == 3
    bench.far.close()
    bench.near.send(b"frame")
    assert bench.far.receive() is None
    assert bench.far.dropped == 4


def test_a_port_tells_when_a_frame_has_come() -> None:
    bench = Bench()
    told: list[int] = []
    bench.near.send(b"before")
    bench.far.notify(lambda: told.append(1))
    assert len(told) == 1
    bench.near.send(b"another")
    assert len(told) == 1
    while bench.far.receive() is not None:
        pass
    bench.near.send(b"after")
    assert len(told) == 2
