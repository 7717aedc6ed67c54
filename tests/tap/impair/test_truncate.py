"""Truncation."""

from __future__ import annotations

import pytest

from tap.impair.truncate import Truncate
from tap.impair.units import ImpairmentError
from tap.streams import stream
from tests.tap.impair.rig import Rig, burst


def test_to_a_length() -> None:
    rig = Rig(Truncate(1, 60, stream=stream(1, "x")))
    for length in (14, 60, 61, 1514):
        rig.send(bytes(length))
    rig.run()
    assert [len(frame) for frame in rig.frames] == [14, 60, 60, 60]
    assert rig.notes == [("truncate", "60 of 61 bytes"), ("truncate", "60 of 1514 bytes")]


def test_to_a_random_length() -> None:
    rig = Rig(Truncate(0.5, stream=stream(1, "x")))
    frames = burst(rig, 2000, size=100)
    assert all(old.startswith(new) for old, new in zip(frames, rig.frames, strict=True))
    lengths = [len(frame) for frame in rig.frames]
    assert set(lengths) == set(range(14, 101))
    assert lengths.count(100) / 2000 == pytest.approx(0.5, abs=0.056)


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match=r"truncate keep \(bytes\) 13 does not do: .*, 14 or more"):
        Truncate(1, 13, stream=stream(1, "x"))
