"""Streams of random numbers: independent, even, and the same everywhere."""

from __future__ import annotations

import math
import statistics

import pytest

from netstack.core import splitmix32
from tap.streams import Stream, natural_logarithm, normal_quantile, stream

FIRST = 0xAEF1C6F284296629  # of stream(1, "a>b.loss"), for ever


def test_a_stream_is_splitmix64() -> None:
    """The first numbers of the reference implementation, state 1234567."""
    numbers = Stream(1234567)
    assert [numbers.u64() for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]
    ours, theirs = Stream(7), splitmix32(7)
    assert [ours.u32() for _ in range(9)] == [theirs() for _ in range(9)]


def test_seed_and_name_choose_the_stream() -> None:
    assert stream(1, "a>b.loss").u64() == stream(1, "a>b.loss").u64() == FIRST
    others = {stream(seed, name).u64() for seed in range(10) for name in ("a", "b", "ab", "")}
    assert len(others) == 40


def test_the_numbers_are_even() -> None:
    numbers = stream(1, "even")
    assert statistics.fmean(numbers.random() for _ in range(20_000)) == pytest.approx(0.5, abs=0.01)
    counts = [0] * 7
    for _ in range(70_000):
        counts[numbers.below(7)] += 1
    assert all(9_500 < count < 10_500 for count in counts)
    assert {numbers.between(-1, 1) for _ in range(100)} == {-1, 0, 1}
    with pytest.raises(ValueError, match="give 1 or more"):
        numbers.below(0)


def test_every_method_draws_once() -> None:
    for draw in (Stream.u32, Stream.random, Stream.normal, lambda numbers: numbers.below(3)):
        one, other = Stream(5), Stream(5)
        draw(one)
        other.u64()
        assert one.state == other.state


def test_normal_numbers_are_normal() -> None:
    numbers = stream(2, "normal")
    drawn = [numbers.normal() for _ in range(50_000)]
    assert statistics.fmean(drawn) == pytest.approx(0, abs=0.02)
    assert statistics.pstdev(drawn) == pytest.approx(1, rel=0.02)
    assert sum(abs(x) < 1.96 for x in drawn) / len(drawn) == pytest.approx(0.95, abs=0.005)
    assert sum(abs(x) > 3 for x in drawn) / len(drawn) == pytest.approx(0.0027, abs=0.001)


@pytest.mark.parametrize("p", [2.0**-53, 1e-9, 0.001, 0.075, 0.3, 0.5, 0.74, 0.93, 0.999, 1 - 2.0**-53])
def test_the_quantile_is_that_of_the_standard_library(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(statistics.NormalDist().inv_cdf(p), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("x", [1e-300, 0.1, 0.5, 0.7071067811865475, 0.7071067811865476, 1.0, 2.0, 12345.6])
def test_the_logarithm_is_right(x: float) -> None:
    assert natural_logarithm(x) == pytest.approx(math.log(x), rel=1e-14, abs=1e-15)
