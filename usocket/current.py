"""Which device ``usocket.socket()`` means: a context variable, so each thread and greenlet has its own."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usocket.device import Device

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
