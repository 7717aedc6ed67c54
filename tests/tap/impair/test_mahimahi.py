"""Recorded links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.clock import MS
from tap.impair.mahimahi import OPPORTUNITY, Mahimahi, Opportunities, parse_trace
from tap.impair.units import ImpairmentError
from tests.tap.impair.rig import Rig, burst, order

FULL = 1514  # a packet of 1500 bytes is one opportunity


def test_a_full_packet_is_an_opportunity() -> None:
    rig = Rig(Mahimahi([3, 5, 5, 10]))
    burst(rig, 6, size=FULL)
    assert [at // MS for at in rig.times] == [3, 5, 5, 10, 13, 15]


def test_small_packets_share_one_and_a_large_one_takes_several() -> None:
    rig = Rig(Mahimahi([1, 2, 3, 4]))
    burst(rig, 4, size=10 + OPPORTUNITY // 2)
    assert [at // MS for at in rig.times] == [1, 1, 2, 2]
    service = Opportunities([1, 2, 3, 4])
    assert [service.finish(0, 10 + size, size > 1000) // MS for size in (1000, 2000, 2900)] == [1, 2, 4]


def test_an_opportunity_while_nothing_waits_is_lost() -> None:
    rig = Rig(Mahimahi([1, 2, 3, 10]))
    rig.send(bytes(60), 0)
    rig.send(bytes(60), 1 * MS + 1)
    rig.send(bytes(60), 3 * MS)  # the one at 3 ms is over, as in mm-link
    rig.send(bytes(60), 123 * MS)
    rig.run()
    assert [at // MS for at in rig.times] == [1, 2, 10, 130]


def test_its_queue() -> None:
    rig = Rig(Mahimahi([10], 2))
    burst(rig, 5, size=FULL)
    assert order(rig.frames) == [0, 1, 2]
    assert rig.times == [10 * MS, 20 * MS, 30 * MS]
    assert rig.notes == [("drop", "queue full, 2 packets")] * 2


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=8).map(sorted).filter(lambda times: times[-1] > 0),
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 3000)), max_size=12),
)
def test_against_the_millisecond_loop_of_mm_link(times: list[int], frames: list[tuple[int, int]]) -> None:
    """Frames (ms since the last, bytes with the TUN's 4): who is out when, opportunity by opportunity."""
    rig, now, queue = Rig(Mahimahi(times)), 0, []
    for gap, size in frames:
        now += gap
        rig.send(bytes(size + 10), now * MS)
        queue.append([now, size])
    expected: list[int] = []
    base = index = 0
    while queue:
        at = base + times[index]
        left = OPPORTUNITY
        while queue and queue[0][0] < at and left:
            used = min(left, queue[0][1])
            left -= used
            queue[0][1] -= used
            if not queue[0][1]:
                expected.append(at * MS)
                queue.pop(0)
        index += 1
        if index == len(times):
            base, index = base + times[-1], 0
    rig.run()
    assert rig.times == expected


def test_a_trace_file() -> None:
    assert parse_trace("0\n1\n1\n7\n") == (0, 1, 1, 7)
    for text, says in (
        ("1\nx\n", "t.up:2: 'x' is no whole number of milliseconds"),
        ("5\n4\n", "t.up:2: 4 comes after 5: sort the times"),
        ("0\n", "t.up: no time above 0"),
        ("", "t.up: no time above 0"),
        ("-1", "t.up:1: '-1' is no whole number"),
    ):
        with pytest.raises(ImpairmentError) as caught:
            parse_trace(text, "t.up")
        assert str(caught.value).startswith(says)
    with pytest.raises(ImpairmentError, match="a trace needs sorted times"):
        Mahimahi([])
