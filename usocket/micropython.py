"""The module ``micropython``: ``const``, ``schedule``, lwIP's memory.

The compiler knows ``@micropython.native`` by itself (``usocket.language``).

Source: micropython/micropython:py/modmicropython.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from usocket import console
from usocket.addrinfo import integer
from usocket.current import PerDevice, current_device
from usocket.language import const

__all__ = [
    "alloc_emergency_exception_buf",
    "const",
    "heap_lock",
    "heap_locked",
    "heap_unlock",
    "kbd_intr",
    "mem_info",
    "opt_level",
    "qstr_info",
    "schedule",
    "stack_use",
]

_settings: PerDevice[dict[str, int]] = PerDevice(lambda _: {"opt_level": 0, "heap_locked": 0})


def schedule(function: Callable[[Any], object], argument: Any, /) -> None:
    """Have ``function(argument)`` run soon, in a call of the program. RuntimeError when eight wait."""
    device = current_device()
    if not device.has_room_to_schedule:
        raise RuntimeError("schedule queue full")
    device.schedule(lambda: function(argument))


def alloc_emergency_exception_buf(size: int, /) -> None:
    """Nothing: there is always memory for an exception."""
    integer(size)


def opt_level(level: int | None = None, /) -> int | None:
    """Remembered; assertions are always checked."""
    settings = _settings()
    if level is None:
        return settings["opt_level"]
    settings["opt_level"] = integer(level)
    return None


def kbd_intr(character: int, /) -> None:
    """Nothing: Ctrl-C always interrupts."""
    integer(character)


def heap_lock() -> int:
    """How often the heap is locked now; allocating goes on all the same."""
    settings = _settings()
    settings["heap_locked"] += 1
    return settings["heap_locked"]


def heap_unlock() -> int:
    """How often it is still locked."""
    settings = _settings()
    settings["heap_locked"] = max(0, settings["heap_locked"] - 1)
    return settings["heap_locked"]


def heap_locked() -> int:
    """How often it is locked."""
    return _settings()["heap_locked"]


def stack_use() -> int:
    """0: the C stack is not emulated."""
    return 0


def mem_info(verbose: object = None, /) -> None:
    """Print lwIP's memory: what is used, what was, what there is. (The Python heap is not emulated.)"""
    memory = current_device().stack.mem
    heap = memory.heap
    console.stdout.write(f"lwIP heap: {heap.used} of {heap.size} bytes, at most {heap.max}\n")
    for pool in (memory.tcp_pcb, memory.tcp_pcb_listen, memory.udp_pcb, memory.tcp_seg, memory.pbuf_pool):
        console.stdout.write(f"{pool.name}: {pool.used} of {pool.size}, at most {pool.max}\n")


def qstr_info(verbose: object = None, /) -> None:
    """Nothing: there are no qstrs."""
