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
from typing import TYPE_CHECKING, Any

from netstack.errors import ERR_OK
from tap.clock import Clock
from tap.driver import BATCH, Condition, driver_of
from tap.link import Link

if TYPE_CHECKING:
    from netstack.stack import Stack


def transmit_to(link: Link) -> Callable[[bytes], int]:
    """The ``transmit`` of a stack whose frames go to ``link``: a driver that takes every frame."""

    def transmit(frame: bytes) -> int:
        link.send(frame)
        return ERR_OK

    return transmit


class Host:
    """A stack on a link, alive while somebody waits on it or its service thread runs.

    The stack is made with ``transmit=transmit_to(link)`` just before: its time 0 is the clock's time now
    (``boot``). All times given to the host are the clock's, in ns. The host closes the link; what wraps a
    link passes that on.
    """

    def __init__(self, stack: Stack, link: Link, clock: Clock, name: str = "device") -> None:
        self.stack = stack
        self.link = link
        self.clock = clock
        self.name = name
        self.boot = clock.now() - stack.now
        self._driver = driver_of(clock)
        self._closed = False
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
        stack, now, boot, receive = self.stack, self.clock.now, self.boot, self.link.receive
        taken = 0
        begun = time = now()
        while taken < BATCH and (frame := receive()) is not None:
            time = now()
            stack.receive(frame, time - boot)
            taken += 1
        if time != begun:
            stack.run_timers(now() - boot)
        return taken

    def catch_up(self) -> None:
        """Run the timers that are due (the lock does it on entry)."""
        self.stack.run_timers(self.clock.now() - self.boot)

    def next_deadline(self) -> int | None:
        """When the stack's next timer is due, in the clock's time; None when it waits for nothing."""
        due = self.stack.next_deadline()
        return None if due is None else due + self.boot

    def no_deadline_before(self) -> int:
        """A time before which no timer is due, in the clock's time; cheaper than ``next_deadline``."""
        return self.stack.no_deadline_before() + self.boot

    def fileno(self) -> int | None:
        """The link's descriptor."""
        return self.link.fileno()

    def notify(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called when a frame has arrived, if the link tells (one without a descriptor)."""
        tell = getattr(self.link, "notify", None)
        if tell is not None:
            tell(callback)

    # Threads of the program on this host: those of ``threading``, or a network's (``tap.scheduler``)

    def spawn(self, function: Callable[[], None]) -> int:
        """Run a further one: its identifier."""
        return self._driver.spawn(function, self)

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
