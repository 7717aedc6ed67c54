"""tc-netem's own syntax: ``netem delay 80ms 20ms loss gemodel 1% 10%`` means here what it means to Linux.

Also a whole command (``tc qdisc add dev eth0 root netem ...``) is taken, and words may be shortened as tc
allows. Where netem's meaning is a trap (tap.impair.netem_warnings) the result has a warning with the mend.
Grammar: tc(8) of iproute2, tc/q_netem.c.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from typing import TypeVar

from tap.cable import Stage
from tap.impair.distribution import NAMES
from tap.impair.draws import draws
from tap.impair.loss import FourState, GilbertElliott, Loss, LossStage
from tap.impair.netem_stage import Chance, Line, Netem, scatter
from tap.impair.netem_warnings import warnings
from tap.impair.slots import Slots
from tap.impair.units import ImpairmentError, percentage, rate_bits, size, time_ns, trap
from tap.streams import Stream, stream

T = TypeVar("T")

# In tc's order: a word is the first of these that it begins.
WORDS = (
    "limit latency delay loss drop ecn reorder corrupt gap duplicate distribution rate slot seed".split()
)  # fmt: skip
LOSS_MODELS = ("random", "state", "gemodel")

StreamOf = Callable[[str], Stream]


class NetemError(ImpairmentError):
    """Words that netem does not know, or cannot have: one line with the column (from 1) and the mend."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"netem, column {column}: {message}")
        self.column = column


@dataclass(slots=True)
class SlotSettings:
    """netem's ``slot``: ns, packets and bytes (0: any)."""

    minimum: int
    maximum: int | None = None
    jitter: int = 0
    distribution: str | Sequence[int] = "uniform"
    packets: int = 0
    size: int = 0


@dataclass(slots=True)
class Settings:
    """What the words say: times in ns, probabilities exact, and the warnings."""

    limit: int = 1000
    delay: int = 0
    jitter: int = 0
    delay_correlation: Fraction = Fraction(0)
    distribution: str | Sequence[int] = "uniform"
    loss_model: str | None = None  # random, state or gemodel
    loss: tuple[Fraction, ...] = ()  # as many numbers as were given
    ecn: bool = False
    duplicate: Chance = field(default_factory=Chance)
    corrupt: Chance = field(default_factory=Chance)
    reorder: Chance = field(default_factory=Chance)
    gap: int = 0
    rate: Line | None = None
    slot: SlotSettings | None = None
    seed: int | None = None
    warnings: list[str] = field(default_factory=list)

    def stages(self, stream_of: StreamOf, name: str = "netem") -> list[Stage]:
        """The stages, in the order in which frames pass them. ``stream_of`` gives the stream for a purpose
        (loss, delay, ...); a ``seed`` among the words takes its place.
        """
        if self.seed is not None:
            seed = self.seed

            def stream_of(purpose: str) -> Stream:
                return stream(seed, f"netem.{purpose}")

        slots = self._slots(stream_of("slot"), f"{name} slot")
        netem = Netem(
            limit=self.limit,
            delay=self.delay,
            scatter=scatter(
                self.delay, self.jitter, self.distribution, self.delay_correlation, draws(stream_of("delay"))
            )
            if self.jitter
            else None,
            loss=self._loss(stream_of("loss")),
            ecn=self.ecn,
            duplicate=self.duplicate.decider(draws(stream_of("duplicate"))),
            corrupt=self.corrupt.decider(draws(stream_of("corrupt"))),
            bits=draws(stream_of("bits")),
            reorder=self.reorder.decider(draws(stream_of("reorder"))),
            gap=self.gap,
            line=self.rate,
            slots=slots,
            name=name,
        )
        return [netem] if slots is None else [netem, slots]

    def _loss(self, numbers: Stream) -> LossStage | None:
        match self.loss_model:
            case "random":
                rate, *correlation = self.loss
                return Loss(
                    rate, stream=numbers, correlation=correlation[0] if correlation else 0, how="netem"
                )
            case "state":
                return FourState(*self.loss, stream=numbers)
            case "gemodel":
                p, *rest = self.loss
                return GilbertElliott.of(p, *(rest or [1 - p]), stream=numbers)
        return None

    def _slots(self, numbers: Stream, name: str) -> Slots | None:
        if self.slot is None:
            return None
        return Slots(
            self.slot.minimum,
            self.slot.maximum,
            self.slot.packets,
            self.slot.size,
            stream=numbers,
            jitter=self.slot.jitter,
            distribution=self.slot.distribution,
            name=name,
        )


def parse(text: str, tables: Mapping[str, Sequence[int]] | None = None) -> Settings:
    """The settings that ``text`` names. ``tables``: further distributions by name
    (``tap.impair.distribution``). Raises NetemError.
    """
    return _Parser(text, tables or {}).settings()


class _Parser:
    """One pass over the words; each ``_word_...`` method takes what belongs to its option."""

    def __init__(self, text: str, tables: Mapping[str, Sequence[int]]) -> None:
        self._text = text
        self._words = [(found.group(), found.start() + 1) for found in re.finditer(r"\S+", text)]
        self._tables = tables
        self._at = 0
        self._option = ""
        self._columns: dict[str, int] = {}  # where each option stands
        self.found = Settings()

    def settings(self) -> Settings:
        names = [word for word, _ in self._words]
        if "netem" in names:
            self._at = names.index("netem") + 1
        if self._at == len(names):
            raise NetemError(len(self._text) + 1, "there is no option: write delay 80ms, loss 1%, ...")
        while self._at < len(self._words):
            word, column = self._take("an option")
            option = next((known for known in WORDS if known.startswith(word)), None)
            if option is None:
                raise NetemError(column, self._unknown(word))
            self._option = {"latency": "delay", "drop": "loss"}.get(option, option)
            self._columns[self._option] = column
            getattr(self, f"_{self._option}")(column)
        self._check()
        self.found.warnings += warnings(self.found)
        return self.found

    def _check(self) -> None:
        """What tc refuses, too."""
        found, columns = self.found, self._columns
        if found.reorder.rate:
            if not found.delay:
                raise NetemError(columns["reorder"], "reorder sends a frame before delayed ones: add a delay")
            found.gap = found.gap or 1
        elif found.gap:
            raise NetemError(columns["gap"], "gap says which frames may be reordered: add reorder 25%")
        if found.ecn and found.loss_model is None:
            raise NetemError(columns["ecn"], "ecn marks what would be lost: add a loss")
        if "distribution" in columns and not (found.delay and found.jitter):
            raise NetemError(
                columns["distribution"], "a distribution needs delay and jitter: delay 80ms 20ms"
            )

    # Options, in tc's order

    def _limit(self, _: int) -> None:
        self.found.limit = self._value(size, "packets")

    def _delay(self, _: int) -> None:
        self.found.delay = self._value(time_ns, "a time", "time")
        if self._number_follows():
            self.found.jitter = self._value(time_ns, "a jitter", "time")
            if self._number_follows():
                self.found.delay_correlation = self._value(percentage, "a correlation", "percentage")

    def _loss(self, column: int) -> None:
        if self.found.loss_model is not None:
            raise NetemError(column, "loss stands here a second time: leave one out")
        word, at = self._take("a percentage, or random, state, gemodel")
        model = word if word in LOSS_MODELS else "random"
        if model != word:
            self._at -= 1
            if not word[0].isdigit():
                raise NetemError(at, f"{word!r} is no loss: write 1%, or one of {', '.join(LOSS_MODELS)}")
        most = {"random": 2, "state": 5, "gemodel": 4}[model]
        numbers = [self._value(percentage, "a percentage", "percentage")]
        while len(numbers) < most and self._number_follows():
            numbers.append(self._value(percentage, "a percentage", "percentage"))
        self.found.loss_model, self.found.loss = model, tuple(numbers)
        if model == "state":
            try:
                FourState(*numbers, stream=stream(0, ""))
            except ImpairmentError as error:
                raise NetemError(at, str(error)) from None

    def _ecn(self, _: int) -> None:
        self.found.ecn = True

    def _reorder(self, _: int) -> None:
        self.found.reorder = self._chance()
        if self._peek() == "gap":
            self._take("gap")
            self._gap(self._words[self._at - 1][1])

    def _corrupt(self, _: int) -> None:
        self.found.corrupt = self._chance()

    def _gap(self, column: int) -> None:
        self._columns["gap"] = column
        self.found.gap = self._value(size, "packets")

    def _duplicate(self, _: int) -> None:
        self.found.duplicate = self._chance()

    def _distribution(self, _: int) -> None:
        self.found.distribution = self._named_distribution()

    def _rate(self, _: int) -> None:
        word, column = self._words[self._at] if self._at < len(self._words) else ("", 0)
        if word.endswith("%"):
            raise NetemError(column, f"{word} of what? A cable has no speed: write 1mbit")
        line = Line(self._value(rate_bits, "a rate", "rate"))
        if self._number_follows(signed=True):
            line.overhead = self._value(int, "bytes of overhead")
            if self._number_follows():
                line.cell = self._value(size, "bytes of a cell")
                if self._number_follows(signed=True):
                    line.cell_overhead = self._value(int, "bytes of a cell's overhead")
        self.found.rate = line

    def _slot(self, _: int) -> None:
        if self._peek() == "distribution":
            self._take("distribution")
            named = self._named_distribution()
            slot = SlotSettings(self._value(time_ns, "a time", "time"), distribution=named)
            slot.jitter = self._value(time_ns, "a jitter", "time")
        else:
            slot = SlotSettings(self._value(time_ns, "a time", "time"))
            if self._number_follows():
                column = self._words[self._at][1]
                slot.maximum = self._value(time_ns, "a time", "time")
                if slot.maximum < slot.minimum:
                    raise NetemError(column, "the slot's maximum is below its minimum: exchange them")
        while (word := self._peek()) in ("packets", "bytes"):
            self._take("packets or bytes")
            if word == "packets":
                slot.packets = self._value(size, "packets")
            else:
                slot.size = self._value(size, "bytes")
        self.found.slot = slot

    def _seed(self, _: int) -> None:
        self.found.seed = self._value(int, "whole number")

    # Words

    def _chance(self) -> Chance:
        chance = Chance(self._value(percentage, "a percentage", "percentage"))
        if self._number_follows():
            chance.correlation = self._value(percentage, "a correlation", "percentage")
        return chance

    def _named_distribution(self) -> str | Sequence[int]:
        word, column = self._take("the name of a distribution")
        if word in self._tables:
            return self._tables[word]
        if word not in NAMES:
            known = ", ".join((*NAMES, *self._tables))
            raise NetemError(column, f"there is no distribution {word!r}: take {known}")
        return word

    def _take(self, what: str) -> tuple[str, int]:
        if self._at == len(self._words):
            column = len(self._text) + 1
            raise NetemError(column, f"{self._option} needs {what}, and nothing follows")
        self._at += 1
        return self._words[self._at - 1]

    def _peek(self) -> str | None:
        return self._words[self._at][0] if self._at < len(self._words) else None

    def _number_follows(self, signed: bool = False) -> bool:
        word = self._peek()
        return word is not None and (word[0].isdigit() or (signed and word[0] == "-"))

    def _value(self, convert: Callable[[str], T], what: str, kind: str = "") -> T:
        """The next word as a value, with a warning when its unit is a trap."""
        word, column = self._take(what)
        try:
            value = convert(word)
        except ImpairmentError as error:
            raise NetemError(column, f"{self._option}: {error}") from None
        except ValueError:
            raise NetemError(column, f"{self._option}: {word!r} is no {what}") from None
        caught = trap(word, kind)
        if caught is not None:
            self.found.warnings.append(f"column {column}: {caught}")
        return value

    def _unknown(self, word: str) -> str:
        near = get_close_matches(word, WORDS, 1)
        return f"{word!r} is no netem option: " + (
            f"did you mean {near[0]}?" if near else f"there are {', '.join(WORDS)}"
        )
