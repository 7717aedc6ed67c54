"""Which of many are hit."""

from __future__ import annotations

import pytest

from tap.devicefault.chooser import Chooser
from tap.devicefault.fault import DeviceFaultError
from tap.streams import stream


def hits(chooser: Chooser, count: int = 12) -> list[int]:
    return [number for number in range(1, count + 1) if chooser.hit()]


def test_who_is_hit() -> None:
    assert hits(Chooser(), 3) == [1, 2, 3]
    assert hits(Chooser(nth=5)) == [5]
    assert hits(Chooser(nth=10, persistent=True)) == [10, 11, 12]
    assert hits(Chooser(every=4)) == [4, 8, 12]
    assert hits(Chooser(every=4, times=2)) == [4, 8]
    assert hits(Chooser(times=1)) == [1]


def test_by_chance_the_share_is_right_and_repeats() -> None:
    first = hits(Chooser(p=0.25, stream=stream(1, "a")), 40_000)
    assert abs(len(first) - 10_000) < 300
    assert first == hits(Chooser(p=0.25, stream=stream(1, "a")), 40_000)
    assert first != hits(Chooser(p=0.25, stream=stream(2, "a")), 40_000)
    limited = Chooser(p=1, times=3, stream=stream(1, "a"))
    assert hits(limited) == [1, 2, 3]
    assert (limited.seen, limited.hits) == (12, 3)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"nth": 1, "every": 2}, "nth and every exclude each other"),
        ({"persistent": True}, "persistent goes with nth"),
        ({"nth": 0}, "nth 0 does not do"),
        ({"times": 0}, "times 0 does not do"),
        ({"p": 0.5}, "p needs a stream"),
    ],
)
def test_mistakes(values: dict[str, object], says: str) -> None:
    with pytest.raises(DeviceFaultError, match=says):
        Chooser(**values)  # type: ignore[arg-type]
