"""Too few receive descriptors: what comes while all are in use is lost. Some drivers never get over it."""

from __future__ import annotations

from tap.devicefault.controller import Controller, controller_of
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim


class RxRing(DeviceFault):
    """The controller has ``size`` receive descriptors. A frame that finds none is lost; after that the driver
    receives nothing for ``stall`` ns (forever: until the device is reset).

    Frames that come at the same moment fill it, and what comes while the CPU is held up (``cpu``,
    ``cpu-stall``).
    """

    def __init__(
        self,
        device: Victim,
        size: int = 4,
        stall: int | None = 0,
        *,
        note: Note | None = None,
        name: str = "rx-ring",
    ) -> None:
        super().__init__(device, name, note)
        if size < 1:
            raise DeviceFaultError(f"a ring of {size} descriptors receives nothing: give size=4")
        self._size, self._stall = size, stall
        self._stalled_until: int | None = 0  # None: for ever
        self._controller: Controller

    def admits(self, waiting: int) -> bool:
        """Whether there is a descriptor for one frame more."""
        if self._stalled_until is None or self.now < self._stalled_until:
            self.note("drop", "the driver has stalled after an overrun")
            return False
        if waiting < self._size:
            return True
        self._stalled_until = None if self._stall is None else self.now + self._stall
        self.note("drop", f"overrun: all {self._size} descriptors are in use")
        return False

    def _begin(self) -> None:
        self._controller = controller_of(self.device)
        self._controller.rings.append(self)
        self._stalled_until = 0

    def _end(self) -> None:
        self._controller.rings.remove(self)
        self._controller.settle()

    def _booted(self) -> None:
        self._stalled_until = 0
