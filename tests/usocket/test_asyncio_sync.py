"""Event, ThreadSafeFlag and Lock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.usocket.scheduling import Desk, desk
from usocket.asyncio_sync import Event, Lock, ThreadSafeFlag
from usocket.asyncio_task import CancelledError, sleep_ms
from usocket.select import POLLIN, poll


@pytest.fixture
def at() -> Iterator[Desk]:
    with desk() as made:
        yield made


class TestEvent:
    def test_all_who_wait_go_on_and_later_ones_do_not_wait(self, at: Desk) -> None:
        event = Event()

        async def wait(name: str) -> None:
            assert await event.wait() is True
            at.log.append(name)

        async def main() -> None:
            for name in "ab":
                at.loop.create_task(wait(name))
            await sleep_ms(5)
            assert not event.is_set()
            event.set()
            assert event.is_set()
            await wait("c")
            await sleep_ms(1)
            event.clear()
            at.loop.create_task(wait("d"))
            await sleep_ms(5)

        at.run(main())
        assert "".join(at.log) == "cab"

    def test_who_is_cancelled_waits_no_more(self, at: Desk) -> None:
        event = Event()

        async def wait() -> None:
            await event.wait()

        async def main() -> None:
            task = at.loop.create_task(wait())
            await sleep_ms(1)
            task.cancel()
            with pytest.raises(CancelledError):
                await task
            event.set()
            assert event.waiting.peek() is None

        at.run(main())

    def test_it_may_be_set_before_anything_runs(self, at: Desk) -> None:
        event = Event()
        event.set()

        async def main() -> None:
            await event.wait()

        at.run(main())


class TestThreadSafeFlag:
    def test_set_by_a_task_and_cleared_by_waiting(self, at: Desk) -> None:
        flag = ThreadSafeFlag()

        async def wait() -> None:
            for _ in range(2):
                await flag.wait()
                at.log.append(at.now)

        async def main() -> None:
            task = at.loop.create_task(wait())
            await sleep_ms(10)
            flag.set()
            flag.set()
            await sleep_ms(20)
            flag.set()
            await task
            assert flag.state == 0

        at.run(main())
        assert at.log == [10, 30]

    def test_set_before_and_cleared(self, at: Desk) -> None:
        flag = ThreadSafeFlag()

        async def main() -> None:
            flag.set()
            await flag.wait()
            at.log.append(at.now)
            flag.set()
            flag.clear()
            at.loop.create_task(later())
            await flag.wait()
            at.log.append(at.now)

        async def later() -> None:
            await sleep_ms(7)
            flag.set()

        at.run(main())
        assert at.log == [0, 7]

    def test_set_by_a_callback_of_the_device(self, at: Desk) -> None:
        flag = ThreadSafeFlag()
        device = at.pair.server

        async def main() -> None:
            at.pair.clock.call_at(25_000_000, lambda: device.schedule(flag.set))
            await flag.wait()

        at.run(main())
        assert at.now == 25

    def test_one_task_at_a_time(self, at: Desk) -> None:
        flag = ThreadSafeFlag()

        async def wait() -> None:
            await flag.wait()

        async def main() -> None:
            at.loop.create_task(wait())
            await sleep_ms(1)
            with pytest.raises(RuntimeError, match="a board would hang here"):
                await flag.wait()
            flag.set()
            await sleep_ms(1)

        at.run(main())

    def test_it_is_a_stream(self, at: Desk) -> None:
        flag, poller = ThreadSafeFlag(), poll()
        poller.register(flag, POLLIN)
        assert (flag.ioctl(3, POLLIN), flag.ioctl(4, 0)) == (0, -1)
        assert poller.poll(5) == []
        flag.set()
        assert poller.poll(5) == [(flag, POLLIN)]

    def test_nothing_waits_a_millisecond_for_it(self, at: Desk) -> None:
        """It is asked when something happens, not again and again."""
        flag, asked = ThreadSafeFlag(), 0
        ask = flag._poll

        class Counted(ThreadSafeFlag):
            def _poll(self, mask: int) -> int:
                nonlocal asked
                asked += 1
                return ask(mask)

        async def main() -> None:
            at.loop.create_task(wait())
            await sleep_ms(10_000)

        async def wait() -> None:
            await Counted().wait()

        at.run(main())
        assert asked < 200


class TestLock:
    def test_one_at_a_time_in_the_order_of_asking(self, at: Desk) -> None:
        lock = Lock()

        async def work(name: str) -> None:
            async with lock:
                assert lock.locked()
                at.log.append(name)
                await sleep_ms(10)
                at.log.append(name)

        async def main() -> None:
            tasks = [at.loop.create_task(work(name)) for name in "abc"]
            for task in tasks:
                await task

        at.run(main())
        assert "".join(at.log) == "aabbcc"
        assert at.now == 30
        assert not lock.locked()

    def test_acquire_and_release(self, at: Desk) -> None:
        lock = Lock()

        async def main() -> None:
            assert await lock.acquire() is True
            lock.release()
            with pytest.raises(RuntimeError, match="Lock not acquired"):
                lock.release()

        at.run(main())

    @pytest.mark.parametrize("given", [False, True])
    def test_cancelled_while_waiting_or_when_it_is_about_to_have_it(self, at: Desk, given: bool) -> None:
        lock = Lock()

        async def work(name: str) -> None:
            async with lock:
                at.log.append(name)

        async def main() -> None:
            await lock.acquire()
            tasks: list[Any] = [at.loop.create_task(work(name)) for name in "ab"]
            await sleep_ms(1)
            if given:
                lock.release()
                assert not lock.locked()
            tasks[0].cancel()
            if not given:
                lock.release()
            await tasks[1]
            with pytest.raises(CancelledError):
                await tasks[0]

        at.run(main())
        assert at.log == ["b"]
        assert not lock.locked()
