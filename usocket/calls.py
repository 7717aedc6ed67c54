"""The calls of a device's programs: how they begin, wait and end, and what happens in between.

At the beginning of a call, and while it waits, what the collector has left behind is closed and callbacks
that a program has scheduled are run, as MicroPython does. A program of an earlier life (before a reset) ends
at its next wait. Faults that stop the program (``tap.devicefault``) do so at the beginning of its calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tap.clock import MS, SECOND, Clock
from tap.host import Host
from usocket.oddities import Oddities

if TYPE_CHECKING:
    from netstack.stack import Stack

Close = Callable[[bool], object]

STEP = 1 * MS  # a wait of ``poll_sockets``
CALL = 50_000  # ns that a call takes in virtual time when it finds nothing: asking in a loop takes time
SCHEDULER_DEPTH = 8  # callbacks that may wait to be run, as on boards (MICROPY_SCHEDULER_DEPTH)

# Sockets that the collector found unclosed, of all devices of a clock. They are closed at the next call or
# wait of any of these, since the collector may come while the stack is at work.
_orphans: WeakKeyDictionary[Clock, deque[tuple[Calls, object]]] = WeakKeyDictionary()


class Calls:
    """What a device does for the calls of its programs. ``clock`` is the device's own.

    ``enter`` begins a call.
    """

    host: Host
    stack: Stack
    is_open: bool

    def __init__(self, clock: Clock, oddities: Oddities, collects: bool) -> None:
        self.clock = clock
        self.oddities = oddities
        self.enter: Callable[[], None] = self._begin
        self._before_calls: tuple[Callable[[], None], ...] = ()
        self._collects = collects
        self._garbage: list[object] = []  # dropped unclosed, with gc="manual"
        self._life = 0  # how often it was reset: threads of an earlier life end
        self._changes = 0  # how often it was reset or its clock was set
        self._sockets: dict[object, Close] = {}  # open ones, in the order in which they were made
        self._orphans = _orphans.setdefault(clock, deque())
        self._scheduled: deque[Callable[[], object]] = deque()
        self._in_callback = False

    # Time

    def sleep(self, seconds: float) -> None:
        """Let time pass while the device goes on answering."""
        self.sleep_ns(round(seconds * SECOND))

    def sleep_ns(self, duration: int) -> None:
        """Let ``duration`` ns pass."""
        self.enter()
        self.wait(lambda: False, self.clock.now() + duration, "sleep")

    def call_at(self, when: int, callback: Callable[[], object]) -> None:
        """Have ``callback`` run, with the lock, once ``when`` (clock's ns) has come, unless power is cut."""
        stack = self.stack

        def due() -> None:
            if self.is_open and self.stack is stack:
                with self.host.lock:
                    self.host.catch_up()
                    callback()

        with self.host.lock:
            self.clock.call_at(when, due)

    def clock_changed(self) -> None:
        """The device's clock has been set: who waits looks again how long. Called with the lock."""
        self._changes += 1

    # Beginning and waiting

    def _begin(self) -> None:
        """Begin a call: what the collector left behind is closed, callbacks that wait are run."""
        if self._orphans:
            self._reap()
        if self._scheduled:
            self._run_scheduled()

    def _begin_late(self) -> None:
        """Begin a call when something holds the program up."""
        for hold_up in self._before_calls:
            hold_up()
        self._begin()

    def add_before_calls(self, hold_up: Callable[[], None]) -> None:
        """Have ``hold_up`` called, in the program, at the beginning of its calls; it may ``wait``."""
        self._before_calls = (*self._before_calls, hold_up)
        self.enter = self._begin_late

    def remove_before_calls(self, hold_up: Callable[[], None]) -> None:
        """Have it called no more."""
        self._before_calls = tuple(other for other in self._before_calls if other != hold_up)
        if not self._before_calls:
            self.enter = self._begin

    def wait(self, ready: Callable[[], bool], deadline: int | None, what: str, tried: bool = False) -> bool:
        """Keep the device going until ``ready()`` or ``deadline`` (clock's ns); callbacks are run meanwhile.

        ``ready`` is called with the device's lock held; ``tried``: it was false a moment ago.
        """
        done = False
        life, changes = self._life, self._changes

        def look() -> bool:
            nonlocal done
            if self._orphans:
                self._reap()
            if self._changes != changes:
                if self._life != life:
                    raise SystemExit  # a thread of a program that is no more
                return True  # the deadline is at another time now
            done = ready()
            return done or (bool(self._scheduled) and not self._in_callback)

        tried = tried and not self._scheduled
        while self.host.wait(look, deadline, what, tried):
            tried = False
            changes = self._changes
            self._run_scheduled()
            if done:
                return True
        return False

    def attempt(
        self, operation: Callable[[], bool], timeout: int | None, what: str, *, step: bool = False
    ) -> bool:
        """Try ``operation`` until it is done (True) or ``timeout`` ms are over (None: for ever; 0: one look).

        ``step``: that look takes a millisecond, as MicroPython's ``poll_sockets`` does.
        """
        self.enter()
        with self.host.lock:
            if operation():
                return True
        return self.wait(operation, self.deadline(timeout, step=step), what, tried=True)

    def deadline(self, timeout: int | None, *, step: bool = False) -> int | None:
        """The clock's time in ``timeout`` ms. Not to wait (0) takes a moment in virtual time."""
        if timeout is None:
            return None
        if timeout:
            return self.clock.now() + timeout * MS
        return self.clock.now() + (STEP if step else CALL if self.clock.virtual else 0)

    # Sockets

    def adopt(self, sock: object, close: Close) -> None:
        """A socket of the layer has been made; ``close(leaving)`` closes it, ``leaving`` with the device."""
        self._sockets[sock] = close

    def release(self, sock: object) -> None:
        """A socket of the layer has been closed."""
        self._sockets.pop(sock, None)

    def orphan(self, sock: object) -> None:
        """The program has dropped a socket unclosed: it is closed soon, but not inside the stack."""
        if sock not in self._sockets:
            return  # of a life that a reset has ended
        if self._collects:
            self._garbage.append(sock)
        else:
            self._orphans.append((self, sock))

    def collect(self) -> None:
        """``gc.collect()``: sockets that the program dropped are closed."""
        while self._garbage:
            self._orphans.append((self, self._garbage.pop(0)))
        self.enter()

    def _reap(self) -> None:
        while self._orphans:
            device, sock = self._orphans.popleft()
            with device.host.lock:
                close = device._sockets.pop(sock, None)
                if close is not None:
                    close(False)

    def _close_sockets(self, leaving: bool) -> None:
        for close in list(self._sockets.values()):
            close(leaving)
        self._forget_sockets()

    def _forget_sockets(self) -> None:
        self._sockets.clear()
        self._garbage.clear()

    # Callbacks of the program

    @property
    def has_room_to_schedule(self) -> bool:
        """Whether one callback more would not be lost."""
        return len(self._scheduled) < SCHEDULER_DEPTH

    def schedule(self, callback: Callable[[], object]) -> None:
        """Have ``callback`` run in the program, not in the stack; lost when 8 wait (mp_sched_schedule)."""
        if self.has_room_to_schedule:
            self._scheduled.append(callback)
        else:
            self.note("callback-lost")

    def note(self, oddity: str) -> str:
        """Count something that a board would have hidden or not survived (``usocket.oddities``); what."""
        return self.oddities.note(oddity)

    def _run_scheduled(self) -> None:
        while self._scheduled and not self._in_callback:  # one does not interrupt another (mp_sched_lock)
            self._in_callback = True
            try:
                self._scheduled.popleft()()
            finally:
                self._in_callback = False

    # The life of a program

    @property
    def life(self) -> int:
        """How often it was reset."""
        return self._life

    def _end_program(self, again_at: int | None = None) -> None:
        """The life of the program is over. ``again_at`` (the network's time): it begins anew."""
        self._life += 1
        self._changes += 1
        self._scheduled.clear()
        self.host.end_programs(again_at)
