"""Passages and visits: what a recorder hears, and that it changes nothing."""

from __future__ import annotations

from tap.cable import Line, Note, PassOn
from tap.clock import MS
from tap.impair.reorder import Reorder
from tap.passage import Visit
from tap.streams import stream
from tests.tap.rules.bench import ACK, PSH, Bench, tcp


class Half:
    """A stage that loses every other frame and is late with the rest."""

    name = "half"

    def __init__(self) -> None:
        self.count = 0

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        self.count += 1
        if self.count % 2:
            note("drop", f"number {self.count}")
        else:
            pass_on(frame, now + MS)


class Named:
    """A stage that keeps what it sees of a visit."""

    name = "named"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def judge(self, visit: Visit) -> None:
        self.seen.append(str(visit.passage.coordinate))
        visit.note("mark", "seen", "by a rule")
        visit.pass_on(visit.frame + b"!", visit.at)


FRAMES = [tcp(ACK | PSH, 1 + number * 5, 1, b"hello") for number in range(4)]


def test_a_recorder_hears_of_each_step_in_its_order() -> None:
    bench = Bench()
    bench.forth.add(Half())
    bench.pass_all(*FRAMES[:2])
    one, two = (f"client>server kind=data n={n} seq={seq} xmit=1 conn=1" for n, seq in ((1, 1), (2, 6)))
    assert bench.log == [
        ("entered", one),
        ("noted", ": drop number 1"),
        ("handled", "half, 0 out"),
        ("entered", two),
        ("handled", "half, 1 out"),
        ("arrived", two),
    ]
    assert [(visit.notes, visit.out) for visit in bench.visits] == [
        ([("", "drop", "number 1")], []),
        ([], [(MS, FRAMES[1])]),
    ]


def test_what_a_stage_keeps_and_hands_on_later_is_told_then() -> None:
    bench = Bench()
    bench.forth.add(Reorder(1, 1, stream=stream(1, "r"), clock=bench.clock, gap=2))
    bench.pass_all(*FRAMES[:3])
    kinds = [kind for kind, _ in bench.log]
    assert kinds.count("passed") == 1
    assert ("passed", "reorder at 0") in bench.log
    visit = next(visit for visit in bench.visits if visit.notes)
    assert visit.out == [(0, visit.frame)]
    assert [frame for _, frame in bench.at_server] == [FRAMES[0], FRAMES[2], FRAMES[1]]


def test_a_stage_may_ask_for_the_coordinate() -> None:
    bench = Bench()
    stage = Named()
    bench.forth.add(stage)
    assert bench.pass_all(FRAMES[0]) == [FRAMES[0] + b"!"]
    assert stage.seen == ["client>server kind=data n=1 seq=1 xmit=1 conn=1"]
    assert bench.notes == [(stage.seen[0], "by a rule", "mark", "seen")]


def test_such_a_stage_makes_the_cable_watched_without_a_recorder() -> None:
    bench = Bench()
    bench.cable.record(None)
    stage = Named()
    bench.back.add(stage)
    bench.back.send(FRAMES[0])
    assert stage.seen == ["server>client kind=data n=1 seq=1 xmit=1 conn=1"]
    assert not bench.log


def test_watching_changes_neither_frames_nor_times() -> None:
    results = []
    for watched in (True, False):
        bench = Bench(recorded=watched)
        for stage in (
            Reorder(0.5, 2, stream=stream(1, "r"), clock=bench.clock, patience=3 * MS),
            Half(),
            Line(1_000_000, 2 * MS),
        ):
            bench.forth.add(stage)
        for number in range(40):
            bench.send(tcp(ACK | PSH, 1 + number * 5, 1, b"hello"), number * MS // 3)
        bench.run()
        assert bool(bench.log) is watched
        results.append(bench.at_server)
    assert results[0] == results[1]
    assert len(results[0]) == 20


def test_a_plain_direction_is_the_far_port_itself() -> None:
    plain, watched = Bench(recorded=False), Bench()
    assert plain.forth.send == plain.cable.ends[1].deliver
    assert watched.forth.send != watched.cable.ends[1].deliver
    assert not len(plain.forth.rules)  # looking changes nothing
    assert plain.forth.send == plain.cable.ends[1].deliver
    assert plain.back.stages == ()
