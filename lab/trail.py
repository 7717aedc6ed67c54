"""The last frames of a run, kept so that a failure can show its ladder.

A trail keeps frames as bytes, which costs next to nothing, and reads them only when it is asked for its
ladder.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from lab.ladder import LEFT, RIGHT, FrameText, Step, render
from tap.clock import Clock
from tap.link import Link, LinkWrapper
from tap.passage import Passage, Visit
from tap.records import Silent

KEPT = 20_000  # frames of all cables together; the oldest are forgotten first
SHOWN = 24  # lines of a ladder


@dataclass(slots=True, eq=False)
class _Frame:
    time: int
    way: str  # "client>server"
    frame: bytes
    notes: list[str] = field(default_factory=list)
    arrived: bool = False
    dropped: bool = False


class Trail(Silent):
    """The recorder (``Network.watch``) that keeps them."""

    def __init__(self) -> None:
        self._frames: deque[_Frame] = deque(maxlen=KEPT)
        self._on_the_way: dict[Passage, _Frame] = {}

    def entered(self, passage: Passage) -> None:
        if len(self._on_the_way) >= KEPT:
            del self._on_the_way[next(iter(self._on_the_way))]
        kept = self._on_the_way[passage] = _Frame(passage.at, passage.direction.name, passage.frame)
        self._frames.append(kept)

    def noted(self, visit: Visit, rule: str, action: str, detail: str) -> None:
        kept = self._on_the_way.get(visit.passage)
        if kept is not None:
            kept.dropped = kept.dropped or action == "drop"
            why = rule or detail or visit.stage.name
            kept.notes.append(why if action == "drop" else f"{action}: {why}")

    def arrived(self, passage: Passage, frame: bytes) -> None:
        kept = self._on_the_way.pop(passage, None)
        if kept is not None:
            kept.arrived = True

    def seen(self, time: int, way: str, frame: bytes) -> None:
        """A frame that somebody else saw, on a real link."""
        self._frames.append(_Frame(time, way, frame, arrived=True))

    def ladder(self) -> str:
        """The end of what happened on the cable that the last frame took; "" when there was none."""
        if not self._frames:
            return ""
        near, _, far = self._frames[-1].way.partition(">")
        left, right = sorted((near, far))
        reader = FrameText(0)
        steps = []
        for kept in self._frames:
            if kept.way in {f"{left}>{right}", f"{right}>{left}"}:
                direction = RIGHT if kept.way.startswith(f"{left}>") else LEFT
                text = reader.read(kept.frame, direction)
                died = kept.dropped and not kept.arrived
                steps.append(Step(kept.time, direction, text, ", ".join(kept.notes), died))
        return render(steps, left, right, SHOWN)


class TrailLink(LinkWrapper):
    """A real link whose frames are kept: ``name`` is the device, ``peer`` what is on the other side."""

    def __init__(self, inner: Link, trail: Trail, clock: Clock, name: str, peer: str) -> None:
        super().__init__(inner)
        self._trail = trail
        self._now = clock.now
        self._out, self._in = f"{name}>{peer}", f"{peer}>{name}"

    def send(self, frame: bytes) -> None:
        self._trail.seen(self._now(), self._out, frame)
        self.inner.send(frame)

    def receive(self) -> bytes | None:
        frame = self.inner.receive()
        if frame is not None:
            self._trail.seen(self._now(), self._in, frame)
        return frame
