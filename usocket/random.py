"""MicroPython's ``random``: the generator Yasmarang, one per device, seeded from the device's seed.

Boards seed it from hardware; here two runs with the same seed are the same. ``random.seed(n)`` gives the
numbers that a board gives.

Source: micropython/micropython:extmod/modrandom.c (Yasmarang: Ilya Levin, public domain).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeVar

from netstack.core import splitmix32
from usocket.addrinfo import integer
from usocket.current import PerDevice

__all__ = ["choice", "getrandbits", "randint", "random", "randrange", "seed", "uniform"]

T = TypeVar("T")

MASK = 0xFFFFFFFF
SALT = 0x72616E64  # keeps a device's streams apart: lwIP's own begins with the seed itself


class Yasmarang:
    """The generator: ``draw()`` gives 32 bits."""

    def __init__(self, seed: int) -> None:
        self._pad = seed & MASK
        self._n = 69
        self._d = 233
        self._dat = 0

    def draw(self) -> int:
        """The next number."""
        pad = self._pad + self._dat + self._d * self._n & MASK
        pad = (pad << 3 & MASK) + (pad >> 29)
        self._pad = pad
        self._n = pad | 2
        self._d ^= (pad << 31 & MASK) + (pad >> 1) & MASK
        self._dat ^= pad & 0xFF ^ self._d >> 8 & 0xFF ^ 1
        return (pad ^ self._d << 5 ^ pad >> 18 ^ self._dat << 1) & MASK

    def below(self, limit: int) -> int:
        """A number under ``limit``, which is at least 1 and has 32 bits."""
        mask = (1 << limit.bit_length()) - 1
        while (drawn := self.draw() & mask) >= limit:
            pass
        return drawn


_hardware = PerDevice(lambda device: splitmix32(device.seed ^ int.from_bytes(device.mac, "big") ^ SALT))
_generator: PerDevice[list[Yasmarang]] = PerDevice(lambda device: [Yasmarang(_hardware.of(device)())])


def noise(size: int) -> bytes:
    """``size`` bytes that come from hardware on a board."""
    draw = _hardware()
    words = (draw() for _ in range(-(-size // 4)))
    return b"".join(word.to_bytes(4, "little") for word in words)[:size]


def getrandbits(n: int, /) -> int:
    """A number of ``n`` bits, 0 to 32."""
    if not 0 <= integer(n) <= 32:
        raise ValueError("bits must be 32 or less")
    return _generator()[0].draw() & (1 << n) - 1 if n else 0


def seed(n: int | None = None, /) -> None:
    """Begin again from ``n``, or from something that nobody knows."""
    _generator()[0] = Yasmarang(_hardware()() if n is None else integer(n))


def randrange(start: int, stop: int | None = None, step: int = 1, /) -> int:
    """An item of ``range(...)``. ValueError if that is empty."""
    numbers = range(integer(start)) if stop is None else range(integer(start), integer(stop), integer(step))
    if not numbers:
        raise ValueError
    return numbers[_generator()[0].below(len(numbers))]


def randint(a: int, b: int, /) -> int:
    """A number from ``a`` to ``b``, both included."""
    return randrange(a, integer(b) + 1)


def choice(sequence: Sequence[T], /) -> T:
    """An item. IndexError if there is none."""
    if not sequence:
        raise IndexError
    return sequence[_generator()[0].below(len(sequence))]


def random() -> float:
    """A number from 0 up to 1, of single precision, as on boards."""
    bits = 127 << 23 | _generator()[0].draw() & (1 << 23) - 1
    number: float = struct.unpack("<f", struct.pack("<I", bits))[0]
    return number - 1


def uniform(a: float, b: float, /) -> float:
    """A number from ``a`` up to ``b``."""
    return a + (b - a) * random()
