"""A line of limited rate with a droptail queue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.clock import MS, SECOND
from tap.impair.rate import Bitrate, Limits, Rate
from tap.impair.units import ImpairmentError
from tests.tap.impair.rig import Rig, burst, order


def test_frames_leave_one_after_another() -> None:
    rig = Rig(Rate(1_000_000))
    burst(rig, 4, size=125)  # 1 ms each
    assert rig.times == [MS, 2 * MS, 3 * MS, 4 * MS]
    rig = Rig(Rate(1_000_000))
    burst(rig, 4, gap=3 * MS, size=125)
    assert rig.times == [1 * MS, 4 * MS, 7 * MS, 10 * MS]


def test_a_frame_has_overhead() -> None:
    rig = Rig(Rate(1_000_000, overhead=24))
    burst(rig, 2, size=101)
    assert rig.times == [MS, 2 * MS]


def test_the_rate_is_kept_over_many_frames() -> None:
    rig = Rig(Rate(1_234_567))
    burst(rig, 1000, size=1514)
    assert rig.times[-1] == pytest.approx(1000 * 1514 * 8 * SECOND / 1_234_567, abs=1000)


@pytest.mark.parametrize(("packets", "size"), [(3, None), (None, 375), (3, 1000), (9, 499)])
def test_what_does_not_fit_is_lost(packets: int | None, size: int | None) -> None:
    """One frame is on the line, three of 125 bytes wait."""
    rig = Rig(Rate(1_000_000, packets, size))
    burst(rig, 6, size=125)
    assert order(rig.frames) == [0, 1, 2, 3]
    full = f"{packets} packets" if packets == 3 else f"{size} bytes"
    assert rig.notes == [("drop", f"queue full, {full}")] * 2


def test_the_queue_empties_with_time() -> None:
    stage = Rate(1_000_000, 2)
    rig = Rig(stage)
    burst(rig, 6, gap=MS // 2, size=125)
    assert order(rig.frames) == [0, 1, 2, 3, 4]
    assert stage.queued(10 * MS) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 3 * MS), st.integers(20, 1514)), max_size=40), st.integers(0, 6))
def test_against_a_plain_simulation(frames: list[tuple[int, int]], limit: int) -> None:
    """Frames (gap, size): who arrives and when, by a list of those that wait."""
    rig, now = Rig(Rate(8_000_000, limit)), 0
    free, starts, expected = 0, [], []
    for gap, length in frames:
        now += gap
        rig.send(bytes(length), now)
        if free > now and sum(start > now for start in starts) >= limit:
            continue
        start = max(now, free)
        starts.append(start)
        free = start + length * 1000
        expected.append((free, bytes(length)))
    assert rig.run() == expected


def test_what_makes_no_sense() -> None:
    with pytest.raises(ImpairmentError, match="a rate of 0 bit/s carries nothing"):
        Rate(0)
    with pytest.raises(ImpairmentError, match=r"rate \(bit/s\) -5 does not do"):
        Bitrate(-5)
    with pytest.raises(ImpairmentError, match=r"limit \(packets\) -1 does not do"):
        Limits(-1, None)
