"""A MicroPython program that runs beside ours, in a thread, until it is told to leave."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from lab import interrupt
from tap.clock import SECOND
from usocket import Device
from usocket.script import run_script

PATIENCE = 5  # s that a program gets to leave


class Program:
    """A script on an open device, from the beginning to the end of a ``with`` block."""

    def __init__(self, device: Device, script: Path) -> None:
        self._device = device
        self._script = script
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=script.name, daemon=True)

    def _run(self) -> None:
        run_script(self._device, self._script)
        with self._device.host.lock:  # whoever waits looks again
            self._ended = True

    def wait_until_it_listens(self) -> None:
        """Return when the program has a listening socket (or has not got one in time)."""
        pool = self._device.stack.mem.tcp_pcb_listen
        deadline = self._device.clock.now() + PATIENCE * SECOND
        self._device.host.wait(lambda: pool.used or self._ended, deadline)

    def stop(self) -> None:
        """Have it leave as by ``sys.exit()``, at the blocking call in which it is or that it makes next."""
        with self._device.host.lock:
            self._device.schedule(sys.exit)
        self._thread.join(PATIENCE)

    def __enter__(self) -> Program:
        try:
            with interrupt.held():
                self._thread.start()
        except BaseException:  # Ctrl-C, which waited until the thread was under way
            if self._thread.ident is not None:
                self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
