"""The scheduler: whose turn it is, what passing time costs, who waits for what."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from errno import EBADF

import pytest

from tap.cable import Cable, Port
from tap.clock import MS, SECOND, Deadlock, RealClock, VirtualClock
from tap.driver import BATCH
from tap.host import Host
from tap.program import Program
from tap.scheduler import MAX_TURNS, Scheduler
from tests.tap.fakes import FakeStack, socket_links


class Bench:
    """Hosts a and b with fake stacks on a cable, in virtual time; programs log what they do."""

    def __init__(self, delay: int = MS) -> None:
        self.clock = VirtualClock()
        self.scheduler = Scheduler(self.clock)
        self.ports = Port("a"), Port("b")
        Cable(self.clock, *self.ports, None, delay)
        self.stacks = [FakeStack(port) for port in self.ports]
        self.a, self.b = (
            Host(stack, port, self.clock, port.name)
            for stack, port in zip(self.stacks, self.ports, strict=True)
        )
        self.log: list[tuple[int, object]] = []

    def say(self, what: object) -> None:
        self.log.append((self.clock.now(), what))

    def start(
        self, function: Callable[[], object], name: str = "p", at: int = 0, daemon: bool = False
    ) -> Program:
        program = Program(name, function, daemon)
        self.scheduler.start(program, at)
        return program

    def run(self, limit: int | None = None) -> bool:
        return self.scheduler.run(None, limit)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.scheduler.kill()


def test_programs_take_turns_at_their_times(bench: Bench) -> None:
    def sleeper(name: str, step: int) -> Callable[[], None]:
        def sleep() -> None:
            for _ in range(3):
                bench.a.sleep(step)
                bench.say(name)

        return sleep

    bench.start(sleeper("x", 2), "x")
    bench.start(sleeper("y", 3), "y", at=1)
    bench.start(sleeper("z", 2), "z")
    assert bench.run()
    xs_and_zs = [(2, "x"), (2, "z"), (4, "x"), (4, "z"), (6, "x"), (6, "z")]
    assert [entry for entry in bench.log if entry[1] != "y"] == xs_and_zs
    assert [at for at, name in bench.log if name == "y"] == [4, 7, 10]
    assert bench.log.index((4, "y")) < bench.log.index((4, "x"))  # it asked at 1, x at 2


def test_a_program_waits_for_a_frame(bench: Bench) -> None:
    def receive() -> None:
        assert bench.b.wait(lambda: bench.stacks[1].frames)
        bench.say("received")

    def send() -> None:
        bench.a.sleep(5 * MS)
        bench.stacks[0].transmit(b"frame")
        bench.say("sent")

    bench.start(receive)
    bench.start(send)
    assert bench.run()
    assert bench.log == [(5 * MS, "sent"), (6 * MS, "received")]


def test_a_deadline_ends_a_wait(bench: Bench) -> None:
    def wait() -> None:
        bench.say(bench.a.wait(lambda: False, 3 * MS))
        bench.say(bench.a.wait(lambda: True, 3 * MS))
        bench.say(bench.a.wait(lambda: False, 1 * MS))

    bench.start(wait)
    assert bench.run()
    assert bench.log == [(3 * MS, False), (3 * MS, True), (3 * MS, False)]


def test_not_to_wait_lets_the_others_go_first(bench: Bench) -> None:
    def polite(name: str) -> Callable[[], None]:
        def run() -> None:
            for _ in range(2):
                bench.a.sleep(0)
                bench.say(name)

        return run

    bench.start(polite("x"))
    bench.start(polite("y"))
    bench.run()
    assert bench.log == [(0, "x"), (0, "y"), (0, "x"), (0, "y")]


def test_what_one_program_changes_under_the_lock_another_sees(bench: Bench) -> None:
    flag: list[int] = []

    def wait() -> None:
        bench.a.wait(lambda: flag)
        bench.say("seen")

    def change() -> None:
        bench.a.sleep(MS)
        with bench.a.lock:
            flag.append(1)

    bench.start(wait)
    bench.start(change)
    assert bench.run()
    assert bench.log == [(MS, "seen")]


def test_two_who_look_in_vain_do_not_wake_each_other(bench: Bench) -> None:
    looks: list[str] = []
    for name in "xy":
        bench.start(lambda name=name: bench.a.wait(lambda: looks.append(name), 5 * MS), name)
    bench.run()
    assert looks == ["x", "y", "x", "y"]


def test_timers_run_when_they_are_due_and_before_frames(bench: Bench) -> None:
    bench.stacks[1].at(MS, lambda: bench.say("timer"))
    bench.stacks[1].on_frame = bench.say
    bench.ports[0].send(b"frame")
    bench.run(limit=2 * MS)
    assert not bench.scheduler.run(lambda: False, 2 * MS)
    assert bench.log == [(MS, "timer"), (MS, b"frame")]


def test_a_callback_of_the_clock_works_on_a_host(bench: Bench) -> None:
    """What it changes under the lock wakes who waits; it must not wait itself."""
    flag: list[int] = []

    def due() -> None:
        with bench.a.lock:
            flag.append(bench.stacks[0].now)
        with pytest.raises(RuntimeError, match="inside a callback"):
            bench.a.sleep(1)

    bench.clock.call_at(3 * MS, due)
    bench.start(lambda: bench.a.wait(lambda: flag))
    assert bench.run()
    assert flag == [3 * MS]


def test_a_burst_is_taken_in_in_batches(bench: Bench) -> None:
    for _ in range(3 * BATCH):
        bench.ports[0].send(b"frame")
    bench.start(lambda: bench.b.wait(lambda: len(bench.stacks[1].frames) == 3 * BATCH))
    assert bench.run()


def test_who_has_nothing_to_do_is_not_touched(bench: Bench) -> None:
    bench.start(lambda: bench.a.sleep(SECOND))
    bench.run()
    rounds = [stack.rounds for stack in bench.stacks]
    bench.start(lambda: [bench.a.sleep(MS) for _ in range(100)])
    bench.run()
    assert bench.stacks[1].rounds == rounds[1]
    assert bench.stacks[0].rounds > rounds[0]


def test_outside_of_programs_waiting_runs_the_network(bench: Bench) -> None:
    bench.start(lambda: [bench.b.sleep(MS), bench.ports[1].send(b"frame")])
    assert bench.a.wait(lambda: bench.stacks[0].frames)
    assert bench.clock.now() == 2 * MS
    bench.a.sleep(SECOND)
    assert bench.clock.now() == SECOND + 2 * MS
    assert not bench.a.wait(lambda: False, SECOND)


def test_a_deadlock_names_who_waits_for_what(bench: Bench) -> None:
    bench.start(lambda: bench.a.wait(lambda: False, what="accept"), "server")
    bench.start(lambda: bench.b.wait(lambda: False, what="recv"), "client", at=MS)
    everybody = r"after 0.001000 s.* server waits for a \(accept\); .* client waits for b \(recv\)"
    with pytest.raises(Deadlock, match=everybody):
        bench.run()
    with pytest.raises(Deadlock, match="client"):
        bench.run(limit=SECOND)  # not slept through
    with pytest.raises(Deadlock, match=r"b \(here\); program server"):
        bench.b.wait(lambda: False, what="here")


def test_a_daemon_may_wait_for_ever(bench: Bench) -> None:
    bench.start(lambda: bench.a.wait(lambda: False), daemon=True)
    assert bench.run()
    assert not bench.scheduler.run(lambda: False, SECOND)
    assert bench.clock.now() == SECOND
    with pytest.raises(Deadlock):
        bench.scheduler.run(lambda: False, None)


def test_time_that_stands_still_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap.scheduler.MAX_TURNS", 1000)
    assert MAX_TURNS > 1000

    def spin() -> None:
        while True:
            bench.a.sleep(0)

    bench.start(spin, "spinner")
    spinner = r"time stands still at 0.0+ s: program spinner .* waits for a \(sleep\)"
    with pytest.raises(Deadlock, match=spinner):
        bench.run()


def test_what_a_program_raises_ends_the_run(bench: Bench) -> None:
    def fail() -> None:
        bench.a.sleep(MS)
        raise ValueError("bad")

    bench.start(fail, "failing")
    bench.start(lambda: bench.a.sleep(SECOND))
    with pytest.raises(ValueError, match="bad") as caught:
        bench.run()
    assert caught.value.__notes__ == ["in program failing, at 0.001000 s"]
    assert bench.run()  # the others may go on
    assert bench.clock.now() == SECOND


def test_a_program_cannot_run_the_network(bench: Bench) -> None:
    bench.start(bench.run)
    with pytest.raises(RuntimeError, match="that it is a part of"):
        bench.run()


def test_killed_programs_clean_up_but_do_not_wait(bench: Bench) -> None:
    def work() -> None:
        try:
            bench.a.sleep(SECOND)
        finally:
            bench.say("cleaned up")
            bench.a.sleep(SECOND)
            bench.say("never")

    bench.start(work)
    bench.scheduler.run(lambda: False, MS)
    bench.scheduler.kill()
    assert bench.log == [(MS, "cleaned up")]
    assert bench.scheduler.programs == []


def test_closing_a_host_ends_what_waits_on_it(bench: Bench) -> None:
    def wait() -> None:
        with pytest.raises(OSError, match="a has been closed") as caught:
            bench.a.wait(lambda: False)
        bench.say(caught.value.errno)
        with pytest.raises(OSError, match="closed"):
            bench.a.sleep(1)

    def close() -> None:
        bench.b.sleep(MS)
        bench.a.close()

    bench.start(wait)
    bench.start(close)
    assert bench.run()
    assert bench.log == [(MS, EBADF)]


def test_threads_of_a_program_are_programs(bench: Bench) -> None:
    def thread() -> None:
        bench.say(bench.a.identity())
        with lock:
            bench.say("in the thread")

    def work() -> None:
        with lock:
            number = bench.a.spawn(thread)
            bench.a.sleep(MS)
            assert lock.locked()
            assert not lock.acquire(False)
            assert not lock.acquire(timeout=0.001)
            bench.say("gives it back")
        bench.a.sleep(MS)
        bench.say(number != bench.a.identity())

    lock = bench.a.new_lock()
    bench.start(work)
    assert bench.run()
    assert bench.log == [(0, 2), (2 * MS, "gives it back"), (2 * MS, "in the thread"), (3 * MS, True)]
    with pytest.raises(RuntimeError, match="unlocked"):
        lock.release()


def test_another_thread_and_the_service_thread_are_refused(bench: Bench) -> None:
    errors: list[str] = []

    def other() -> None:
        try:
            bench.a.sleep(1)
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert errors == ["a (sleep) waits in a thread of its own: a network's programs are greenlets"]
    with pytest.raises(ValueError, match="no service thread is needed"):
        bench.a.serve()


def test_timers_are_looked_up_only_when_time_comes_near_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    exact = FakeStack.next_deadline
    monkeypatch.setattr(FakeStack, "next_deadline", lambda stack: asked.append(1) or exact(stack))
    bench.stacks[1].at(500 * MS, lambda: bench.say("timer"))
    bench.start(lambda: [bench.ports[1].send(b"busy") or bench.b.sleep(MS) for _ in range(1000)])
    bench.run()
    assert bench.log == [(500 * MS, "timer")]
    assert len(asked) < 10


def test_a_timer_that_was_taken_back_wakes_nobody(bench: Bench) -> None:
    bench.stacks[1].at(500 * MS, lambda: bench.say("never"))
    bench.run(limit=0)
    assert not bench.scheduler.run(lambda: False, MS)
    with bench.b.lock:
        bench.stacks[1]._timers.clear()
    rounds = bench.stacks[1].rounds
    bench.scheduler.run(lambda: False, SECOND)
    assert bench.stacks[1].rounds == rounds
    assert bench.log == []


def test_the_heap_of_deadlines_does_not_grow(bench: Bench) -> None:
    def work() -> None:
        for number in range(1000):
            bench.stacks[0].at(bench.clock.now() + MS, lambda: None)
            bench.a.wait(lambda number=number: bench.stacks[0].rounds > number, 3600 * SECOND)

    bench.start(work)
    bench.run()
    assert len(bench.scheduler._heap) < 100


def test_the_story_is_the_same_each_time() -> None:
    def story() -> list[tuple[int, object]]:
        bench = Bench(delay=3)
        for number, host in enumerate((bench.a, bench.b)):
            stack = bench.stacks[number]

            def answer(frame: bytes, stack: FakeStack = stack, number: int = number) -> None:
                bench.say((number, frame))
                stack.at(stack.now + 2, lambda: stack.transmit(b"%d" % (int(frame) + 1)))

            stack.on_frame = answer
            bench.start(lambda host=host, stack=stack: host.wait(lambda: len(stack.frames) == 50))
        bench.ports[0].send(b"0")
        bench.ports[1].send(b"1000")
        bench.run()
        return bench.log

    assert story() == story()
    assert story()[-1][0] > 200


def test_in_real_time_descriptors_wake_hosts() -> None:
    clock = RealClock()
    scheduler = Scheduler(clock)
    link, far = socket_links()
    with Host(FakeStack(link), link, clock) as host:
        stack = host.stack

        def spin() -> None:  # never lets the scheduler sleep
            while not stack.frames:
                host.sleep(0)

        scheduler.start(Program("spinner", spin, daemon=True), 0)
        scheduler.start(Program("p", lambda: host.wait(lambda: len(stack.frames) == 2), daemon=False), 0)
        far.socket.send(b"one")
        assert scheduler.run(lambda: len(stack.frames) == 1, SECOND)
        clock.call_at(clock.now() + 20 * MS, lambda: far.socket.send(b"two"))
        assert scheduler.run(None, clock.now() + SECOND)
        assert clock.now() < SECOND
    far.close()
    assert isinstance(far.socket, socket.socket)


def test_some_programs_are_ended_and_the_others_go_on(bench: Bench) -> None:
    def work(name: str, host: Host) -> Callable[[], None]:
        def run() -> None:
            host.enrol()
            try:
                host.sleep(2 * SECOND)
                bench.say(name)
            except BaseException as error:
                bench.say((name, type(error).__name__))
                host.sleep(SECOND)  # it is to end, not to wait
                bench.say("never")

        return run

    first = bench.start(work("a", bench.a), "a")
    bench.start(work("b", bench.b), "b")
    assert bench.scheduler.current is None
    bench.clock.call_at(SECOND, lambda: bench.a.end_programs(again_at=5 * SECOND))
    assert bench.run()
    assert bench.log == [(SECOND, ("a", "GreenletExit")), (2 * SECOND, "b"), (7 * SECOND, "a")]
    assert first.finished
    assert bench.scheduler.awaited == 0


def test_who_ends_programs_goes_on_and_threads_do_not_come_again(bench: Bench) -> None:
    def thread() -> None:
        bench.say("thread")
        bench.a.sleep(10 * SECOND)

    def work() -> None:
        bench.a.enrol()
        bench.a.spawn(thread)
        bench.a.sleep(SECOND)
        bench.a.end_programs(again_at=bench.clock.now() + SECOND)
        bench.a.sleep(3 * SECOND)
        bench.say("goes on")

    bench.start(work)
    assert bench.run()
    assert bench.log == [(0, "thread"), (4 * SECOND, "goes on")]
    assert bench.scheduler.programs == []
