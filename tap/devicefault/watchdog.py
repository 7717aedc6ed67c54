"""A watchdog that resets the device when its program does not come by."""

from __future__ import annotations

from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim
from tap.devicefault.reboot import KEPT, WDT_RESET, reboot


class Watchdog(DeviceFault):
    """The device is reset (warm) when its program has begun no usocket call for ``timeout`` ns; a call that
    waits longer than that is such a time, too. It begins to watch with the program's first call, as
    ``machine.WDT`` does, and after a reset with the next one. With ``restart`` programs of a network begin
    anew.
    """

    def __init__(
        self,
        device: Victim,
        timeout: int,
        restart: bool = True,
        *,
        note: Note | None = None,
        name: str = "watchdog",
    ) -> None:
        super().__init__(device, name, note)
        if timeout < 1:
            raise DeviceFaultError("a watchdog has patience: give timeout=8s")
        self._timeout, self._restart = timeout, restart
        self._fed: int | None = None  # when; None: it does not watch
        self._planned = False

    def _feed(self) -> None:
        self._fed = self.now
        if not self._planned:
            self._plan(self._fed + self._timeout)

    def _plan(self, when: int) -> None:
        self._planned = True
        self.at(when, self._look)

    def _look(self) -> None:
        self._planned = False
        if self._fed is None:
            return
        if self._fed + self._timeout > self.now:
            self._plan(self._fed + self._timeout)
            return
        self.note("reset", f"no call for {self.now - self._fed} ns")
        self._fed = None
        reboot(self.device, KEPT, WDT_RESET, 0, self._restart, self.at)

    def _begin(self) -> None:
        self._fed, self._planned = None, False
        self.device.add_before_calls(self._feed)

    def _end(self) -> None:
        self.device.remove_before_calls(self._feed)

    def _booted(self) -> None:
        self._fed = None
