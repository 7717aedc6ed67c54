"""Memory that never comes back: something in the firmware takes it and forgets it."""

from __future__ import annotations

from netstack.pool import Heap
from tap.devicefault.fault import DeviceFaultError, Note, Victim
from tap.devicefault.pools import PoolFault


class Leak(PoolFault):
    """``size`` elements (of the heap bytes, with a block's header on top) are taken each ``every`` ns and
    kept, until ``until`` of them are gone (None: until nothing is left). They come back when the fault ends;
    a reset brings them back, too, and the leak begins anew.

    When nothing is left it waits, without costing anything, for the next allocation of anybody.
    """

    def __init__(
        self,
        device: Victim,
        pool: str,
        every: int,
        size: int = 1,
        until: int | None = None,
        *,
        note: Note | None = None,
        name: str = "leak",
    ) -> None:
        super().__init__(device, pool, name, note)
        if every < 1 or size < 1:
            raise DeviceFaultError("a leak takes something each time, and time: give every=1s size=100")
        self._every, self._size, self._until = every, size, until
        self._taken: list[int] = []  # blocks of the heap, or sizes
        self._due = 0
        self._dry = False  # there was nothing left
        self._boots = 0

    @property
    def leaked(self) -> int:
        """Elements or bytes that are gone."""
        return len(self._taken) * self._size

    def _begin(self) -> None:
        super()._begin()
        self._taken, self._dry = [], False
        self._boots += 1
        self._plan(self.now + self._every)

    def _end(self) -> None:
        super()._end()
        pool = self.pool
        for taken in self._taken:
            if isinstance(pool, Heap):
                pool.free(taken)
            else:
                pool.give(taken)
        self._taken = []

    def _plan(self, when: int) -> None:
        self._due = when
        boot = self._boots
        self.at(when, lambda: self._drip(boot))

    def _drip(self, boot: int) -> None:
        if boot != self._boots:
            return
        if self._take():
            if self._until is None or self.leaked < self._until:
                self._plan(self._due + self._every)
        else:
            self._dry = True

    def _take(self) -> bool:
        pool = self.pool
        if isinstance(pool, Heap):
            block = pool.malloc(self._size)
            if block < 0:
                return False
            self._taken.append(block)
        elif pool.take(self._size):
            self._taken.append(self._size)
        else:
            return False
        self.note("leak", f"{self.pool_name}: {self.leaked} gone, {pool.used} of {pool.size} in use")
        return True

    def _gate(self, amount: int) -> bool:
        if self._dry:  # somebody wants memory: there may be some again
            self._dry = False
            self._plan(max(self.now, self._due))
        return True
