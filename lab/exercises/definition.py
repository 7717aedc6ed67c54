"""What an exercise is, and a test of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.exercises.bench import Bench
    from lab.exercises.plug import Rule
    from netstack.tcp.layer import Tcp


@dataclass(frozen=True)
class Test:
    """What happens (``play``), what is looked at (``rules``), and what it is worth."""

    __test__ = False  # pytest: not one of yours

    name: str
    points: int
    title: str
    play: Callable[[Bench], None]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """``interface`` is the class of the starter file; ``install(bench, tcp, rules)`` plugs the student's part
    in.
    """

    name: str
    title: str
    interface: type
    install: Callable[[Bench, Tcp, Sequence[Rule]], None]
    tests: tuple[Test, ...]

    @property
    def points(self) -> int:
        """Those of all tests together."""
        return sum(test.points for test in self.tests)
