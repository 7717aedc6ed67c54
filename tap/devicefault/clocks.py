"""Clocks that are wrong: drift, coarse or uneven ticks, a step, and the tick counter that wraps.

What shows them is ``tap.devicefault.localtime``; it stays when the fault ends, so that the device's time does
not jump back.
"""

from __future__ import annotations

from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFault, DeviceFaultError, Note, Victim
from tap.devicefault.localtime import Drift, Mapping, Ticks, by_chance, clock_was_set, local_clock
from tap.streams import Stream

WRAP = 1 << 32  # ms: what lwIP's sys_now() counts to
SLOWEST, FASTEST = -500_000, 1_000_000  # ppm


class ClockFault(DeviceFault):
    """The device's clock is wrong: ``drift`` parts in a million fast (slow, when negative); it moves in ticks
    of ``tick`` ns (None: as it should), and each tick comes up to ``jitter`` ns late.
    """

    def __init__(
        self,
        device: Victim,
        drift: int | None = None,
        tick: int | None = None,
        jitter: int = 0,
        *,
        stream: Stream | None = None,
        note: Note | None = None,
        name: str = "clock",
    ) -> None:
        super().__init__(device, name, note)
        if drift is None and tick is None:
            raise DeviceFaultError("this clock is right: give drift=300ppm or tick=10ms jitter=2ms")
        if drift is not None and not SLOWEST <= drift <= FASTEST:
            raise DeviceFaultError(f"a drift of {drift} ppm is none: give {SLOWEST} to {FASTEST}")
        if jitter and (tick is None or jitter >= tick):
            raise DeviceFaultError("jitter is that of ticks and less than one: give tick=10ms jitter=2ms")
        if tick is not None and not tick:
            raise DeviceFaultError("a tick of no time is none: give tick=10ms")
        if jitter and stream is None:
            raise DeviceFaultError("jitter needs a stream of random numbers")
        self._drift, self._tick, self._jitter = drift, tick, jitter
        self._stream = stream
        self._mappings: list[Mapping] = []

    def _begin(self) -> None:
        clock = local_clock(self.device)
        if self._drift is not None:
            self._mappings.append(Drift(self._drift, self.now))
        if self._tick is not None:
            late = by_chance(0, self._jitter, self._stream)
            self._mappings.append(Ticks(self._tick, late, self.now))
        for mapping in self._mappings:
            clock.add(mapping)
        clock_was_set(self.device)
        self.note("clock", " ".join(self._words()))

    def _words(self) -> list[str]:
        words = [f"drift {self._drift} ppm"] if self._drift is not None else []
        if self._tick is not None:
            words.append(f"tick {self._tick} ns, up to {self._jitter} ns late")
        return words

    def _end(self) -> None:
        clock = local_clock(self.device)
        for mapping in self._mappings:
            clock.remove(mapping)
        self._mappings = []
        clock_was_set(self.device)


class ClockStep(DeviceFault):
    """The clock is set ahead by ``by`` ns, or back (negative), once: the ``tick`` clock that lwIP and
    programs wait by, or the clock of the ``day`` (what NTP does).

    Set ahead, timers and time-outs are over early. Set back, the tick clock stands still for as long, since
    lwIP's time cannot run backwards here: everything comes late.
    """

    def __init__(
        self, device: Victim, by: int, of: str = "tick", *, note: Note | None = None, name: str = "clock-step"
    ) -> None:
        super().__init__(device, name, note)
        if of not in ("tick", "day"):
            raise DeviceFaultError(f"there is no clock {of!r}: take tick or day")
        if of == "tick" and abs(by) >= WRAP * MS:
            raise DeviceFaultError(f"the tick clock wraps after {WRAP} ms: give a step of less")
        self._by, self._of = by, of

    def _begin(self) -> None:
        if self._of == "day":
            self.device.rtc_offset += self._by
        else:
            local_clock(self.device).set_ahead(self._by)
            clock_was_set(self.device)
        self.note("step", f"{self._of} clock by {self._by} ns")


class TickWrap(DeviceFault):
    """The device has been up for so long that its 32-bit counter of milliseconds wraps in ``before`` ns: that
    of lwIP, which TCP's time stamps show, and with it the program's ``ticks_ms``. After a reset it begins
    again as long before the wrap. lwIP survives; a program that subtracts ticks by itself does not.
    """

    def __init__(
        self, device: Victim, before: int = 10 * SECOND, *, note: Note | None = None, name: str = "tick-wrap"
    ) -> None:
        super().__init__(device, name, note)
        if not 0 < before < WRAP * MS:
            raise DeviceFaultError(f"the counter wraps after {WRAP} ms: give before=10s")
        self._before = before

    def _begin(self) -> None:
        self._age()

    def _booted(self) -> None:
        self._age()

    def _age(self) -> None:
        device = self.device
        up = device.clock.now() - device.host.boot
        older = (WRAP - self._before // MS - up // MS) % WRAP
        device.stack.core.clock_start += older
        device.host.boot -= older * MS
        self.note("age", f"by {older} ms, the wrap comes in {self._before} ns")
