"""A host: one stack, one link, one clock.

The host moves frames from the link into the stack, runs the stack's timers when they are due, and waits. What
waiting means is the clock's business: in real time it polls the link's descriptor, in virtual time it runs
all hosts of the same clock and jumps to the next event. Blocking calls are built on ``wait``; its condition
is usually one try of the operation.

    link = TapLink.open("tap0", address="192.168.7.1/24")
    stack = Stack(named("micropython"), mac=mac, ip=ip, netmask=netmask, transmit=transmit_to(link))
    with Host(stack, link, RealClock()) as host:
        host.wait(lambda: False)  # answers ping until Ctrl-C
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EBADF
from typing import TYPE_CHECKING, Any, Protocol

from netstack.errors import ERR_OK
from tap.clock import Clock
from tap.driver import BATCH, Condition, driver_of
from tap.link import Link
from tap.scheduler import Scheduler

if TYPE_CHECKING:
    from netstack.stack import Stack
    from tap.program import Program


class WayOut(Protocol):
    """What a stack's driver sends by, a link or something that may refuse a frame with an err of lwIP."""

    def send(self, frame: bytes) -> int | None: ...


class Outlet:
    """The driver's send routine: ``transmit`` is that of a stack. ``link`` can be exchanged."""

    __slots__ = ("link",)

    def __init__(self, link: WayOut) -> None:
        self.link = link

    def transmit(self, frame: bytes) -> int:
        """Hand a frame to the link: ERR_OK, or the err with which that refuses it."""
        return self.link.send(frame) or ERR_OK


def transmit_to(link: Link) -> Callable[[bytes], int]:
    """The ``transmit`` of a stack whose frames go to ``link``: a driver that takes every frame."""
    return Outlet(link).transmit


class LocalTime(Protocol):
    """The clock of a device that does not go as that of the network does (``tap.devicefault.localtime``)."""

    def true_time(self, local: int) -> int:
        """When, in the network's time, it will show ``local``; now, when that is past."""


class Host:
    """A stack on a link, alive while somebody waits on it or its service thread runs.

    The stack is made with ``transmit=transmit_to(link)`` just before: its time 0 is the clock's time now
    (``boot``). All times given to the host are the clock's, in ns. The host closes the link; what wraps a
    link passes that on. With an ``outlet``, of which the stack has its ``transmit``, the link can be
    exchanged.

    ``boot`` is when the device was switched on, as its program sees it: what its ticks count from.
    """

    def __init__(
        self, stack: Stack, link: Link, clock: Clock, name: str = "device", outlet: Outlet | None = None
    ) -> None:
        self.stack = stack
        self.link = link
        self.clock = clock
        self.name = name
        self.boot = self._zero = clock.now() - stack.now
        self.programs: list[Program] = []  # of a network, that run on this host
        self.local: LocalTime | None = None  # ``clock``, when it is not the network's
        self._outlet = outlet
        self._driver = driver_of(clock)
        self._closed = False
        self._wake: Callable[[], None] | None = None
        self.lock = self._driver.guard(self)
        self._driver.add(self)

    def pump(self) -> int:
        """Run the timers, take in up to BATCH frames, run the timers. Returns the number of frames."""
        with self.lock:
            self.catch_up()
            return self.take_in()

    def take_in(self) -> int:
        """Take in up to BATCH frames, and run the timers that have become due meanwhile: how many frames.

        Called with the lock, when the timers have been run.
        """
        stack, now, zero, receive = self.stack, self.clock.now, self._zero, self.link.receive
        taken = 0
        begun = time = now()
        while taken < BATCH and (frame := receive()) is not None:
            time = now()
            stack.receive(frame, time - zero)
            taken += 1
        if time != begun:
            stack.run_timers(now() - zero)
        return taken

    def catch_up(self) -> None:
        """Run the timers that are due (the lock does it on entry)."""
        self.stack.run_timers(self.clock.now() - self._zero)

    def next_deadline(self) -> int | None:
        """When the stack's next timer is due, in the network's time; None when it waits for nothing."""
        due = self.stack.next_deadline()
        if due is None or self.local is None:
            return None if due is None else due + self._zero
        return self.local.true_time(due + self._zero)

    def no_deadline_before(self) -> int:
        """A time before which no timer is due, in the network's time; cheaper than ``next_deadline``."""
        bound = self.stack.no_deadline_before() + self._zero
        return bound if self.local is None else self.local.true_time(bound)

    def fileno(self) -> int | None:
        """The link's descriptor."""
        return self.link.fileno()

    def notify(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called when a frame has arrived, if the link tells (one without a descriptor)."""
        self._wake = callback
        tell = getattr(self.link, "notify", None)
        if tell is not None:
            tell(callback)

    # What faults of the device exchange (tap.devicefault). Called with the lock

    @property
    def network_clock(self) -> Clock:
        """The clock that all hosts of the driver share, whatever this device's own shows."""
        return self._driver.clock

    def wake(self) -> None:
        """Have frames taken in: the link has some that it did not tell of."""
        if self._wake is not None:
            self._wake()

    def exchange_link(self, link: Link, way_out: WayOut | None = None) -> None:
        """Use ``link``, which is one around the present one or within it, from now on; frames leave by
        ``way_out`` (None: by it).
        """
        assert self._outlet is not None, f"{self.name} was made without an outlet"
        self.link = link
        self._outlet.link = link if way_out is None else way_out
        if self._wake is not None:
            self.notify(self._wake)

    def reboot(self, stack: Stack) -> None:
        """It has been switched on with a new stack, now."""
        self.stack = stack
        self.boot = self._zero = self.clock.now() - stack.now

    # Threads of the program on this host: those of ``threading``, or a network's (``tap.scheduler``)

    def enrol(self) -> bool:
        """The program of a network that calls runs on this host and ends with ``end_programs``; False: none
        calls.
        """
        scheduler = self._driver
        if isinstance(scheduler, Scheduler) and scheduler.current is not None:
            self.programs = [program for program in self.programs if not program.finished]
            if scheduler.current not in self.programs:
                self.programs.append(scheduler.current)
            return True
        return False

    def end_programs(self, again_at: int | None = None) -> None:
        """End the programs of a network that run here, but for the one that calls. ``again_at``: those that
        are no threads of others begin anew at that time (the network's).
        """
        scheduler, programs = self._driver, self.programs
        if isinstance(scheduler, Scheduler):
            self.programs = [one for one in programs if one is scheduler.current]
            ended = [one for one in programs if one is not scheduler.current and not one.finished]
            scheduler.end(ended)
            if again_at is not None:
                for program in ended:
                    if not program.is_thread:
                        scheduler.start(program.again(), again_at)

    def spawn(self, function: Callable[[], None]) -> int:
        """Run a further one: its identifier."""

        def run() -> None:
            self.enrol()
            function()

        return self._driver.spawn(run, self)

    def identity(self) -> int:
        """The identifier of the one that asks."""
        return self._driver.identity()

    def new_lock(self) -> Any:
        """A lock for them, with ``acquire``, ``release`` and ``locked``."""
        return self._driver.new_lock(self)

    def wait(
        self, condition: Condition, deadline: int | None = None, what: str = "", tried: bool = False
    ) -> bool:
        """Keep the host going until ``condition()`` is true (True) or ``deadline`` has come (False).

        The condition is called with the lock held: once at first, also with a deadline that is past, then
        after each round of frames and timers and after another thread's work under ``lock``. Nothing else
        makes it look again: what changes elsewhere needs that lock, or a deadline.

        ``what`` says in errors what is waited for; ``tried``: the condition was false a moment ago, so that
        it need not be called at first. Raises Deadlock when in virtual time nothing can happen
        any more, OSError (EBADF) when the host is closed, RuntimeError inside the lock or a callback, and
        what the link raises when it is broken.
        """
        who = f"{self.name} ({what})" if what else self.name
        if deadline is not None and self.local is not None:
            deadline = self.local.true_time(deadline)
        return self._driver.wait(self, condition, deadline, who, tried)

    def sleep(self, duration: int) -> None:
        """Let ``duration`` ns pass while the host goes on answering."""
        self.wait(lambda: False, self.clock.now() + duration, "sleep")

    def serve(self) -> None:
        """Start the service thread: the hosts of this (real) clock answer also while nobody waits.

        It runs until the last of them closes. Once is enough for all of them.
        """
        with self._driver.lock:
            if self._closed:
                raise OSError(EBADF, f"{self.name} has been closed")
            self._driver.start_service()

    def close(self) -> None:
        """Let go of the link; threads that wait get OSError (EBADF), and with the last host the service
        thread ends.

        Raises RuntimeError inside the lock or a callback of the stack.
        """
        driver = self._driver
        with driver.lock:
            driver.check_outside(f"closing {self.name}")
            if self._closed:
                return
            self._closed = True
            driver.remove(self)
            self.link.close()
            service = None
            if not driver.hosts:
                service, driver.service = driver.service, None
        if service is not None:
            service.stop()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
