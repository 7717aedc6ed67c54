"""Drives the hosts of one clock: whoever blocks makes time pass for all of them.

A blocking call does the work itself (it is the leader): it pumps every host, looks at its condition and
sleeps until the next frame or deadline. A second thread that blocks meanwhile follows: it looks at its
condition after each of the leader's rounds and takes over when the leader leaves. No thread runs unless
somebody asks for the service thread (``tap.service``).

One lock guards all stacks of the clock. A leader in real time gives it back while it sleeps. In virtual time
nobody sleeps: the leader keeps the lock while time jumps, so a second thread waits until the call of the
first is over.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from errno import EBADF
from typing import Any, Protocol

from tap.clock import SECOND, Clock, Deadlock
from tap.service import Service

BATCH = 64  # frames that a host takes in before timers, other hosts and other threads get their turn

Condition = Callable[[], object]  # is called with the lock held; true when the waiting is over


class Driven(Protocol):
    """What the driver needs to know of a host."""

    name: str

    def pump(self) -> int:
        """Do what is due and take in frames: how many, at most BATCH."""

    def take_in(self) -> int:
        """Take in frames, once the timers have been run: how many, at most BATCH."""

    def catch_up(self) -> None:
        """Run the timers that are due."""

    def next_deadline(self) -> int | None:
        """When the host's next timer is due, in the clock's time."""

    def no_deadline_before(self) -> int:
        """A time before which no timer is due; cheaper than to say when one is."""

    def fileno(self) -> int | None:
        """What becomes readable when a frame has arrived."""

    def notify(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called when a frame has arrived, if there is no descriptor to tell."""


class HostLock:
    """``with host.lock:`` guards calls into the stack; on entry the stack's timers are brought up to now.

    May be nested, also by the stack's callbacks, which run with the lock held.
    """

    __slots__ = ("_driver", "_host")

    def __init__(self, driver: Driver, host: Driven) -> None:
        self._driver = driver
        self._host = host

    def __enter__(self) -> None:
        self._driver.enter(self._host)

    def __exit__(self, *_: object) -> None:
        self._driver.leave()


class Driver:
    """The hosts of one clock and the threads that wait for them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.hosts: list[Driven] = []
        self.lock = threading.RLock()
        self.service: Service | None = None  # the service thread, once somebody has asked for it
        self.idle = threading.Condition(self.lock)  # where it sleeps while programs drive
        self.service_leads = False
        self.service_parked = False  # it wants to be told when the leader leaves
        self.leading = False
        self.followers = 0
        self.turns = 0  # how often a program has become the leader
        self.failure: BaseException | None = None  # what ended the service thread
        self._round_made = threading.Condition(self.lock)  # also: the leader has left
        self._inside = 0  # how deep the thread that has the lock is in stacks
        self._asleep_until: int | None = None
        self._asleep = False
        self._kicked = False
        self._wakeup = -1  # an eventfd that ends the leader's sleep; made when first needed

    def add(self, host: Driven) -> None:
        """Drive ``host`` from now on."""
        with self.lock:
            self.hosts.append(host)
            self.kick()

    def remove(self, host: Driven) -> None:
        """Drive ``host`` no more."""
        with self.lock:
            self.hosts.remove(host)
            self.kick()
            if not self.hosts and not self._asleep:
                self._close_wakeup()

    def start_service(self) -> None:
        """Start the service thread, unless it runs."""
        if self.service is None:
            self.service = Service(self)

    def spawn(self, function: Callable[[], None], host: Driven) -> int:
        """Run a further thread of the program on ``host``; its identifier."""
        thread = threading.Thread(target=function, daemon=True)
        thread.start()
        assert thread.ident is not None
        return thread.ident

    def identity(self) -> int:
        """The identifier of the thread that asks."""
        return threading.get_ident()

    def new_lock(self, host: Driven) -> Any:
        """A lock for the threads of the program on ``host``."""
        return threading.Lock()

    # Entering a stack

    def guard(self, host: Driven) -> AbstractContextManager[None]:
        """The lock of ``host``, for its use alone."""
        return HostLock(self, host)

    def enter(self, host: Driven) -> None:
        """Take the lock for work on ``host``, whose timers are run. Nests, as stack callbacks do."""
        self.lock.acquire()
        self._inside += 1
        if self._inside == 1:
            try:
                host.catch_up()
            except BaseException:
                self.leave()
                raise

    def leave(self, changed: bool = True) -> None:
        """Give the lock back.

        A leader who sleeps is woken when a timer is due earlier now or when, as that work ``changed``
        something, its condition may have come true. (The service thread's never does.)
        """
        self._inside -= 1
        if self._inside == 0 and self._asleep:
            if (changed and not self.service_leads) or self._due_earlier():
                self.kick()
        self.lock.release()

    def check_outside(self, what: str) -> None:
        """Raise RuntimeError when this thread is at work in a stack, where ``what`` is out of place."""
        if self._inside:
            place = "inside a callback of the stack or while holding host.lock"
            raise RuntimeError(f"{what} {place}: it would never end")

    def _due_earlier(self) -> bool:
        due = self._earliest(None)
        return due is not None and (self._asleep_until is None or due < self._asleep_until)

    # Waiting

    def wait(
        self, host: Driven, condition: Condition, deadline: int | None, who: str, tried: bool = False
    ) -> bool:
        """Drive all hosts until ``condition()`` is true (True) or ``deadline`` has come (False).

        ``who`` names the waiting party in errors; ``tried``: the condition was not met a moment ago. Raises
        Deadlock when, in virtual time, nothing can happen any more, OSError (EBADF) when ``host`` is closed
        meanwhile, RuntimeError from inside a stack's callback.
        """
        with self.lock:
            self.check_outside(f"{who} waits")
            while True:
                if self.failure is not None:
                    raise self.failure
                if self.leading:
                    done = self._follow(host, condition, deadline)
                    if done is not None:
                        return done
                else:
                    self.turns += 1
                    return self.lead(host, condition, deadline, who)

    def _follow(self, host: Driven, condition: Condition, deadline: int | None) -> bool | None:
        """Wait beside the leader; None when it has left and this thread has to take over."""
        self.followers += 1
        try:
            while self.leading:
                self._check_open(host)
                self.enter(host)
                changed = True
                try:
                    taken = host.pump()
                    done = bool(condition())
                    changed = done or taken > 0  # the leader may wait for what we took in
                finally:
                    self.leave(changed)
                if done:
                    return True
                left = None if deadline is None else (deadline - self.clock.now()) / SECOND
                if left is not None and left <= 0:
                    return False
                if self.service_leads:
                    self.kick()  # it makes room for programs
                self._round_made.wait(left)
            return None
        finally:
            self.followers -= 1

    def lead(self, host: Driven | None, condition: Condition, deadline: int | None, who: str) -> bool:
        """Drive all hosts, round by round, until ``condition()`` (True) or the deadline (False).

        Called with the lock, while nobody leads. ``host`` is the one that has to stay open, None when any may
        close.
        """
        self.leading = True
        try:
            while True:
                self._inside += 1
                try:
                    more = self._round()
                    if host is not None:
                        self._check_open(host)
                    done = bool(condition())
                finally:
                    self._inside -= 1
                if self.followers:
                    self._round_made.notify_all()
                if done:
                    return True
                if deadline is not None and self.clock.now() >= deadline:
                    return False
                self._sleep(self.clock.now() if more else deadline, who)
        finally:
            self.leading = False
            if self.followers:
                self._round_made.notify_all()
            if self.service_parked:
                self.idle.notify()

    def _round(self) -> bool:
        """Run the clock's callbacks and pump every host once; True when frames may be left."""
        self.clock.run_due()
        more = False
        for driven in self.hosts:
            more |= driven.pump() == BATCH
        return more

    def _check_open(self, host: Driven) -> None:
        if host not in self.hosts:
            raise OSError(EBADF, f"{host.name} has been closed")

    def _earliest(self, deadline: int | None) -> int | None:
        """The earliest of ``deadline``, the clock's callbacks and the timers of all hosts."""
        due = deadline
        for moment in (self.clock.next_event(), *(host.next_deadline() for host in self.hosts)):
            if moment is not None and (due is None or moment < due):
                due = moment
        return due

    # Sleeping

    def _sleep(self, deadline: int | None, who: str) -> None:
        """Let time pass until something is due, a frame has come or another thread has changed something."""
        until = self._earliest(deadline)
        if self.clock.virtual:
            if until is None:
                names = ", ".join(driven.name for driven in self.hosts)
                raise Deadlock(
                    f"nothing will ever wake {who}: its condition is false, no frame is on its way and no "
                    f"timer is running on any host ({names})"
                )
            self.clock.wait(until)
            return
        if self._wakeup < 0:
            self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        fds = [self._wakeup]
        for host in self.hosts:
            fd = host.fileno()
            if fd is not None:
                fds.append(fd)
        self._asleep, self._asleep_until = True, until
        self.lock.release()
        try:
            self.clock.wait(until, fds)
        finally:
            self.lock.acquire()
            self._asleep = False
            if self._kicked:
                self._kicked = False
                os.eventfd_read(self._wakeup)
            if not self.hosts:
                self._close_wakeup()

    def kick(self) -> None:
        """End the leader's sleep, so that it looks at everything anew. Called with the lock."""
        if self._asleep and not self._kicked:
            self._kicked = True
            os.eventfd_write(self._wakeup, 1)

    def _close_wakeup(self) -> None:
        if self._wakeup >= 0:
            os.close(self._wakeup)
            self._wakeup = -1


def driver_of(clock: Clock) -> Driver:
    """The driver of a clock's hosts; made when first asked for."""
    if clock.driver is None:
        clock.driver = Driver(clock)
    return clock.driver
