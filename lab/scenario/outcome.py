"""What became of a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.scenario.units import seconds


@dataclass
class Outcome:
    """What is known of one program: times in clock's ns, ``error`` an errno's name or an exception."""

    name: str
    daemon: bool
    begun: int | None = None
    ended: int | None = None
    result: Any = None
    error: str | None = None
    waits_for: str = ""
    reboots: int = 0  # how often its device was reset under it

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.ended is not None

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong with it as far as it got."""
        return self.error is None and (self.daemon or self.is_over)

    @property
    def state(self) -> str:
        """In words."""
        if self.ended is not None:
            how = f"failed with {self.error}" if self.error else f"returned {shown(self.result)}"
            return f"{how} at {seconds(self.ended)}"
        if self.begun is None:
            return "it has not begun again after a reset" if self.reboots else "it has not begun"
        return f"waits for {self.waits_for}" if self.waits_for else "it runs"


TIMES = ("took", "fastest", "slowest")  # fields of results that are times, in ns


def shown(result: object) -> str:
    """A result in one line."""
    if isinstance(result, dict):
        return ", ".join(
            f"{key} {seconds(value) if key in TIMES and isinstance(value, int) else value}"
            for key, value in result.items()
        )
    return "nothing" if result is None else str(result)
