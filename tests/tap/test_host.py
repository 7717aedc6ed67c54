"""A host with a stack, a link and a clock: what ``pump`` and ``wait`` do, and when."""

from __future__ import annotations

from collections.abc import Iterator
from errno import EBADF

import pytest

from tap.clock import MS, SECOND, RealClock, VirtualClock
from tap.driver import BATCH
from tap.host import Host, Outlet, transmit_to
from tap.link import LinkWrapper
from tap.wire import WireEnd, wire
from tests.tap.fakes import FakeStack, socket_links


class Virtual:
    """A host with a fake stack in virtual time, made at ``BOOT``."""

    BOOT = 7 * SECOND

    def __init__(self) -> None:
        self.clock = VirtualClock(self.BOOT)
        self.link, self.far = wire(self.clock)
        self.stack = FakeStack(self.link)
        self.host = Host(self.stack, self.link, self.clock)


@pytest.fixture
def virtual() -> Iterator[Virtual]:
    made = Virtual()
    with made.host:
        yield made


def test_transmit_sends_and_is_always_ok() -> None:
    clock = VirtualClock()
    one, other = wire(clock)
    assert transmit_to(one)(b"frame") == 0
    clock.run_due()
    assert other.receive() == b"frame"


def test_the_stack_counts_from_its_boot(virtual: Virtual) -> None:
    virtual.far.send(b"frame")
    virtual.clock.wait(virtual.BOOT + 5)
    virtual.host.sleep(5)
    assert virtual.stack.frames == [(0, b"frame")]
    virtual.stack.at(2 * SECOND, lambda: None)
    assert virtual.host.next_deadline() == virtual.BOOT + 2 * SECOND


def test_pump_takes_at_most_a_batch_and_says_how_many(virtual: Virtual) -> None:
    for number in range(BATCH + 1):
        virtual.far.send(b"%d" % number)
    virtual.clock.run_due()
    assert virtual.host.pump() == len(virtual.stack.frames) == BATCH
    assert virtual.host.pump() == 1
    assert virtual.stack.frames[-1] == (0, b"%d" % BATCH)


def test_wait_goes_on_after_a_full_batch(virtual: Virtual) -> None:
    for number in range(3 * BATCH):
        virtual.far.send(b"%d" % number)
    virtual.host.sleep(0)
    assert len(virtual.stack.frames) == BATCH
    assert virtual.host.wait(lambda: len(virtual.stack.frames) == 3 * BATCH)


def test_pump_reads_once_more_than_there_are_frames() -> None:
    """One system call a frame and one that finds none: what a wake-up costs."""
    link, far = socket_links()
    with Host(FakeStack(link), link, RealClock()) as host:
        for _ in range(5):
            far.send(b"frame")
        host.pump()
        assert link.reads == 6
    far.close()


def test_timers_run_before_the_frames_of_the_same_time(virtual: Virtual) -> None:
    order: list[str] = []
    virtual.stack.at(MS, lambda: order.append("timer"))
    virtual.stack.on_frame = lambda frame: order.append("frame")
    virtual.clock.call_at(virtual.BOOT + MS, lambda: virtual.link.deliver(b"frame"))
    assert virtual.host.wait(lambda: len(order) == 2, virtual.BOOT + SECOND)
    assert order == ["timer", "frame"]
    assert virtual.clock.now() == virtual.BOOT + MS


def test_the_lock_brings_the_stack_up_to_now_once(virtual: Virtual) -> None:
    fired: list[int] = []
    virtual.stack.at(MS, lambda: fired.append(virtual.stack.now))
    virtual.clock.wait(virtual.BOOT + 3 * MS)
    with virtual.host.lock:
        assert fired == [3 * MS]
        rounds = virtual.stack.rounds
        with virtual.host.lock:
            assert virtual.stack.rounds == rounds


def test_wait_says_whether_the_condition_came_true(virtual: Virtual) -> None:
    now = virtual.clock.now
    assert virtual.host.wait(lambda: now() >= virtual.BOOT + 2 * MS, virtual.BOOT + MS) is False
    assert now() == virtual.BOOT + MS
    virtual.clock.call_at(virtual.BOOT + 2 * MS, lambda: None)
    assert virtual.host.wait(lambda: now() >= virtual.BOOT + 2 * MS, virtual.BOOT + 9 * MS) is True
    assert now() == virtual.BOOT + 2 * MS


@pytest.mark.parametrize("answer", [True, False])
def test_a_deadline_that_is_past_looks_once(virtual: Virtual, answer: bool) -> None:
    looks: list[bool] = []
    assert virtual.host.wait(lambda: looks.append(True) or answer, virtual.BOOT - 1) is answer
    assert looks == [True]
    assert virtual.clock.now() == virtual.BOOT


def test_sleep_goes_on_answering(virtual: Virtual) -> None:
    virtual.stack.on_frame = virtual.stack.transmit
    virtual.clock.call_at(virtual.BOOT + 4 * MS, lambda: virtual.link.deliver(b"hello"))
    virtual.host.sleep(10 * MS)
    assert virtual.clock.now() == virtual.BOOT + 10 * MS
    assert virtual.far.receive() == b"hello"


def test_closing_closes_the_link_and_is_final(virtual: Virtual) -> None:
    virtual.host.close()
    virtual.host.close()
    virtual.link.send(b"lost")
    assert virtual.link.dropped == 1
    for call in (lambda: virtual.host.wait(lambda: True), virtual.host.serve):
        with pytest.raises(OSError, match="device has been closed") as caught:
            call()
        assert caught.value.errno == EBADF


def ping_pong() -> list[tuple[str, int, bytes]]:
    """Two hosts on one wire throw a counter to and fro; the whole story with its times."""
    clock = VirtualClock()
    ends = wire(clock, delay=3 * MS)
    story: list[tuple[str, int, bytes]] = []

    def made(name: str, end: WireEnd) -> Host:
        stack = FakeStack(end)

        def answer(frame: bytes) -> None:
            story.append((name, stack.now, frame))
            stack.at(stack.now + MS, lambda: stack.transmit(b"%d" % (int(frame) + 1)))

        stack.on_frame = answer
        return Host(stack, end, clock, name)

    with made("a", ends[0]) as first, made("b", ends[1]) as second:
        with first.lock:
            ends[0].send(b"0")
        second.wait(lambda: len(story) == 100)
    return story


def test_two_hosts_on_a_wire_run_the_same_each_time() -> None:
    story = ping_pong()
    assert story[:3] == [("b", 3 * MS, b"0"), ("a", 7 * MS, b"1"), ("b", 11 * MS, b"2")]
    assert story[-1] == ("a", 399 * MS, b"99")
    assert ping_pong() == story


def test_an_outlet_whose_link_can_be_exchanged_and_may_refuse() -> None:
    class Refusing:
        def send(self, frame: bytes) -> int | None:
            return -1 if frame == b"bad" else None

    clock = VirtualClock()
    one, other = wire(clock)
    outlet = Outlet(one)
    assert outlet.transmit(b"frame") == 0
    with Host(FakeStack(one), one, clock, outlet=outlet) as host:  # type: ignore[arg-type]
        wrapper = LinkWrapper(one)
        host.exchange_link(wrapper, Refusing())
        assert host.link is wrapper
        assert (outlet.transmit(b"bad"), outlet.transmit(b"good")) == (-1, 0)
        host.exchange_link(one)
        assert outlet.transmit(b"bad") == 0
        clock.run_due()
        assert [other.receive(), other.receive()] == [b"frame", b"bad"]
        host.wake()  # nobody has asked to be told


def test_a_clock_of_its_own(virtual: Virtual) -> None:
    class Half:  # shows half of the time since BOOT
        def true_time(self, local: int) -> int:
            return virtual.BOOT + 2 * (local - virtual.BOOT)

    host = virtual.host
    virtual.stack.at(3 * SECOND, lambda: None)
    assert host.next_deadline() == host.no_deadline_before() == virtual.BOOT + 3 * SECOND
    host.local = Half()
    assert host.next_deadline() == host.no_deadline_before() == virtual.BOOT + 6 * SECOND
    virtual.stack.run_timers(3 * SECOND)
    assert host.next_deadline() is None
    assert host.network_clock is virtual.clock


def test_a_reboot_counts_from_anew(virtual: Virtual) -> None:
    virtual.host.sleep(5 * SECOND)
    stack = FakeStack(virtual.host.link)
    virtual.host.reboot(stack)  # type: ignore[arg-type]
    assert virtual.host.boot == virtual.clock.now()
    virtual.far.send(b"frame")
    virtual.host.sleep(SECOND)
    assert stack.frames == [(0, b"frame")]
    assert not virtual.host.enrol()
    virtual.host.end_programs()
