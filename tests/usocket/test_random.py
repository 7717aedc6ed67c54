"""random: the generator of the boards (numbers from MicroPython 1.27), one per device."""

from __future__ import annotations

import pytest

from tests.usocket.support import two_devices
from usocket import random


def test_the_numbers_of_a_board() -> None:
    with two_devices():
        random.seed(1)
        assert [random.getrandbits(32) for _ in range(4)] == [2002244, 1862853106, 2677483614, 156226652]
        random.seed(7)
        assert [random.getrandbits(8) for _ in range(5)] == [52, 149, 184, 100, 99]
        assert random.randint(5, 20) == 19
        assert random.randrange(0, 100, 7) == 0
        assert random.choice("abcdef") == "a"
        assert random.randrange(1) == 0
        assert random.randrange(10, 0, -3) == 7
        assert (random.randrange(2), random.randrange(256), random.randrange(257)) == (1, 205, 55)


def test_each_device_has_its_own_stream() -> None:
    def some() -> list[int]:
        return [random.getrandbits(16) for _ in range(5)]

    with two_devices() as pair:
        first = some()
        with pair.server.use():
            assert some() != first
        pair.client.power_cycle()
        assert some() == first
        random.seed()
        assert some() != first


def test_floats_are_of_single_precision() -> None:
    with two_devices():
        drawn = [random.random() for _ in range(100)]
        assert all(0 <= number < 1 and number * 2**23 == int(number * 2**23) for number in drawn)
        assert all(2 <= random.uniform(2, 3) < 3 for _ in range(100))


def test_what_cannot_be() -> None:
    with two_devices():
        assert random.getrandbits(0) == 0
        for bits in (33, -1):
            with pytest.raises(ValueError, match="bits must be 32 or less"):
                random.getrandbits(bits)
        for bounds in ((0,), (5, 5), (1, 10, -1)):
            with pytest.raises(ValueError):
                random.randrange(*bounds)
        with pytest.raises(ValueError):
            random.randint(2, 1)
        with pytest.raises(IndexError):
            random.choice([])
