"""Cables of an emulated network: ports, and between two of them one direction each of stages.

A stage does one thing to the frames that pass: delay, loss, a rate (``tap.impair``), a scripted fault
(``tap.rules``). A direction without stages adds nothing: the frame is at the far port when ``send`` returns,
where it waits until the far host's turn, so no stack is ever entered twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from tap.clock import SECOND, Clock

QUEUE_FRAMES = 1000  # as Linux's txqueuelen: what nobody receives is lost then

PassOn = Callable[[bytes, int], None]  # (frame, at): hand a frame on at time ``at`` >= now, in ns
Note = Callable[[str, str], None]  # (action, detail): what a stage did to the frame, for the journal


class Stage(Protocol):
    """Something that frames of one direction pass through."""

    name: str

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        """A frame has come at ``now`` (clock's ns): call ``pass_on`` never, once or several times, now or
        later; ``note`` what was done to it.
        """


class Port:
    """Where a cable is plugged in: the link of a device, or one port of a switch, a router, an uplink.

    What arrives waits for ``receive``, and who waits for it is told by ``notify``; with ``handler`` it is
    handled at once instead.
    """

    __slots__ = ("_closed", "_inbox", "_notify", "dropped", "handler", "mtu", "name", "on_pull", "out")

    def __init__(self, name: str, mtu: int = 1500, handler: Callable[[bytes], None] | None = None) -> None:
        self.name = name
        self.mtu = mtu
        self.handler = handler
        self.out: Direction | None = None  # where frames go; None while no cable is plugged in
        self.on_pull: Callable[[], None] | None = None  # told when the cable is pulled
        self.dropped = 0  # frames lost here: no cable, closed, or nobody received
        self._closed = False
        self._inbox: deque[bytes] = deque()
        self._notify: Callable[[], None] | None = None

    def send(self, frame: bytes) -> None:
        out = self.out
        if out is None or self._closed:
            self.dropped += 1
        else:
            out.send(frame)

    def deliver(self, frame: bytes) -> None:
        """A frame has come out of the cable."""
        if self.handler is not None:
            self.handler(frame)
        elif self._closed or len(self._inbox) >= QUEUE_FRAMES:
            self.dropped += 1
        else:
            self._inbox.append(frame)
            if self._notify is not None and len(self._inbox) == 1:
                self._notify()

    def notify(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called whenever a frame has arrived where none waited."""
        self._notify = callback
        if self._inbox:
            callback()

    def receive(self) -> bytes | None:
        return self._inbox.popleft() if self._inbox else None

    def fileno(self) -> None:
        return None

    def close(self) -> None:
        self._closed = True
        self._inbox.clear()


# Told what stages note: (direction, stage, frame, action, detail)
Observer = Callable[["Direction", Stage, bytes, str, str], None]


class Direction:
    """One direction of a cable, ``name`` as in ``client>server``."""

    __slots__ = ("_clock", "_far", "name", "observer", "send", "stages")

    def __init__(self, name: str, clock: Clock, far: Port) -> None:
        self.name = name
        self.observer: Observer | None = None
        self.stages: tuple[Stage, ...] = ()
        self._clock = clock
        self._far = far
        self.send: Callable[[bytes], None] = far.deliver  # a frame enters at the near end

    def add(self, stage: Stage, at: int | None = None) -> None:
        """Put ``stage`` last, nearest to the far end, or at position ``at``."""
        stages = list(self.stages)
        stages.insert(len(stages) if at is None else at, stage)
        self._set(stages)

    def remove(self, stage: Stage) -> None:
        """Take ``stage`` out; frames that are on their way still pass what was there when they entered."""
        self._set([other for other in self.stages if other is not stage])

    def _set(self, stages: list[Stage]) -> None:
        self.stages = tuple(stages)
        send: Callable[[bytes], None] = self._far.deliver
        for stage in reversed(stages):
            send = self._through(stage, send)
        self.send = send

    def _through(self, stage: Stage, onward: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """What hands a frame to ``stage``, which hands it to ``onward``."""
        now, call_at, handle = self._clock.now, self._clock.call_at, stage.handle

        def pass_on(frame: bytes, at: int) -> None:
            if at > now():
                call_at(at, partial(onward, frame))
            else:
                onward(frame)

        def enter(frame: bytes) -> None:
            observer = self.observer
            note = _unheard if observer is None else partial(observer, self, stage, frame)
            handle(frame, now(), pass_on, note)

        return enter


def _unheard(action: str, detail: str) -> None:
    """The note of a stage while nobody keeps a journal."""


class Line:
    """A stage: the line itself, which takes ``rate`` bit/s (None: any) and ``delay`` ns to the far end.

    A frame begins when the one before it is out; as many wait for that as will.
    """

    def __init__(self, rate: int | None, delay: int, name: str = "line") -> None:
        if rate is not None and rate <= 0:
            raise ValueError(f"a line of {rate} bit/s carries nothing: give a rate over 0, or None")
        if delay < 0:
            raise ValueError(f"a delay of {delay} ns is before the frame was sent: give 0 or more")
        self.name = name
        self._rate = rate
        self._delay = delay
        self._free = 0  # when the last bit of all so far is out

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self._rate is not None:
            self._free = max(now, self._free) + len(frame) * 8 * SECOND // self._rate
            now = self._free
        pass_on(frame, now + self._delay)


class Cable:
    """A cable between two ports; ``forth`` is the direction from the first to the second, ``back`` the other.

    ``rate`` (bit/s) and ``delay`` (ns, one way) are the line's, both ways.
    """

    def __init__(self, clock: Clock, one: Port, other: Port, rate: int | None = None, delay: int = 0) -> None:
        self.ends = (one, other)
        self.name = f"{one.name}-{other.name}"
        self.forth = Direction(f"{one.name}>{other.name}", clock, other)
        self.back = Direction(f"{other.name}>{one.name}", clock, one)
        for direction in self.directions:
            if rate is not None or delay:
                direction.add(Line(rate, delay))
        self.plug()

    @property
    def directions(self) -> tuple[Direction, Direction]:
        """Both directions."""
        return self.forth, self.back

    @property
    def plugged(self) -> bool:
        """Whether frames get into it."""
        return self.ends[0].out is self.forth

    def pull(self) -> None:
        """Pull it out, at both ends: what is sent is lost, what is on its way still arrives."""
        if self.plugged:
            for port in self.ends:
                port.out = None
                if port.on_pull is not None:
                    port.on_pull()

    def plug(self) -> None:
        """Plug it in again. Raises ValueError when another cable is in a port."""
        for port in self.ends:
            if port.out is not None and port.out not in self.directions:
                raise ValueError(f"{port.name} has a cable already: pull that, or use another port")
        self.ends[0].out, self.ends[1].out = self.directions
