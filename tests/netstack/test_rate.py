"""The token bucket of answers (``rate``)."""

from hypothesis import given
from hypothesis import strategies as st

from netstack.rate import BURST, GAP_MS, TokenBucket


def test_a_burst_then_one_at_a_time() -> None:
    bucket = TokenBucket()
    assert [bucket.take(5_000) for _ in range(BURST + 5)] == [True] * BURST + [False] * 5
    assert not bucket.take(5_000 + GAP_MS - 1)
    assert [bucket.take(5_000 + GAP_MS) for _ in range(2)] == [True, False]
    assert [bucket.take(100_000) for _ in range(BURST + 1)] == [True] * BURST + [False]


@given(st.lists(st.integers(0, 300), max_size=60))
def test_never_more_than_the_burst_and_the_rate(pauses: list[int]) -> None:
    bucket, now = TokenBucket(), 0
    taken: list[int] = []
    for pause in pauses:
        now += pause
        if bucket.take(now):
            taken.append(now)
    for index, first in enumerate(taken):
        for count, last in enumerate(taken[index:], 1):
            assert count <= BURST + (last - first) / GAP_MS
