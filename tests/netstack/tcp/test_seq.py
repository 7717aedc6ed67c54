"""Sequence arithmetic modulo 2**32."""

from hypothesis import given
from hypothesis import strategies as st

from netstack.tcp.seq import between, geq, gt, leq, lt

numbers = st.integers(0, 0xFFFFFFFF)
distances = st.integers(1, 0x7FFFFFFF)


@given(numbers, distances)
def test_order_survives_the_wrap(a: int, distance: int) -> None:
    b = (a + distance) & 0xFFFFFFFF
    assert lt(a, b)
    assert gt(b, a)
    assert not lt(b, a)
    assert leq(a, b)
    assert geq(b, a)


@given(numbers)
def test_equal_numbers(a: int) -> None:
    assert leq(a, a)
    assert geq(a, a)
    assert not lt(a, a)
    assert not gt(a, a)


def test_between_includes_both_ends() -> None:
    assert between(0xFFFFFFF0, 0xFFFFFFF0, 5)
    assert between(5, 0xFFFFFFF0, 5)
    assert not between(6, 0xFFFFFFF0, 5)
