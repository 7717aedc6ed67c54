"""lwIP's timers: a few cyclic handlers and the TCP timer, run in lwIP's order (``timeouts.c``).

All cyclic timers are armed when the stack starts, so their phase is fixed by boot time. After a cyclic
handler ran its next due time is the previous due time plus the period (or now plus the period when that is
past); the TCP timer is armed anew at now plus 250 ms after each of its runs. Timers due at the same time run
in the order in which they were armed.

Tickless underneath: a timer that says it is ``idle`` (its handler would change nothing) is stepped over
without being run and never shows in ``next_deadline``, yet keeps its place on the grid.

Times here are whole milliseconds since the stack started, as lwIP's are.
"""

from __future__ import annotations

from collections.abc import Callable

_NEVER = 1 << 62


class Timer:
    """One entry of the timer table. ``due`` is in ms; ``_NEVER`` while it is not armed."""

    __slots__ = ("armed_at", "cyclic", "due", "handler", "idle", "name", "period", "rank")

    def __init__(
        self, name: str, period: int, handler: Callable[[], None], idle: Callable[[], bool] | None, rank: int
    ) -> None:
        self.name = name
        self.period = period
        self.handler = handler
        self.idle = idle
        self.rank = rank
        self.cyclic = idle is not None
        self.due = period if self.cyclic else _NEVER
        self.armed_at = 0

    @property
    def armed(self) -> bool:
        """Whether it is due at some time."""
        return self.due < _NEVER


class Timers:
    """The timer table. ``quantum`` is how often, in ms, the port looks at it (``sys_check_timeouts``)."""

    __slots__ = ("_earliest", "_timers", "on_fire", "quantum")

    def __init__(self, quantum: int = 1) -> None:
        self.quantum = quantum
        self.on_fire: Callable[[str], None] | None = None  # trace hook: called with the timer's name
        self._timers: list[Timer] = []
        self._earliest = _NEVER

    def cyclic(self, name: str, period: int, handler: Callable[[], None], idle: Callable[[], bool]) -> Timer:
        """A timer armed at boot that runs every ``period`` ms for ever; ``idle`` says that a run would change
        nothing.
        """
        return self._add(Timer(name, period, handler, idle, len(self._timers)))

    def oneshot(self, name: str, handler: Callable[[], None]) -> Timer:
        """A timer that runs once each time it is armed with ``arm``."""
        return self._add(Timer(name, 0, handler, None, len(self._timers)))

    def _add(self, timer: Timer) -> Timer:
        self._timers.append(timer)
        self._earliest = min(self._earliest, timer.due)
        return timer

    def arm(self, timer: Timer, now: int, delay: int) -> None:
        """Make ``timer`` due ``delay`` ms after ``now``."""
        timer.due = now + delay
        timer.armed_at = now
        if timer.due < self._earliest:
            self._earliest = timer.due

    def disarm(self, timer: Timer) -> None:
        """Forget when ``timer`` was due."""
        timer.due = _NEVER

    def run(self, now: int) -> None:
        """Run everything due at or before ``now`` (``sys_check_timeouts``)."""
        if now < self._earliest:
            return
        while True:
            timer = min(self._timers, key=_order)
            if timer.due > now:
                self._earliest = timer.due
                return
            due = timer.due
            if timer.idle is None:
                timer.due = _NEVER
            elif timer.idle():
                timer.due += ((now - due) // timer.period + 1) * timer.period
                timer.armed_at = timer.due - timer.period
                continue
            else:
                timer.due = due + timer.period if due + timer.period >= now else now + timer.period
                timer.armed_at = now
            if self.on_fire is not None:
                self.on_fire(timer.name)
            timer.handler()

    def next_look(self, now: int) -> int:
        """When, in ms, the port looks at the table next, whether or not it will find something to do.

        A port that sleeps until the next timer (quantum 1) looks then; one that polls, at its next multiple
        of the quantum.
        """
        if self.quantum > 1:
            return (now // self.quantum + 1) * self.quantum
        return min(_after(timer, now) for timer in self._timers)

    def next_due(self) -> int | None:
        """When, in ms, the port's next look at the table will find something to do; None when nothing is
        waited for.
        """
        due = _NEVER
        for timer in self._timers:
            if timer.due < due and not (timer.idle is not None and timer.idle()):
                due = timer.due
        if due == _NEVER:
            return None
        return -(-due // self.quantum) * self.quantum


def _after(timer: Timer, now: int) -> int:
    """When ``timer`` is due after ``now``; an idle one may not have been stepped over yet."""
    return (
        timer.due if timer.due > now else timer.due + ((now - timer.due) // timer.period + 1) * timer.period
    )


def _order(timer: Timer) -> tuple[int, int, int]:
    return timer.due, timer.armed_at, timer.rank
