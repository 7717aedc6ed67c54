"""The event loop: turns, streams, exceptions that nobody asks for, stopping, the end of a program."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tap.clock import MS, Deadlock, RealClock
from tap.wire import wire
from tests.usocket.scheduling import Console, Desk, desk
from tests.usocket.support import SERVER
from usocket import Device, socket
from usocket.asyncio_loop import Loop
from usocket.asyncio_stream import readable, writable
from usocket.asyncio_sync import Event, ThreadSafeFlag
from usocket.asyncio_task import CancelledError, Task, sleep, sleep_ms


@pytest.fixture
def at() -> Iterator[Desk]:
    with desk() as made:
        yield made


def fill(sock: socket) -> None:
    """Send until the peer's window and the send buffer are full; the socket does not block then."""
    sock.settimeout(1)
    with pytest.raises(OSError):
        sock.sendall(bytes(20_000))
    sock.setblocking(False)


class TestRunning:
    def test_run_gives_the_result_or_raises(self, at: Desk) -> None:
        async def give() -> int:
            await sleep_ms(1)
            return 5

        async def fail(error: BaseException) -> None:
            raise error

        assert at.run(give()) == 5
        for error in (ValueError("x"), CancelledError(), KeyboardInterrupt(), SystemExit(3)):
            with pytest.raises(type(error)) as caught:
                at.run(fail(error))
            assert caught.value is error
        assert at.loop.cur_task is None

    def test_what_is_left_goes_on_with_the_next_run(self, at: Desk) -> None:
        async def tick() -> None:
            for number in range(4):
                at.log.append(number)
                await sleep_ms(10)

        async def main(ms: int) -> None:
            await sleep_ms(ms)

        at.loop.create_task(tick())
        at.run(main(15))
        assert at.log == [0, 1]
        at.run(main(10))
        assert at.log == [0, 1, 2]
        at.loop.reset()
        at.run(main(100))
        assert at.log == [0, 1, 2]

    def test_run_until_complete_takes_coroutines_and_tasks(self, at: Desk) -> None:
        async def give() -> int:
            return 6

        task = at.loop.create_task(give())
        assert at.loop.run_until_complete(task) == 6
        assert at.loop.run_until_complete(task) is None  # as there: nothing is left to run
        assert at.loop.run_until_complete(give()) == 6
        with pytest.raises(TypeError, match="coroutine expected"):
            at.loop.create_task(sleep(1))

    def test_one_that_is_done_lets_all_others_end(self, at: Desk) -> None:
        class Late:
            def ioctl(self, request: int, mask: int) -> int:
                return mask if at.now >= 7 else 0

        async def work() -> None:
            await readable(Late())
            at.log.append("end")

        async def nothing() -> None:
            pass

        task = at.loop.create_task(nothing())
        at.loop.run_until_complete(task)
        at.loop.create_task(work())
        assert at.loop.run_until_complete(task) is None
        assert at.log == ["end"]

    def test_system_exit_of_any_task_ends_the_program(self, at: Desk) -> None:
        async def leave() -> None:
            raise SystemExit(4)

        async def main() -> None:
            at.loop.create_task(leave())
            await sleep(10)

        with pytest.raises(SystemExit):
            at.run(main())

    def test_run_forever_until_stop(self, at: Desk) -> None:
        async def work() -> None:
            await sleep_ms(20)
            at.loop.stop()
            at.loop.stop()
            at.log.append("stopped")
            await sleep_ms(20)
            at.log.append("never")

        at.loop.create_task(work())
        at.loop.run_forever()
        assert (at.now, at.log) == (20, ["stopped"])
        at.loop.stop()
        at.loop.close()

    def test_tasks_take_turns_in_the_order_in_which_they_were_made(self, at: Desk) -> None:
        async def work(name: str) -> None:
            for _ in range(2):
                at.log.append(name)
                await sleep_ms(0)

        async def main() -> None:
            for name in "abc":
                at.loop.create_task(work(name))
            await sleep_ms(10)

        at.run(main())
        assert "".join(at.log) == "abcabc"

    def test_a_busy_loop_takes_time(self, at: Desk) -> None:
        """Each turn costs a little of virtual time, as asking in vain does, so other devices get theirs."""

        async def main() -> None:
            for _ in range(100):
                await sleep_ms(0)

        at.run(main())
        assert 4 * MS <= at.pair.clock.now() <= 6 * MS


class TestUnasked:
    def test_the_default_handler_prints(self, at: Desk) -> None:
        async def fail() -> None:
            raise ValueError("lost")

        async def main() -> None:
            at.loop.create_task(fail())
            await sleep_ms(10)

        at.run(main())
        lines = at.console.stderr.getvalue().splitlines()
        assert lines[0] == "Task exception wasn't retrieved"
        assert lines[1].startswith("future: <Task> coro= <coroutine object ")
        assert [str(error) for error in at.console.printed] == ["lost"]

    def test_a_handler_of_ones_own(self, at: Desk) -> None:
        def handle(loop: Loop, context: dict[str, Any]) -> None:
            at.log.append((loop is at.loop, context["message"], str(context["exception"])))
            at.log.append(isinstance(context["future"], Task))

        async def fail() -> None:
            raise ValueError("lost")

        async def main() -> None:
            assert at.loop.get_exception_handler() is None
            at.loop.set_exception_handler(handle)
            assert at.loop.get_exception_handler() is handle
            at.loop.create_task(fail())
            await sleep_ms(10)

        at.run(main())
        assert at.log == [(True, "Task exception wasn't retrieved", "lost"), True]
        assert at.console.printed == []

    def test_not_for_cancelled_tasks_nor_for_those_asked_in_time(self, at: Desk) -> None:
        async def fail() -> None:
            raise ValueError("asked for")

        async def main() -> None:
            cancelled = at.loop.create_task(sleeping())
            await sleep_ms(1)
            cancelled.cancel()
            failed = at.loop.create_task(fail())
            await sleep_ms(0)
            with pytest.raises(ValueError):
                await failed
            await sleep_ms(10)

        async def sleeping() -> None:
            await sleep(10)

        at.run(main())
        assert at.console.printed == []


class TestStreams:
    def test_readable_and_writable(self, at: Desk) -> None:
        _, accepted, client = at.pair.connected()
        for sock in (accepted, client):
            sock.setblocking(False)

        async def read() -> None:
            await readable(accepted)
            at.log.append(accepted.recv(10))

        async def main() -> None:
            task = at.loop.create_task(read())
            await sleep_ms(1)
            await writable(accepted)
            at.log.append("writable")
            client.send(b"hello")
            await task

        at.run(main())
        assert at.log == ["writable", b"hello"]
        assert at.loop._io_queue.map == {}

    def test_a_reset_wakes_both_directions(self, at: Desk) -> None:
        _, accepted, client = at.pair.connected()
        fill(client)

        async def wait(direction: Any) -> None:
            await direction(client)
            at.log.append(direction.__name__)

        async def main() -> None:
            tasks = [at.loop.create_task(wait(direction)) for direction in (readable, writable)]
            await sleep_ms(10)
            assert at.log == []
            accepted.close()  # unread data: a reset
            for task in tasks:
                await task

        at.run(main())
        assert at.log == ["readable", "writable"]

    def test_a_second_task_for_the_same_direction_is_told(self, at: Desk) -> None:
        listener = at.pair.connected()[0]

        async def wait() -> None:
            await readable(listener)

        async def main() -> None:
            at.loop.create_task(wait())
            await sleep_ms(1)
            with pytest.raises(RuntimeError, match="a board would hang here: two tasks wait"):
                await readable(listener)

        at.run(main())
        assert at.oddities == {"asyncio-second-waiter": 1}

    def test_cancelling_one_direction_keeps_the_other(self, at: Desk) -> None:
        _, accepted, client = at.pair.connected()

        async def wait(direction: Any) -> None:
            await direction(accepted)

        fill(accepted)

        async def main() -> None:
            reader = at.loop.create_task(wait(readable))
            writer = at.loop.create_task(wait(writable))
            await sleep_ms(5)
            reader.cancel()
            await sleep_ms(5)
            assert not writer.done()
            client.read(6400)
            await writer

        at.run(main())
        assert at.oddities == {"asyncio-other-direction-kept": 1}

    def test_objects_of_the_program_with_an_ioctl(self, at: Desk) -> None:
        class Late:
            def ioctl(self, request: int, mask: int) -> int:
                return mask if at.now >= 7 else 0

        async def main() -> None:
            await readable(Late())

        at.run(main())
        assert 7 <= at.now <= 8


class TestNothingLeft:
    def test_virtual_time_says_so(self, at: Desk) -> None:
        async def main() -> None:
            await Event().wait()

        with pytest.raises(Deadlock, match="nothing will ever wake server"):
            at.run(main())

    def test_a_device_that_something_may_happen_to_waits(self, at: Desk) -> None:
        """A flag that a socket's callback sets when a client comes."""
        flag = ThreadSafeFlag()
        listener = at.pair.server.socket()
        listener.bind(("", 80))
        listener.listen(1)
        listener.setsockopt(1, 20, lambda _sock: flag.set())
        client = at.pair.client.socket()
        client.setblocking(False)

        async def main() -> None:
            at.pair.clock.call_at(50 * MS, lambda: None)
            with pytest.raises(OSError):
                client.connect((SERVER, 80))
            await flag.wait()
            at.log.append(listener.accept()[1][0])

        at.run(main())
        assert at.log == ["10.0.0.2"]


def test_in_real_time_a_thread_wakes_an_idle_loop() -> None:
    """And the loop sleeps until then: it does not look every few milliseconds."""
    clock = RealClock()
    with Device(address=f"{SERVER}/24", link=wire(clock)[0], clock=clock) as device:
        loop, flag, event = Loop(Console()), ThreadSafeFlag(), Event()
        rounds = 0
        wait = clock.wait

        def counted(*args: Any) -> None:
            nonlocal rounds
            rounds += 1
            wait(*args)

        clock.wait = counted  # type: ignore[method-assign]

        async def main() -> str:
            await flag.wait()
            await event.wait()
            return "woken"

        def wake() -> None:
            for each in (flag, event):
                time.sleep(0.1)
                with device.use():
                    each.set()

        thread = threading.Thread(target=wake)
        thread.start()
        assert loop.run(main()) == "woken"
        thread.join()
        assert rounds <= 20


class TestAbandoning:
    def test_a_programs_tasks_are_ended_in_order_and_unseen(self, at: Desk) -> None:
        async def work(name: str) -> None:
            try:
                await sleep(10)
            finally:
                at.log.append(name)
                await sleep_ms(5)
                at.log.append(f"{name} never")

        async def stubborn() -> None:
            while True:
                try:
                    await sleep_ms(1)
                except BaseException:
                    at.log.append("no")
                    if at.log.count("no") == 3:
                        raise ValueError("lost") from None

        async def unborn() -> None:
            at.log.append("never")

        async def main() -> None:
            for coro in (work("a"), work("b"), stubborn()):
                at.loop.create_task(coro)
            await sleep_ms(5)
            at.loop.create_task(unborn())

        at.run(main())
        at.log.clear()
        at.loop.abandon()
        assert at.log == ["a", "b", "no", "no", "no"]
        at.loop.abandon()
        assert len(at.log) == 5
