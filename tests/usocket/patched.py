"""Two devices on a wire in real time: the sockets of this process are one's, the other is the peer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tap.clock import RealClock
from tap.wire import wire
from usocket import Device

DEVICE = "10.0.0.1"
PEER = "10.0.0.2"


class Both(NamedTuple):
    """``device`` has the sockets of this process, ``peer`` MicroPython's."""

    device: Device
    peer: Device


@contextmanager
def two_in_real_time() -> Iterator[Both]:
    """Both devices, nothing patched."""
    clock = RealClock()
    one, other = wire(clock)
    with (
        Device("micropython", address=f"{DEVICE}/24", link=one, clock=clock, name="device") as device,
        Device("full", address=f"{PEER}/24", link=other, clock=clock, name="peer") as peer,
    ):
        yield Both(device, peer)


@contextmanager
def patched() -> Iterator[Both]:
    """Both devices, and the sockets of this process are the first one's."""
    with two_in_real_time() as both, both.device.patched():
        yield both


def descriptors() -> set[str]:
    """The descriptors of this process."""
    return set(os.listdir("/proc/self/fd"))
