"""netem as one stage: the kernel's order of things, and its rates."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.clock import MS, SECOND
from tap.impair.netem import parse
from tap.impair.netem_stage import Line
from tap.streams import Stream, stream
from tests.tap.impair.rig import Rig, burst, order, tcp_frame


def rig(words: str, seed: int = 1) -> Rig:
    """A cable with netem by these words."""

    def stream_of(purpose: str) -> Stream:
        return stream(seed, purpose)

    return Rig(*parse(words).stages(stream_of))


def counts(words: str, frames: int = 20_000) -> Counter[str]:
    """How often each action was noted, and how many frames arrived."""
    (stage,) = parse(words).stages(lambda purpose: stream(1, purpose))
    found = Counter[str]()
    frame = bytes(20)
    for number in range(frames):
        stage.handle(
            frame,
            number * 1000,
            lambda frame, at: found.update(["arrived"]),
            lambda action, detail: found.update([action]),
        )
    return found


def test_delay_and_limit() -> None:
    found = rig("delay 10ms limit 3")
    burst(found, 20, gap=MS)
    assert order(found.frames) == [0, 1, 2, 10, 11, 12]
    assert found.times == [number * MS + 10 * MS for number in order(found.frames)]
    assert found.notes.count(("drop", "queue full, 3 packets")) == 14


def test_loss_duplicate_and_corrupt_have_their_rates() -> None:
    found = counts("loss 10% duplicate 5% corrupt 2%")
    # a frame is doubled in 5 % of all cases; when it is to be lost, too, it arrives once and is not noted
    lost, doubled = found["drop"] / 20_000, found["duplicate"] / 20_000
    # drops: of those not doubled, and of the copies
    assert lost == pytest.approx(0.1 * 0.95 + 0.05 * 0.9 * 0.1, abs=0.01)
    assert doubled == pytest.approx(0.05 * 0.9, abs=0.007)
    assert found["arrived"] == 20_000 - found["drop"] + found["duplicate"]
    assert found["corrupt"] / found["arrived"] == pytest.approx(0.02, abs=0.005)


def test_all_are_doubled_and_all_lost() -> None:
    """The copy is what is lost: each arrives once (net/sched/sch_netem.c, count)."""
    found = rig("loss 100% duplicate 100%")
    frames = burst(found, 5, gap=MS)
    assert found.frames == frames


def test_a_copy_is_not_copied_and_goes_first() -> None:
    found = rig("duplicate 100% rate 1mbit corrupt 100%")
    burst(found, 1, size=125)
    assert found.times == [MS, 2 * MS]
    assert found.notes[0][0] == "corrupt", "the frame, before its copy is queued"
    assert found.notes[1:3] == [("duplicate", "1 x"), found.notes[2]]
    assert found.notes[2][0] == "corrupt", "the copy has a bit of its own"


def test_reordered_frames_are_sent_at_once() -> None:
    found = rig("delay 10ms reorder 100% gap 4")
    burst(found, 9, gap=MS)
    assert order(found.frames) == [3, 7, 0, 1, 2, 4, 5, 6, 8]
    assert found.times[:2] == [3 * MS, 7 * MS]


def test_the_share_of_reordered_frames() -> None:
    found = counts("delay 1ms reorder 25%")
    assert found["reorder"] / 20_000 == pytest.approx(0.25, abs=0.016)
    found = counts("delay 1ms reorder 50% gap 5")  # then one of 5, 6, 7, ... : 4 + 1/0.5 apart on average
    assert found["reorder"] / 20_000 == pytest.approx(1 / 6, abs=0.01)


def test_rate_with_overhead_and_cells() -> None:
    assert Line(1_000_000).time(125) == MS
    assert Line(1_000_000, overhead=25).time(100) == MS
    assert Line(1_000_000, overhead=-25).time(150) == MS
    # ATM: 100 bytes are 3 cells of 48, each with 5 more
    assert Line(8_000_000, cell=48, cell_overhead=5).time(100) == 3 * 53 * SECOND // 1_000_000


def test_a_rate_swallows_the_delay_while_frames_queue() -> None:
    """The kernel takes the last frame's time as now and what is left of the delay."""
    found = rig("delay 2ms rate 1mbit")
    burst(found, 4, size=125)
    assert found.times == [3 * MS, 4 * MS, 5 * MS, 6 * MS]
    found = rig("delay 2ms rate 1mbit")
    burst(found, 3, gap=5 * MS, size=125)
    assert found.times == [3 * MS, 8 * MS, 13 * MS]


@given(
    st.lists(st.tuples(st.integers(0, 4 * MS), st.integers(20, 1500)), min_size=1, max_size=30),
    st.integers(0, 5), st.integers(1, 8), st.booleans(),
)  # fmt: skip
def test_against_a_queue_of_time_to_send(
    frames: list[tuple[int, int]], delay: int, limit: int, rated: bool
) -> None:
    """Delay, rate and limit, by a plain list of what is queued."""
    found, now = rig(f"delay {delay}ms limit {limit}" + " rate 4mbit" * rated), 0
    queue: list[tuple[int, int, int]] = []
    sent: list[tuple[int, int, int]] = []
    for number, (gap, size) in enumerate(frames):
        now += gap
        found.send(bytes(size), now)
        sent += [one for one in queue if one[0] <= now]
        queue = [one for one in queue if one[0] > now]
        if len(queue) >= limit:
            continue
        begin, wait = now, delay * MS
        if rated:
            if queue:
                begin = max(at for at, _, _ in queue)
                wait = max(0, wait - (begin - now))
            wait += size * 2000
        queue.append((begin + wait, number, size))
    expected = sorted(sent + queue)
    assert [(at, len(frame)) for at, frame in found.run()] == [(at, size) for at, _, size in expected]


def test_slots_follow_the_queue_and_count_for_the_limit() -> None:
    found = rig("slot 10ms packets 2 limit 3")
    burst(found, 7)
    # two leave at once; three wait for the slot at 10 ms, of which the third waits for the next
    assert [at // MS for at in found.times] == [0, 0, 10, 10, 20]
    assert found.notes.count(("drop", "queue full, 3 packets")) == 2


def test_ecn() -> None:
    found = rig("loss 100% ecn")
    found.send(tcp_frame(tos=1))
    found.send(tcp_frame())
    found.run()
    assert [frame[15] for frame in found.frames] == [3]
    assert ("mark", "ce") in found.notes
    assert ("drop", "loss") in found.notes


def test_a_seed_among_the_words_chooses_the_streams() -> None:
    one, other = rig("loss 30% seed 7", seed=1), rig("loss 30% seed 7", seed=2)
    third = rig("loss 30% seed 8", seed=1)
    for each in (one, other, third):
        burst(each, 100)
    assert one.frames == other.frames != third.frames


def test_words_do_not_shift_one_anothers_numbers() -> None:
    alone, beside = rig("loss 30%"), rig("loss 30% corrupt 50% delay 1ms 1ms")
    burst(alone, 200)
    burst(beside, 200)
    drops = [number for number in range(200) if number not in order(alone.frames)]
    assert len(drops) == sum(action == "drop" for action, _ in beside.notes)
