"""Cables of an emulated network: ports, and between two of them one direction each of stages.

A stage does one thing to the frames that pass: delay, loss, a rate (``tap.impair``), a scripted fault
(``tap.rules``). A direction without stages adds nothing: the frame is at the far port when ``send`` returns,
where it waits until the far host's turn, so no stack is ever entered twice.

A direction with rules or a recorder is watched: its frames have coordinates (``tap.passage``). What watching
costs is paid from the first rule or recorder of the cable on, and by no other cable.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from tap.clock import SECOND, Clock
from tap.passage import Onward, Passage, Recorder, Visit
from tap.streams import Stream

if TYPE_CHECKING:
    from tap.rules.coordinate import Coordinate, Tracker
    from tap.rules.rule import Callback, Rule
    from tap.rules.stage import Rules

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


@runtime_checkable
class Judge(Protocol):
    """A stage that sees the coordinates of the frames (``tap.passage``)."""

    name: str

    def judge(self, visit: Visit) -> None:
        """A frame has come: ``visit.pass_on`` it and ``visit.note`` as in ``Stage.handle``."""


AnyStage = Stage | Judge


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
            return
        inbox = self._inbox
        waiting = len(inbox)
        if self._closed or waiting >= QUEUE_FRAMES:
            self.dropped += 1
            return
        inbox.append(frame)
        if not waiting and self._notify is not None:
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


class World(Protocol):
    """What a cable's rules and stages may ask of the network it is in."""

    def stream(self, name: str) -> Stream:
        """The stream of random numbers for purpose ``name``."""

    def find(self, name: str) -> Any:
        """The device of that name (``host.stack`` is its stack). Raises ValueError."""


class NetemWarning(UserWarning):
    """Words of tc-netem that do not do what they seem to say."""


# Told what stages note: (direction, stage, frame, action, detail)
Observer = Callable[["Direction", AnyStage, bytes, str, str], None]

# What treats the frames that come to a stage in its place (``tap.verdicts``); None: the stage does
Players = Callable[["Direction", AnyStage], "Callable[[Visit], None] | None"]


class Direction:
    """One direction of a cable, ``name`` as in ``client>server``."""

    __slots__ = (
        "_after_rules", "_far", "_netems", "_recorder", "_rules", "_side", "_watched", "cable", "clock",
        "name", "observer", "players", "send", "stages",
    )  # fmt: skip

    def __init__(self, name: str, clock: Clock, far: Port, cable: Cable | None = None, side: int = 0) -> None:
        self.name = name
        self.clock = clock
        self.cable = cable
        self.observer: Observer | None = None
        self.players: Players | None = None  # who treats frames in place of stages, in a run that is played
        self.stages: tuple[AnyStage, ...] = ()
        self._far = far
        self._side = side  # which end of the cable frames come from, 0 or 1
        self._recorder: Recorder | None = None
        self._rules: Rules | None = None
        self._netems = 0
        self._watched: Tracker | None = None
        self._after_rules: Onward = self._arrive
        self.send: Callable[[bytes], None] = far.deliver  # a frame enters at the near end

    # Stages

    def add(self, stage: AnyStage, at: int | None = None) -> None:
        """Put ``stage`` last, nearest to the far end, or at position ``at``."""
        if isinstance(stage, Judge):
            self.track()
        stages = list(self.stages)
        stages.insert(len(stages) if at is None else at, stage)
        self._set(stages)

    def remove(self, stage: AnyStage) -> None:
        """Take ``stage`` out; frames that are on their way still pass what was there when they entered."""
        self._set([other for other in self.stages if other is not stage])

    def netem(self, text: str, tables: Mapping[str, Sequence[int]] | None = None) -> list[Stage]:
        """Add the stages that tc-netem's words name, ``delay 80ms 20ms loss gemodel 1% 10%``, and return
        them. ``tables``: further distributions by name. Raises NetemError; warns (NetemWarning) where the
        words are a trap.
        """
        from tap.impair.netem import parse

        settings = parse(text, tables)
        for trap in settings.warnings:
            warnings.warn(f"{self.name}: netem {trap}", NetemWarning, stacklevel=2)
        self._netems += 1
        prefix = f"{self.name}.netem" + (str(self._netems) if self._netems > 1 else "")
        stages = settings.stages(lambda purpose: self.world.stream(f"{prefix}.{purpose}"))
        for stage in stages:
            self.add(stage)
        return stages

    @property
    def world(self) -> World:
        """The network it is in. Raises ValueError when it is in none."""
        world = None if self.cable is None else self.cable.world
        if world is None:
            raise ValueError(f"{self.name} is in no network: make its cable with Cable(..., world=network)")
        return world

    # Rules (tap.rules)

    @property
    def rules(self) -> Rules:
        """Its scripted faults: ``rules.add("drop kind=data n=3")``."""
        if self._rules is None:
            from tap.rules.stage import Rules

            self._rules = Rules(self)
        return self._rules

    def drop(self, **conditions: object) -> Rule:
        """Lose the frames that meet the conditions, ``drop(kind="data", n=3)``; in ``with``: meanwhile."""
        return self.rules.add("drop", **conditions)

    def on(self, **conditions: object) -> Callable[[Callback], Rule]:
        """Decorate a function: it is given each frame that meets the conditions (``FrameView``), and what it
        returns (``Verdict``) is done. The name then stands for the rule.
        """
        return lambda callback: self.rules.add(callback, **conditions)

    @property
    def opposite(self) -> Direction | None:
        """The cable's other direction."""
        return None if self.cable is None else self.cable.directions[1 - self._side]

    def inject(self, frame: bytes, like: Coordinate, at: int) -> None:
        """Have a frame that nobody sent, because of the one at ``like``, enter ``at`` behind the rules."""
        coordinate = self.track().injected(like, self.name, self._side)

        def enter() -> None:
            passage = Passage(self, coordinate, frame, self.clock.now())
            if self._recorder is not None:
                self._recorder.entered(passage)
            self._after_rules(frame, passage)

        if at > self.clock.now():
            self.clock.call_at(at, enter)
        else:
            enter()

    # Watching

    @property
    def recorder(self) -> Recorder | None:
        """Who is told of every frame; can be set."""
        return self._recorder

    @recorder.setter
    def recorder(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        if recorder is not None:
            self.track()

    def track(self) -> Tracker:
        """Give the frames coordinates from now on, in both directions of the cable. Those of a connection
        that is under way count from here: what is seen first has seq=1.
        """
        if self._watched is None:
            from tap.rules.coordinate import Tracker

            ways = (self,) if self.cable is None else self.cable.directions
            tracker = Tracker()
            for way in ways:
                way._watched = tracker
                way._set(list(way.stages))
            return tracker
        return self._watched

    def _set(self, stages: list[AnyStage]) -> None:
        self.stages = tuple(stages)
        if self._watched is not None:
            self._set_watched(self._watched)
            return
        send: Callable[[bytes], None] = self._far.deliver
        for stage in reversed(stages):
            assert not isinstance(stage, Judge), "with one of those the direction is watched"
            send = self._through(stage, send)
        self.send = send

    def _through(self, stage: Stage, onward: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """What hands a frame to ``stage``, which hands it to ``onward``."""
        now, call_at, handle = self.clock.now, self.clock.call_at, stage.handle

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

    def _set_watched(self, tracker: Tracker) -> None:
        onward: Onward = self._arrive
        self._after_rules = onward
        for stage in reversed(self.stages):
            if stage is self._rules:
                self._after_rules = onward
            onward = self._through_watched(stage, onward)
        if self._rules not in self.stages:  # injected by those of the other direction
            self._after_rules = onward
        first, now, see, name, side = onward, self.clock.now, tracker.see, self.name, self._side

        def enter(frame: bytes) -> None:
            passage = Passage(self, see(frame, name, side), frame, now())
            if self._recorder is not None:
                self._recorder.entered(passage)
            first(frame, passage)

        self.send = enter

    def _through_watched(self, stage: AnyStage, onward: Onward) -> Onward:
        now, treat = self.clock.now, self._treats(stage)

        def enter(frame: bytes, passage: Passage) -> None:
            visit = Visit(passage, stage, frame, now(), onward)
            treat(visit)
            visit.end()

        return enter

    def _treats(self, stage: AnyStage) -> Callable[[Visit], None]:
        """What treats the frames that come to ``stage``."""
        player = None if self.players is None else self.players(self, stage)
        if player is not None:
            return player
        if isinstance(stage, Judge):
            return stage.judge
        handle = stage.handle
        return lambda visit: handle(visit.frame, visit.at, visit.pass_on, visit.note)

    def _arrive(self, frame: bytes, passage: Passage) -> None:
        if self._recorder is not None:
            self._recorder.arrived(passage, frame)
        self._far.deliver(frame)


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

    ``rate`` (bit/s) and ``delay`` (ns, one way) are the line's, both ways. ``world`` is the network it is in.
    """

    def __init__(
        self,
        clock: Clock,
        one: Port,
        other: Port,
        rate: int | None = None,
        delay: int = 0,
        world: World | None = None,
    ) -> None:
        self.ends = (one, other)
        self.world = world
        self.name = f"{one.name}-{other.name}"
        self.forth = Direction(f"{one.name}>{other.name}", clock, other, self, 0)
        self.back = Direction(f"{other.name}>{one.name}", clock, one, self, 1)
        for direction in self.directions:
            if rate is not None or delay:
                direction.add(Line(rate, delay))
        self.plug()

    @property
    def directions(self) -> tuple[Direction, Direction]:
        """Both directions."""
        return self.forth, self.back

    def record(self, recorder: Recorder | None) -> None:
        """Have ``recorder`` told of every frame, in both directions; None: nobody."""
        for direction in self.directions:
            direction.recorder = recorder

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
