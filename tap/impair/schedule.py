"""When something is so: from a time on, for a time, again and again."""

from __future__ import annotations

from tap.impair.units import ImpairmentError, whole


class Schedule:
    """From ``start`` ns of the clock on, for ``lasting`` ns (None: for ever), again each ``every`` ns (None:
    once).
    """

    def __init__(self, start: int = 0, lasting: int | None = None, every: int | None = None) -> None:
        self.start = whole(start, "start (ns)")
        self.lasting = None if lasting is None else whole(lasting, "lasting (ns)", 1)
        self.every = None if every is None else whole(every, "every (ns)", 1)
        if self.every is not None and (self.lasting is None or self.lasting >= self.every):
            raise ImpairmentError(f"what lasts {lasting} ns every {every} ns never ends: let it last less")

    def active(self, now: int) -> bool:
        """Whether it is so at ``now``."""
        since = now - self.start
        if since < 0:
            return False
        if self.every is not None:
            since %= self.every
        return self.lasting is None or since < self.lasting

    def next_change(self, now: int) -> int | None:
        """The first time after ``now`` at which ``active`` changes; None when it never does again."""
        since = now - self.start
        if since < 0:
            return self.start
        if self.lasting is None:
            return None
        round_start = self.start if self.every is None else now - since % self.every
        if now < round_start + self.lasting:
            return round_start + self.lasting
        return None if self.every is None else round_start + self.every
