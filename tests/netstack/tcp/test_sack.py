"""SACK blocks: which they are, which is first, how many fit (``sack``)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstack.profiles import named
from netstack.tcp.sack import add_sack, remove_sacks_above, remove_sacks_below
from netstack.tcp.tcb import Tcb
from tests.netstack.tcp.conversation import ACK, PSH, SYN, Conversation, established

STREAM = bytes(range(1, 101))


def put(talk: Conversation, start: int, end: int) -> None:
    """Bytes [start, end) of the stream."""
    talk.segment(PSH | ACK, 1 + start, 1, STREAM[start:end])


def agreed(*options: tuple[str, object], **settings: int) -> Conversation:
    """A connection with SACK; the blocks the device sends count from the first byte of the stream."""
    talk = Conversation("full", **settings)
    talk.segment(SYN, 0, mss=1460, options=(("SAckOK", b""), *options))
    talk.expect(SYN | ACK)
    talk.segment(ACK, 1, 1)
    return talk


def blocks(talk: Conversation) -> list[int]:
    """Left and right edges in the device's next ACK."""
    option = dict(talk.expect(ACK).options).get("SAck", ())
    return [(edge + 0x100 - 1) & 0xFFFFFFFF for edge in option]


def test_blocks_newest_first() -> None:
    talk = agreed()
    put(talk, 10, 20)
    assert blocks(talk) == [10, 20]
    put(talk, 30, 40)
    assert blocks(talk) == [30, 40, 10, 20]
    put(talk, 20, 25)
    assert blocks(talk) == [10, 25, 30, 40]
    put(talk, 0, 10)  # in order, but a block is left: an empty ACK at once
    assert blocks(talk) == [30, 40]
    put(talk, 25, 30)
    talk.expect_nothing()


def test_at_most_four_blocks_are_known_and_sent() -> None:
    talk = agreed()
    for i in range(6):
        put(talk, 10 + 10 * i, 15 + 10 * i)
    assert len(talk.pcb.rcv_sacks) == 4
    talk.frames[:-1] = []
    assert blocks(talk) == [60, 65, 50, 55, 40, 45, 30, 35]


def test_timestamps_leave_room_for_three_blocks() -> None:
    talk = agreed(("Timestamp", (1, 0)))
    for i in range(6):
        put(talk, 10 + 10 * i, 15 + 10 * i)
    talk.frames[:-1] = []
    assert blocks(talk) == [60, 65, 50, 55, 40, 45]


def test_a_repeated_segment_brings_its_block_to_the_front() -> None:
    talk = agreed()
    put(talk, 10, 20)
    put(talk, 30, 40)
    put(talk, 10, 20)
    talk.frames[:-1] = []
    assert blocks(talk) == [10, 20, 30, 40]


def test_thrown_away_data_is_forgotten_by_the_blocks() -> None:
    talk = agreed(tcp_ooseq_max_bytes=12)
    put(talk, 10, 20)
    assert blocks(talk) == [10, 20]
    put(talk, 30, 40)  # beyond the limit
    assert blocks(talk) == [10, 20]


def test_the_blocks_go_with_the_queue() -> None:
    talk = agreed()
    put(talk, 10, 20)
    talk.frames.clear()
    talk.advance(ms=20_000)
    assert not talk.pcb.ooseq
    put(talk, 50, 60)
    assert blocks(talk) == [50, 60]


def test_without_agreement_there_are_none() -> None:
    talk = established("full")
    put(talk, 10, 20)
    assert blocks(talk) == []
    assert talk.pcb.rcv_sacks == []


def test_data_segments_carry_no_blocks() -> None:
    talk = agreed()
    put(talk, 10, 20)
    talk.frames.clear()
    talk.write(b"data")
    assert "SAck" not in dict(talk.expect(PSH | ACK).options)


# The three operations, against sets of sequence numbers; numbers wrap in the middle of their range.

BASE = 0xFFFFFFE0
edges = st.integers(0, 64)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("add"), edges, edges),
        st.tuples(st.just("below"), edges, st.just(0)),
        st.tuples(st.just("above"), edges, st.just(0)),
    ),
    max_size=20,
)


def members(pcb: Tcb) -> set[int]:
    found: set[int] = set()
    for left, right in pcb.rcv_sacks:
        block = set(range(left - BASE & 0xFFFFFFFF, right - BASE & 0xFFFFFFFF))
        assert block, "an empty block"
        assert not block & found, "blocks overlap"
        found |= block
    return found


@given(operations)
def test_blocks_are_what_was_added_and_not_removed(todo: list[tuple[str, int, int]]) -> None:
    pcb = Tcb(named("full"), 64, 0, 0)
    expected: set[int] = set()
    for name, first, second in todo:
        at = BASE + first & 0xFFFFFFFF
        if name == "add":
            new = set(range(first, second))
            for left, right in pcb.rcv_sacks if new else ():
                block = set(range(left - BASE & 0xFFFFFFFF, right - BASE & 0xFFFFFFFF))
                if block & new:  # overlapped: the newest replaces it
                    expected -= block
            expected |= new
            add_sack(pcb, at, BASE + second & 0xFFFFFFFF, 100)
            if new:
                assert pcb.rcv_sacks[0] == (at, BASE + second & 0xFFFFFFFF)
        elif name == "below":
            expected = {number for number in expected if number >= first}
            remove_sacks_below(pcb, at)
        else:
            expected = {number for number in expected if number < first}
            remove_sacks_above(pcb, at)
        assert members(pcb) == expected


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_the_oldest_is_forgotten_first(limit: int) -> None:
    pcb = Tcb(named("full"), 64, 0, 0)
    for i in range(6):
        add_sack(pcb, 10 * i, 10 * i + 5, limit)
    assert pcb.rcv_sacks == [(10 * i, 10 * i + 5) for i in range(5, 5 - limit, -1)]
