"""A program that does not get to the network: it reads sensors, draws, or another task has the CPU."""

from __future__ import annotations

from fractions import Fraction

from tap.devicefault.chooser import Chooser
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim
from tap.impair.schedule import Schedule
from tap.streams import Stream


class AppStall(DeviceFault):
    """The program is held up at the beginning of its usocket calls, while the stack goes on: for ``pause`` ns
    at each, or only the ``nth``, each ``every``-th, or each with probability ``p``. With ``busy`` and
    ``period`` instead: for the first ``busy`` ns of each ``period``, from now on, no call gets on (a duty
    cycle).
    """

    def __init__(
        self,
        device: Victim,
        pause: int | None = None,
        nth: int | None = None,
        every: int | None = None,
        p: Fraction | float | None = None,
        busy: int | None = None,
        period: int | None = None,
        *,
        stream: Stream | None = None,
        note: Note | None = None,
        name: str = "app-stall",
    ) -> None:
        super().__init__(device, name, note)
        if (pause is None) == (busy is None) or (busy is None) != (period is None):
            raise DeviceFaultError("held up for how long? give pause=200ms, or busy=80ms period=100ms")
        Schedule(0, busy, period)  # says what is wrong with them
        self._pause, self._busy, self._period = pause, busy, period
        self._chooser = Chooser(nth, every, p, stream=stream)
        self._schedule: Schedule

    def _hold_up(self) -> None:
        now = self.now
        if self._pause is not None:
            length = self._pause
        elif self._schedule.active(now):
            length = (self._schedule.next_change(now) or now) - now
        else:
            return
        if length and self._chooser.hit():
            self.note("stall", f"for {length} ns, call {self._chooser.seen}")
            self.device.wait(lambda: not self.running, self.device.clock.now() + length, "app-stall")

    def _begin(self) -> None:
        self._schedule = Schedule(self.now, self._busy, self._period)
        self.device.add_before_calls(self._hold_up)

    def _end(self) -> None:
        self.device.remove_before_calls(self._hold_up)
