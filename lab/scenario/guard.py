"""Ends a run that takes too long in real time: a program that computes for ever, a network that never rests.

While a program computes no virtual time passes, so no limit of the run's own would do. A thread watches the
real clock. When time is up it sets a flag, which the run looks at between two turns; when that is not heeded,
because some program has the turn and does not give it back, ``OutOfTime`` is raised in the middle of it
(PyThreadState_SetAsyncExc), again and again, should the program catch it. What even that does not end, a call
in C, ends with its process if that is a worker of ``multiprocessing``: whoever waits for it learns of it.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import threading
import time
from types import TracebackType
from typing import Self

PATIENCE = 1.0  # s for the run to see the flag
AGAIN = 0.1  # s from one OutOfTime to the next
LAST = 10.0  # s of them before a worker's process ends


class OutOfTime(BaseException):
    """The run is to end. No Exception: a program that catches those does not mean this."""


class Guard:
    """Within ``with``, the run in this thread has ``limit`` s (None: any time). ``is_over``: they are up."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.is_over = False
        self._thread_id = threading.get_ident()
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="guard of a run", daemon=True)

    def check(self) -> None:
        """Raises OutOfTime when time is up."""
        if self.is_over and not self._released.is_set():
            raise OutOfTime

    def release(self) -> None:
        """The run is ending: nothing is raised any more."""
        while True:
            try:
                self._released.set()
                if self._thread.is_alive():
                    self._thread.join()
                for _ in range(2):  # what is pending comes at the end of a turn
                    pass
                return
            except OutOfTime:
                continue

    def _watch(self) -> None:
        if self._released.wait(self.limit):
            return
        self.is_over = True
        pause = PATIENCE
        last = time.monotonic() + PATIENCE + LAST
        while not self._released.wait(pause):
            pause = AGAIN
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(self._thread_id), ctypes.py_object(OutOfTime)
            )
            if time.monotonic() > last and multiprocessing.parent_process() is not None:
                os._exit(1)

    def __enter__(self) -> Self:
        if self.limit is not None:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
