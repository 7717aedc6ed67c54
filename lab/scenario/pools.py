"""The memory of a device in numbers: what is in use, and what never came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netstack.memory import Memory
from netstack.pool import Heap, Pool
from netstack.profiles import named

if TYPE_CHECKING:
    from usocket.device import Device

Usage = dict[str, int]


def memory_of(memory: Memory) -> tuple[Heap | Pool, ...]:
    """The heap and all pools."""
    return (memory.heap, *memory.pools())


POOLS = tuple(pool.name for pool in memory_of(Memory(named("lwip-default"))))


def pool_of(device: Device, name: str) -> Heap | Pool:
    """The pool of that name (one of ``POOLS``)."""
    return next(pool for pool in memory_of(device.stack.mem) if pool.name == name)


def usage(device: Device) -> Usage:
    """What is in use of each pool."""
    return {pool.name: pool.used for pool in memory_of(device.stack.mem)}


def leaked(device: Device, base: Usage) -> Usage:
    """What is in use beyond ``base``, where that is anything."""
    return {name: used - base[name] for name, used in usage(device).items() if used > base[name]}
