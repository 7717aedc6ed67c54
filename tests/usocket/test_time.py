"""time: sleeping and ticks on the device's clock."""

from __future__ import annotations

import time as cpython
from collections.abc import Iterator

import pytest

from netstack.profiles import named
from tap.clock import MS
from tests.usocket.support import Pair, two_devices
from usocket import time


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_devices() as both:
        yield both


def test_sleeping_is_virtual(pair: Pair) -> None:
    started = cpython.monotonic()
    time.sleep(3600)
    time.sleep(0.5)
    time.sleep_ms(250)
    time.sleep_us(250)
    time.sleep_ms(-5)
    assert pair.clock.now() == 3600_750 * MS + 250_000
    assert cpython.monotonic() - started < 60
    with pytest.raises(ValueError):
        time.sleep(-1)
    with pytest.raises(TypeError):
        time.sleep_ms(1.5)


def test_ticks(pair: Pair) -> None:
    time.sleep_ms(1234)
    assert time.ticks_ms() == 1234
    assert time.ticks_us() == 1234_000
    assert time.ticks_diff(time.ticks_ms(), 1000) == 234


def test_ticks_wrap() -> None:
    last = 2**30 - 1
    assert time.ticks_add(last, 1) == 0
    assert time.ticks_diff(0, last) == 1
    assert time.ticks_diff(last, 0) == -1
    assert time.ticks_diff(2**29, 0) == -(2**29)


def test_dates(pair: Pair) -> None:
    assert time.time() == 0
    time.sleep(86400 * 31 + 1)
    assert time.gmtime() == (1970, 2, 1, 0, 0, 1, 6, 32)
    assert time.localtime(0) == (1970, 1, 1, 0, 0, 0, 3, 1)
    assert time.mktime((1970, 2, 1, 0, 0, 1, 6, 32)) == time.time()
    assert time.time_ns() == time.time() * 1_000_000_000


def test_the_epoch_is_the_ports() -> None:
    with two_devices(client=named("micropython-esp32")) as pair:
        assert time.gmtime(0) == (2000, 1, 1, 0, 0, 0, 5, 1)
        assert time.time() == -946_684_800
        assert time.mktime((2000, 1, 2, 0, 0, 0, 6, 2)) == 86400
        with pair.server.use():
            assert time.gmtime(0)[0] == 1970


def test_ticks_count_from_power_on(pair: Pair) -> None:
    time.sleep(5)
    pair.client.power_cycle()
    time.sleep_ms(7)
    assert time.ticks_ms() == 7
    assert time.ticks_us() == 7000
    assert time.time() == 5
