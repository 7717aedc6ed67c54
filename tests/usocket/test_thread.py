"""_thread: new threads are on the same device."""

from __future__ import annotations

import threading

import pytest

from tests.usocket.support import two_devices
from usocket import thread
from usocket.current import current_device


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


def test_locks_and_stacks() -> None:
    lock = thread.allocate_lock()
    assert isinstance(lock, thread.LockType)
    with lock:
        assert not lock.acquire(False)
    assert thread.stack_size() == thread.stack_size(4096) == 0
    with pytest.raises(TypeError):
        thread.stack_size("large")
