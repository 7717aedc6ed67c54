"""``wait_for``, ``wait_for_ms`` and ``gather`` of MicroPython's ``asyncio``.

Source: micropython/micropython:extmod/asyncio/funcs.py (docs/library/asyncio.rst).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from usocket.asyncio_task import (
    CancelledError,
    Sleep,
    Task,
    TimeoutError,
    current_task,
    pause,
    running_loop,
    sleep,
    sleep_ms,
)


class _Ended(CancelledError):
    """Ends the sleep of a ``wait_for`` because what it waits for has ended: in ``result`` or ``error``."""

    def __init__(self, result: Any, error: BaseException | None) -> None:
        super().__init__()
        self.result = result
        self.error = error


async def _run_for(waiter: Task, aw: Any) -> None:
    """Await ``aw`` and tell ``waiter``, if it still sleeps, how that ended."""
    result: Any = None
    error: BaseException | None = None
    try:
        result = await aw
    except (CancelledError, Exception, KeyboardInterrupt, SystemExit) as raised:
        error = raised
    if waiter.data is None and waiter.cancel():
        waiter.data = _Ended(result, error)


async def wait_for(aw: Any, timeout: float | None, sleep: Callable[[Any], Sleep] = sleep) -> Any:
    """Await a coroutine, as a task of its own, or a task, for ``timeout`` s at most (None: for ever).

    Then it is cancelled, and when it has ended TimeoutError raised; it is cancelled, too, when the caller is.
    """
    loop = running_loop()
    aw = loop.promoted(aw)
    if timeout is None:
        return await aw
    runner = loop.create_task(_run_for(current_task(), aw))
    try:
        await sleep(timeout)
    except _Ended as ended:
        if ended.error is not None:
            raise ended.error from None
        return ended.result
    except CancelledError:
        runner.cancel()
        raise
    runner.cancel()
    await runner
    raise TimeoutError


def wait_for_ms(aw: Any, timeout: int | None) -> Any:
    """As ``wait_for``, in milliseconds."""
    return wait_for(aw, timeout, sleep_ms)


class _Gathering:
    """What the task that gathers waits on (``data``), and what its tasks call at their end (``state``)."""

    def __init__(self, tasks: list[Task], return_exceptions: bool) -> None:
        self.tasks = tasks
        self.error: BaseException | None = None
        self._task = current_task()
        self._return_exceptions = return_exceptions
        self._left = 0
        for task in tasks:
            self._add(task)

    def _add(self, task: Task) -> None:
        if task.state is True:
            task.state = self
            self._left += 1
        elif task.state:
            raise RuntimeError("can't gather")
        elif self._fails(task.data) and self.error is None:
            self.error = task.data

    def _fails(self, ended: BaseException) -> bool:
        return not self._return_exceptions and not isinstance(ended, StopIteration)

    def __call__(self, task: Task, ended: BaseException) -> None:
        """``task`` has ended."""
        if self._task.data is not self:
            return  # has been woken
        self._left -= 1
        if self._fails(ended):
            self.error = ended
        if self.error is not None or not self._left:
            self._task.loop._task_queue.push(self._task)

    def remove(self, task: Task) -> None:
        """Nothing: the task that gathers is on no queue."""

    async def wait(self) -> None:
        """Wait until all have ended, or one has failed; if cancelled, cancel them."""
        if not self._left or self.error is not None:
            return self._release(cancel=False)
        self._task.data = self
        try:
            await pause()
        except CancelledError:
            self._release(cancel=True)
            raise
        self._release(cancel=False)

    def _release(self, cancel: bool) -> None:
        for task in self.tasks:
            if task.state is self:  # still runs
                task.state = True
                if cancel:
                    task.cancel()


async def gather(*aws: Any, return_exceptions: bool = False) -> list[Any]:
    """Run coroutines and tasks side by side: the list of their results.

    The first exception is raised at once, the others run on; with ``return_exceptions`` exceptions are among
    the results. Raises RuntimeError for a task that somebody awaits already.
    """
    loop = running_loop()
    gathering = _Gathering([loop.promoted(aw) for aw in aws], return_exceptions)
    await gathering.wait()
    if gathering.error is not None:
        raise gathering.error
    ends = [task.data for task in gathering.tasks]
    return [end.value if isinstance(end, StopIteration) else end for end in ends]
