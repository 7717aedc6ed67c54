"""A cable spliced in before a real link, so that frames on a TAP can be delayed, lost, counted and watched.

    device ---> near port ===cable===> far port ---> link (a TAP)

Its directions are ``device>linux`` and ``linux>device``: with rules, impairments and a recorder as those of
an emulated network, on the real clock. As long as nobody wants anything of it the cable is not there: a frame
costs nothing more than without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tap.cable import AnyStage, Cable, Direction, Port
from tap.clock import Clock
from tap.link import Link
from tap.passage import Recorder
from tap.streams import Stream, stream

if TYPE_CHECKING:
    from tap.netns import Namespace

LINUX = "linux"  # what is at the link's other end
_BATCH = 64  # frames that are read in vain, because they died or are late, before others get their turn

Listener = Callable[[Direction, AnyStage, bytes, str, str], None]  # direction, stage, frame, action, detail


class SplicedLink:
    """A link around ``inner`` with a cable that is there while it is in use. ``name`` is the device's, and
    ``device`` can be set once that is made: rules with ``state`` ask it. ``listeners`` are told what the
    stages do to frames.

    Once the device is open, everything is called with its host's lock.
    """

    send: Callable[[bytes], None]  # exchanged with use, so that without it nothing is in between
    receive: Callable[[], bytes | None]

    def __init__(self, inner: Link, clock: Clock, name: str, seed: int) -> None:
        self.inner = inner
        self.mtu = inner.mtu
        self.listeners: list[Listener] = []
        self.device: Any = None
        self.cable: Cable | None = None
        self._clock = clock
        self._name = name
        self._seed = seed
        self._near = Port(name, inner.mtu)
        self._far = Port(LINUX, inner.mtu, inner.send)
        self._recorders: list[Recorder] = []
        self._stop()
        self.receive = inner.receive  # nothing is on its way yet

    # Use

    @property
    def directions(self) -> tuple[str, str]:
        """The names of both."""
        return f"{self._name}>{LINUX}", f"{LINUX}>{self._name}"

    def direction(self, name: str) -> Direction:
        """The direction of that name; the cable is there from now on, until ``settle`` finds it unused."""
        if self.cable is None:
            self._begin()
        assert self.cable is not None
        return self.cable.directions[self.directions.index(name)]

    def settle(self) -> None:
        """Take the cable away if nobody uses it. What is on its way still arrives."""
        if self.cable is not None and not self._recorders and not self._has_stages(self.cable):
            self._stop()

    def watch(self, recorder: Recorder) -> None:
        """Have ``recorder`` told of every frame."""
        self.direction(self.directions[0])
        self._recorders = [*self._recorders, recorder]
        self._record()

    def unwatch(self, recorder: Recorder) -> None:
        """No more."""
        self._recorders = [one for one in self._recorders if one is not recorder]
        self._record()
        self.settle()

    @staticmethod
    def _has_stages(cable: Cable) -> bool:
        """Whether there is any; the stage of the rules stays when the last of them has gone."""
        return any(
            len(way.rules) or any(one is not way.rules for one in way.stages) for way in cable.directions
        )

    def _begin(self) -> None:
        self.cable = cable = Cable(self._clock, self._near, self._far, world=self)
        for way in cable.directions:
            way.observer = self._noted
        self.send = self._near.send
        self.receive = self._through_cable

    def _stop(self) -> None:
        if self.cable is not None:
            self.cable.pull()
        self.cable = None
        self.send = self.inner.send
        self.receive = self._late_or_direct

    def _record(self) -> None:
        from tap.records import Several  # only now: a device that nobody watches need not load it

        if self.cable is not None:
            many = Several(tuple(self._recorders)) if self._recorders else None
            self.cable.record(many)

    def _noted(self, way: Direction, stage: AnyStage, frame: bytes, action: str, detail: str) -> None:
        for listener in self.listeners:
            listener(way, stage, frame, action, detail)

    # A link

    @property
    def namespace(self) -> Namespace | None:
        """The network namespace of a TAP."""
        return getattr(self.inner, "namespace", None)

    def fileno(self) -> int | None:
        return self.inner.fileno()

    def notify(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called when a frame has arrived, also a late one, where the link tells."""
        self._near.notify(callback)
        tell = getattr(self.inner, "notify", None)
        if tell is not None:
            tell(callback)

    def close(self) -> None:
        self.inner.close()

    def _through_cable(self) -> bytes | None:
        for _ in range(_BATCH):
            frame = self._near.receive()
            if frame is not None:
                return frame
            frame = self.inner.receive()
            if frame is None:
                return None
            self._far.send(frame)
        return self._near.receive()

    def _late_or_direct(self) -> bytes | None:
        """Without the cable, after there was one: what was still on its way comes first."""
        return self._near.receive() or self.inner.receive()

    # What a cable asks of its network

    def stream(self, name: str) -> Stream:
        """The stream of random numbers for purpose ``name``."""
        return stream(self._seed, name)

    def find(self, name: str) -> Any:
        """The device. Raises ValueError for any other name."""
        if name != self._name or self.device is None:
            raise ValueError(f"no device is called {name}: there is {self._name}")
        return self.device
