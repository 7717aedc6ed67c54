"""Ctrl-C as on a board: the program gets KeyboardInterrupt, never the stack.

On a board the interrupt is looked at between two bytecodes of the program and in every waiting call, but not
while lwIP is at work, which would leave a packet half handled. Here the handler lets the stack finish, and
the program gets KeyboardInterrupt where its call looks for callbacks.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from usocket.device import Device

_STACK = ("netstack", "tap")
_SLEEPS = ("tap.clock", "threading")  # nothing is half done in a wait of these


@contextmanager
def ctrl_c(device: Device) -> Iterator[None]:
    """Have Ctrl-C interrupt the program that runs in this (the main) thread, for a ``with`` block."""

    def handle(number: int, frame: FrameType | None) -> None:
        if in_stack(frame):
            device.interrupt()
        else:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_stack(frame: FrameType | None) -> bool:
    """Whether the code that was interrupted there is the stack's, and not asleep."""
    if frame is not None and frame.f_code.co_name == "wait" and _module(frame) in _SLEEPS:
        return False
    while frame is not None:
        if _module(frame).partition(".")[0] in _STACK:
            return True
        frame = frame.f_back
    return False


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
