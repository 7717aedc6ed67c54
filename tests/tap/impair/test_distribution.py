"""Tables of quantiles: netem's, and measured ones."""

from __future__ import annotations

import math
import statistics

import pytest

from tap.impair.distribution import MOST, SCALE, checked, from_samples, parse_table, table
from tap.impair.units import ImpairmentError


def test_the_normal_table() -> None:
    values = table("normal")
    assert statistics.fmean(values) == pytest.approx(0, abs=1)
    assert statistics.pstdev(values) / SCALE == pytest.approx(1, abs=0.002)
    assert list(values) == sorted(values)
    assert values[4095] == -values[0]


def test_the_pareto_table_is_iproute2s_formula() -> None:
    """netem/pareto.c: (x ** (-1/3) - 3/2) * 4/3, cut off."""
    values = table("pareto")
    for i in range(4096):
        x = (4096 - i - 0.5) / 4096
        assert values[i] == pytest.approx(min(MOST, (x ** (-1 / 3) - 1.5) * 4 / 3 * SCALE), abs=1.01)
    assert values[0] == pytest.approx(-SCALE * 2 / 3, abs=2)
    assert max(values) == MOST


def test_paretonormal_is_a_quarter_and_three_quarters() -> None:
    for normal, pareto, mixed in zip(table("normal"), table("pareto"), table("paretonormal"), strict=True):
        assert mixed == math.floor((normal + 3 * pareto) / 4)


def test_an_unknown_name() -> None:
    with pytest.raises(ImpairmentError, match="there is no distribution 'cauchy': take uniform, normal"):
        table("cauchy")


def test_a_table_of_iproute2s_format() -> None:
    assert parse_table("# made by maketable\n -8192 0\n\n8192 # no\n".replace(" # no", "")) == (
        -8192,
        0,
        8192,
    )
    with pytest.raises(ImpairmentError, match=r"^jitter.dist:2: 'x' is no whole number$"):
        parse_table("1 2\n3 x", "jitter.dist")
    with pytest.raises(ImpairmentError, match="has 0 values: give 1 to 16384"):
        parse_table("#\n")
    with pytest.raises(ImpairmentError, match="40000 is no 16-bit number"):
        checked([0, 40000])
    with pytest.raises(ImpairmentError, match="has 16385 values"):
        checked([0] * 16385)


def test_a_table_of_measured_delays() -> None:
    samples = [100, 100, 100, 500]
    values, mean, spread = from_samples(samples, size=4)
    assert (mean, spread) == (200, 173)
    assert [round(mean + value * spread / SCALE) for value in values] == [100, 100, 100, 500]
    with pytest.raises(ImpairmentError, match="1 samples make no distribution"):
        from_samples([1])
    with pytest.raises(ImpairmentError, match="all samples are the same"):
        from_samples([5, 5])
