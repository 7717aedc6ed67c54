"""Correlated draws: netem's filter as the kernel has it, and one that stays uniform."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest

from tap.impair.correlation import correlated, keep_uniform, netem_filter
from tap.impair.draws import draws
from tap.impair.units import ImpairmentError
from tap.streams import stream


def neighbours(values: Sequence[float]) -> float:
    """The correlation of each value with the next."""
    mean = statistics.fmean(values)
    pairs = pairwise(values)
    return sum((a - mean) * (b - mean) for a, b in pairs) / sum((a - mean) ** 2 for a in values)


def test_netems_filter_is_the_kernels_arithmetic() -> None:
    """net/sched/sch_netem.c, get_crandom: value * (2**32 - rho) + last * rho >> 32, rho = 32-bit
    share + 1.
    """
    plain, filtered = draws(stream(1, "x")), netem_filter(draws(stream(1, "x")), Fraction(1, 4))
    last = 0
    rho = round(0.25 * 0xFFFFFFFF) + 1
    for _ in range(1000):
        last = (plain() * ((1 << 32) - rho) + last * rho) >> 32
        assert filtered() == last


@pytest.mark.parametrize("rho", [0.25, 0.5, 0.9])
def test_netems_filter_shrinks_the_spread(rho: float) -> None:
    """The standard deviation shrinks by sqrt((1 - r) / (1 + r))."""
    draw = netem_filter(draws(stream(2, "x")), Fraction(rho))
    values = [draw() / 2**32 for _ in range(100_000)]
    uniform = 1 / math.sqrt(12)
    assert statistics.pstdev(values) == pytest.approx(uniform * math.sqrt((1 - rho) / (1 + rho)), rel=0.02)


@pytest.mark.parametrize("rho", [0.25, 0.5, 0.9])
def test_kept_draws_stay_uniform_and_are_correlated(rho: float) -> None:
    draw = keep_uniform(draws(stream(3, "x")), Fraction(rho))
    values = [draw() / 2**32 for _ in range(300_000)]
    assert statistics.fmean(values) == pytest.approx(0.5, abs=0.01)
    assert statistics.pstdev(values) == pytest.approx(1 / math.sqrt(12), rel=0.02)
    for tenth in range(1, 10):
        assert sum(value < tenth / 10 for value in values) / len(values) == pytest.approx(
            tenth / 10, abs=0.01
        )
    assert neighbours(values) == pytest.approx(6 / math.pi * math.asin(rho / 2), abs=0.01)


def test_no_correlation_changes_nothing() -> None:
    draw = draws(stream(4, "x"))
    assert correlated(draw, 0) is draw
    assert correlated(draw, 0, "netem") is draw


def test_what_is_no_correlation() -> None:
    draw = draws(stream(4, "x"))
    with pytest.raises(ImpairmentError, match="there is no correlation 'ar1': take keep or netem"):
        correlated(draw, 0.5, "ar1")
    with pytest.raises(ImpairmentError, match="correlation 2 is not between 0 and 1"):
        correlated(draw, 2)
    with pytest.raises(ImpairmentError, match="repeats the first draw for ever"):
        correlated(draw, 1)
