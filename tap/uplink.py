"""An uplink: a node of an emulated network whose other side is a TAP (or another link), so that emulated
devices and Linux meet. It needs real time.
"""

from __future__ import annotations

from collections.abc import Callable

from tap.cable import Port
from tap.driver import BATCH
from tap.link import Link


class Uplink:
    """Hands every frame on, from the network to ``link`` and back. The scheduler drives it as hosts."""

    def __init__(self, name: str, link: Link) -> None:
        self.name = name
        self.link = link
        self.port = Port(name, link.mtu, link.send)

    def pump(self) -> int:
        """Take in up to BATCH frames from the link: how many."""
        taken = 0
        while taken < BATCH and (frame := self.link.receive()) is not None:
            self.port.send(frame)
            taken += 1
        return taken

    take_in = pump

    def catch_up(self) -> None:
        """Nothing: it has no timers."""

    def next_deadline(self) -> None:
        """None: it waits for nothing."""
        return None

    def no_deadline_before(self) -> int:
        """For ever."""
        return 1 << 63

    def fileno(self) -> int | None:
        """The link's descriptor."""
        return self.link.fileno()

    def notify(self, callback: Callable[[], None]) -> None:
        """Nothing: the descriptor tells."""
