"""Ctrl-C and SIGTERM, delivered where they can do no harm.

Python raises KeyboardInterrupt between any two steps of the main thread. Amid the stack, or where the driver
takes a lock, that would leave a stack half changed or a lock taken, and closing the device would hang or
fail. So the handler looks where the main thread is: in the clock's wait, or in no function of the stack and
the driver, it raises; anywhere else it looks again a millisecond later, and after ``PATIENCE`` it raises
wherever it is.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

TERMINATED = 128 + signal.SIGTERM  # the exit status
PATIENCE = 0.5  # s

_ROOT = Path(__file__).resolve().parent.parent
_GUARDED = (f"{_ROOT}/netstack/", *(f"{_ROOT}/tap/{name}.py" for name in ("driver", "host", "service")))
_CLOCK = str(_ROOT / "tap" / "clock.py")

_holders: list[str] = []  # one entry for each ``held`` block that the main thread is in
_pending: dict[int, float] = {}  # the signal that waits -> until when


def install() -> None:
    """Handle SIGINT (KeyboardInterrupt) and SIGTERM (SystemExit 143) this way from now on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _arrived)
    signal.signal(signal.SIGALRM, _look_again)


def ignore() -> None:
    """All is done: Ctrl-C comes too late, also for one that still waits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    _pending.clear()


@contextmanager
def held() -> Iterator[None]:
    """Ctrl-C waits for the end of the ``with`` block, also in the processes that are started in it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what a child inherits
    _holders.append("held")
    try:
        yield
    finally:
        _holders.pop()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _arrived(number: int, frame: FrameType | None) -> None:
    _pending.setdefault(number, time.monotonic() + PATIENCE)
    _look_again(number, frame)


def _look_again(_: int, frame: FrameType | None) -> None:
    if not _pending:
        return
    number, deadline = next(iter(_pending.items()))
    if not _may_interrupt(frame) and time.monotonic() < deadline:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        return
    _pending.clear()
    if number == signal.SIGTERM:
        raise SystemExit(TERMINATED)
    raise KeyboardInterrupt


def _may_interrupt(frame: FrameType | None) -> bool:
    """Whether an exception does no harm where the main thread is now."""
    if _holders:
        return False
    if frame is not None and frame.f_code.co_filename == _CLOCK and frame.f_code.co_name == "wait":
        return True
    while frame is not None:
        if frame.f_code.co_filename.startswith(_GUARDED):
            return False
        frame = frame.f_back
    return True
