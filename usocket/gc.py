"""MicroPython's ``gc``. ``collect`` closes the sockets that the program has dropped.

Here that happens at once anyway, unless the device was made with ``gc="manual"``: then dropped sockets keep
their control blocks until ``collect``, as on a board. The Python heap is not emulated: it is always as empty
as at power-on.

Source: micropython/micropython:py/modgc.c.
"""

from __future__ import annotations

import gc

from usocket.addrinfo import integer
from usocket.current import PerDevice, current_device

__all__ = ["collect", "disable", "enable", "isenabled", "mem_alloc", "mem_free", "threshold"]

_settings: PerDevice[dict[str, int]] = PerDevice(lambda _: {"enabled": 1, "threshold": -1})


def collect() -> None:
    """Close what was dropped."""
    gc.collect()  # what refers to itself
    current_device().collect()


def enable() -> None:
    """Remembered; nothing is collected here but by ``collect``."""
    _settings()["enabled"] = 1


def disable() -> None:
    """Remembered, see ``enable``."""
    _settings()["enabled"] = 0


def isenabled() -> bool:
    """What was remembered."""
    return bool(_settings()["enabled"])


def threshold(amount: int | None = None, /) -> int | None:
    """Remembered, -1 at first; nothing is collected for it."""
    settings = _settings()
    if amount is None:
        return settings["threshold"]
    settings["threshold"] = integer(amount)
    return None


def mem_free() -> int:
    """The bytes of the port's Python heap."""
    return current_device().port.ram


def mem_alloc() -> int:
    """0: see above."""
    return 0
