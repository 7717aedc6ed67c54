"""The current device: a context variable."""

from __future__ import annotations

import contextvars
import threading

import pytest

import usocket
from tests.usocket.support import two_devices
from usocket.current import NoDevice, current_device


def test_without_a_device_the_error_says_how_to_open_one() -> None:
    with pytest.raises(NoDevice, match=r"open one with `with usocket\.Device\(address='192\.168"):
        usocket.socket()


def test_the_innermost_with_counts() -> None:
    with two_devices() as pair:
        assert current_device() is pair.client
        with pair.server.use():
            assert current_device() is pair.server
        assert current_device() is pair.client
    with pytest.raises(NoDevice):
        current_device()


def test_each_thread_has_its_own() -> None:
    found: list[object] = []

    def look() -> None:
        try:
            found.append(current_device())
        except NoDevice:
            found.append(None)
        with pair.server.use():
            found.append(current_device())

    with two_devices() as pair:
        for target in (look, lambda: contextvars.copy_context().run(look)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(look))
        thread.start()
        thread.join()
        assert found == [None, pair.server, None, pair.server, pair.client, pair.server]
        assert current_device() is pair.client
