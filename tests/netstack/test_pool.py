"""Pools and the heap: where an allocation fails, and that all comes back.

The heap is compared with a plain model of lwIP's ``mem.c``, which walks the blocks of one array of memory.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstack.pool import Heap, Pool


def test_a_pool_gives_what_it_has_and_counts() -> None:
    pool = Pool("TCP_SEG", 3)
    assert [pool.take() for _ in range(4)] == [True, True, True, False]
    assert (pool.used, pool.max, pool.err, pool.avail) == (3, 3, 1, 3)
    pool.give()
    assert pool.take()
    assert (pool.used, pool.max, pool.err) == (3, 3, 1)


def test_a_pool_gives_all_or_none() -> None:
    pool = Pool("PBUF_POOL", 5)
    assert pool.take(3)
    assert not pool.take(3)
    assert pool.used == 3
    assert pool.take(2)
    pool.give(5)
    assert pool.used == 0


def test_giving_back_too_much_is_a_bug_of_ours() -> None:
    with pytest.raises(AssertionError, match="more given back than taken"):
        Pool("TCP_SEG", 3).give()


def test_a_pool_tells_its_observer() -> None:
    seen = []
    pool = Pool("TCP_SEG", 1)
    pool.observer = lambda *event: seen.append(event)
    pool.take()
    pool.take()
    assert seen == [("TCP_SEG", True, 1), ("TCP_SEG", False, 1)]


class MemC:
    """``mem.c`` as it is written: blocks in one array of memory, first fit, split, merge."""

    def __init__(self, size: int, header: int, min_block: int, alignment: int) -> None:
        self.align = lambda n: -(-n // alignment) * alignment
        self.size = self.align(size)
        self.header = self.align(header)
        self.min = self.align(min_block)
        # address -> [address of the next block, used?]; the last is the end marker, which is used
        self.blocks = {0: [self.size, False], self.size: [self.size, True]}

    def malloc(self, size: int) -> int:
        size = max(self.align(size), self.min)
        if size > self.size:
            return -1
        at = 0
        while at < self.size - size:
            after, used = self.blocks[at]
            room = after - (at + self.header)
            if not used and room >= size:
                if room >= size + self.header + self.min:
                    rest = at + self.header + size
                    self.blocks[rest] = [after, False]
                    self.blocks[at] = [rest, True]
                else:
                    self.blocks[at][1] = True
                return at
            at = after
        return -1

    def free(self, at: int) -> None:
        self.blocks[at][1] = False
        self._plug()

    def trim(self, at: int, size: int) -> None:
        size = max(self.align(size), self.min)
        after, _ = self.blocks[at]
        old = after - at - self.header
        if size >= old:
            return
        rest = at + self.header + size
        if not self.blocks[after][1]:
            self.blocks[rest] = [self.blocks.pop(after)[0], False]
            self.blocks[at][0] = rest
        elif size + self.header + self.min <= old:
            self.blocks[rest] = [after, False]
            self.blocks[at][0] = rest

    def _plug(self) -> None:
        at = 0
        while at < self.size:
            after, used = self.blocks[at]
            if not used and after < self.size and not self.blocks[after][1]:
                self.blocks[at][0] = self.blocks.pop(after)[0]
            else:
                at = after

    def used(self) -> int:
        return sum(after - at for at, (after, used) in self.blocks.items() if used and at < self.size)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("malloc"), st.integers(0, 400)),
        st.tuples(st.just("free"), st.integers(0, 50)),
        st.tuples(st.just("trim"), st.integers(0, 50), st.integers(0, 400)),
    ),
    max_size=60,
)


@given(
    steps,
    st.sampled_from([(1600, 8, 12, 4), (1000, 12, 12, 4), (997, 8, 12, 8), (600, 8, 1, 1), (64, 8, 12, 4)]),
)
def test_the_heap_is_mem_c(todo: list[tuple], shape: tuple[int, int, int, int]) -> None:
    heap, model = Heap(*shape), MemC(*shape)
    taken: list[int] = []
    for step in todo:
        if step[0] == "malloc":
            address = heap.malloc(step[1])
            assert address == model.malloc(step[1])
            if address >= 0:
                taken.append(address)
        elif taken and step[0] == "free":
            address = taken.pop(step[1] % len(taken))
            heap.free(address)
            model.free(address)
        elif taken:
            address = taken[step[1] % len(taken)]
            heap.trim(address, step[2])
            model.trim(address, step[2])
        assert heap.used == model.used()
    for address in taken:
        heap.free(address)
    assert heap.used == 0
    assert heap.largest_hole() == heap.size - heap.header


def test_heap_counters() -> None:
    heap = Heap(200, 8, 12, 4)
    first = heap.malloc(50)
    assert (heap.used, heap.max, heap.err, heap.avail) == (60, 60, 0, 200)
    assert heap.malloc(150) == -1
    assert heap.err == 1
    heap.free(first)
    assert (heap.used, heap.max) == (0, 60)


def test_more_than_the_whole_heap_is_refused_without_a_search() -> None:
    """mem_malloc returns before it counts (lwIP: MEM_STATS_INC only at its end)."""
    heap = Heap(200, 8, 12, 4)
    assert heap.malloc(204) == -1
    assert heap.err == 0


def test_the_heap_tells_its_observer() -> None:
    seen = []
    heap = Heap(100, 8, 12, 4)
    heap.observer = lambda *event: seen.append(event)
    heap.malloc(20)
    heap.malloc(90)
    assert seen == [("HEAP", True, 28), ("HEAP", False, 28)]


def test_gates_are_asked_and_may_refuse() -> None:
    pool = Pool("TCP_SEG", 3)
    asked: list[int] = []

    def count(amount: int) -> bool:
        asked.append(amount)
        return True

    def refuse(amount: int) -> bool:
        return amount != 2

    pool.add_gate(count)
    pool.add_gate(refuse)
    assert [pool.take(), pool.take(2), pool.take()] == [True, False, True]
    assert (pool.used, pool.err, asked) == (2, 1, [1, 2, 1])
    pool.remove_gate(refuse)
    assert not pool.take(2)
    assert pool.take()
    assert not pool.take()
    pool.remove_gate(count)
    assert (pool.limit, pool.gates) == (3, ())
    assert not pool.take()
    assert asked == [1, 2, 1, 2, 1, 1]
    with pytest.raises(ValueError):
        pool.remove_gate(count)


def test_gates_of_the_heap() -> None:
    heap = Heap(1000, 8, 12, 4)
    seen: list[tuple[str, bool, int]] = []
    heap.observer = lambda *event: seen.append(event)
    sizes: list[int] = []

    def gate(amount: int) -> bool:
        sizes.append(amount)
        return amount < 100

    heap.add_gate(gate)
    assert heap.malloc(5) == 0
    assert heap.malloc(101) == -1
    assert heap.malloc(2000) == -1
    assert (heap.err, sizes) == (2, [12, 104, 2000])
    assert seen[1:] == [("HEAP", False, 20), ("HEAP", False, 20)]
    heap.remove_gate(gate)
    assert heap.malloc(101) == 20
    assert heap.malloc(2000) == -1
    assert heap.err == 2  # as mem_malloc, which does not count what could never fit
    heap.free(20)
    heap.free(0)
    assert (heap.used, heap.largest_hole()) == (0, 992)
