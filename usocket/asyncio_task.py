"""What MicroPython's ``asyncio`` schedules: tasks, queues of tasks, and sleeping.

A coroutine waits by putting its task on a queue and yielding once; whoever takes the task off that queue
puts it on the loop's own, and it goes on. The attributes ``coro``, ``data`` and ``state`` of a task are
MicroPython's, since primitives that programs bring along use them:

- ``data``: None; or the queue that the task waits on, any object with ``remove(task)``; or the task that it
  awaits; or the exception that is to be thrown into it; or, once it is done, how it ended.
- ``state``: True while it runs, then a TaskQueue of those that await it, or a function that ``gather`` wants
  called at its end; None when it is done and nobody has asked how it ended; False when somebody has.

Source: micropython/micropython:extmod/modasyncio.c, extmod/asyncio/core.py (docs/library/asyncio.rst).
"""

from __future__ import annotations

import heapq
import types
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from tap.clock import MS
from usocket.addrinfo import integer
from usocket.current import current_device
from usocket.time import TICKS_PERIOD, ticks_diff

if TYPE_CHECKING:
    from usocket.asyncio_loop import Loop

# The loop that runs tasks in this thread or greenlet.
running: ContextVar[Loop | None] = ContextVar("running loop", default=None)

Steps = Generator[None, None, Any]  # what the loop drives: each None given means that the task is queued


class CancelledError(BaseException):
    """Is thrown into a task that is cancelled."""

    __module__ = "builtins"  # prints without it, as there

    @property
    def value(self) -> Any:
        """The first argument or None, as every exception of MicroPython's has it."""
        return self.args[0] if self.args else None


class TimeoutError(Exception):
    """``wait_for`` has waited long enough. Not CPython's: this one is no OSError."""

    __module__ = "builtins"


def running_loop() -> Loop:
    """The loop that runs the code that asks. Raises RuntimeError."""
    loop = running.get()
    if loop is None or loop.cur_task is None:
        raise RuntimeError("no running event loop")
    return loop


def current_task() -> Task:
    """The task that runs. Raises RuntimeError when none does."""
    task = running_loop().cur_task
    assert task is not None
    return task


@types.coroutine
def pause() -> Steps:
    """Let the other tasks run; whoever took the task that awaits this off its queue lets it go on."""
    yield


def now_ms() -> int:
    """Milliseconds since power-on: what tasks are sorted by; ``ticks_ms`` is this modulo 2**30."""
    device = current_device()
    return (device.clock.now() - device.host.boot) // MS


class TaskQueue:
    """Tasks in the order of their times (ms) and, at the same time, of the calls that put them there.

    ``pushed`` is called after each push.
    """

    def __init__(self, pushed: Callable[[], None] | None = None) -> None:
        self._heap: list[list[Any]] = []  # [time, number of the push, task]; task None: has been removed
        self._count = 0
        self._pushed = pushed

    def push(self, task: Task, key: int | None = None) -> None:
        """Put ``task`` there for the time ``key`` (``ticks_ms``; None: for now)."""
        now = now_ms()
        self.push_at(task, now if key is None else now + ticks_diff(key, now % TICKS_PERIOD))

    def push_at(self, task: Task, when: int) -> None:
        """Put ``task`` there for ``when``. Raises RuntimeError for one that is on a queue already."""
        if task.entry is not None:
            raise RuntimeError("task is on a queue already")
        task.data = None
        task.entry = [when, self._count, task]
        self._count += 1
        heapq.heappush(self._heap, task.entry)
        if self._pushed is not None:
            self._pushed()

    def peek(self) -> Task | None:
        """The first task, which stays there; None when there is none."""
        heap = self._heap
        while heap and heap[0][2] is None:
            heapq.heappop(heap)
        return heap[0][2] if heap else None

    def pop(self) -> Task:
        """Take the first task. Raises IndexError when there is none."""
        task = self.peek()
        if task is None:
            raise IndexError("empty heap")
        heapq.heappop(self._heap)
        task.entry = None
        return task

    def remove(self, task: Task) -> None:
        """Take ``task``, which is there."""
        entry = task.entry
        assert entry is not None
        entry[2] = task.entry = None


class Task:
    """A coroutine that a loop runs. ``create_task`` makes one; awaiting it gives what the coroutine returns,
    or raises what it raises.
    """

    __module__ = "builtins"
    __slots__ = ("__weakref__", "coro", "data", "entry", "loop", "state")

    def __init__(self, coro: Any, loop: Loop) -> None:
        self.coro = coro
        self.data: Any = None
        self.state: Any = True
        self.loop = loop
        self.entry: list[Any] | None = None  # of the queue that it is on

    def __repr__(self) -> str:
        return "<Task>"

    @property
    def when(self) -> int:
        """The time (ms) that its queue has it under; 0 on none."""
        return 0 if self.entry is None else int(self.entry[0])

    @property
    def ph_key(self) -> int:
        """The same as ``ticks_ms``: MicroPython's name for it."""
        return self.when % TICKS_PERIOD

    def __await__(self) -> Steps:
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        while self.state:
            waiter = current_task()
            self.state.push(waiter)
            waiter.data = self
            yield
        return result_of(self)

    __iter__ = __await__

    def done(self) -> bool:
        """Whether it has ended."""
        return not self.state

    def cancel(self) -> bool:
        """Have CancelledError thrown into it, or into the innermost task that it awaits.

        False when it has ended already; RuntimeError when it is the one that runs.
        """
        if not self.state:
            return False
        if self is self.loop.cur_task:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        queue = self.loop._task_queue
        if hasattr(task.data, "remove"):  # it waits for something else than its turn
            task.data.remove(task)
            queue.push(task)
        elif task.when > now_ms():  # it sleeps
            queue.remove(task)
            queue.push(task)
        task.data = CancelledError
        return True


def result_of(task: Task) -> Any:
    """What a finished task's coroutine returned; raises what it raised."""
    if isinstance(task.data, StopIteration):
        return task.data.value
    raise task.data


class Sleep:
    """What ``sleep_ms`` gives: it is to be awaited, at once and once. No coroutine, so no task can be made of
    it.
    """

    __slots__ = ("_until",)

    def __init__(self, until: int) -> None:
        self._until = until

    def __await__(self) -> Steps:
        loop = running_loop()
        loop._task_queue.push_at(current_task(), self._until)
        yield

    __iter__ = __await__


def sleep_ms(t: int) -> Sleep:
    """Let ``t`` ms pass, counted from this call; nothing if negative. Raises OverflowError from 2**29 on."""
    duration = max(0, integer(t))
    if duration >= TICKS_PERIOD // 2:
        raise OverflowError("ticks interval overflow")
    return Sleep(now_ms() + duration)


def sleep(t: float) -> Sleep:
    """Let ``t`` s pass, in whole milliseconds."""
    return sleep_ms(int(t * 1000))
