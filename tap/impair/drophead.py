"""Drop from the front: a full queue loses its oldest frame, so that the sender learns of it a queue earlier
(Lakshman, Neidhardt, Ott, "The drop from front strategy in TCP and in TCP over ATM", 1996).
"""

from __future__ import annotations

from tap.clock import Clock
from tap.impair.queue import Queue, Waiting
from tap.impair.rate import Service


class DropHead(Queue):
    """Frames leave at ``rate`` bit/s; when more than ``limit_packets`` or ``limit_bytes`` wait (None: any
    number), those that wait longest are lost.
    """

    def __init__(
        self,
        rate: int | Service,
        limit_packets: int | None = None,
        limit_bytes: int | None = None,
        *,
        clock: Clock,
        overhead: int = 0,
        name: str = "drophead",
    ) -> None:
        super().__init__(rate, limit_packets, limit_bytes, overhead, clock, name)

    def admit(self, frame: bytes) -> str | None:
        full = self.limits.exceeded(1, len(frame))
        if full is not None:
            return full  # it would not fit into an empty queue
        while (full := self.limits.exceeded(len(self.waiting) + 1, self.bytes + len(frame))) is not None:
            self.pop().note("drop", f"{full}, oldest")
        return None

    def take(self, now: int) -> Waiting | None:
        return self.pop() if self.waiting else None
