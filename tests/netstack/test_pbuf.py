"""Packet buffers: which of the pool's buffers a packet keeps, and how much heap an outgoing one takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstack.pbuf import Pbuf, TxAllocator
from netstack.pool import Heap, Pool


def received(length: int, buffer: int = 100) -> tuple[Pbuf, Pool]:
    """A frame as ``Stack.receive`` takes it, in buffers of ``buffer`` bytes."""
    pool = Pool("PBUF_POOL", 100)
    buffers = max(1, -(-length // buffer))
    pool.take(buffers)
    parts = None
    if buffers > 1:
        parts = [buffer] * buffers
        parts[-1] = length - buffer * (buffers - 1)
    return Pbuf(bytes(i % 251 for i in range(length)), pool, buffers, parts), pool


def check(p: Pbuf, pool: Pool) -> None:
    """What always holds: buffers and bytes add up."""
    assert pool.used == p.buffers
    if p.parts is not None:
        assert sum(p.parts) == len(p.data)
        assert len(p.parts) == p.buffers


def test_one_buffer() -> None:
    p, pool = received(60)
    assert (len(p), p.first_len, p.parts) == (60, 60, None)
    p.strip(14)
    assert (len(p), p.first_len, p.data[0]) == (46, 46, 14)
    p.trim(40)
    assert len(p) == 40
    p.free()
    assert pool.used == 0


def test_strip_keeps_emptied_buffers() -> None:
    p, pool = received(250)
    p.strip(130)
    assert (p.parts, p.buffers, p.first_len) == ([0, 70, 50], 3, 0)
    check(p, pool)


def test_trim_gives_buffers_back() -> None:
    p, pool = received(250)
    p.trim(150)
    assert (p.parts, pool.used) == ([100, 50], 2)
    p.trim(100)
    assert (p.parts, pool.used) == (None, 1)
    check(p, pool)


def test_trim_to_more_changes_nothing() -> None:
    p, pool = received(250)
    p.trim(300)
    assert (len(p), pool.used) == (250, 3)


def test_consume_gives_emptied_buffers_back() -> None:
    p, pool = received(250)
    p.consume(100)
    assert (p.parts, pool.used) == ([100, 50], 2)
    p.consume(99)
    assert (p.parts, p.first_len, pool.used) == ([1, 50], 1, 2)
    p.consume(1)
    assert (p.parts, len(p), pool.used) == (None, 50, 1)
    p.consume(50)
    assert (len(p), pool.used) == (0, 1)  # the last buffer stays until it is freed
    p.free()
    assert pool.used == 0


def test_append_chains() -> None:
    p, pool = received(250)
    other = Pbuf(b"tail", pool, 1, None)
    pool.take()
    p.append(other)
    assert (p.parts, p.data[-4:], p.buffers) == ([100, 100, 50, 4], b"tail", 4)
    check(p, pool)


@given(
    st.integers(1, 700),
    st.lists(st.tuples(st.sampled_from(["strip", "trim", "consume"]), st.integers(0, 300)), max_size=8),
)
def test_any_order_of_cuts(length: int, cuts: list[tuple[str, int]]) -> None:
    p, pool = received(length)
    model = p.data
    for name, count in cuts:
        if name == "trim":
            count = max(count, 1)
            model = model[:count]
        else:
            count = min(count, len(model))
            model = model[count:]
        getattr(p, name)(count)
        assert p.data == model
        check(p, pool)
    p.free()
    assert pool.used == 0


@pytest.mark.parametrize(
    ("layer", "length", "expected"),
    [
        ("transport", 800, 880),  # a data segment of 800 bytes
        ("ip", 20, 80),  # a pure ACK
        ("transport", 4, 84),  # a SYN with its MSS option
        ("link", 28, 68),  # ARP
        ("ip", 36, 96),  # an ICMP error
        ("transport", 10, 92),  # UDP
    ],
)
def test_heap_of_an_outgoing_packet(layer: str, length: int, expected: int) -> None:
    """The table of a 32-bit device: 8 (heap) + 16 (pbuf) + head-room + payload, each aligned."""
    heap = Heap(8000, 8, 12, 4)
    buf = getattr(TxAllocator(heap, 4, 16), layer)(length)
    assert heap.used == expected
    buf.free()
    assert heap.used == 0


def test_the_last_holder_frees_the_blocks() -> None:
    heap = Heap(1000, 8, 12, 4)
    tx = TxAllocator(heap, 4, 16)
    buf = tx.transport(10)
    more = tx.raw(100)
    assert buf is not None
    assert more is not None
    buf.blocks += more.blocks  # a chain
    used = heap.used
    assert buf.ref() is buf
    buf.free()
    assert heap.used == used
    buf.free()
    assert heap.used == 0


def test_without_heap_there_is_no_packet() -> None:
    tx = TxAllocator(Heap(200, 8, 12, 4), 4, 16)
    assert tx.transport(500) is None
    assert tx.heap.used == 0


def test_a_block_shrinks_in_place() -> None:
    heap = Heap(2000, 8, 12, 4)
    tx = TxAllocator(heap, 4, 16)
    buf = tx.transport(548)
    assert buf is not None
    tx.shrink_transport(buf.blocks[0], 308)
    assert heap.used == 8 + 16 + 56 + 308
    plain = tx.raw(100)
    assert plain is not None
    tx.shrink_raw(plain.blocks[0], 40)
    assert heap.used == 8 + 16 + 56 + 308 + 8 + 16 + 40
    buf.free()
    plain.free()
    assert heap.used == 0


def test_a_build_with_ipv6_reserves_more() -> None:
    """MicroPython rp2: 900 bytes of heap for a segment of 800."""
    heap = Heap(8000, 8, 12, 4)
    assert TxAllocator(heap, 4, 16, 14, 40).transport(800)
    assert heap.used == 900


def test_trim_within_the_last_buffer_gives_nothing_back() -> None:
    p, pool = received(250)
    p.trim(240)
    assert (p.parts, pool.used) == ([100, 100, 40], 3)


def test_split_at_64_kib() -> None:
    """Buffers are never cut: the first part has as many as hold less than 64 KiB."""
    p, pool = received(70_000, 1000)
    whole = p.data
    rest = p.split_64k()
    assert rest is not None
    assert (len(p), len(rest), p.buffers, rest.buffers) == (65_000, 5_000, 65, 5)
    assert p.data + rest.data == whole
    assert (p.parts, rest.parts) == ([1000] * 65, [1000] * 5)
    assert pool.used == 70
    p.free()
    rest.free()
    assert pool.used == 0


@pytest.mark.parametrize("length", [50, 250, 65_535])
def test_what_fits_is_not_split(length: int) -> None:
    p, pool = received(length, 1000)
    assert p.split_64k() is None
    check(p, pool)
