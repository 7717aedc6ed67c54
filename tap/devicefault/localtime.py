"""The clock of a device that does not go as the network's does: it drifts, ticks, stands still, jumps.

All that the device does by its clock goes by this one then: lwIP's timers and programs' sleeps, time-outs and
ticks. A reading never goes back. What is asked of it is when it will show something (``true_time``), so a
device whose clock is wrong costs no more events than one whose clock is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tap.clock import Clock
from tap.devicefault.fault import Victim
from tap.streams import Stream

_STRIDE = 0xD1342543DE82EF95  # odd: each number has a start of its own



class Mapping(Protocol):
    """What makes a clock wrong. Both are monotone, times are ns."""

    def shown(self, time: int) -> int:
        """What the clock shows at ``time``."""

    def reached(self, shown: int) -> int:
        """The first time at which it shows ``shown`` or more."""


class LocalClock(Clock):
    """A device's view of ``true``, the network's clock: through ``mappings``, one after the other, and set
    ahead by ``offset`` ns.
    """

    def __init__(self, true: Clock) -> None:
        self.true = true
        super().__init__()
        self.virtual = true.virtual
        self.epoch = true.epoch
        self.mappings: tuple[Mapping, ...] = ()
        self.offset = 0
        self._not_before = true.now()  # the latest reading

    def now(self) -> int:
        time = self._read()
        if time > self._not_before:
            self._not_before = time
        return self._not_before

    def _read(self) -> int:
        time = self.true.now()
        for mapping in self.mappings:
            time = mapping.shown(time)
        return time + self.offset

    def true_time(self, local: int) -> int:
        """When, in the network's time, it will show ``local``; now, when that is past."""
        now = self.true.now()
        if local <= self.now():
            return now
        time = local - self.offset
        for mapping in reversed(self.mappings):
            time = mapping.reached(time)
        return max(time, now)

    def call_at(self, when: int, callback: Callable[[], None]) -> None:
        self.true.call_at(self.true_time(when), callback)

    def next_event(self) -> int | None:
        return self.true.next_event()

    def run_due(self) -> None:
        self.true.run_due()

    def wait(self, deadline: int | None, fds: Sequence[int] = ()) -> None:
        self.true.wait(None if deadline is None else self.true_time(deadline), fds)

    def add(self, mapping: Mapping) -> None:
        """Go through ``mapping``, too, from now on. The reading does not jump."""
        self._exchange((*self.mappings, mapping))

    def remove(self, mapping: Mapping, jumps: bool = False) -> None:
        """Go through it no more. What was gained or lost stays so, unless it ``jumps``."""
        self._exchange(tuple(other for other in self.mappings if other is not mapping), jumps)

    def _exchange(self, mappings: tuple[Mapping, ...], jumps: bool = False) -> None:
        before = self.now()
        self.mappings = mappings
        if not jumps:
            self.offset += before - self._read()

    def set_ahead(self, by: int) -> None:
        """Set it ahead by ``by`` ns; back, when negative: then it stands still for as long."""
        self.now()
        self.offset += by


def local_clock(device: Victim) -> LocalClock:
    """The device's own clock, made when first asked for. Called with the lock, as all below."""
    host = device.host
    if isinstance(device.clock, LocalClock):
        return device.clock
    device.clock = host.clock = host.local = clock = LocalClock(host.network_clock)
    return clock


def clock_was_set(device: Victim) -> None:
    """After a change: timers that are due run, who waits looks again how long."""
    device.host.catch_up()
    device.clock_changed()


Lateness = Callable[[int], int]  # a number for each number: the same each time it is asked


def by_chance(low: int, high: int, stream: Stream | None) -> Lateness:
    """Between ``low`` and ``high``, both included; always ``low`` without a stream."""
    if stream is None or low == high:
        return lambda number: low
    state = stream.u64()
    return lambda number: Stream(state + number * _STRIDE).between(low, high)


class Drift:
    """Fast by ``ppm`` parts in a million (slow, when negative), from ``start`` on."""

    def __init__(self, ppm: int, start: int) -> None:
        self._rate = 1_000_000 + ppm
        self._start = start

    def shown(self, time: int) -> int:
        return self._start + (time - self._start) * self._rate // 1_000_000

    def reached(self, shown: int) -> int:
        return self._start + -(-(shown - self._start) * 1_000_000 // self._rate)


class Ticks:
    """Ticks of ``tick`` ns, and only they move the clock. The k-th comes up to ``jitter`` ns late, by chance:
    ``late(k)`` in 0 .. jitter, less than a tick.
    """

    def __init__(self, tick: int, late: Lateness, start: int) -> None:
        self._tick = tick
        self._late = late
        self._start = start

    def shown(self, time: int) -> int:
        number, since = divmod(time - self._start, self._tick)
        if since < self._late(number):
            number -= 1
        return self._start + number * self._tick

    def reached(self, shown: int) -> int:
        number = -(-(shown - self._start) // self._tick)
        return self._start + number * self._tick + self._late(number)


class Pauses:
    """The clock stands still, then shows the right time again: from ``start`` on for ``length(0)`` ns, and
    with ``every`` again after that for ``length(1)``, and so on. Each ends before the next.
    """

    def __init__(self, length: Lateness, every: int | None, start: int) -> None:
        self._length = length
        self._every = every
        self._start = start

    def end(self, time: int) -> int | None:
        """When the pause that ``time`` is in ends; None in none."""
        since = time - self._start
        if since < 0:
            return None
        number = 0 if self._every is None else since // self._every
        begun = self._start + number * (self._every or 0)
        end = begun + self._length(number)
        return end if time < end else None

    def shown(self, time: int) -> int:
        return time if self.end(time) is None else self._begun(time)

    def reached(self, shown: int) -> int:
        end = self.end(shown)
        return shown if end is None or shown == self._begun(shown) else end

    def _begun(self, time: int) -> int:
        since = time - self._start
        return self._start if self._every is None else time - since % self._every
