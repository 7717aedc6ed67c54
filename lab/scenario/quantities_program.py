"""Quantities of programs: what they returned, how they failed, what they printed, when they ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from lab.scenario.errors import Mistake, instead
from lab.scenario.names import Names
from lab.scenario.quantity import Found, Quantity
from usocket.errno import errorcode

if TYPE_CHECKING:
    from lab.scenario.bench import Bench

NONE = "none"


@dataclass(frozen=True)
class _OfProgram(Quantity):
    """Something about one program."""

    of: str
    syntax: ClassVar[str] = "PROGRAM"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        return cls(names.program(cls.arguments(words, 1)[0]))

    @property
    def program(self) -> str:
        return self.of


@dataclass(frozen=True)
class Result(_OfProgram):
    """What a program returned."""

    field: str = ""
    name: ClassVar[str] = "result"
    syntax: ClassVar[str] = "PROGRAM[.FIELD]"
    meaning: ClassVar[str] = "what the program returned (a script: its exit status), or a field of that"
    example: ClassVar[str] = "result client.request.lost == 0"
    unit: ClassVar[str] = "any"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        text = cls.arguments(words, 1)[0]
        if text in names.programs:
            return cls(text)
        program, _, field = text.rpartition(".")
        return cls(names.program(program if program in names.programs else text), field)

    def measure(self, bench: Bench) -> Found:
        outcome = bench.outcomes[self.of]
        if not outcome.is_over:
            return Found((), f"it has not ended: {outcome.state}")
        result = outcome.result
        if self.field:
            if not isinstance(result, dict) or self.field not in result:
                fields = ", ".join(result) if isinstance(result, dict) and result else "none"
                return Found((), f"it has no {self.field} ({outcome.state}); its fields: {fields}")
            result = result[self.field]
        return Found((result if isinstance(result, int) else str(result),))


@dataclass(frozen=True)
class Error(_OfProgram):
    """The error that ended a program."""

    name: ClassVar[str] = "error"
    meaning: ClassVar[str] = "the errno (or the exception) that ended the program, or none"
    example: ClassVar[str] = "error client.send == ECONNRESET"
    unit: ClassVar[str] = "text"

    def checked(self, text: str) -> str:
        known = [*errorcode.values(), "EISCONN", NONE]
        if text[:1] == "E" and text.isupper() and text not in known:
            raise Mistake(f"there is no errno {text}: {instead(text, known)}")
        return text

    def measure(self, bench: Bench) -> Found:
        outcome = bench.outcomes[self.of]
        return Found((outcome.error or NONE,), "" if outcome.error else outcome.state)


@dataclass(frozen=True)
class Ended(_OfProgram):
    """When a program ended."""

    name: ClassVar[str] = "ended"
    meaning: ClassVar[str] = "when the program ended"
    example: ClassVar[str] = "ended client.send in 1s..2s"
    unit: ClassVar[str] = "time"

    def measure(self, bench: Bench) -> Found:
        outcome = bench.outcomes[self.of]
        return Found((), outcome.state) if outcome.ended is None else Found((outcome.ended,))


@dataclass(frozen=True)
class Output(Quantity):
    """What programs of a device printed."""

    device: str
    name: ClassVar[str] = "output"
    syntax: ClassVar[str] = "DEVICE"
    meaning: ClassVar[str] = "what the programs on the device printed"
    example: ClassVar[str] = 'output client has "200 OK"'
    unit: ClassVar[str] = "text"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        return cls(names.device(cls.arguments(words, 1)[0]))

    def measure(self, bench: Bench) -> Found:
        return Found((bench.output_of(self.device),))
