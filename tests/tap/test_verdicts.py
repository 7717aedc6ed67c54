"""Verdicts: that a run which is played from them is the same without any chance, whole or in part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import usocket
from tap.cable import Cable, Note, PassOn, Port, Stage
from tap.clock import MS, SECOND, VirtualClock
from tap.impair import draws
from tap.impair.catalogue import KINDS
from tap.impair.delay import Delay
from tap.impair.loss import Loss
from tap.impair.netem import parse
from tap.impair.slots import Slots
from tap.impair.words import stage as made
from tap.journal import read
from tap.passage import Visit
from tap.records import VerdictRecorder
from tap.streams import Stream, stream
from tap.verdicts import Held, Replayed, Roles, Sent, Verdict
from tests.tap.networks import ask, impaired_run, serve

Line = dict[str, Any]


@contextmanager
def no_chance() -> Iterator[None]:
    """Whoever draws a number fails."""

    def drawn(*_: object) -> int:
        raise AssertionError("a number was drawn")

    with pytest.MonkeyPatch.context() as patch:
        for name, method in vars(Stream).items():
            if callable(method) and not name.startswith("__"):
                patch.setattr(Stream, name, drawn)
        patch.setattr(draws, "shake_128", drawn)
        yield


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_run_is_played_without_any_chance_to_the_byte(tmp_path: Path, seed: int) -> None:
    recorded = impaired_run(tmp_path, "recorded", seed)
    journal = read(tmp_path / "recorded.jsonl")
    assert journal.seed == seed
    with no_chance():
        played = impaired_run(tmp_path, "played", seed, journal.verdicts)
    assert played == recorded
    for kind in ("pcapng", "jsonl"):
        first, second = (tmp_path / f"{name}.{kind}" for name in ("recorded", "played"))
        assert first.read_bytes() == second.read_bytes()
    assert len(journal.verdicts) > 600
    assert {line["dir"] for line in journal.verdicts} == {"client>server", "server>client"}


def test_all_kinds_of_chance_were_in_those_runs(tmp_path: Path) -> None:
    found = set()
    for seed in range(1, 9):
        impaired_run(tmp_path, "a", seed)
        found |= {(line["stage"], line["action"]) for line in read(tmp_path / "a.jsonl").verdicts}
    expected = "loss drop,gilbert-elliott drop,four-state drop,duplicate duplicate,corrupt corrupt"
    expected += ",corrupt2 corrupt"
    expected += ",truncate truncate,reorder reorder,delay delay,slots delay,netem drop,netem delay"
    expected += ",netem duplicate,netem corrupt,netem reorder,drophead drop,netem slot delay"
    assert found >= {tuple(words.rsplit(" ", 1)) for words in expected.split(",")}


def test_without_its_verdicts_a_run_suffers_nothing_but_what_is_no_chance(tmp_path: Path) -> None:
    """The delays' means, the slots' least time, the rates; nobody draws a number."""
    with no_chance():
        impaired_run(tmp_path, "plain", 1, [])
    lines = read(tmp_path / "plain.jsonl").verdicts
    notes = {(line["stage"], line["action"], line["detail"]) for line in lines}
    stages = {stage for stage, action, _ in notes}
    assert stages <= {"delay", "slots", "netem", "netem slot", "drophead"}
    assert ("delay", "delay", "5000000 ns") in notes
    assert not {detail for stage, _, detail in notes if stage == "delay"} - {"5000000 ns"}


def test_with_some_left_out_just_those_do_not_happen(tmp_path: Path) -> None:
    impaired_run(tmp_path, "all", 1)
    lines = read(tmp_path / "all.jsonl").verdicts
    first = next(line for line in lines if line["stage"] == "loss")
    with no_chance():
        impaired_run(tmp_path, "less", 1, [line for line in lines if line is not first])
    less = read(tmp_path / "less.jsonl").verdicts
    position = lines.index(first)
    assert less[:position] == lines[:position]
    assert first not in less
    later = [line for line in less if line["stage"] == "loss"]
    assert all(line in lines for line in later)  # a coordinate that was lost then is lost again, no other


def test_rules_with_a_probability_are_played_too() -> None:
    def run(verdicts: list[Line] | None) -> tuple[str, list[Line]]:
        with usocket.Network(seed=2, digest=True, keep=True, verdicts=verdicts) as net:
            server = net.device("server", address="10.0.0.1/24")
            client = net.device("client", address="10.0.0.2/24")
            cable = net.cable(client, server, delay=MS)
            cable.forth.rules.add("drop p=30% kind=data")
            cable.forth.rules.add("duplicate copies=1 kind=ack every=2")
            cable.back.rules.add("delay 3ms p=40%")
            net.impair("client>server", "corrupt rate=10%")
            net.program(serve, on=server, daemon=True)
            for number in range(8):
                net.program(ask, b"hello", on=client, at=(20 * number + 1) * SECOND)
            net.run()
            return net.digest(), net.verdicts

    recorded = run(None)
    by_chance = {line["rule"] for line in recorded[1] if "rule" in line and "out" in line}
    assert by_chance == {"drop p=30% kind=data", "delay 3ms p=40%"}
    with no_chance():
        assert run(recorded[1]) == recorded
        _, plain = run([])
    assert {line["rule"] for line in plain} == {"duplicate copies=1 kind=ack every=2"}


# A direction of its own

Make = Callable[[VirtualClock], list[Stage]]


def through(make: Make, replayed: Replayed | None = None, frames: int = 40) -> tuple[list[Any], list[Line]]:
    """(ns, frame) of what arrives when frames go through the stages, one each ms, and the journal's lines."""
    clock = VirtualClock()
    arrived: list[tuple[int, bytes]] = []
    cable = Cable(clock, Port("a"), Port("b", handler=lambda frame: arrived.append((clock.now(), frame))))
    roles = Roles(replayed)
    lines: list[Line] = []
    for direction in cable.directions:
        direction.players = roles.player
    cable.record(VerdictRecorder(roles, lambda line: lines.append(json.loads(json.dumps(line))), clock))
    for stage in make(clock):
        cable.forth.add(stage)
    for number in range(frames):
        clock.call_at(number * MS, partial(cable.forth.send, frame_of(number)))
    while clock.next_event() is not None:
        clock.wait(None)
        clock.run_due()
    return arrived, lines


def frame_of(number: int) -> bytes:
    return bytes([number + 1]) * 60


def chance(*texts: str) -> Make:
    return lambda clock: [
        made(text, stream=stream(1, text), clock=clock, name=text.partition(" ")[0]) for text in texts
    ]


TEXTS = {
    "loss": "loss rate=30%",
    "gilbert-elliott": "gilbert-elliott loss=30% burst=3",
    "four-state": "four-state p13=20% p31=40% p32=10% p23=50% p14=5%",
    "delay": "delay delay=10ms jitter=9ms",
    "reorder": "reorder rate=30% behind=3 patience=2500us",
    "duplicate": "duplicate rate=30% copies=2 spacing=1500us",
    "corrupt": "corrupt rate=30% count=3",
    "truncate": "truncate rate=30%",
    "slots": "slots minimum=2ms maximum=9ms packets=2",
}


def test_every_kind_that_takes_a_stream_has_a_part_without_chance() -> None:
    assert set(TEXTS) == {kind.name for kind in KINDS.values() if kind.needs("stream")}
    for kind in TEXTS:
        assert hasattr(KINDS[kind].build, "without_chance")


@pytest.mark.parametrize("kind", TEXTS)
def test_each_kind_is_played_exactly_or_not_at_all(kind: str) -> None:
    make = chance(TEXTS[kind])
    recorded, lines = through(make)
    assert len(lines) > 5
    with no_chance():
        assert through(make, Replayed(lines)) == (recorded, lines)
        plain, _ = through(make, Replayed([]))
    delay = {"delay": 10 * MS, "slots": 2 * MS}.get(kind, 0)
    least = [(number * MS + delay, frame_of(number)) for number in range(40)]
    assert [frame for _, frame in plain] == [frame for _, frame in least]
    if kind != "slots":
        assert plain == least
    assert plain != recorded


@pytest.mark.parametrize("kind", TEXTS)
def test_one_verdict_alone_meets_one_frame(kind: str) -> None:
    make = chance(TEXTS[kind])
    lines = through(make)[1]
    for line in lines[:6]:
        with no_chance():
            assert through(make, Replayed([line]))[1].count(line) == 1


def test_copies_are_told_apart() -> None:
    make = chance("duplicate rate=60% copies=2", "loss rate=50%", "corrupt rate=50%")
    recorded, lines = through(make)
    assert {line.get("copy", 1) for line in lines if line["stage"] == "loss"} == {1, 2, 3}
    with no_chance():
        assert through(make, Replayed(lines)) == (recorded, lines)


def test_stages_of_one_name_are_told_apart() -> None:
    texts = ["loss rate=20%", "loss rate=30%"]

    def make(clock: VirtualClock) -> list[Stage]:
        return [made(text, stream=stream(1, text), clock=clock, name="loss") for text in texts]

    recorded, lines = through(make)
    assert {line["stage"] for line in lines} == {"loss", "loss2"}
    with no_chance():
        assert through(make, Replayed(lines)) == (recorded, lines)


def test_a_stage_that_comes_goes_and_comes_again_is_the_same() -> None:
    clock = VirtualClock()
    roles = Roles(None)
    cable = Cable(clock, Port("a"), Port("b"))
    first, second = Loss(0, stream=stream(1, "a")), Loss(0, stream=stream(1, "b"))
    seen: list[str] = []

    class Labels(VerdictRecorder):
        def handled(self, visit: Visit) -> None:
            seen.append(roles.label(visit))

    cable.forth.players = roles.player
    cable.record(Labels(roles, lambda line: None, clock))
    for stage in (first, second, first):
        cable.forth.add(stage)
        cable.forth.send(frame_of(1))
        cable.forth.remove(stage)
    assert seen == ["loss", "loss2", "loss"]


@pytest.mark.parametrize(
    "words",
    [
        "delay 5ms 4ms loss 10% duplicate 20% corrupt 20% reorder 20%",
        "delay 5ms 4ms distribution pareto rate 1mbit limit 8",
        "loss gemodel 10% 30% slot 3ms 9ms packets 2",
        "loss state 10% ecn delay 1ms",
    ],
)
def test_netem_is_played_exactly(words: str) -> None:
    def make(clock: VirtualClock) -> list[Stage]:
        return parse(words).stages(lambda purpose: stream(1, purpose))

    recorded, lines = through(make)
    assert lines
    with no_chance():
        assert through(make, Replayed(lines)) == (recorded, lines)
        plain, _ = through(make, Replayed([]))
    if "limit" not in words:
        assert [frame for _, frame in plain] == [frame_of(number) for number in range(40)]


@pytest.mark.parametrize("in_order", ["true", "false"])
def test_frames_without_a_verdict_keep_the_order_that_their_stage_keeps(in_order: str) -> None:
    make = chance(f"delay delay=10ms jitter=9ms in_order={in_order}")
    lines = through(make)[1]
    slowest = max(lines, key=lambda line: line["out"][0])
    arrived = [frame for _, frame in through(make, Replayed([slowest]))[0]]
    assert (arrived == sorted(arrived)) == (in_order == "true")


@pytest.mark.parametrize(
    "make",
    [
        lambda clock: [Delay(5 * MS)],
        lambda clock: [Slots(5 * MS)],
        lambda clock: parse("delay 5ms rate 1mbit").stages(lambda purpose: stream(1, purpose)),
        chance("rate rate=300kbit limit_packets=2"),
        chance("drophead rate=300kbit limit_packets=2"),
    ],
    ids=["delay", "slots", "netem", "rate", "drophead"],
)
def test_what_has_no_chance_needs_no_verdict(make: Make) -> None:
    recorded, lines = through(make)
    assert lines
    assert not any("out" in line for line in lines)
    with no_chance():
        assert through(make, Replayed([]))[0] == recorded


class Coin:
    """A stage of somebody's own, with chance and a part without, that says nothing."""

    name = "coin"

    def __init__(self) -> None:
        self.stream = stream(1, "coin")

    def without_chance(self) -> None:
        """Nothing is left."""

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self.stream.below(2):
            pass_on(frame[::-1] + b"!", now + self.stream.below(MS))


def test_a_stage_of_ones_own_is_played_too_even_when_it_says_nothing() -> None:
    recorded, lines = through(lambda clock: [Coin()])
    assert {line["action"] for line in lines} == {""}
    with no_chance():
        assert through(lambda clock: [Coin()], Replayed(lines)) == (recorded, lines)
        assert len(through(lambda clock: [Coin()], Replayed([]))[0]) == 40


def test_a_queue_that_drops_later_says_so_later() -> None:
    lines = through(chance("drophead rate=300kbit limit_packets=2"))[1]
    assert {(line["stage"], line["action"]) for line in lines} == {("drophead", "drop")}
    numbers = [int(line["frame"].partition(" n=")[2].split()[0]) for line in lines]
    assert all(line["t"] > number * MS for number, line in zip(numbers, lines, strict=True))


# Verdicts as values


@given(st.binary(max_size=80), st.binary(max_size=80), st.integers(0, 10**9))
def test_whatever_is_made_of_a_frame_can_be_made_again(frame: bytes, sent: bytes, after: int) -> None:
    piece = Sent.of(after, frame, sent)
    assert piece.made_of(frame) == sent
    line = json.loads(json.dumps(verdict((piece,)).line()))
    assert Verdict.of(line).out == (piece,)


@given(st.binary(min_size=20, max_size=60), st.integers(0, 19), st.integers(1, 255), st.binary(max_size=80))
def test_what_is_changed_in_one_frame_is_changed_in_another(
    frame: bytes, place: int, mask: int, other: bytes
) -> None:
    changed = bytearray(frame)
    changed[place] ^= mask
    made_of_other = Sent.of(0, frame, bytes(changed)).made_of(other)
    expected = bytearray(other)
    if place < len(other):
        expected[place] ^= mask
    assert made_of_other == bytes(expected)


COORDINATE = "a>b kind=data n=3 seq=1073 xmit=1 conn=1"


def verdict(out: tuple[Sent | Held, ...] | None, copy: int = 1) -> Verdict:
    return Verdict(5, "a>b", COORDINATE, "x", (("act", "why", ""), ("and", "how", "a rule")), out, copy)


@pytest.mark.parametrize(
    "out",
    [
        None,
        (),
        (Sent(0), Sent(7, 3, ((1, b"\1"), (9, b"\2\3")), b"")),
        (Held(2, 9),),
        (Sent(1, None, (), b"+"),),
    ],
)
def test_a_verdict_is_a_line_and_back(out: tuple[Sent | Held, ...] | None) -> None:
    for copy in (1, 3):
        line = json.loads(json.dumps(verdict(out, copy).line()))
        assert Verdict.of(line) == verdict(out, copy)
        assert ("out" in line, "copy" in line) == (out is not None, copy > 1)


@pytest.mark.parametrize(
    ("out", "text"),
    [
        ((), "drop"),
        ((Sent(1_500_000),), "delay 1500us"),
        ((Held(2, 10**9),), "reorder behind=2"),
        ((Sent(0), Sent(MS), Sent(2 * MS)), "duplicate copies=2 spacing=1ms"),
        ((Sent(0), Sent(0)), "duplicate copies=1"),
        ((Sent(0, None, ((54, b"\x08"),)),), "corrupt byte=54 bit=3"),
        ((Sent(0, None, ((54, b"\x09"),)),), None),
        ((Sent(0, 20),), None),
        ((Sent(0), Sent(MS), Sent(3 * MS)), None),
        ((Sent(MS), Sent(2 * MS)), None),
        ((Sent(0),), None),
        (None, None),
    ],
)
def test_a_verdict_as_a_rule(out: tuple[Sent | Held, ...] | None, text: str | None) -> None:
    rule = verdict(out).rule()
    assert rule == (None if text is None else f"{text} kind=data n=3 seq=1073 xmit=1 conn=1")
    assert verdict(out, 2).rule() is None


@pytest.mark.parametrize("kind", ["loss", "delay", "reorder", "duplicate"])
def test_its_rule_does_the_same(kind: str) -> None:
    """One verdict, played, and the rule of its text in another run."""
    make = chance(TEXTS[kind])
    for line in through(make)[1][:5]:
        rule = Verdict.of(line).rule()
        assert rule is not None
        played, _ = through(chance(TEXTS[kind].replace("delay=10ms", "delay=0ms")), Replayed([line]))
        clock = VirtualClock()
        arrived: list[tuple[int, bytes]] = []
        cable = Cable(clock, Port("a"), Port("b", handler=lambda frame: arrived.append((clock.now(), frame))))  # noqa: B023
        cable.forth.rules.add(rule)
        for number in range(40):
            clock.call_at(number * MS, partial(cable.forth.send, frame_of(number)))
        while clock.next_event() is not None:
            clock.wait(None)
            clock.run_due()
        assert arrived == played


def test_device_faults_and_rules_are_found() -> None:
    fault = {"t": 1, "device": "a", "fault": "pool-fail p=1%", "action": "fail", "detail": "nth=3"}
    replayed = Replayed([verdict(None).line(), fault, {**fault, "t": 2}])
    assert replayed.of_device("a", "pool-fail p=1%") == [fault, {**fault, "t": 2}]
    assert replayed.of_device("b", "pool-fail p=1%") == []
    assert replayed.of_rule("a>b", "a rule", COORDINATE) == verdict(None)
    assert replayed.of_rule("a>b", "a rule", COORDINATE, 2) is None
    assert replayed.of_rule("b>a", "a rule", COORDINATE) is None
    assert replayed.of_stage("a>b", "x") == {}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ({"t": 5, "dir": "a>b"}, "a verdict without frame, stage, action, detail"),
        ({**verdict(None).line(), "out": "x"}, "the outcome 'x' is no list"),
        ({**verdict(None).line(), "out": [True]}, "the outcome True is none: it is ns"),
        ({"device": "a"}, "a device fault without fault"),
    ],
)
def test_what_is_no_verdict_is_refused(line: Line, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        Replayed([line])
