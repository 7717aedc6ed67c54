"""What a statement compares: a quantity that is measured in a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from lab.scenario.errors import Mistake
from lab.scenario.names import Names

if TYPE_CHECKING:
    from lab.scenario.bench import Bench

Value = int | str


@dataclass(frozen=True)
class Found:
    """What was measured: values, all of which are compared; more in words.

    ``holds``, where set, says what comes of the comparison.
    """

    values: tuple[Value, ...]
    text: str = ""
    holds: bool | None = None


@dataclass(frozen=True)
class Quantity:
    """A quantity of the run. Subclasses say what it is called, how it is written and what it is."""

    name: ClassVar[str]
    syntax: ClassVar[str]  # what stands behind the name
    meaning: ClassVar[str]
    example: ClassVar[str]  # a whole comparison
    unit: ClassVar[str] = "number"  # number, time, text, address, any
    words: ClassVar[tuple[str, ...]] = ()  # values that are words

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        """The quantity that the words behind the name mean. Raises Mistake."""
        raise NotImplementedError

    @property
    def what(self) -> str:
        """It, for messages."""
        return self.name

    @property
    def range_example(self) -> str:
        """A range of its unit."""
        return "1.0s..1.5s" if self.unit == "time" else "1..3"

    @property
    def program(self) -> str | None:
        """The program that it is about, if it is about one."""
        return None

    @property
    def left_in(self) -> str | None:
        """The device of which it says what is left when all connections are over, if it does."""
        return None

    def checked(self, text: str) -> str:
        """A text that it is compared with. Raises Mistake for one that it never is."""
        return text

    def prepare(self, bench: Bench) -> None:
        """Before the run: have what it measures observed."""

    def measure(self, bench: Bench) -> Found:
        """Its value now."""
        raise NotImplementedError

    def compared_with(self, bench: Bench, values: tuple[Value, ...]) -> Found:
        """Its value now, to be compared with these."""
        return self.measure(bench)

    @classmethod
    def arguments(cls, words: list[str], least: int, most: int | None = None) -> list[str]:
        """The words, as many as there have to be. Raises Mistake."""
        if not least <= len(words) <= (least if most is None else most):
            said = f"{cls.name} {' '.join(words)}".strip()
            raise Mistake(f"{said!r} is not how it is written: {cls.name} {cls.syntax}, as {cls.example}")
        return words
