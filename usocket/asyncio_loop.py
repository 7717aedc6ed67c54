"""The event loop of MicroPython's ``asyncio`` on a device: runs tasks in turn and waits for streams, with
``select.poll`` and the device's clock.

A board has one loop; here each script has its own. Before every turn the streams are asked once, as there.
Where nothing is left that could ever wake a task, a board idles for ever; so does this loop in real time
(threads and callbacks may still wake one), and in virtual time it says so (``tap.clock.Deadlock``).

Two habits of a board that lose a task for ever are not imitated, but counted in ``device.oddities``: when a
second task waits for the same direction of a stream, it gets RuntimeError (there the first one is
forgotten), and when a task that waits for a stream is cancelled, one that waits for its other direction stays
(there it is forgotten, too).

Source: micropython/micropython:extmod/asyncio/core.py (docs/library/asyncio.rst).
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from usocket.asyncio_task import CancelledError, Task, TaskQueue, now_ms, running
from usocket.current import current_device
from usocket.select import POLLIN, POLLOUT, poll

if TYPE_CHECKING:
    from usocket.device import Device

CLOSINGS = 10  # how often a coroutine that does not want to end is told to

Handler = Callable[["Loop", dict[str, Any]], object]


class Wakeup:
    """Among the streams that the loop polls: readable when a task has become ready since the loop looked."""

    def __init__(self) -> None:
        self.rung = False
        self.asleep_on: Device | None = None  # what the loop waits on

    def ring(self) -> None:
        """A task is ready: end the loop's sleep, if it sleeps. From any thread or callback."""
        self.rung = True
        device = self.asleep_on
        if device is not None:
            with device.host.lock:  # who gives it back has the sleeper look again
                pass

    def _poll(self, mask: int) -> int:
        return mask if self.rung else 0


class IOQueue:
    """Tasks that wait for streams. ``map``: id(stream) -> [who reads, who writes, the stream]."""

    def __init__(self, loop: Loop) -> None:
        self.poller = poll()
        self.map: dict[int, list[Any]] = {}
        self._loop = loop
        self._wakeup = loop._wakeup
        self.poller.register(self._wakeup, POLLIN)

    def queue_read(self, s: Any) -> None:
        """Have the running task, which yields next, go on when ``s`` can be read or has an error."""
        self._enqueue(s, 0)

    def queue_write(self, s: Any) -> None:
        """Have the running task, which yields next, go on when ``s`` can be written or has an error."""
        self._enqueue(s, 1)

    def remove(self, task: Task) -> None:
        """``task`` waits no more."""
        for entry in list(self.map.values()):
            if task in entry[:2]:
                entry[entry.index(task)] = None
                if entry[0] or entry[1]:
                    current_device().note("asyncio-other-direction-kept")
                self._update(entry)

    def wait_io_event(self, dt: int) -> None:
        """Wait up to ``dt`` ms (negative: for ever); streams that are ready have their tasks go on."""
        self._wakeup.asleep_on = current_device()
        try:
            ready = self.poller.poll(dt)
        finally:
            self._wakeup.asleep_on = None
        for stream, flags in ready:
            entry = self.map.get(id(stream))
            if entry is None:  # the wake-up
                continue
            for index, other in ((0, POLLOUT), (1, POLLIN)):
                if flags & ~other and entry[index] is not None:
                    self._loop._task_queue.push(entry[index])
                    entry[index] = None
            self._update(entry)

    def _enqueue(self, stream: Any, index: int) -> None:
        task = self._loop.cur_task
        assert task is not None
        entry = self.map.setdefault(id(stream), [None, None, stream])
        if entry[index] is not None:
            raise RuntimeError(current_device().note("asyncio-second-waiter"))
        entry[index] = task
        self._update(entry)
        task.data = self

    def _update(self, entry: list[Any]) -> None:
        """Ask about a stream what its tasks want to know."""
        reader, writer, stream = entry
        mask = (POLLIN if reader is not None else 0) | (POLLOUT if writer is not None else 0)
        if mask:
            self.poller.register(stream, mask)
        else:
            del self.map[id(stream)]
            self.poller.unregister(stream)


class Loop:
    """One script's event loop: what ``get_event_loop`` gives.

    ``console`` is the script's ``sys`` module: there goes what nobody asks about.
    """

    def __init__(self, console: ModuleType) -> None:
        self.console = console
        self._wakeup = Wakeup()
        self._handler: Handler | None = None
        self._stop_task: Task | None = None
        self._tasks: WeakKeyDictionary[Task, int] = WeakKeyDictionary()  # in the order of the numbers
        self._made = 0
        self.cur_task: Task | None = None
        self.reset()

    def __repr__(self) -> str:
        return "<class 'Loop'>"

    def reset(self) -> Loop:
        """Forget all tasks: ``new_event_loop``."""
        self._task_queue = TaskQueue(self._wakeup.ring)
        self._io_queue = IOQueue(self)
        return self

    def create_task(self, coro: Any) -> Task:
        """Run a coroutine as a task of its own. TypeError for what is none."""
        if not hasattr(coro, "send"):
            raise TypeError("coroutine expected")
        task = Task(coro, self)
        self._made += 1
        self._tasks[task] = self._made
        self._task_queue.push(task)
        return task

    def promoted(self, aw: Any) -> Task:
        """``aw``, if it is a task, otherwise a task for it."""
        return aw if isinstance(aw, Task) else self.create_task(aw)

    def run(self, coro: Any) -> Any:
        """Run a coroutine, and all other tasks meanwhile, until it ends: its result or exception."""
        return self.run_tasks(self.create_task(coro))

    def run_until_complete(self, aw: Any) -> Any:
        """As ``run``, also for a task."""
        return self.run_tasks(self.promoted(aw))

    def run_forever(self) -> None:
        """Run all tasks until ``stop``."""

        async def nothing() -> None:
            pass

        self._stop_task = Task(nothing(), self)  # is on no queue before stop()
        self.run_tasks(self._stop_task)

    def stop(self) -> None:
        """End ``run_forever``, after those whose turn it is."""
        task, self._stop_task = self._stop_task, None
        if task is not None:
            self._task_queue.push(task)

    def close(self) -> None:
        """Nothing, as there."""

    def abandon(self) -> None:
        """The program has ended. A board's tasks just stop; here their coroutines must not be left to the
        collector, which would run their ``finally`` at any time: it runs now, and whatever it raises is lost.
        """
        for task in sorted(self._tasks, key=self._tasks.__getitem__):
            close = getattr(task.coro, "close", None)
            for _ in range(CLOSINGS):
                try:
                    if close is not None:
                        close()
                    break
                except RuntimeError:  # it goes on to wait
                    continue
                except BaseException:
                    break
        self.reset()

    def run_tasks(self, main: Task) -> Any:
        """Run all tasks until ``main`` ends; where it has ended before, until nothing can happen any more."""
        token, outer = running.set(self), self.cur_task
        try:
            while (task := self._next(main)) is not None:
                self.cur_task = task
                if task.done():  # has failed, and its exception has waited for somebody to ask
                    if task is main:
                        task.state = False
                        raise task.data
                    if task.state is None:
                        self._unasked(task)
                    continue
                ended = self._turn(task)
                if ended is None:
                    continue
                self._finish(task, ended, awaited=task is main)
                if task is main:
                    if isinstance(ended, StopIteration):
                        return ended.value
                    raise ended
            return None
        finally:
            self.cur_task = outer
            running.reset(token)

    def _next(self, main: Task) -> Task | None:
        """Wait until a task is due. None when nothing can happen any more and ``main`` is done."""
        while True:
            self._wakeup.rung = False
            task = self._task_queue.peek()
            if task is None and not self._io_queue.map and main.done():
                return None
            dt = -1 if task is None else max(0, task.when - now_ms())
            self._io_queue.wait_io_event(dt)
            if dt == 0:
                return self._task_queue.pop()

    @staticmethod
    def _turn(task: Task) -> BaseException | None:
        """Let a task go on until it waits (None) or ends: what ended it, StopIteration for a result."""
        exception, task.data = task.data, None
        try:
            if exception is None:
                task.coro.send(None)
            else:
                task.coro.throw(exception)
        except (CancelledError, Exception) as ended:
            return ended
        if task.data is None and task.entry is None:  # it has yielded without anybody to wake it
            current_device().note("asyncio-task-lost")
        return None

    def _finish(self, task: Task, ended: BaseException, awaited: bool) -> None:
        """A task has ended: who waits for that goes on. An exception nobody waits for gets another turn."""
        waiting = task.state
        task.state = False
        if isinstance(waiting, TaskQueue):
            while waiting.peek() is not None:
                self._task_queue.push(waiting.pop())
                awaited = True
        elif callable(waiting):
            waiting(task, ended)
            awaited = True
        else:
            task.state = None
        if not awaited and not isinstance(ended, (CancelledError, StopIteration)):
            self._task_queue.push(task)
        task.data = ended

    # Exceptions that nobody asked for

    def _unasked(self, task: Task) -> None:
        context = {"message": "Task exception wasn't retrieved", "exception": task.data, "future": task}
        self.call_exception_handler(context)

    def set_exception_handler(self, handler: Handler | None) -> None:
        """Have ``handler(loop, context)`` called for exceptions of tasks that nobody awaits."""
        self._handler = handler

    def get_exception_handler(self) -> Handler | None:
        """What ``set_exception_handler`` was given."""
        return self._handler

    def default_exception_handler(self, *args: Any) -> None:
        """Print what ``context``, the last argument, says."""
        context = args[-1]
        task, error = context["future"], self.console.stderr
        error.write(f"{context['message']}\nfuture: {task} coro= {task.coro}\n")
        self.console.print_exception(context["exception"], error)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Call the handler: ``context`` has "message", "exception" and "future"."""
        if self._handler is None:
            self.default_exception_handler(context)
        else:
            self._handler(self, context)
