"""Duplication."""

from __future__ import annotations

import pytest

from tap.clock import MS
from tap.impair.duplicate import Duplicate
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.rig import Rig, burst, order


def test_copies_follow_at_their_spacing() -> None:
    rig = Rig(Duplicate(1, 2, stream=stream(1, "x"), spacing=3 * MS))
    burst(rig, 2, gap=MS)
    assert rig.times == [0, MS, 3 * MS, 4 * MS, 6 * MS, 7 * MS]
    assert order(rig.frames) == [0, 1, 0, 1, 0, 1]
    assert rig.notes == [("duplicate", "2 x")] * 2


@pytest.mark.parametrize("correlation", [0, 0.5])
def test_the_rate(correlation: float) -> None:
    stage = Duplicate(0.05, stream=stream(1, "rate"), correlation=correlation)
    passed = 0

    def count(frame: bytes, at: int) -> None:
        nonlocal passed
        passed += 1

    for _ in range(300_000):
        stage.handle(b"", 0, count, lambda action, detail: None)
    assert passed / 300_000 - 1 == pytest.approx(0.05, rel=0.03)


def test_what_makes_no_sense() -> None:
    with pytest.raises(
        ImpairmentError, match="duplicate copies 0 does not do: give a whole number, 1 or more"
    ):
        Duplicate(0.1, 0, stream=stream(1, "x"))
    with pytest.raises(ImpairmentError, match="duplicate copies 1001 are a flood: give 1000 at most"):
        Duplicate(0.1, 1001, stream=stream(1, "x"))
