"""Delay and jitter: each distribution keeps its shape, with and without correlation."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap.clock import MS
from tap.impair.delay import Delay, Scatter
from tap.impair.distribution import SCALE, table
from tap.impair.draws import draws
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.rig import Rig, burst, order


def times(stage: Delay, count: int) -> list[int]:
    """What the stage does to frames, without a cable."""
    found: list[int] = []
    for _ in range(count):
        stage.handle(b"", 0, lambda frame, at: found.append(at), lambda action, detail: None)
    return found


def test_a_constant_delay() -> None:
    rig = Rig(Delay(80 * MS))
    frames = burst(rig, 5, gap=MS)
    assert rig.frames == frames
    assert rig.times == [(80 + number) * MS for number in range(5)]
    assert rig.notes == [("delay", "80000000 ns")] * 5


def test_uniform_jitter_over_a_million() -> None:
    time = Scatter(80 * MS, 20 * MS, "uniform", draws(stream(1, "uniform"))).time
    found = [time() for _ in range(1_000_000)]
    assert statistics.fmean(found) == pytest.approx(80 * MS, rel=0.001)
    spread = math.sqrt(sum((x - 80 * MS) ** 2 for x in found) / len(found))
    assert spread == pytest.approx(20 * MS / math.sqrt(3), rel=0.02)
    assert 60 * MS <= min(found) < 60.001 * MS
    assert 99.999 * MS < max(found) <= 100 * MS


@pytest.mark.parametrize("name", ["normal", "pareto", "paretonormal"])
@pytest.mark.parametrize("correlation", [0, 0.6])
def test_the_distribution_of_a_table(name: str, correlation: float) -> None:
    """Of the delays as of the table: mean, spread, and what is below each tenth of it."""
    stage = Delay(100 * MS, 10 * MS, name, stream=stream(1, name), correlation=correlation)
    found = times(stage, 150_000)
    expected = sorted(100 * MS + 10 * MS * value // SCALE for value in table(name))
    assert statistics.fmean(found) == pytest.approx(statistics.fmean(expected), rel=0.002)
    spread = statistics.pstdev([float(x) for x in found])
    assert spread == pytest.approx(statistics.pstdev([float(x) for x in expected]), rel=0.02)
    for tenth in range(1, 10):
        edge = expected[4096 * tenth // 10]
        assert sum(x < edge for x in found) / len(found) == pytest.approx(tenth / 10, abs=0.01)


def test_netems_correlation_shrinks_the_jitter() -> None:
    """sqrt((1 - r) / (1 + r))"""
    stage = Delay(80 * MS, 20 * MS, stream=stream(1, "shrunk"), correlation=0.25, how="netem")
    spread = statistics.pstdev([float(x) for x in times(stage, 150_000)])
    assert spread == pytest.approx(20 * MS / math.sqrt(3) * math.sqrt(0.75 / 1.25), rel=0.02)


def test_a_table_of_ones_own() -> None:
    found = times(Delay(10 * MS, 5 * MS, [-8192, 0, 8192], stream=stream(1, "own")), 3000)
    assert set(found) == {5 * MS, 10 * MS, 15 * MS}
    assert all(900 < found.count(time) < 1100 for time in set(found))


def test_a_delay_is_never_negative() -> None:
    found = times(Delay(MS, 5 * MS, stream=stream(1, "x")), 1000)
    assert min(found) == 0
    assert found.count(0) > 300


def test_jitter_reorders_unless_told_not_to() -> None:
    mixed = Rig(Delay(80 * MS, 20 * MS, stream=stream(1, "x")))
    burst(mixed, 200, gap=MS)
    assert order(mixed.frames) != list(range(200))
    assert sorted(order(mixed.frames)) == list(range(200))
    tidy = Rig(Delay(80 * MS, 20 * MS, stream=stream(1, "x"), in_order=True))
    burst(tidy, 200, gap=MS)
    assert order(tidy.frames) == list(range(200))


@settings(max_examples=50)
@given(
    st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 2**64), st.sampled_from(["keep", "netem"])
)
def test_uniform_delays_lie_within_the_jitter(delay: int, jitter: int, seed: int, how: str) -> None:
    stage = Delay(delay, jitter, stream=stream(seed, "x"), correlation=0.5, how=how)
    assert all(max(0, delay - jitter) <= time <= delay + jitter for time in times(stage, 50))


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match="jitter is a matter of chance: give the delay a stream"):
        Delay(MS, MS)
    with pytest.raises(ImpairmentError, match=r"delay \(ns\) -1 does not do"):
        Delay(-1)
    with pytest.raises(ImpairmentError, match="there is no distribution 'gauss'"):
        Delay(MS, MS, "gauss", stream=stream(1, "x"))
