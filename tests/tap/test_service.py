"""The opt-in service thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tap.clock import MS, SECOND, RealClock, VirtualClock
from tap.driver import driver_of
from tap.host import Host
from tap.service import QUIET
from tap.wire import wire
from tests.tap.fakes import FakeStack
from tests.tap.test_driver import Device, until


@pytest.fixture
def device() -> Iterator[Device]:
    """An echo device with the service thread."""
    made = Device(RealClock())
    made.stack.on_frame = made.stack.transmit
    made.host.serve()
    yield made
    made.close()


def echoes(device: Device, frame: bytes) -> bool:
    """Whether the device echoes ``frame`` although this thread never waits on it."""
    device.far.send(frame)
    until(lambda: device.far.receive() == frame, "no echo")
    return True


def test_it_answers_while_the_program_does_something_else(device: Device) -> None:
    assert all(echoes(device, b"%d" % number) for number in range(10))


def test_without_it_nobody_answers() -> None:
    made = Device(RealClock())
    made.stack.on_frame = made.stack.transmit
    made.far.send(b"frame")
    time.sleep(0.05)
    assert made.far.receive() is None
    made.close()


def test_a_program_that_waits_leads_itself_and_the_thread_comes_back(device: Device) -> None:
    until(lambda: device.driver.service_leads, "the service thread never leads")
    threads: list[str] = []
    device.stack.on_frame = lambda frame: threads.append(threading.current_thread().name)
    timer = threading.Timer(0.05, device.far.send, [b"frame"])
    timer.start()
    assert device.host.wait(device.got(b"frame"), device.host.clock.now() + 10 * SECOND)
    timer.join()
    assert threads == [threading.current_thread().name]
    until(lambda: device.driver.service_leads, "the service thread does not come back")
    device.far.send(b"another")
    until(lambda: len(threads) == 2, "nobody answers")
    assert threads[1] == "netstack service"


def test_it_keeps_away_from_calls_in_a_row(device: Device) -> None:
    until(lambda: device.driver.service_leads, "the service thread never leads")
    led = 0
    patience = time.monotonic() + 20 * QUIET
    while time.monotonic() < patience:
        device.host.sleep(MS // 2)
        led += device.driver.service_leads
    assert led <= 2  # it may be slow to see the first call


def test_a_condition_that_is_true_at_once_disturbs_nobody(device: Device) -> None:
    until(lambda: device.driver.service_leads, "the service thread never leads")
    time.sleep(0.02)
    rounds = device.stack.rounds
    assert all(device.host.wait(lambda: True) for _ in range(5))
    time.sleep(0.02)
    assert device.driver.service_leads
    assert device.stack.rounds == rounds + 5 * 2  # entering and pumping, by this thread


def test_a_look_without_waiting_takes_in_what_has_arrived(device: Device) -> None:
    until(lambda: device.driver.service_leads, "the service thread never leads")
    with device.driver.lock:  # the service thread sleeps, and cannot take it in
        device.far.send(b"frame")
        assert device.host.wait(device.got(b"frame"), device.host.clock.now())


def test_nothing_wakes_up_while_nothing_happens(device: Device) -> None:
    until(lambda: device.driver.service_leads, "the service thread never leads")
    time.sleep(0.02)
    rounds, cpu = device.stack.rounds, time.process_time()
    time.sleep(0.3)
    assert device.stack.rounds == rounds
    assert time.process_time() - cpu < 0.1


def test_it_sleeps_while_a_program_leads_for_long(device: Device) -> None:
    waiting = threading.Thread(target=device.host.wait, args=(device.got(b"end"),))
    waiting.start()
    until(lambda: device.driver.service_parked, "the service thread is not parked")
    rounds = device.stack.rounds
    time.sleep(0.1)
    assert device.stack.rounds == rounds
    device.far.send(b"end")
    waiting.join(10)
    until(lambda: device.driver.service_leads, "the service thread does not come back")


def test_it_ends_with_the_last_host() -> None:
    clock = RealClock()
    first, second = Device(clock), Device(clock)
    first.host.serve()
    second.host.serve()
    assert [thread.name for thread in threading.enumerate()].count("netstack service") == 1
    first.close()
    second.stack.on_frame = second.stack.transmit
    assert echoes(second, b"still here")
    second.close()
    assert "netstack service" not in [thread.name for thread in threading.enumerate()]


def test_its_failure_is_told_to_who_waits_next(device: Device) -> None:
    def broken() -> None:
        raise OSError("the cable burns")

    device.host.link.receive = broken
    device.far.send(b"frame")
    until(lambda: device.driver.failure is not None, "the failure is not seen")
    with pytest.raises(OSError, match="the cable burns"):
        device.host.wait(lambda: False)


def test_virtual_time_needs_none() -> None:
    clock = VirtualClock()
    link, _ = wire(clock)
    with Host(FakeStack(link), link, clock) as host, pytest.raises(ValueError, match="virtual time"):
        host.serve()
    assert driver_of(clock).service is None
