"""MicroPython's ``_thread``, as far as servers use it: threads of a program that are on the program's device.

They are what the device's host has: threads of this process, or programs of a network (``tap.scheduler``).

Source: micropython/micropython:py/modthread.c.
"""

from __future__ import annotations

import _thread
import contextvars
from _thread import LockType, exit
from collections.abc import Callable, Mapping
from typing import Any

from usocket import console, report
from usocket.addrinfo import integer
from usocket.current import current, current_device
from usocket.machine import Reset

__all__ = ["LockType", "allocate_lock", "exit", "get_ident", "stack_size", "start_new_thread"]


def start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None, /
) -> int:
    """Run ``function`` in a new thread, which has this one's current device; its identifier."""
    context = contextvars.copy_context()

    def run() -> None:
        try:
            context.run(function, *args, **(kwargs or {}))
        except (SystemExit, Reset):
            pass
        except (Exception, KeyboardInterrupt) as error:
            context.run(_report, function, error)

    return current_device().host.spawn(run)


def get_ident() -> int:
    """The identifier of the thread that asks."""
    return current_device().host.identity()


def allocate_lock() -> LockType:
    """A lock, not taken."""
    device = current.get(None)
    lock: LockType = _thread.allocate_lock() if device is None else device.host.new_lock()
    return lock


def _report(function: Callable[..., object], error: BaseException) -> None:
    builtins = getattr(getattr(function, "__func__", function), "__builtins__", {})
    console.stderr.write(f"Unhandled exception in thread started by {function}\n")
    report.print_exception(error, console.stderr, builtins)


def stack_size(size: int = 0, /) -> int:
    """0, the default: threads here have CPython's stack, whatever is asked for."""
    integer(size)
    return 0
