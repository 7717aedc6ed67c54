"""Drives the hosts of a network and runs its programs: the driver (``tap.driver``) of a network's clock.

A blocking call in a program waits on its host, which passes the turn. Hosts take in what has arrived, and
programs go on, in the order in which each got something to do. When nobody has anything to do, time passes
until something is due. Who has nothing to do costs nothing, however many they are.

In virtual time a run depends on the code, the scenario and the seed alone: order is (time, arrival number).
"""

from __future__ import annotations

import gc
import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from errno import EBADF
from typing import Any

from tap.clock import SECOND, Clock, Deadlock
from tap.driver import BATCH, Condition, Driven, Driver
from tap.program import Program, Waiter

MAX_TURNS = 1_000_000  # at one moment of virtual time: more, and a program waits for time that never passes
POLL_EVERY = 64  # steps between two looks at descriptors, in real time, while there is always something to do
COLLECT_EVERY = 1 << 18  # steps between two runs of the garbage collector, so that it comes at a known moment


class Seat(Waiter):
    """A host in the scheduler, and the host's lock (``with host.lock:``)."""

    __slots__ = ("_depth", "_looked", "_scheduler", "changed", "host", "queued", "tentative", "waiting")

    def __init__(self, scheduler: Scheduler, host: Driven) -> None:
        super().__init__()
        self._scheduler = scheduler
        self.host = host
        self.queued = False  # it is to be pumped
        self.changed = False  # its next timer may be another one now
        self.tentative = False  # it may be due later than ``due``, or not at all
        self.waiting: list[Program] = []
        self._depth = 0  # how often it is locked
        self._looked = -1  # when its timers were last brought up to now

    def wake(self) -> None:
        """Have the host pumped."""
        if not self.queued:
            self.queued = True
            self._scheduler.queued.append(self)

    def __enter__(self) -> None:
        scheduler = self._scheduler
        if not self._depth:
            now = scheduler.clock.now()
            if now != self._looked:
                self._looked = now
                self.host.catch_up()
        self._depth += 1
        scheduler._inside += 1

    def __exit__(self, *_: object) -> None:
        self._leave(True)

    def look(self, condition: Condition) -> bool:
        """Try ``condition`` with the lock. Others who wait look again unless it has come out false."""
        self.__enter__()
        done: object = True
        try:
            done = condition()
        finally:
            self._leave(done)
        return bool(done)

    def _leave(self, rouse: object) -> None:
        """Somebody was at work in the host: its timers, and what its programs wait for, may be others."""
        scheduler = self._scheduler
        scheduler._inside -= 1
        self._depth -= 1
        if not self._depth:
            if not self.changed:
                self.changed = True
                scheduler.changed.append(self)
            if rouse and self.waiting:
                scheduler.rouse(self)


class Lock:
    """What ``_thread.allocate_lock`` gives to programs of a network: waiting for it passes the turn."""

    def __init__(self, scheduler: Scheduler, host: Driven) -> None:
        self._scheduler = scheduler
        self._host = host
        self._held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take it: whether that was possible, in ``timeout`` seconds or at once."""
        deadline = None
        if not blocking or timeout >= 0:
            deadline = self._scheduler.clock.now() + (round(timeout * SECOND) if blocking else 0)
        return self._scheduler.wait(self._host, self._take, deadline, f"{self._host.name} (a lock)")

    def _take(self) -> bool:
        if self._held:
            return False
        self._held = True
        return True

    def release(self) -> None:
        """Give it back."""
        if not self._held:
            raise RuntimeError("release unlocked lock")
        with self._scheduler.guard(self._host):
            self._held = False

    def locked(self) -> bool:
        """Whether somebody has it."""
        return self._held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Scheduler(Driver):
    """Drives the hosts of a network and runs its programs. All of it is one thread's."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        clock.driver = self
        self.programs: list[Program] = []  # that have not ended, in the order of their start
        self.awaited = 0  # how many of them are no daemons
        self._started = 0
        self.steps = 0  # how often a host or a program had its turn
        self._thread = threading.get_ident()
        self._seats: dict[Driven, Seat] = {}
        self.queued: deque[Seat] = deque()  # hosts that are to be pumped
        self._ready: deque[Program] = deque()
        self.changed: list[Seat] = []  # hosts whose next timer is to be looked up
        self._heap: list[tuple[int, int, Seat | Program]] = []
        self._tickets = 0
        self._current: Program | None = None
        self.in_event = False  # a callback of the clock is being run
        self._turns = 0  # at this moment of virtual time
        self._collect_at = COLLECT_EVERY
        self._killing = False

    # Hosts

    def add(self, host: Driven) -> None:
        seat = self._seats[host] = self._seats.get(host) or Seat(self, host)
        self.hosts.append(host)
        seat.wake()
        host.notify(seat.wake)

    def remove(self, host: Driven) -> None:
        self.hosts.remove(host)
        seat = self._seats.pop(host)
        seat.ticket = 0
        self.rouse(seat)

    def guard(self, host: Driven) -> AbstractContextManager[None]:
        return self._seats.setdefault(host, Seat(self, host))

    def start_service(self) -> None:
        raise ValueError("a network keeps its devices answering while it runs: no service thread is needed")

    def rouse(self, seat: Seat) -> None:
        """Have those who wait on the host look again."""
        for program in seat.waiting:
            if not program.queued and program is not self._current:
                program.queued = True
                self._ready.append(program)

    def _pump(self, seat: Seat) -> None:
        seat.queued = False
        host = seat.host
        if host in self._seats:  # else it has been closed
            with seat:
                if host.take_in() == BATCH:
                    seat.wake()

    # Programs

    def start(self, program: Program, at: int) -> None:
        """Let it begin at the clock's time ``at`` (now, when that is past)."""
        self._started += 1
        program.number = self._started
        self.programs.append(program)
        self.awaited += not program.daemon
        if at <= self.clock.now():
            program.queued = True
            self._ready.append(program)
        else:
            self._arm(program, at)

    def spawn(self, function: Callable[[], None], host: Driven) -> int:
        program = Program(f"{host.name}, thread {self._started + 1}", function, daemon=True, is_thread=True)
        self.start(program, self.clock.now())
        return program.number

    @property
    def current(self) -> Program | None:
        """The one whose turn it is; None outside of programs."""
        return self._current

    def identity(self) -> int:
        return 0 if self._current is None else self._current.number

    def new_lock(self, host: Driven) -> Any:
        return Lock(self, host)

    def _turn(self, program: Program) -> None:
        program.queued = False
        if program.finished:
            return
        self._turns += 1
        if self._turns > MAX_TURNS and self.clock.virtual:
            raise Deadlock(
                f"time stands still at {self.clock.now() / SECOND:.6f} s: program {program.name} gets turn "
                f"number {self._turns} there and waits for {program.what}"
            )
        before, self._current = self._current, program
        try:
            ended = program.turn()
        finally:
            self._current = before
        if ended:
            self.programs.remove(program)
            self.awaited -= not program.daemon
            if program.error is not None:
                program.error.add_note(f"in program {program.name}, at {self.clock.now() / SECOND:.6f} s")
                raise program.error

    def kill(self) -> None:
        """End all programs where they are; what they do on being ended must not wait."""
        while rest := [program for program in reversed(self.programs) if program is not self._current]:
            self.end(rest)
        self._ready.clear()

    def end(self, programs: Iterable[Program]) -> None:
        """End these where they are, but not the one that asks; what they do on being ended must not wait."""
        before, self._killing = self._current, True
        try:
            for program in programs:
                if program in self.programs and program is not before:
                    self.programs.remove(program)
                    self.awaited -= not program.daemon
                    self._current = program
                    program.kill()
        finally:
            self._killing = False
            self._current = before

    # Waiting

    def wait(
        self, host: Driven, condition: Condition, deadline: int | None, who: str, tried: bool = False
    ) -> bool:
        """As ``Driver.wait``; in a program others have their turns meanwhile, outside of one the network
        runs.
        """
        program = self._current
        if self._killing and program is not None:
            program.leave()
        if self._inside or self.in_event:
            self.check_outside(f"{who} waits")
        if threading.get_ident() != self._thread:
            raise RuntimeError(f"{who} waits in a thread of its own: a network's programs are greenlets")
        if host not in self._seats:
            raise OSError(EBADF, f"{host.name} has been closed")
        seat = self._seats[host]
        if program is None:
            return self._wait_outside(seat, condition, deadline, who)
        if not tried and seat.look(condition):
            return True
        program.what = who
        if deadline is not None:
            if deadline > self.clock.now():
                self._arm(program, deadline)
            else:  # not to wait is to let the others go first
                program.queued = True
                self._ready.append(program)
        seat.waiting.append(program)
        try:
            while True:
                program.block()
                self._check_open(host)
                if seat.look(condition):
                    return True
                if deadline is not None and self.clock.now() >= deadline:
                    return False
        finally:
            program.ticket = 0
            seat.waiting.remove(program)

    def _check_open(self, host: Driven) -> None:
        if host not in self._seats:
            raise OSError(EBADF, f"{host.name} has been closed")

    def _wait_outside(self, seat: Seat, condition: Condition, deadline: int | None, who: str) -> bool:
        def met() -> bool:
            self._check_open(seat.host)
            return seat.look(condition)

        return self.run(met, deadline, who)

    # Running

    def run(self, finished: Callable[[], object] | None, limit: int | None, who: str = "") -> bool:
        """Let hosts and programs have their turns until ``finished()`` (True) or time ``limit`` (False).

        ``finished`` is asked after every turn; None: until all programs but daemons have ended. Raises what a
        program raised, and Deadlock.
        """
        if self._current is not None:
            raise RuntimeError(f"program {self._current.name} runs the network that it is a part of")
        clock, queued, ready = self.clock, self.queued, self._ready
        polls = not clock.virtual
        while self.awaited if finished is None else not finished():
            self.steps += 1
            if polls and self.steps % POLL_EVERY == 0:
                self._look_at_descriptors()
            if queued:
                self._pump(queued.popleft())
            elif ready:
                self._turn(ready.popleft())
            elif (event := clock.next_event()) is not None and event <= clock.now():
                self._run_events()
            elif limit is not None and clock.now() >= limit:
                return False
            else:
                self._pass_time(limit, who)
            if self.steps >= self._collect_at:
                self._collect_at = self.steps + COLLECT_EVERY
                gc.collect()
        return True

    def _run_events(self) -> None:
        """Run the clock's callbacks that are due."""
        self.in_event = True
        try:
            self.clock.run_due()
        finally:
            self.in_event = False

    def check_outside(self, what: str) -> None:
        if self.in_event:
            raise RuntimeError(f"{what} inside a callback of the clock: it would never end")
        super().check_outside(what)

    def _pass_time(self, limit: int | None, who: str) -> None:
        """Let time pass until something is due, a frame has come, or ``limit``."""
        clock = self.clock
        event = clock.next_event()
        if self.changed:
            self._look_at_timers()
        due = self._earliest_due(event)
        if due is None or (event is not None and event < due):
            due = event
        fds = () if clock.virtual else [fd for fd, _ in self._descriptors()]
        if due is None and not fds:
            self._check_for_deadlock(limit, who)
        clock.wait(limit if due is None or (limit is not None and limit < due) else due, fds)
        self._turns = 0
        if fds:
            self._look_at_descriptors()
        now = clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, ticket, waiter = heapq.heappop(self._heap)
            if waiter.ticket != ticket:
                continue
            waiter.ticket = 0
            if isinstance(waiter, Seat):
                if not waiter.changed:
                    waiter.changed = True
                    self.changed.append(waiter)
                waiter.wake()
            elif not waiter.queued:
                waiter.queued = True
                self._ready.append(waiter)

    def _check_for_deadlock(self, limit: int | None, who: str) -> None:
        """Nothing is due: raise Deadlock when somebody waits all the same."""
        if limit is not None and (who or not self.awaited):
            return
        names = "; ".join(f"program {program.name} waits for {program.what}" for program in self.programs)
        who = who if not names else f"{who}; {names}" if who else names
        raise Deadlock(
            f"nothing will ever happen again after {self.clock.now() / SECOND:.6f} s, no frame is on its way "
            f"and no timer is running: {who or 'nobody waits'}"
        )

    def _descriptors(self) -> Iterator[tuple[int, Seat]]:
        for host, seat in self._seats.items():
            fd = host.fileno()
            if fd is not None:
                yield fd, seat

    def _look_at_descriptors(self) -> None:
        for _, seat in self._descriptors():
            seat.wake()

    # Times

    def _look_at_timers(self) -> None:
        """Have the hosts that have changed woken when their timers are due at the earliest."""
        for seat in self.changed:
            seat.changed = False
            if seat.host in self._seats:
                seat.tentative = True
                bound = seat.host.no_deadline_before()
                if not seat.ticket or seat.due > bound:
                    self._arm(seat, bound)
        self.changed.clear()

    def _arm(self, waiter: Seat | Program, due: int) -> None:
        """Have it woken at ``due``, and at no time it asked for before."""
        self._tickets += 1
        waiter.due, waiter.ticket = due, self._tickets
        heapq.heappush(self._heap, (due, self._tickets, waiter))
        if len(self._heap) > 4 * (len(self._seats) + len(self.programs)) + 64:
            self._heap = [entry for entry in self._heap if entry[2].ticket == entry[1]]
            heapq.heapify(self._heap)

    def _earliest_due(self, event: int | None) -> int | None:
        """When somebody is to be woken. What comes after ``event`` need not be known exactly."""
        while self._heap:
            due, ticket, waiter = self._heap[0]
            if waiter.ticket == ticket:
                if (event is not None and event < due) or not (isinstance(waiter, Seat) and waiter.tentative):
                    return due
                waiter.tentative = False
                exact = waiter.host.next_deadline()
                if exact == due:
                    return due
                waiter.ticket = 0
                if exact is not None:
                    self._arm(waiter, exact)
                    continue
            heapq.heappop(self._heap)
        return None
