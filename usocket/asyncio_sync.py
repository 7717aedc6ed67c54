"""``Event``, ``ThreadSafeFlag`` and ``Lock`` of MicroPython's ``asyncio``.

Source: micropython/micropython:extmod/asyncio/event.py, lock.py (docs/library/asyncio.rst).
"""

from __future__ import annotations

from typing import Any, Final, Literal

from usocket.asyncio_task import CancelledError, Task, TaskQueue, current_task, pause, running_loop
from usocket.select import IOCTL_POLL

UNLOCKED: Final = 0
LOCKED: Final = 1


async def _wait_on(queue: TaskQueue) -> None:
    """Wait until somebody takes the running task off ``queue``."""
    task = current_task()
    queue.push(task)
    task.data = queue
    await pause()


def _go_on(task: Task) -> None:
    task.loop._task_queue.push(task)


class Event:
    """Tasks wait until it is set."""

    __module__ = "builtins"

    def __init__(self) -> None:
        self.state = False
        self.waiting = TaskQueue()

    def is_set(self) -> bool:
        """Whether it is set."""
        return self.state

    def set(self) -> None:
        """Have all who wait go on; later ones do not wait."""
        while self.waiting.peek() is not None:
            _go_on(self.waiting.pop())
        self.state = True

    def clear(self) -> None:
        """Let later ones wait again."""
        self.state = False

    async def wait(self) -> bool:
        """Wait until it is set: True."""
        if not self.state:
            await _wait_on(self.waiting)
        return True


class ThreadSafeFlag:
    """One task waits until it is set, by a thread, a callback or another task; that it was set is forgotten
    then.

    A stream that can be read when it is set, for ``select.poll``.
    """

    __module__ = "builtins"

    def __init__(self) -> None:
        self.state = 0
        self._wakeup: Any = None  # of the loop whose task waits

    def ioctl(self, req: int, flags: int) -> int:
        """MicroPython's protocol of streams; only polling."""
        return self._poll(flags) if req == IOCTL_POLL else -1

    def _poll(self, mask: int) -> int:
        return self.state * mask

    def set(self) -> None:
        """Have the task that waits go on; if none does, the next one does not wait."""
        self.state = 1
        if self._wakeup is not None:
            self._wakeup.ring()

    def clear(self) -> None:
        """Forget that it was set."""
        self.state = 0

    async def wait(self) -> None:
        """Wait until it is set, and clear it. Raises RuntimeError when another task waits already."""
        if not self.state:
            loop = running_loop()
            loop._io_queue.queue_read(self)
            self._wakeup = loop._wakeup
            await pause()
        self.state = 0


class Lock:
    """One task has it at a time; also for ``async with``."""

    __module__ = "builtins"

    def __init__(self) -> None:
        self.state: Task | Literal[0, 1] = UNLOCKED  # a task: is given to it, which has yet to go on
        self.waiting = TaskQueue()

    def locked(self) -> bool:
        """Whether a task has it."""
        return self.state == LOCKED

    def release(self) -> None:
        """Give it to the task that has waited longest, if any. RuntimeError when it is not locked."""
        if self.state != LOCKED:
            raise RuntimeError("Lock not acquired")
        self._pass_on()

    def _pass_on(self) -> None:
        if self.waiting.peek() is None:
            self.state = UNLOCKED
        else:
            self.state = self.waiting.pop()
            _go_on(self.state)

    async def acquire(self) -> bool:
        """Wait for it: True."""
        if self.state != UNLOCKED:
            try:
                await _wait_on(self.waiting)
            except CancelledError:
                if self.state is current_task():
                    self._pass_on()
                raise
        self.state = LOCKED
        return True

    async def __aenter__(self) -> bool:
        return await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.release()
