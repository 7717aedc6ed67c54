"""wait_for and gather."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.usocket.scheduling import Desk, desk
from usocket.asyncio_funcs import gather, wait_for, wait_for_ms
from usocket.asyncio_sync import Event
from usocket.asyncio_task import CancelledError, TimeoutError, current_task, sleep, sleep_ms


@pytest.fixture
def at() -> Iterator[Desk]:
    with desk() as made:
        yield made


async def work(at: Desk, ms: int, result: Any = None) -> Any:
    """Works for ``ms``; an exception as ``result`` is raised. Notes when it is cancelled."""
    try:
        await sleep_ms(ms)
    except CancelledError:
        at.log.append(f"cancelled at {at.now}")
        raise
    if isinstance(result, BaseException):
        raise result
    return result


class TestWaitFor:
    @pytest.mark.parametrize(("wait", "limit"), [(wait_for, 0.05), (wait_for_ms, 50), (wait_for, None)])
    def test_in_time(self, at: Desk, wait: Any, limit: Any) -> None:
        async def main() -> None:
            assert await wait(work(at, 20, "done"), limit) == "done"
            assert at.now == 20
            with pytest.raises(ValueError, match="failed"):
                await wait(work(at, 20, ValueError("failed")), limit)
            await sleep(1)

        at.run(main())
        assert (at.log, at.console.printed) == ([], [])

    def test_too_late(self, at: Desk) -> None:
        async def main() -> None:
            task = at.loop.create_task(work(at, 100))
            with pytest.raises(TimeoutError):
                await wait_for_ms(task, 30)
            assert (at.now, task.done()) == (30, True)

        at.run(main())
        assert at.log == ["cancelled at 30"]

    def test_waits_for_one_that_takes_its_time_to_end(self, at: Desk) -> None:
        async def slow() -> None:
            try:
                await sleep(1)
            except CancelledError:
                await sleep_ms(15)

        async def main() -> None:
            with pytest.raises(TimeoutError):
                await wait_for_ms(slow(), 10)
            assert at.now == 25

        at.run(main())

    def test_cancelled_from_outside_it_cancels(self, at: Desk) -> None:
        async def main() -> None:
            task = at.loop.create_task(wait_for(work(at, 1000), 10))
            await sleep_ms(5)
            task.cancel()
            with pytest.raises(CancelledError):
                await task
            await sleep_ms(1)

        at.run(main())
        assert at.log == ["cancelled at 5"]

    def test_what_it_waits_for_is_cancelled_by_another(self, at: Desk) -> None:
        async def main() -> None:
            task = at.loop.create_task(work(at, 1000))
            waiting = at.loop.create_task(wait_for(task, 10))
            await sleep_ms(5)
            task.cancel()
            with pytest.raises(CancelledError):
                await waiting

        at.run(main())

    def test_cancelled_from_outside_just_when_it_is_over(self, at: Desk) -> None:
        event = Event()

        async def main() -> None:
            waiting = at.loop.create_task(wait_for(event.wait(), 10))
            await sleep_ms(5)
            event.set()
            await sleep_ms(0)  # the event has been waited for, but nobody has been told
            waiting.cancel()
            with pytest.raises(CancelledError):
                await waiting

        at.run(main())

    def test_a_sleep_is_no_coroutine(self, at: Desk) -> None:
        async def main() -> None:
            with pytest.raises(TypeError, match="coroutine expected"):
                await wait_for(sleep(1), 2)

        at.run(main())


class TestGather:
    def test_results_are_in_the_order_of_the_arguments(self, at: Desk) -> None:
        async def main() -> None:
            assert await gather() == []
            task = at.loop.create_task(work(at, 30, "b"))
            assert await gather(work(at, 50, "a"), task, work(at, 10, "c")) == ["a", "b", "c"]
            assert at.now == 50

        at.run(main())

    def test_the_first_exception_is_raised_at_once_and_the_others_run_on(self, at: Desk) -> None:
        async def main() -> None:
            slow = at.loop.create_task(work(at, 50, "slow"))
            with pytest.raises(ValueError, match="first"):
                await gather(slow, work(at, 10, ValueError("first")), work(at, 20, ValueError("second")))
            assert at.now == 10
            assert await slow == "slow"

        at.run(main())
        assert [str(error) for error in at.console.printed] == ["second"]

    def test_two_at_the_same_time(self, at: Desk) -> None:
        async def main() -> None:
            with pytest.raises(ValueError, match="first"):
                await gather(work(at, 5, ValueError("first")), work(at, 5, ValueError("second")))

        at.run(main())

    def test_exceptions_among_the_results(self, at: Desk) -> None:
        async def main() -> None:
            results = await gather(work(at, 5, "a"), work(at, 9, ValueError("b")), return_exceptions=True)
            assert results[0] == "a"
            assert repr(results[1]) == "ValueError('b')"
            assert at.now == 9

        at.run(main())
        assert at.console.printed == []

    def test_cancelled_it_cancels_all(self, at: Desk) -> None:
        async def main() -> None:
            task = at.loop.create_task(gather(work(at, 100), work(at, 100)))
            await sleep_ms(5)
            task.cancel()
            with pytest.raises(CancelledError):
                await task
            await sleep_ms(1)

        at.run(main())
        assert at.log == ["cancelled at 5"] * 2

    def test_tasks_that_have_ended_before(self, at: Desk) -> None:
        async def main() -> None:
            done = at.loop.create_task(work(at, 1, "done"))
            failed = at.loop.create_task(work(at, 1, ValueError("before")))
            await sleep_ms(1)
            await sleep_ms(0)
            assert await gather(done, work(at, 5, "later")) == ["done", "later"]
            running = at.loop.create_task(work(at, 5, "runs on"))
            with pytest.raises(ValueError, match="before"):
                await gather(running, failed)
            assert await running == "runs on"

        at.run(main())

    def test_not_what_somebody_awaits_and_the_other_way_round(self, at: Desk) -> None:
        async def wait(task: Any) -> None:
            at.log.append(await task)

        async def main() -> None:
            task = at.loop.create_task(work(at, 20, "x"))
            at.loop.create_task(wait(task))
            await sleep_ms(1)
            with pytest.raises(RuntimeError, match="can't gather"):
                await gather(task)
            other = at.loop.create_task(work(at, 20))
            gathering = at.loop.create_task(gather(other))
            await sleep_ms(1)
            with pytest.raises(RuntimeError, match="can't wait"):
                await other
            await gathering

        at.run(main())
        assert at.log == ["x"]

    def test_cancelling_one_of_them_is_an_exception_of_it(self, at: Desk) -> None:
        async def cancel(task: Any) -> None:
            task.cancel()

        async def main() -> None:
            task = at.loop.create_task(work(at, 100))
            at.loop.create_task(cancel(task))
            with pytest.raises(CancelledError):
                await gather(task, work(at, 50))
            assert not current_task().done()

        at.run(main())
