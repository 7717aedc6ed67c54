"""A link that goes down and comes up, with or without the stack learning of it.

Without notice is the common case in the field: the cable is pulled behind a switch, the radio loses its
access point, and sockets live on for days. With notice the device's driver tells the stack after a while, as
an interrupt of the PHY or a polling task does.
"""

from __future__ import annotations

from collections.abc import Callable

from tap.cable import Note, PassOn
from tap.clock import Clock
from tap.impair.schedule import Schedule
from tap.impair.units import whole

Tell = Callable[[bool], None]  # True: the link is up


class LinkFlap:
    """Down from ``start`` ns on, for ``lasting`` ns (None: until ``up``), again each ``every`` ns (None:
    once); what comes meanwhile is lost. One object can be a stage of both directions; put it last to lose
    what is on its way.

    ``tell`` gets each change that is still true ``notice`` ns later. ``down``, ``up`` and ``follow`` (the
    schedule again) change the link by hand.
    """

    def __init__(
        self,
        start: int | None = None,
        lasting: int | None = None,
        every: int | None = None,
        *,
        clock: Clock,
        tell: Tell | None = None,
        notice: int = 0,
        name: str = "link down",
    ) -> None:
        self.name = name
        self._schedule = None if start is None else Schedule(start, lasting, every)
        self._forced: bool | None = None  # up, down, or as scheduled
        self._clock = clock
        self._tell = tell
        self._notice = whole(notice, "notice (ns)")
        self._told = True
        if tell is not None:
            self._look_ahead(-1)

    def is_up(self, now: int) -> bool:
        """Whether frames pass at ``now``."""
        if self._forced is not None:
            return self._forced
        return self._schedule is None or not self._schedule.active(now)

    def down(self) -> None:
        """Down from now on."""
        self._force(False)

    def up(self) -> None:
        """Up from now on."""
        self._force(True)

    def follow(self) -> None:
        """As scheduled from now on."""
        self._force(None)

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self.is_up(now):
            pass_on(frame, now)
        else:
            note("drop", self.name)

    def _force(self, state: bool | None) -> None:
        self._forced = state
        if self._tell is not None:
            self._clock.call_at(self._clock.now() + self._notice, self._say)

    def _look_ahead(self, now: int) -> None:
        """Have the next change after ``now`` told, and then the next."""
        change = None if self._schedule is None else self._schedule.next_change(now)
        if change is not None:
            when = change

            def changed() -> None:
                self._clock.call_at(when + self._notice, self._say)
                self._look_ahead(when)

            self._clock.call_at(when, changed)

    def _say(self) -> None:
        now_up = self.is_up(self._clock.now())
        if now_up != self._told and self._tell is not None:
            self._told = now_up
            self._tell(now_up)
