"""Which device ``usocket.socket()`` means: a context variable, so each thread and greenlet has its own.

What a module keeps between calls (a random generator's state, the name of the host) is the device's:
``PerDevice`` holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from usocket.device import Device

T = TypeVar("T")

current: ContextVar[Device] = ContextVar("current device")


class NoDevice(RuntimeError):
    """A socket was asked for where no device is open."""


def current_device() -> Device:
    """The device of the innermost ``with Device(...):`` of this thread or greenlet. Raises NoDevice."""
    device = current.get(None)
    if device is None:
        raise NoDevice(
            "no device is open in this thread: open one with `with usocket.Device(address='192.168.7.2/24'):`"
            " or say which of several with `device.socket()` or `with device.use():`"
        )
    return device


class PerDevice(Generic[T]):
    """Something that each device has one of: ``make(device)``, when first asked for after power-on.

    A soft reset keeps it.
    """

    def __init__(self, make: Callable[[Device], T]) -> None:
        self._make = make

    def __call__(self) -> T:
        """That of the current device. Raises NoDevice."""
        return self.of(current_device())

    def of(self, device: Device) -> T:
        """That of ``device``."""
        parts = device.parts
        if self not in parts:
            parts[self] = self._make(device)
        found: T = parts[self]
        return found
