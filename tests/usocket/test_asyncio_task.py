"""Tasks, their queues and sleeping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.usocket.scheduling import Desk, desk
from usocket.asyncio_task import (
    CancelledError,
    Task,
    TaskQueue,
    TimeoutError,
    current_task,
    now_ms,
    pause,
    running_loop,
    sleep,
    sleep_ms,
)
from usocket.time import ticks_add, ticks_ms


@pytest.fixture
def at() -> Iterator[Desk]:
    with desk() as made:
        yield made


class TestQueue:
    def test_the_order_is_that_of_times_then_of_pushes(self, at: Desk) -> None:
        tasks = [Task(None, at.loop) for _ in range(5)]
        queue = TaskQueue()
        for task, when in zip(tasks, (30, 10, 20, 10, 10), strict=True):
            queue.push_at(task, when)
        queue.remove(tasks[3])
        assert [queue.pop() for _ in range(4)] == [tasks[1], tasks[4], tasks[2], tasks[0]]
        assert queue.peek() is None
        with pytest.raises(IndexError, match="empty heap"):
            queue.pop()

    def test_a_key_is_in_ticks(self, at: Desk) -> None:
        task, queue = Task(None, at.loop), TaskQueue()
        at.pair.advance((1 << 30) - 5)  # five ticks before they wrap
        queue.push(task, ticks_add(ticks_ms(), 10))
        assert task.when == now_ms() + 10
        assert task.ph_key == 5
        queue.pop()
        assert (task.when, task.ph_key) == (0, 0)

    def test_a_task_is_on_one_queue(self, at: Desk) -> None:
        task, queue = Task(None, at.loop), TaskQueue()
        queue.push(task)
        with pytest.raises(RuntimeError, match="on a queue already"):
            TaskQueue().push(task)

    def test_pushes_are_told_of(self, at: Desk) -> None:
        told: list[int] = []
        TaskQueue(lambda: told.append(1)).push(Task(None, at.loop))
        assert told == [1]


def test_sleeping_counts_from_the_call_in_milliseconds(at: Desk) -> None:
    async def main() -> None:
        for nap, length, took in ((sleep_ms, 25, 25), (sleep, 0.0259, 25), (sleep_ms, -5, 0), (sleep, 0, 0)):
            start = at.now
            await nap(length)
            at.log.append(at.now - start == took)
        one = sleep_ms(50)
        await sleep_ms(30)
        start = at.now
        await one
        at.log.append(at.now - start)

    at.run(main())
    assert at.log == [True] * 4 + [20]
    with pytest.raises(OverflowError, match="ticks interval overflow"):
        sleep_ms(1 << 29)
    with pytest.raises(TypeError):
        sleep_ms("5")  # type: ignore[arg-type]


def test_a_negative_sleep_is_none(at: Desk) -> None:
    """It does not overtake those whose turn it is already."""

    async def say(name: str) -> None:
        at.log.append(name)

    async def main() -> None:
        at.loop.create_task(say("first"))
        await sleep_ms(-100)
        at.log.append("second")

    at.run(main())
    assert at.log == ["first", "second"]


def test_time_counts_from_power_on(at: Desk) -> None:
    at.pair.advance(500)
    assert now_ms() == ticks_ms() == 500
    at.pair.server.power_cycle()
    assert now_ms() == ticks_ms() == 0


def test_generators_of_the_old_kind_can_wait(at: Desk) -> None:
    def old() -> Iterator[None]:
        yield from sleep_ms(10)
        yield from at.loop.create_task(answer())

    async def answer() -> int:
        return 42

    assert at.run(old()) is None
    assert at.now == 10


def test_awaiting_a_task_gives_its_result_to_all_who_wait_and_later_ones(at: Desk) -> None:
    async def work() -> str:
        await sleep_ms(10)
        return "done"

    async def wait(task: Task) -> None:
        at.log.append(await task)

    async def main() -> None:
        task = at.loop.create_task(work())
        for _ in range(2):
            at.loop.create_task(wait(task))
        assert not task.done()
        assert await task == "done"
        await sleep_ms(0)
        assert task.done()
        assert await task == "done"

    at.run(main())
    assert at.log == ["done", "done"]


def test_awaiting_a_task_raises_what_it_raised(at: Desk) -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def main() -> None:
        task = at.loop.create_task(fail())
        for _ in range(2):
            with pytest.raises(ValueError, match="no"):
                await task

    at.run(main())
    assert at.console.printed == []


class TestCancelling:
    def test_a_sleeping_task_at_once(self, at: Desk) -> None:
        async def work() -> None:
            try:
                await sleep(100)
            except CancelledError as error:
                at.log.append((at.now, error.value))
                raise

        async def main() -> None:
            task = at.loop.create_task(work())
            await sleep_ms(5)
            assert task.cancel()
            with pytest.raises(CancelledError):
                await task
            assert not task.cancel()

        at.run(main())
        assert at.log == [(5, None)]

    def test_before_it_has_begun(self, at: Desk) -> None:
        async def work() -> None:
            at.log.append("begun")

        async def main() -> None:
            task = at.loop.create_task(work())
            task.cancel()
            with pytest.raises(CancelledError):
                await task

        at.run(main())
        assert at.log == []

    def test_reaches_the_innermost_task_awaited(self, at: Desk) -> None:
        async def inner() -> None:
            try:
                await sleep(1)
            except CancelledError:
                at.log.append("inner")
                raise

        async def outer(task: Task) -> None:
            try:
                await task
            except CancelledError:
                at.log.append("outer")

        async def main() -> None:
            within = at.loop.create_task(inner())
            without = at.loop.create_task(outer(within))
            await sleep_ms(1)
            without.cancel()
            await without
            assert within.done()

        at.run(main())
        assert at.log == ["inner", "outer"]

    def test_it_can_be_ignored(self, at: Desk) -> None:
        async def stubborn() -> int:
            try:
                await sleep(1)
            except CancelledError:
                await sleep_ms(3)
            return 7

        async def main() -> int:
            task = at.loop.create_task(stubborn())
            await sleep_ms(1)
            task.cancel()
            result: int = await task
            return result

        assert at.run(main()) == 7

    def test_not_oneself(self, at: Desk) -> None:
        async def main() -> None:
            current_task().cancel()

        with pytest.raises(RuntimeError, match="can't cancel self"):
            at.run(main())


def test_the_current_task(at: Desk) -> None:
    async def main() -> None:
        assert running_loop() is at.loop
        at.log.append(current_task())

    task = at.loop.create_task(main())
    at.loop.run_until_complete(task)
    assert at.log == [task]
    for ask in (current_task, running_loop):
        with pytest.raises(RuntimeError, match="no running event loop"):
            ask()


def test_a_pause_that_nobody_ends_is_counted(at: Desk) -> None:
    async def lost() -> None:
        await pause()
        at.log.append("found")

    async def main() -> None:
        at.loop.create_task(lost())
        await sleep_ms(10)

    at.run(main())
    assert at.log == []
    assert at.oddities == {"asyncio-task-lost": 1}


def test_how_things_print(at: Desk) -> None:
    things: list[Any] = [CancelledError, TimeoutError, Task]
    assert [f"{thing.__module__}.{thing.__qualname__}" for thing in things] == [
        "builtins.CancelledError",
        "builtins.TimeoutError",
        "builtins.Task",
    ]
    assert repr(Task(None, at.loop)) == "<Task>"
    assert CancelledError().value is None
    assert CancelledError(1, 2).value == 1
    assert not issubclass(CancelledError, Exception)
    assert not issubclass(TimeoutError, OSError)
