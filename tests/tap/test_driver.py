"""Leaders and followers: who drives the hosts of a clock, and who is woken when."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EBADF

import pytest

from tap.clock import MS, SECOND, Deadlock, RealClock, VirtualClock
from tap.driver import driver_of
from tap.host import Host
from tap.wire import wire
from tests.tap.fakes import FakeStack, SocketLink, socket_links


class Device:
    """A host with a fake stack in real time; ``far`` is the other end of its link."""

    def __init__(self, clock: RealClock) -> None:
        link, self.far = socket_links()
        self.stack = FakeStack(link)
        self.host = Host(self.stack, link, clock)
        self.driver = driver_of(clock)

    def got(self, frame: bytes) -> Callable[[], bool]:
        """A condition: the stack has received ``frame``."""
        return lambda: any(frame == found for _, found in self.stack.frames)

    def close(self) -> None:
        self.host.close()
        self.far.close()


@pytest.fixture
def device() -> Iterator[Device]:
    made = Device(RealClock())
    yield made
    made.close()


class Waiter(threading.Thread):
    """Another thread that runs ``work`` and keeps what it returned or raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.result: object = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.work()
        except Exception as error:
            self.result = error

    def outcome(self) -> object:
        self.join(10)
        assert not self.is_alive(), "the thread still waits"
        return self.result


def until(condition: Callable[[], object], what: str) -> None:
    """Wait, without driving anything, until another thread has made ``condition`` true."""
    patience = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < patience, what
        time.sleep(0.001)


@contextmanager
def leader_and_follower(device: Device) -> Iterator[tuple[Waiter, Waiter]]:
    """Two threads: the first leads and waits for the frame b"leader", the second follows, for b"follower"."""
    leader = Waiter(lambda: device.host.wait(device.got(b"leader")))
    until(lambda: device.driver.leading, "nobody leads")
    follower = Waiter(lambda: device.host.wait(device.got(b"follower")))
    until(lambda: device.driver.followers == 1, "nobody follows")
    yield leader, follower
    leader.outcome()
    follower.outcome()


def test_a_blocking_call_drives_the_host_itself(device: Device) -> None:
    threads: list[threading.Thread] = []
    device.stack.on_frame = lambda frame: threads.append(threading.current_thread())
    timer = threading.Timer(0.02, device.far.send, [b"frame"])
    timer.start()
    assert device.host.wait(device.got(b"frame"), device.host.clock.now() + 10 * SECOND)
    assert threads == [threading.current_thread()]
    assert not device.driver.leading
    timer.join()


def test_the_follower_gets_what_the_leader_takes_in(device: Device) -> None:
    with leader_and_follower(device) as (leader, follower):
        device.far.send(b"follower")
        assert follower.outcome() is True
        assert leader.is_alive()
        device.far.send(b"leader")
        assert leader.outcome() is True


def test_the_follower_takes_over_when_the_leader_leaves(device: Device) -> None:
    with leader_and_follower(device) as (leader, follower):
        device.far.send(b"leader")
        assert leader.outcome() is True
        until(lambda: device.driver.leading, "nobody took over")
        assert device.driver.followers == 0
        device.far.send(b"follower")
        assert follower.outcome() is True


def test_waiting_threads_cost_nothing_while_nothing_happens(device: Device) -> None:
    with leader_and_follower(device):
        rounds, cpu = device.stack.rounds, time.process_time()
        time.sleep(0.3)
        assert device.stack.rounds - rounds <= 8
        assert time.process_time() - cpu < 0.1
        device.far.send(b"leader")
        device.far.send(b"follower")


def test_the_deadline_of_a_follower_is_its_own(device: Device) -> None:
    leader = Waiter(lambda: device.host.wait(device.got(b"leader")))
    until(lambda: device.driver.leading, "nobody leads")
    clock = device.host.clock
    start = clock.now()
    assert device.host.wait(lambda: False, start + 30 * MS) is False
    assert 30 * MS <= clock.now() - start < 5 * SECOND
    assert leader.is_alive()
    device.far.send(b"leader")
    assert leader.outcome() is True


def test_work_of_another_thread_wakes_the_leader(device: Device) -> None:
    done: list[int] = []
    leader = Waiter(lambda: device.host.wait(lambda: done))
    until(lambda: device.driver.leading, "nobody leads")
    time.sleep(0.02)
    with device.host.lock:
        done.append(1)
    assert leader.outcome() is True


def test_a_timer_set_by_another_thread_is_met(device: Device) -> None:
    fired: list[int] = []
    leader = Waiter(lambda: device.host.wait(lambda: fired))
    until(lambda: device.driver.leading, "nobody leads")
    time.sleep(0.02)
    with device.host.lock:
        due = device.stack.now + 20 * MS
        device.stack.at(due, lambda: fired.append(device.stack.now))
    assert leader.outcome() is True
    assert due <= fired[0] < due + 5 * SECOND


def test_closing_ends_the_waiting_of_all(device: Device) -> None:
    with leader_and_follower(device) as waiters:
        device.host.close()
        for waiter in waiters:
            error = waiter.outcome()
            assert isinstance(error, OSError)
            assert error.errno == EBADF
    with pytest.raises(OSError, match="closed"):
        device.host.wait(lambda: True)


def test_a_broken_link_is_told_to_all(device: Device) -> None:
    def broken() -> None:
        raise OSError("the cable burns")

    with leader_and_follower(device) as waiters:
        device.host.link.receive = broken
        device.far.send(b"anything")
        for waiter in waiters:
            assert str(waiter.outcome()) == "the cable burns"


def test_a_condition_that_raises_ends_only_its_own_waiting(device: Device) -> None:
    def fails() -> bool:
        raise KeyError("mine")

    follower = Waiter(lambda: device.host.wait(device.got(b"frame")))
    with pytest.raises(KeyError, match="mine"):
        device.host.wait(fails)
    device.far.send(b"frame")
    assert follower.outcome() is True


@pytest.mark.parametrize("what", ["wait", "close"])
def test_blocking_inside_a_callback_is_refused(device: Device, what: str) -> None:
    caught: list[str] = []

    def blocks(_: bytes) -> None:
        try:
            if what == "wait":
                device.host.wait(lambda: True, what="recv")
            else:
                device.host.close()
        except RuntimeError as error:
            caught.append(str(error))

    device.stack.on_frame = blocks
    device.far.send(b"frame")
    device.host.pump()
    assert len(caught) == 1
    assert "inside a callback of the stack" in caught[0]
    with device.host.lock, pytest.raises(RuntimeError, match="while holding"):
        device.host.sleep(1)


def test_two_hosts_of_a_clock_answer_while_one_thread_waits() -> None:
    clock = RealClock()
    asker, answerer = Device(clock), Device(clock)
    answerer.stack.on_frame = answerer.stack.transmit
    answerer.far.send(b"question")
    assert asker.host.wait(lambda: answerer.stack.frames, clock.now() + 10 * SECOND)
    assert answerer.far.receive() == b"question"
    asker.close()
    answerer.close()


def test_many_threads_each_get_their_own(device: Device) -> None:
    """Twelve threads lead and follow in turns; each waits for 20 frames of its own."""

    def work(number: int) -> bool:
        return all(
            device.host.wait(device.got(b"%d %d" % (number, step)), device.host.clock.now() + 20 * SECOND)
            for step in range(20)
        )

    waiters = [Waiter(lambda number=number: work(number)) for number in range(12)]
    for step in range(20):
        for number in range(12):
            until(lambda: send(device.far, b"%d %d" % (number, step)), "the link is stuck")  # noqa: B023
    assert [waiter.outcome() for waiter in waiters] == [True] * 12


def send(link: SocketLink, frame: bytes) -> bool:
    try:
        link.send(frame)
    except BlockingIOError:
        return False
    return True


def test_in_virtual_time_waiting_for_nothing_says_who_waits_for_what() -> None:
    clock = VirtualClock()
    link, _ = wire(clock)
    story = r"nothing will ever wake board 7 \(accept\).*on any host \(board 7\)"
    with Host(FakeStack(link), link, clock, "board 7") as host, pytest.raises(Deadlock, match=story):
        host.wait(lambda: False, what="accept")


def test_in_virtual_time_a_second_thread_waits_until_the_call_of_the_first_is_over() -> None:
    clock = VirtualClock()
    link, _ = wire(clock)
    with Host(FakeStack(link), link, clock) as host:
        inside, times = threading.Event(), []

        def first() -> bool:
            inside.set()
            time.sleep(0.01)
            return clock.now() == 3 * SECOND

        clock.call_at(3 * SECOND, lambda: None)
        leader = Waiter(lambda: host.wait(first))
        inside.wait()
        host.wait(lambda: times.append(clock.now()) or True)
        assert leader.outcome() is True
        assert times == [3 * SECOND]


def test_a_host_that_is_closed_leaves_no_descriptor() -> None:
    before = os.listdir("/proc/self/fd")
    made = Device(RealClock())
    made.host.sleep(1)
    made.close()
    assert os.listdir("/proc/self/fd") == before
