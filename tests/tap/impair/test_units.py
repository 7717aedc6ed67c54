"""Values with units, tc's way."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.impair.units import (
    ONE,
    ImpairmentError,
    percentage,
    probability,
    rate_bits,
    size,
    threshold,
    time_ns,
    trap,
    whole,
)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("80ms", 80_000_000), ("1.5s", 1_500_000_000), ("20us", 20_000), ("20usecs", 20_000), ("7ns", 7),
        ("100", 100_000),
        ("0", 0), ("2sec", 2 * 10**9), ("1e1ms", 10**7), ("3 ms", 3_000_000), (".5ms", 500_000),
    ],
)  # fmt: skip
def test_times(text: str, ns: int) -> None:
    assert time_ns(text) == ns


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("100kbit", 100_000), ("1.5Mbit", 1_500_000), ("1gbit", 10**9), ("8kbps", 64_000),
        ("1mbps", 8_000_000), ("9600", 9600), ("1kibit", 1024), ("1kibps", 8192), ("1m", 10**6),
    ],
)  # fmt: skip
def test_rates(text: str, bits: int) -> None:
    assert rate_bits(text) == bits


@pytest.mark.parametrize(
    ("text", "count"), [("1500", 1500), ("1500b", 1500), ("16k", 16384), ("16kb", 16384), ("8kbit", 1024)]
)
def test_sizes(text: str, count: int) -> None:
    assert size(text) == count


def test_percentages_are_exact() -> None:
    assert percentage("1%") == percentage("1") == Fraction(1, 100)
    assert percentage("0.1%") == Fraction(1, 1000)
    assert percentage(0.25) == Fraction(1, 4)
    assert threshold(0) == 0
    assert threshold(1) == ONE
    assert threshold(Fraction(1, 4)) == ONE // 4


@pytest.mark.parametrize(
    ("convert", "text", "says"),
    [
        (time_ns, "80parsecs", "'80parsecs' is no time: write it as 80ms"),
        (time_ns, "-1ms", "a time of -1ms is negative"),
        (time_ns, "1e99s", "is no time"),
        (time_ns, "ms", "'ms' is no time"),
        (rate_bits, "0kbit", "a rate of 0kbit carries nothing"),
        (rate_bits, "fast", "'fast' is no rate: write it as 100kbit"),
        (size, "1q", "'1q' is no size"),
        (percentage, "101%", "101% is no percentage: give 0% to 100%"),
        (percentage, "1ms", "'1ms' is no percentage"),
    ],
)
def test_what_is_no_value(convert: object, text: str, says: str) -> None:
    assert callable(convert)
    with pytest.raises(ImpairmentError) as caught:
        convert(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_what_is_no_probability(value: float) -> None:
    with pytest.raises(ImpairmentError, match="is not between 0 and 1"):
        probability(value, "loss rate")


def test_whole_numbers() -> None:
    assert whole(3, "n") == 3
    for bad in (-1, 1.5, None, "3"):
        with pytest.raises(ImpairmentError, match="give a whole number, 0 or more"):
            whole(bad, "n")


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("100", "time", "100 microseconds"),
        ("1mbps", "rate", "eight times mbit"),
        ("0.5", "percentage", "0.5 percent, not 50 percent"),
        ("100ms", "time", None),
        ("0", "time", None),
        ("1mbit", "rate", None),
        ("1", "percentage", None),
        ("0.5%", "percentage", None),
        ("?", "time", None),
    ],
)
def test_traps(text: str, kind: str, says: str | None) -> None:
    found = trap(text, kind)
    assert (found is None) if says is None else (found is not None and says in found)


@given(st.text(max_size=20))
def test_any_text_is_a_value_or_an_impairment_error(text: str) -> None:
    for convert in (time_ns, rate_bits, size, percentage):
        try:
            value = convert(text)
        except ImpairmentError:
            continue
        assert value >= 0
