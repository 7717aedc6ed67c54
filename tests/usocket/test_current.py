"""The current device: a context variable."""

from __future__ import annotations

import contextvars
import threading

import pytest

import usocket
from tests.usocket.support import two_devices
from usocket import Device
from usocket.current import NoDevice, PerDevice, current_device


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


def test_something_that_each_device_has_one_of() -> None:
    made: list[Device] = []

    def make(device: Device) -> list[str]:
        made.append(device)
        return [device.name]

    part = PerDevice(make)
    with two_devices() as pair:
        assert part() is part() is part.of(pair.client)
        with pair.server.use():
            assert part() == ["server"]
        pair.client.soft_reset()
        part()
        assert made == [pair.client, pair.server]
        pair.client.power_cycle()
        part()
        assert made == [pair.client, pair.server, pair.client]
    with pytest.raises(NoDevice):
        part()


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
