"""lwIP's memory: fixed pools and the heap.

A pool is a counter, since Python holds the objects: what matters is where ``take`` fails. The heap is a model
of lwIP's ``mem.c``: first fit from the lowest hole, every block with a header, neighbours merged on free, a
block split only when the rest could hold a header and the smallest block. So an allocation fails here exactly
when it would fail on the device.

Statistics carry lwIP's names: ``used``, ``max``, ``err``, ``avail`` (``stats.h: stats_mem``).
Sources: lwIP ``memp.c``, ``mem.c``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

# (pool name, False: there was not enough, used after): called when something was taken, given back, or asked
# for in vain
PoolObserver = Callable[[str, bool, int], None]

# Asked for each allocation, with its elements or bytes: False, and there is no memory for it
Gate = Callable[[int], bool]


class Gated:
    """What may have gates before it, through which allocations must get (faults of a device).

    Without any it costs nothing: ``limit``, which allocations are held against, is the size then, and -1
    with some, so that all come by.
    """

    __slots__ = ("gates", "limit", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.limit = size
        self.gates: tuple[Gate, ...] = ()

    def add_gate(self, gate: Gate) -> None:
        """Ask ``gate`` from now on, after those that are there."""
        self.gates = (*self.gates, gate)
        self.limit = -1

    def remove_gate(self, gate: Gate) -> None:
        """Ask it no more. Raises ValueError when it is not there."""
        gates = list(self.gates)
        gates.remove(gate)
        self.gates = tuple(gates)
        if not gates:
            self.limit = self.size

    def _passes(self, amount: int) -> bool:
        """Whether all gates let it pass. Each is asked: one may count."""
        answers = [gate(amount) for gate in self.gates]
        return all(answers)


class Pool(Gated):
    """A memp pool of ``size`` elements. ``take`` returns False when it is empty (and counts ``err``)."""

    __slots__ = ("err", "max", "name", "observer", "used")

    def __init__(self, name: str, size: int) -> None:
        super().__init__(size)
        self.name = name
        self.used = 0
        self.max = 0
        self.err = 0
        self.observer: PoolObserver | None = None

    @property
    def avail(self) -> int:
        """lwIP calls the size of a pool ``avail``."""
        return self.size

    def take(self, count: int = 1) -> bool:
        """Take ``count`` elements, all or none."""
        used = self.used + count
        if used > self.limit and not (self._passes(count) and used <= self.size):
            self.err += 1
            if self.observer is not None:
                self.observer(self.name, False, self.used)
            return False
        self.used = used
        if used > self.max:
            self.max = used
        if self.observer is not None:
            self.observer(self.name, True, used)
        return True

    def give(self, count: int = 1) -> None:
        """Give ``count`` elements back."""
        self.used -= count
        assert self.used >= 0, f"pool {self.name}: more given back than taken"
        if self.observer is not None:
            self.observer(self.name, True, self.used)


class Heap(Gated):
    """The heap of ``mem.c``: addresses are offsets, sizes are bytes.

    ``header`` is the size of a block's header (8 on a 32-bit device with less than 64,000 bytes),
    ``min_block`` the smallest payload. ``used`` and ``max`` include headers, as lwIP's statistics do.
    """

    __slots__ = (
        "_blocks",
        "_holes",
        "_least",
        "_sizes",
        "alignment",
        "err",
        "header",
        "max",
        "min_block",
        "name",
        "observer",
        "used",
    )

    def __init__(self, size: int, header: int, min_block: int, alignment: int) -> None:
        self.name = "HEAP"
        self.alignment = alignment
        super().__init__(self._align(size))
        self.header = self._align(header)
        self.min_block = self._align(min_block)
        self.used = 0
        self.max = 0
        self.err = 0
        self.observer: PoolObserver | None = None
        self._least = self.header + self.min_block  # what a rest must hold to become a hole
        self._holes = [0]  # start addresses of holes, ascending
        self._sizes = [self.size]  # their sizes, headers included
        self._blocks: dict[int, int] = {}  # address -> size of allocated blocks, headers included

    @property
    def avail(self) -> int:
        """lwIP calls the size of the heap ``avail``."""
        return self.size

    def _align(self, size: int) -> int:
        return -(-size // self.alignment) * self.alignment

    def malloc(self, size: int) -> int:
        """Address of a block for ``size`` bytes, or -1 (``mem_malloc``)."""
        alignment = self.alignment
        size = -(-size // alignment) * alignment
        if size < self.min_block:
            size = self.min_block
        if size > self.limit:
            if not self._passes(size):
                return self._no_memory()
            if size > self.size:
                return -1
        need = size + self.header
        holes, sizes = self._holes, self._sizes
        for index, hole in enumerate(sizes):
            if hole < need:
                continue
            start = holes[index]
            if start >= self.size - size:  # mem_malloc looks at no blocks that start there
                break
            rest = hole - need
            if rest >= self._least:
                holes[index] = start + need
                sizes[index] = rest
                hole = need
            else:
                del holes[index], sizes[index]
            self._blocks[start] = hole
            self.used = used = self.used + hole
            if used > self.max:
                self.max = used
            if self.observer is not None:
                self.observer(self.name, True, used)
            return start
        return self._no_memory()

    def _no_memory(self) -> int:
        self.err += 1
        if self.observer is not None:
            self.observer(self.name, False, self.used)
        return -1

    def free(self, address: int) -> None:
        """Give a block back and merge it with the holes beside it (``mem_free``, ``plug_holes``)."""
        size = self._blocks.pop(address)
        self.used -= size
        self._add_hole(address, size)
        if self.observer is not None:
            self.observer(self.name, True, self.used)

    def trim(self, address: int, size: int) -> None:
        """Shrink a block in place to ``size`` payload bytes (``mem_trim``)."""
        size = max(self._align(size), self.min_block)
        whole = self._blocks[address]
        rest = whole - size - self.header
        if rest <= 0:
            return
        end = address + whole
        index = bisect_left(self._holes, end)
        if index < len(self._holes) and self._holes[index] == end:
            pass  # the hole behind simply grows downwards
        elif rest < self._least:
            return
        self._blocks[address] = whole - rest
        self.used -= rest
        self._add_hole(end - rest, rest)
        if self.observer is not None:
            self.observer(self.name, True, self.used)

    def _add_hole(self, address: int, size: int) -> None:
        holes = self._holes
        sizes = self._sizes
        index = bisect_left(holes, address)
        if index < len(holes) and holes[index] == address + size:
            size += sizes[index]
            holes[index] = address
            sizes[index] = size
        else:
            holes.insert(index, address)
            sizes.insert(index, size)
        if index and holes[index - 1] + sizes[index - 1] == address:
            sizes[index - 1] += size
            del holes[index], sizes[index]

    def largest_hole(self) -> int:
        """Payload bytes the largest hole could hold."""
        return max((size - self.header for size in self._sizes), default=0)
