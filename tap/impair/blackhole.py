"""A blackhole: everything is lost without a trace, always or at certain times, as behind a dead router."""

from __future__ import annotations

from tap.cable import Note, PassOn
from tap.impair.schedule import Schedule


class Blackhole:
    """Every frame is lost from ``start`` ns on, for ``lasting`` ns (None: for ever), again each ``every`` ns
    (None: once). ``open`` and ``close`` override the schedule from then on.
    """

    def __init__(
        self, start: int = 0, lasting: int | None = None, every: int | None = None, *, name: str = "blackhole"
    ) -> None:
        self.name = name
        self._schedule = Schedule(start, lasting, every)
        self._open: bool | None = None

    def open(self) -> None:
        """Swallow all from now on."""
        self._open = True

    def close(self) -> None:
        """Let all pass from now on."""
        self._open = False

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self._schedule.active(now) if self._open is None else self._open:
            note("drop", self.name)
        else:
            pass_on(frame, now)
