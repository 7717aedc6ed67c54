"""lwIP's timers: a few cyclic handlers and the TCP timer, run in lwIP's order (``timeouts.c``).

All cyclic timers are armed when the stack starts, so their phase is fixed by boot time. After a cyclic
handler ran its next due time is the previous due time plus the period (or now plus the period when that is
past); the TCP timer is armed anew at now plus 250 ms after each of its runs. Timers due at the same time run
in the order in which they were armed.

Tickless underneath: a timer that says it is ``idle`` (its handler would change nothing) is stepped over
without being run and never shows in ``next_deadline``, yet keeps its place on the grid. The TCP timer says
how many of its next runs would be ``quiet``, and is told how many were skipped.

Times here are whole milliseconds since the stack started, as lwIP's are.
"""

from __future__ import annotations

from collections.abc import Callable

# lwIP's table of cyclic timers (timeouts.c): the order in which those due at the same time run
LWIP_ORDER = ("reassembly", "arp", "dhcp_coarse", "dhcp_fine", "acd", "igmp", "dns", "tcp")

_NEVER = 1 << 62
FOR_EVER = 1 << 40  # runs or ms: longer than anybody looks


class Timer:
    """One entry of the timer table. ``due`` is in ms; ``_NEVER`` while it is not armed."""

    __slots__ = ("armed_at", "due", "handler", "idle", "name", "period", "quiet", "rank", "skip")

    def __init__(
        self, name: str, period: int, handler: Callable[[], None], idle: Callable[[], bool] | None, rank: int
    ) -> None:
        self.name = name
        self.period = period
        self.handler = handler
        self.idle = idle
        self.rank = rank
        self.quiet: Callable[[], int] | None = None
        self.skip: Callable[[int], None] | None = None
        self.due = period if idle is not None else _NEVER
        self.armed_at = 0

    @property
    def armed(self) -> bool:
        """Whether it is due at some time."""
        return self.due < _NEVER


class Timers:
    """The timer table. ``quantum`` is how often, in ms, the port looks at it (``sys_check_timeouts``).

    ``earliest``: no entry is due before that, in ms.
    """

    __slots__ = ("_timers", "earliest", "on_done", "on_fire", "quantum")

    def __init__(self, quantum: int = 1) -> None:
        self.quantum = quantum
        self.on_fire: Callable[[str], None] | None = None  # trace hook: called with the timer's name
        self.on_done: Callable[[], None] | None = None  # and this when its handler has returned
        self._timers: list[Timer] = []
        self.earliest = _NEVER

    def cyclic(self, name: str, period: int, handler: Callable[[], None], idle: Callable[[], bool]) -> Timer:
        """A timer armed at boot that runs every ``period`` ms for ever; ``idle`` says that a run would change
        nothing.
        """
        return self._add(Timer(name, period, handler, idle, _rank(name)))

    def oneshot(
        self,
        name: str,
        period: int,
        handler: Callable[[], None],
        quiet: Callable[[], int] | None = None,
        skip: Callable[[int], None] | None = None,
    ) -> Timer:
        """A timer that runs once each time it is armed with ``arm``, ``period`` ms later.

        ``quiet`` says how many runs from the next on would do nothing but arm it again; ``skip`` is told how
        many of them have passed.
        """
        timer = self._add(Timer(name, period, handler, None, _rank(name)))
        timer.quiet = quiet
        timer.skip = skip
        return timer

    def _add(self, timer: Timer) -> Timer:
        self._timers.append(timer)
        self.earliest = min(self.earliest, timer.due)
        return timer

    def arm(self, timer: Timer, now: int) -> None:
        """Make ``timer`` due one period after ``now``."""
        timer.due = now + timer.period
        timer.armed_at = now
        if timer.due < self.earliest:
            self.earliest = timer.due

    def disarm(self, timer: Timer) -> None:
        """Forget when ``timer`` was due."""
        timer.due = _NEVER

    def run(self, now: int) -> None:
        """Run everything due at the port's last look, at or before ``now`` (``sys_check_timeouts``)."""
        if self.quantum > 1:
            now -= now % self.quantum
        if now < self.earliest:
            return
        while True:
            timer = self._first()
            if timer.due > now:
                self.earliest = timer.due
                return
            due = timer.due
            if timer.idle is None:
                if timer.quiet is not None and (runs := timer.quiet()):
                    self._skip(timer, runs, now)
                    continue
                timer.due = _NEVER
            elif timer.idle():
                self._step_over(timer, now)
                continue
            else:
                timer.due = due + timer.period if due + timer.period >= now else now + timer.period
                timer.armed_at = now
            told = self.on_fire
            if told is not None:
                told(timer.name)
            timer.handler()
            if told is not None and self.on_done is not None:
                self.on_done()

    def _first(self) -> Timer:
        """The timer that runs first: by time due, then by when it was armed, then in lwIP's order."""
        first = self._timers[0]
        for timer in self._timers:
            if timer.due <= first.due and (timer.due < first.due or _order(timer) < _order(first)):
                first = timer
        return first

    def _step_over(self, timer: Timer, now: int) -> None:
        """Step over the runs of an idle timer up to ``now``, but not past a busy one: that may wake it, and
        then it runs, if it is due, at the same time.
        """
        horizon = min(
            [now + 1, *(other.due for other in self._timers if other.idle is None or not other.idle())]
        )
        timer.due += max(-(-(horizon - timer.due) // timer.period), 1) * timer.period
        timer.armed_at = -(-(timer.due - timer.period) // self.quantum) * self.quantum

    def _skip(self, timer: Timer, runs: int, now: int) -> None:
        """Step over up to ``runs`` quiet runs, as far as they lie at or before ``now``."""
        look, step = self._grid(timer)
        runs = min(runs, (now - look) // step + 1)
        assert timer.skip is not None
        timer.skip(runs)
        timer.armed_at = look + (runs - 1) * step
        timer.due = timer.armed_at + timer.period

    def _grid(self, timer: Timer) -> tuple[int, int]:
        """When the port would find ``timer`` due, and how long after that again, ms."""
        quantum = self.quantum
        return -(-timer.due // quantum) * quantum, -(-timer.period // quantum) * quantum

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
                look, step = self._grid(timer)
                if timer.quiet is not None:
                    look += timer.quiet() * step
                if look < due:
                    due = look
        return None if due >= FOR_EVER else due


def _after(timer: Timer, now: int) -> int:
    """When ``timer`` is due after ``now``; an idle one may not have been stepped over yet."""
    return (
        timer.due if timer.due > now else timer.due + ((now - timer.due) // timer.period + 1) * timer.period
    )


def _rank(name: str) -> int:
    return LWIP_ORDER.index(name) if name in LWIP_ORDER else len(LWIP_ORDER)


def _order(timer: Timer) -> tuple[int, int, int]:
    return timer.due, timer.armed_at, timer.rank
