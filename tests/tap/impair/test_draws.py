"""Random numbers in bulk: even, independent of one another, and the same for ever."""

from __future__ import annotations

from itertools import pairwise

from tap.impair.draws import draws
from tap.streams import stream

FIRST = [
    1675215401,
    1800695880,
    2909049818,
]  # SHAKE-128 of AEF1C6F284296629, which is the first of stream(1, "a>b.loss")


def test_the_first_draws_of_a_stream() -> None:
    draw = draws(stream(1, "a>b.loss"))
    assert [draw() for _ in range(3)] == FIRST


def test_a_block_is_one_number_of_the_stream() -> None:
    numbers = stream(1, "x")
    draw = draws(numbers)
    for _ in range(256):
        draw()
    other = stream(1, "x")
    other.u64()
    assert numbers.state == other.state
    draw()
    other.u64()
    assert numbers.state == other.state


def test_draws_are_even() -> None:
    draw = draws(stream(3, "even"))
    counts = [0] * 64
    for _ in range(640_000):
        counts[draw() >> 26] += 1
    assert (
        sum((count - 10_000) ** 2 for count in counts) / 10_000 < 103.4
    )  # chi-square, 63 degrees, p = 0.001


def test_neighbours_are_independent() -> None:
    draw = draws(stream(4, "pairs"))
    values = [draw() / 2**32 - 0.5 for _ in range(100_000)]
    product = sum(a * b for a, b in pairwise(values)) / len(values)
    assert abs(product * 12) < 0.012  # of a correlation's standard error, 0.003, four
