"""The Ethernet controller between a device's link and its stack, as far as faults need one.

    link -> filters -> ring -> held up by the CPU? -> stack -> refused? -> the CPU's time -> link

It is put around the link with the first fault that needs it, while the device runs, and taken away with the
last one when nothing waits in it any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from netstack.errors import ERR_OK
from tap.devicefault.fault import Victim
from tap.host import Host
from tap.link import Link, LinkWrapper


class Ring(Protocol):
    """Receive descriptors."""

    def admits(self, waiting: int) -> bool:
        """Whether there is one for a frame that comes while ``waiting`` others have one."""


class Controller(LinkWrapper):
    """What faults put into its lists is asked; see the drawing above. Times are the network's, in ns.

    ``filters`` get each frame that comes and say whether it ends there; ``rings`` as above; ``holds`` say of
    a time until when nothing is taken in (None: it is); ``costs`` how long the CPU works on a frame;
    ``refusals`` give the err with which a frame is not sent (0: it is); ``copies`` how often more it is.
    """

    def __init__(self, host: Host) -> None:
        super().__init__(host.link)
        self.filters: list[Callable[[bytes], bool]] = []
        self.rings: list[Ring] = []
        self.holds: list[Callable[[int], int | None]] = []
        self.costs: list[Callable[[bytes], int]] = []
        self.refusals: list[Callable[[bytes], int]] = []
        self.copies: list[Callable[[bytes], int]] = []
        self.busy_until = 0
        self._host = host
        self._clock = host.network_clock
        self._queue: deque[bytes] = deque()  # that have a descriptor
        self._wakes_at = -1
        self._last_out = 0
        self._tell: Callable[[], None] | None = None

    # Receiving

    def receive(self) -> bytes | None:
        if self.filters or self.rings:
            self._fill()
        until = self.held_until()
        if until is not None:
            self._wake_at(until)
            return None
        frame = self._queue.popleft() if self._queue else self.inner.receive()
        if frame is None:
            self.settle()
        elif self.costs:
            self._work(frame)
        return frame

    def held_until(self) -> int | None:
        """Until when nothing is taken in; None: it is."""
        now = self._clock.now()
        times = [until for hold in self.holds if (until := hold(now)) is not None]
        if self.busy_until > now:
            times.append(self.busy_until)
        return max(times, default=None)

    def inject(self, frame: bytes) -> None:
        """Let a frame come that was not on the wire."""
        self._queue.append(frame)
        self._host.wake()

    def _fill(self) -> None:
        """Give descriptors to the frames that have come."""
        while (frame := self.inner.receive()) is not None:
            ended = [takes(frame) for takes in self.filters]
            if any(ended):
                continue
            admitted = [ring.admits(len(self._queue)) for ring in self.rings]
            if all(admitted):
                self._queue.append(frame)

    def notify(self, callback: Callable[[], None]) -> None:
        self._tell = callback
        super().notify(self._arrived)

    def _arrived(self) -> None:
        if self.filters or self.rings:
            self._fill()
        if self._tell is not None:
            self._tell()

    def fileno(self) -> int | None:
        """None while nothing is taken in: nobody need be woken by a frame then."""
        until = self.held_until()
        if until is None:
            return self.inner.fileno()
        self._wake_at(until)
        return None

    def _wake_at(self, until: int) -> None:
        if self._wakes_at != until:
            self._wakes_at = until
            self._clock.call_at(until, self._host.wake)

    # Sending

    def send(self, frame: bytes) -> None:
        self.transmit(frame)

    def transmit(self, frame: bytes) -> int:
        """Send a frame, or refuse it with an err of lwIP."""
        for refuse in self.refusals:
            if err := refuse(frame):
                return err
        times = 1 + sum([copies(frame) for copies in self.copies])
        for _ in range(times):
            now = self._clock.now()
            at = max(self._work(frame) if self.costs else now, self._last_out)
            if at > now:
                self._last_out = at
                self._clock.call_at(at, partial(self.inner.send, frame))
            else:
                self.inner.send(frame)
        return ERR_OK

    def _work(self, frame: bytes) -> int:
        """The CPU works on a frame: until when."""
        begins = max(self._clock.now(), self.busy_until)
        self.busy_until = begins + sum([cost(frame) for cost in self.costs])
        return self.busy_until

    # Coming and going

    def settle(self) -> None:
        """Go out of the way when no fault needs it and nothing waits in it."""
        in_use = (self.filters, self.rings, self.holds, self.costs, self.refusals, self.copies, self._queue)
        if not any(in_use) and self._clock.now() >= max(self.busy_until, self._last_out):
            link: Link = self._host.link
            if link is self:
                self._host.exchange_link(self.inner)


class Exit:
    """The stack's way out through a controller."""

    def __init__(self, controller: Controller) -> None:
        self.send = controller.transmit


def controller_of(device: Victim) -> Controller:
    """The device's controller, put around its link if there is none. Called with the lock."""
    link: Link = device.host.link
    if isinstance(link, Controller):
        return link
    controller = Controller(device.host)
    device.host.exchange_link(controller, Exit(controller))
    return controller
