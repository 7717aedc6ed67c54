"""A CPU that is slow, or that stands still for a while."""

from __future__ import annotations

from tap.clock import MS
from tap.devicefault.controller import Controller, controller_of
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim
from tap.devicefault.localtime import Pauses, by_chance, clock_was_set, local_clock
from tap.streams import Stream


class Cpu(DeviceFault):
    """The CPU works ``frame`` ns on each frame, received or sent, and ``byte`` ns on each of its bytes.
    Meanwhile frames that come wait (``rx-ring`` limits how many), those to be sent leave later, and the
    program's calls begin later.
    """

    def __init__(
        self, device: Victim, frame: int = 0, byte: int = 0, *, note: Note | None = None, name: str = "cpu"
    ) -> None:
        super().__init__(device, name, note)
        if not frame and not byte:
            raise DeviceFaultError("this CPU takes no time: give frame=50us or byte=10ns")
        self._frame, self._byte = frame, byte
        self.worked = 0  # ns on frames
        self._controller: Controller

    def _cost(self, frame: bytes) -> int:
        cost = self._frame + self._byte * len(frame)
        self.worked += cost
        return cost

    def _hold_up(self) -> None:
        """A call of the program begins."""
        busy_until = self._controller.busy_until
        if busy_until > self.now:
            self.device.wait(lambda: False, self.device.clock.now() + busy_until - self.now, "the CPU")

    def _begin(self) -> None:
        self._controller = controller_of(self.device)
        self._controller.costs.append(self._cost)
        self.device.add_before_calls(self._hold_up)
        self.note("slow", f"{self._frame} ns a frame, {self._byte} ns a byte")

    def _end(self) -> None:
        self._controller.costs.remove(self._cost)
        self.device.remove_before_calls(self._hold_up)
        self._controller.settle()
        self.note("end", f"{self.worked} ns of work")


class CpuStall(DeviceFault):
    """The CPU stands still for ``length`` ns, by chance up to ``longest`` (none: always ``length``), at once
    and with ``every`` again and again: flash is erased, interrupts are off.

    No frame is taken in (``rx-ring`` limits how many can wait), no timer runs, the program stands still. The
    clock shows the right time afterwards.
    """

    def __init__(
        self,
        device: Victim,
        length: int = 100 * MS,
        longest: int | None = None,
        every: int | None = None,
        *,
        stream: Stream | None = None,
        note: Note | None = None,
        name: str = "cpu-stall",
    ) -> None:
        super().__init__(device, name, note)
        most = length if longest is None else longest
        if length < 1 or most < length:
            raise DeviceFaultError(f"no stall lasts {length} to {most} ns: give length=20ms longest=400ms")
        if every is not None and most >= every:
            raise DeviceFaultError("it comes again before it ends: give a longer every")
        if most > length and stream is None:
            raise DeviceFaultError("longest needs a stream of random numbers")
        self._length, self._longest, self._every = length, most, every
        self._stream = stream
        self._pauses: Pauses
        self._controller: Controller

    def _begin(self) -> None:
        length = by_chance(self._length, self._longest, self._stream)
        self._pauses = Pauses(length, self._every, self.now)
        local_clock(self.device).add(self._pauses)
        self._controller = controller_of(self.device)
        self._controller.holds.append(self._pauses.end)
        clock_was_set(self.device)
        again = "" if self._every is None else f", again each {self._every} ns"
        self.note("stall", f"for {length(0)} ns{again}")

    def _end(self) -> None:
        local_clock(self.device).remove(self._pauses, jumps=True)
        self._controller.holds.remove(self._pauses.end)
        clock_was_set(self.device)
        self.device.host.wake()
        self._controller.settle()
