"""Memory that is not to be had: a pool of lwIP or its heap refuses (``memp_malloc``, ``mem_malloc``).

The fault is a gate before the pool (``netstack.pool.Gated``). What lwIP does then is lwIP's business, so each
allocation of a session can be made to fail to see that nothing is lost, as SQLite's tests do with malloc.
"""

from __future__ import annotations

from fractions import Fraction

from netstack.memory import Memory
from netstack.pool import Heap, Pool
from netstack.profiles import named
from tap.devicefault.chooser import Chooser
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim
from tap.streams import Stream

HEAP = "HEAP"


def memory_of(memory: Memory) -> dict[str, Heap | Pool]:
    """The heap and all pools by their names."""
    pools: tuple[Heap | Pool, ...] = (memory.heap, *memory.pools())
    return {pool.name: pool for pool in pools}


POOLS = tuple(memory_of(Memory(named("lwip-default"))))


class PoolFault(DeviceFault):
    """A fault before the ``pool`` of that name."""

    def __init__(self, device: Victim, pool: str, name: str, note: Note | None) -> None:
        super().__init__(device, name, note)
        self.pool_name = pool.upper()
        if self.pool_name not in POOLS:
            raise DeviceFaultError(f"there is no pool {pool}: there are {', '.join(POOLS)}")
        self.pool: Heap | Pool  # that of the present stack

    def _begin(self) -> None:
        self.pool = memory_of(self.device.stack.mem)[self.pool_name]
        self.pool.add_gate(self._gate)

    def _end(self) -> None:
        self.pool.remove_gate(self._gate)

    def _booted(self) -> None:
        self._end()
        self._begin()

    def _gate(self, amount: int) -> bool:
        """Whether to let an allocation of ``amount`` elements or bytes pass."""
        raise NotImplementedError

    def _told(self, amount: int) -> str:
        pool = self.pool
        unit = " bytes" if isinstance(pool, Heap) else ""
        return f"{self.pool_name}: {amount}{unit} wanted, {pool.used} of {pool.size} in use"


class PoolFail(PoolFault):
    """An allocation fails although there may be memory: the ``nth`` from now on (``persistent``: and all
    after it), each ``every``-th, each with probability ``p``, or all that would leave less than ``below``
    free (elements, of the heap bytes). At most ``times``. Without any of these all fail.

    Where lwIP tries again at once, as for a pcb after it has killed an old one, that is an allocation more.
    """

    def __init__(
        self,
        device: Victim,
        pool: str,
        nth: int | None = None,
        every: int | None = None,
        p: Fraction | float | None = None,
        below: int | None = None,
        times: int | None = None,
        persistent: bool = False,
        *,
        stream: Stream | None = None,
        note: Note | None = None,
        name: str = "pool-fail",
    ) -> None:
        super().__init__(device, pool, name, note)
        self._chooser = Chooser(nth, every, p, times, persistent, stream=stream)
        self._below = below

    def _gate(self, amount: int) -> bool:
        if self._below is not None and self.pool.used + amount <= self.pool.size - self._below:
            return True
        if not self._chooser.hit():
            return True
        self.note("fail", f"{self._told(amount)}, allocation {self._chooser.seen}")
        return False


class HeapFail(PoolFail):
    """The same for the heap: ``pool-fail pool=HEAP``. Outgoing packets, segments with their data, and DHCP
    live there.
    """

    def __init__(
        self,
        device: Victim,
        nth: int | None = None,
        every: int | None = None,
        p: Fraction | float | None = None,
        below: int | None = None,
        times: int | None = None,
        persistent: bool = False,
        *,
        stream: Stream | None = None,
        note: Note | None = None,
        name: str = "heap-fail",
    ) -> None:
        super().__init__(
            device, HEAP, nth, every, p, below, times, persistent, stream=stream, note=note, name=name
        )


class PoolCap(PoolFault):
    """The pool has only ``size`` elements (the heap: bytes, headers of blocks included), as if it had been
    configured so. What is in use stays.
    """

    def __init__(
        self, device: Victim, pool: str, size: int, *, note: Note | None = None, name: str = "pool-cap"
    ) -> None:
        super().__init__(device, pool, name, note)
        self._size = size

    def _gate(self, amount: int) -> bool:
        pool = self.pool
        header = pool.header if isinstance(pool, Heap) else 0
        if pool.used + amount + header <= self._size:
            return True
        self.note("fail", f"{self._told(amount)}, of which {self._size} may be")
        return False
