"""A rule: what it counts, and how often it acts."""

from __future__ import annotations

import pytest

from tap.rules.coordinate import MAX_FLOWS
from tap.rules.errors import RuleError
from tap.rules.verdicts import DROP, Delay, Duplicate, Verdict
from tap.rules.view import FrameView
from tests.tap.rules.bench import ACK, SYN, Bench, tcp, udp


def data(number: int, port: int | None = None) -> bytes:
    """The number-th data segment (from 1) of five bytes."""
    return tcp(ACK, 1 + 5 * (number - 1), 1, b"%05d" % number, port=port)


def lost(bench: Bench, *frames: bytes) -> list[int]:
    """Which of the frames (from 1) are lost."""
    arrived = bench.pass_all(*frames)
    return [number for number, frame in enumerate(frames, 1) if frame not in arrived]


def drop(text: str, *frames: bytes) -> list[int]:
    bench = Bench()
    bench.forth.rules.add(f"drop {text}")
    return lost(bench, *frames)


TEN = [data(number) for number in range(1, 11)]


def test_n_is_per_flow() -> None:
    assert drop("kind=data n=3", *TEN) == [3]
    assert drop("kind=data n=2..3,9", *TEN) == [2, 3, 9]
    both = [data(number, port) for number in (1, 2, 3) for port in (1000, 2000)]
    assert drop("kind=data n=2", *both) == [3, 4]


def test_n_counts_what_meets_all_other_conditions() -> None:
    frames = [data(1), data(2), tcp(ACK, 1, 1, b"again"), data(3), data(4)]
    assert drop("kind=data xmit=1 n=3", *frames) == [4]
    assert drop("kind=data n=3", *frames) == [3]
    assert drop("xmit=2", *frames) == [3]
    assert drop("seq=7", *frames) == [2]
    assert drop("seq=5..6 n=2", *frames) == [2]


def test_every_and_count() -> None:
    assert drop("kind=data every=3", *TEN) == [3, 6, 9]
    assert drop("kind=data every=3 count=2", *TEN) == [3, 6]
    assert drop("kind=data n=4.. every=2", *TEN) == [4, 6, 8, 10]
    assert drop("count=2", *TEN) == [1, 2]


def test_chance_is_the_rules_own() -> None:
    hundred = [data(number) for number in range(1, 101)]
    some = drop("p=30%", *hundred)
    assert 15 <= len(some) <= 45
    assert drop("p=30%", *hundred) == some
    bench = Bench()
    bench.forth.rules.add("duplicate p=50% kind=syn")
    bench.forth.rules.add("drop p=30%")
    assert lost(bench, *hundred) == some
    assert bench.world.names == [
        "rule.client>server.duplicate p=50% kind=syn",
        "rule.client>server.drop p=30%",
    ]
    other = Bench(seed=2)
    other.forth.rules.add("drop p=30%")
    assert lost(other, *hundred) != some
    assert drop("p=100%", *TEN) == list(range(1, 11))
    assert drop("p=0%", *TEN) == []


def test_the_same_text_twice_is_not_the_same_chance() -> None:
    bench = Bench()
    rules = [bench.forth.rules.add("delay 1ms p=50% chain") for _ in range(2)]
    bench.pass_all(*TEN)
    assert bench.world.names[1] == bench.world.names[0] + " #2"
    assert [rule.hits for rule in rules] != [10, 10]
    hit = [{frame for frame, rule, _, _ in bench.notes}, len(bench.notes)]
    assert len(hit[0]) != hit[1]  # type: ignore[arg-type]


def test_chance_can_be_played() -> None:
    bench = Bench()
    rule = bench.forth.rules.add("drop p=50%")
    bench.forth.rules.chance = lambda asked, at: asked is rule and at.n == 4
    assert lost(bench, *TEN) == [4]


def test_a_rule_draws_nothing_without_p() -> None:
    bench = Bench()
    bench.forth.rules.add("corrupt")
    bench.forth.rules.add(Duplicate(2), kind="data", every=2)
    bench.pass_all(*TEN)
    assert bench.world.names == []


def test_counts_and_hits() -> None:
    bench = Bench()
    rule = bench.forth.rules.add("drop kind=data n=3")
    bench.pass_all(tcp(SYN, 0), *TEN)
    assert (rule.met, rule.hits, str(rule)) == (10, 1, "drop kind=data n=3")
    assert repr(rule) == "<rule drop kind=data n=3: 1 hits>"


def test_its_memory_is_bounded() -> None:
    bench = Bench(recorded=False)
    rule = bench.forth.rules.add("drop n=2")
    for port in range(1, 3 * MAX_FLOWS):
        bench.send(udp(port, 7, b""))
    assert len(rule._counts) <= MAX_FLOWS


def test_a_callback_decides() -> None:
    bench = Bench()
    seen: list[FrameView] = []

    @bench.forth.on(kind="data", n="2..")
    def judge(frame: FrameView) -> Verdict | list[Verdict] | None:
        seen.append(frame)
        if frame.n == 2:
            return DROP
        return [Duplicate(), Delay(5)] if frame.n == 3 else None

    arrived = bench.pass_all(*TEN[:4])
    assert arrived == [TEN[0], TEN[3], TEN[2], TEN[2]]
    assert [frame.n for frame in seen] == [2, 3, 4]
    assert judge.text == "judge() kind=data n=2.."
    assert [(rule, action) for _, rule, action, _ in bench.notes] == [
        (judge.text, "drop"), (judge.text, "duplicate"), (judge.text, "delay"),
    ]  # fmt: skip
    judge.remove()
    assert bench.pass_all(TEN[1])[-1] == TEN[1]


def test_a_callback_returns_verdicts() -> None:
    bench = Bench()
    bench.forth.rules.add(lambda frame: "drop", name="mine")  # type: ignore[arg-type, return-value]
    with pytest.raises(RuleError, match="rule: mine: 'd' is no verdict: return PASS"):
        bench.send(data(1))


def test_an_exception_of_a_callback_comes_out() -> None:
    bench = Bench()
    bench.forth.rules.add(lambda frame: DROP if frame.n // 0 else None)
    with pytest.raises(ZeroDivisionError):
        bench.send(data(1))


def test_times() -> None:
    bench = Bench()
    bench.forth.rules.add("drop from=2ms until=4ms")
    for ms in range(1, 6):
        bench.send(data(ms), ms * 1_000_000)
    bench.run()
    assert [frame for _, frame in bench.at_server] == [data(1), data(4), data(5)]
