"""What all layers of one stack share: the profile, the time, memory, timers, counters, the trace hook and
random numbers.

A layer gets the ``Core`` and the layers below it; it knows no layer above (those register handlers).
"""

from __future__ import annotations

from collections.abc import Callable

from netstack.memory import Memory
from netstack.profile import Profile
from netstack.stats import Drop, Stats
from netstack.timers import Timers
from netstack.trace import Done, Dropped, PoolEvent, TimerFired, TraceHook

MS = 1_000_000  # ns in a millisecond


class Core:
    """Shared state of one stack. ``now`` is ns and ``ms`` whole milliseconds since the stack started."""

    __slots__ = ("clock_start", "mem", "ms", "now", "profile", "rand", "stats", "timers", "trace")

    def __init__(self, profile: Profile, rand: Callable[[], int], clock_start: int) -> None:
        self.profile = profile
        self.rand = rand
        self.clock_start = clock_start
        self.now = 0
        self.ms = 0
        self.mem = Memory(profile)
        self.stats = Stats()
        self.timers = Timers(profile.poll_interval_ms)
        self.trace: TraceHook | None = None

    def set_now(self, now: int) -> None:
        """Move the clock; time never runs backwards."""
        assert now >= self.now, "time runs backwards"
        self.now = now
        self.ms = now // MS

    def sys_now(self) -> int:
        """lwIP's 32-bit millisecond clock, which may wrap."""
        return self.clock_start + self.ms & 0xFFFFFFFF

    def set_trace(self, hook: TraceHook | None) -> None:
        """Deliver events to ``hook`` from now on, or to nobody."""
        self.trace = hook
        self.mem.observe(self._pool_event if hook is not None else None)
        self.timers.on_fire = self._timer_event if hook is not None else None
        self.timers.on_done = self._timer_done if hook is not None else None

    def drop(self, reason: Drop) -> None:
        """A received packet goes no further: one reason, its counters, one event."""
        self.stats.count_drop(reason)
        if self.trace is not None:
            self.trace(Dropped(self.now, reason.name))

    def _pool_event(self, name: str, ok: bool, used: int) -> None:
        if self.trace is not None:
            self.trace(PoolEvent(self.now, name, ok, used))

    def _timer_event(self, name: str) -> None:
        if self.trace is not None:
            self.trace(TimerFired(self.now, name))

    def _timer_done(self) -> None:
        if self.trace is not None:
            self.trace(Done(self.now))


def splitmix32(seed: int) -> Callable[[], int]:
    """A seeded stream of 32-bit numbers (the upper half of SplitMix64): the default source of LWIP_RAND."""
    state = seed & 0xFFFFFFFFFFFFFFFF

    def draw() -> int:
        nonlocal state
        state = state + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        z = state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        z = (z ^ z >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        return (z ^ z >> 31) >> 32

    return draw
