"""MicroPython's ``time`` on a device: sleeping lets the device go on answering, and the clock is the
device's.

In virtual time a sleep takes none. The epoch is the port's, 1970 or 2000; ``ticks_...`` count from power-on
and wrap at 2**30 as on 32-bit boards. In virtual time the device boots in 1970, else it knows the time.

Source: micropython/micropython:extmod/modtime.c, docs/library/time.rst.
"""

from __future__ import annotations

import calendar
from time import gmtime as _gmtime

from usocket.addrinfo import integer
from usocket.current import current_device

__all__ = [
    "gmtime",
    "localtime",
    "mktime",
    "sleep",
    "sleep_ms",
    "sleep_us",
    "ticks_add",
    "ticks_cpu",
    "ticks_diff",
    "ticks_ms",
    "ticks_us",
    "time",
    "time_ns",
]

TICKS_PERIOD = 1 << 30

Moment = tuple[int, int, int, int, int, int, int, int]


def sleep(seconds: float, /) -> None:
    """Sleep; ValueError if ``seconds`` is negative."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    current_device().sleep(seconds)


def sleep_ms(ms: int, /) -> None:
    """Sleep; nothing if ``ms`` is negative."""
    current_device().sleep_ns(max(0, integer(ms)) * 1_000_000)


def sleep_us(us: int, /) -> None:
    """Sleep; nothing if ``us`` is negative."""
    current_device().sleep_ns(max(0, integer(us)) * 1_000)


def ticks_ms() -> int:
    """Milliseconds since boot, modulo 2**30."""
    return _since_boot() // 1_000_000 % TICKS_PERIOD


def ticks_us() -> int:
    """Microseconds since boot, modulo 2**30."""
    return _since_boot() // 1_000 % TICKS_PERIOD


def _since_boot() -> int:
    device = current_device()
    return device.clock.now() - device.host.boot


ticks_cpu = ticks_us


def ticks_add(ticks: int, delta: int, /) -> int:
    """``ticks`` moved by ``delta``, modulo 2**30. OverflowError for a delta of 2**29 and more."""
    half = TICKS_PERIOD // 2
    if not -half <= integer(delta) < half:
        raise OverflowError("ticks interval overflow")
    return (integer(ticks) + delta) % TICKS_PERIOD


def ticks_diff(end: int, start: int, /) -> int:
    """``end`` - ``start``, from -2**29 to 2**29 - 1."""
    half = TICKS_PERIOD // 2
    return (integer(end) - integer(start) + half) % TICKS_PERIOD - half


def time_ns() -> int:
    """Nanoseconds since the epoch."""
    device = current_device()
    return device.clock.epoch + device.clock.now() + device.rtc_offset - _epoch() * 1_000_000_000


def time() -> int:
    """Seconds since the epoch, an int."""
    return time_ns() // 1_000_000_000


def gmtime(seconds: int | None = None, /) -> Moment:
    """(year, month, day, hour, minute, second, weekday, day of the year) of ``seconds``, or of now."""
    moment = _gmtime(int(time() if seconds is None else seconds) + _epoch())
    return moment[:8]


localtime = gmtime


def mktime(moment: tuple[int, ...], /) -> int:
    """The seconds of which ``moment`` is the localtime."""
    return calendar.timegm(moment[:6]) - _epoch()


def _epoch() -> int:
    return current_device().port.epoch
