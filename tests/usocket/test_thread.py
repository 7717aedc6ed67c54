"""_thread: new threads are on the same device."""

from __future__ import annotations

import threading
import time

import pytest

from tap.clock import RealClock
from tap.wire import wire
from tests.usocket.support import two_devices
from usocket import Device, thread
from usocket.current import current_device
from usocket.script import run_source


def device_in_real_time() -> Device:
    clock = RealClock()
    return Device(link=wire(clock)[0], clock=clock)


def test_a_thread_keeps_the_device() -> None:
    done = threading.Event()
    found: list[object] = []

    def run(number: int, *, name: str) -> None:
        found.extend([current_device(), number, name, thread.get_ident()])
        done.set()
        thread.exit()

    with two_devices() as pair:
        ident = thread.start_new_thread(run, (5,), {"name": "five"})
        assert done.wait(10)
        assert found == [pair.client, 5, "five", ident]


def test_an_exception_in_a_thread_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    source = """
import _thread, time
def serve(number):
    raise ValueError(number)
_thread.start_new_thread(serve, (5,))
time.sleep(1)
"""
    with device_in_real_time() as device:
        assert run_source(device, source, "main.py") == 0
        device.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Unhandled exception in thread started by <function serve")
    assert lines[1:] == [
        "Traceback (most recent call last):",
        '  File "main.py", line 4, in serve',
        "ValueError: 5",
    ]


def test_a_reset_ends_all_threads(capsys: pytest.CaptureFixture[str]) -> None:
    source = """
import _thread, machine, sys, time
def serve():
    while True:
        time.sleep_ms(1)
if machine.reset_cause() == machine.SOFT_RESET:
    sys.exit(9)
_thread.start_new_thread(serve, ())
time.sleep_ms(20)
_thread.start_new_thread(machine.soft_reset, ())
time.sleep(5)
"""
    before = threading.active_count()
    with device_in_real_time() as device:
        assert run_source(device, source, "main.py") == 9
        deadline = time.monotonic() + 10
        while threading.active_count() > before and time.monotonic() < deadline:
            device.sleep(0.01)
    assert threading.active_count() == before
    assert capsys.readouterr() == ("MPY: soft reboot\n", "")


def test_locks_and_stacks() -> None:
    lock = thread.allocate_lock()
    assert isinstance(lock, thread.LockType)
    with lock:
        assert not lock.acquire(False)
    assert thread.stack_size() == thread.stack_size(4096) == 0
    with pytest.raises(TypeError):
        thread.stack_size("large")
