"""MicroPython's ``machine``, as far as programs on the network use it. There are no pins.

``reset()`` is the reset button: connections vanish without a word and the program begins anew on a stack
that has just been switched on. ``soft_reset()`` closes the program's sockets and begins it anew; the stack
goes on, so an address may still be in use. Who runs the program does both (``usocket.script``).

Sources: micropython/micropython:extmod/modmachine.c, extmod/machine_timer.c, ports/rp2/machine_rtc.c.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from time import gmtime
from typing import Any, NoReturn

from usocket.addrinfo import integer
from usocket.current import PerDevice, current_device
from usocket.device import PWRON_RESET, SOFT_RESET

__all__ = [
    "PWRON_RESET",
    "RTC",
    "SOFT_RESET",
    "WDT_RESET",
    "Timer",
    "deepsleep",
    "freq",
    "idle",
    "lightsleep",
    "reset",
    "reset_cause",
    "soft_reset",
    "unique_id",
]

WDT_RESET = 3

MS = 1_000_000
SECOND = 1_000_000_000


class Reset(BaseException):
    """The program ends and begins anew; ``hard``: so does the stack. No program can catch it for long."""

    def __init__(self, hard: bool) -> None:
        super().__init__("hard reset" if hard else "soft reset")
        self.hard = hard


_frequency: PerDevice[list[int]] = PerDevice(lambda device: [device.port.frequency])


def reset() -> NoReturn:
    """Press the reset button."""
    _end(hard=True)


def soft_reset() -> NoReturn:
    """Begin the program anew."""
    _end(hard=False)


def _end(hard: bool) -> NoReturn:
    device = current_device()

    def again() -> None:  # the program's other threads end, and a bare except does not save it
        device.schedule(again)
        raise Reset(hard)

    device.schedule(again)
    raise Reset(hard)


def reset_cause() -> int:
    """What ended the life before this one."""
    return current_device().reset_cause


def unique_id() -> bytes:
    """Eight bytes that no other device of the network has: they are made of the MAC address."""
    mac = current_device().mac
    return mac[:3] + b"\xff\xfe" + mac[3:]


def freq(hz: int = 0, /) -> int | None:
    """The CPU's frequency in Hz; it can be set, but nothing becomes faster."""
    frequency = _frequency()
    if not hz:
        return frequency[0]
    frequency[0] = integer(hz)
    return None


def idle() -> None:
    """Sleep until the next interrupt: at most a millisecond."""
    current_device().sleep_ns(MS)


def lightsleep(ms: int | None = None, /) -> None:
    """Sleep ``ms``; for ever without. The device goes on answering, which a board does not."""
    device = current_device()
    device.enter()
    device.wait(lambda: False, None if ms is None else device.clock.now() + integer(ms) * MS, "lightsleep")


def deepsleep(ms: int | None = None, /) -> NoReturn:
    """Sleep, then wake up by a reset."""
    lightsleep(ms)
    reset()


class RTC:
    """The clock of the day. It starts right (in virtual time at the beginning of 1970) and can be set."""

    def __init__(self, id: int = 0, /) -> None:
        integer(id)

    def datetime(self, moment: tuple[int, ...] | None = None, /) -> tuple[int, ...] | None:
        """(year, month, day, weekday, hours, minutes, seconds, microseconds); sets it, or tells it."""
        device = current_device()
        now = device.clock.epoch + device.clock.now()
        if moment is None:
            seconds, rest = divmod(now + device.rtc_offset, SECOND)
            year, month, day, hour, minute, second, weekday, *_ = gmtime(seconds)
            return year, month, day, weekday, hour, minute, second, rest // 1000
        if len(moment) != 8:
            raise ValueError(f"requested length 8 but object has length {len(moment)}")
        year, month, day, _, hour, minute, second, micros = moment
        wanted = calendar.timegm((year, month, day, hour, minute, second)) * SECOND + micros * 1000
        device.rtc_offset = wanted - now
        return None


class Timer:
    """A timer in software (``id`` -1): calls ``callback(timer)`` in the program, once or again and again."""

    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id: int = -1, /, **settings: Any) -> None:
        if integer(id) != -1:
            raise ValueError("Timer doesn't exist")
        self._run = 0  # counts inits: a call that an earlier one has planned is not for this one
        if settings:
            self.init(**settings)

    def init(
        self,
        *,
        mode: int = PERIODIC,
        freq: float | None = None,
        period: int = -1,
        callback: Callable[[Timer], object] | None = None,
    ) -> None:
        """Start: in ``period`` ms, or ``freq`` times a second."""
        self.deinit()
        if callback is None:
            return
        device = current_device()
        gap = round(SECOND / freq) if freq else integer(period) * MS
        if gap <= 0:
            raise ValueError("invalid period")
        run = self._run
        due = device.clock.now() + gap

        life = device.life

        def ring() -> None:
            nonlocal due
            if self._run != run or device.life != life:
                return
            if mode == Timer.PERIODIC:
                due = max(due + gap, device.clock.now() + 1)
                device.call_at(due, ring)
            device.schedule(call)

        def call() -> None:
            if self._run == run:
                callback(self)

        device.call_at(due, ring)

    def deinit(self) -> None:
        """Stop."""
        self._run += 1
