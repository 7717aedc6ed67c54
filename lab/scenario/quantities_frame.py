"""Quantities of frames: how many, when, how far apart. A frame is seen where it enters a direction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from lab.scenario.errors import Mistake
from lab.scenario.frames import Seen
from lab.scenario.names import Names, Way
from lab.scenario.quantity import Found, Quantity
from lab.scenario.rules import conditions_of
from tap.rules.conditions import Conditions

if TYPE_CHECKING:
    from lab.scenario.bench import Bench

_XMITS = re.compile(r"xmit=(\d+)\.\.(\d+)")
SHOWN = 4  # frames that are named


@dataclass(frozen=True)
class Selector:
    """The frames of one direction that meet conditions (those of rules)."""

    way: Way
    text: str
    asks: Conditions

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        """Of a direction and conditions. Raises Mistake."""
        if not words:
            raise Mistake("it names no frames: write a direction and conditions, as client>server kind=data")
        return cls(names.way(words[0]), " ".join(words), conditions_of(" ".join(words[1:]), names))

    def watch(self, bench: Bench) -> list[Seen]:
        """The list of the frames, which grows as the run goes on."""
        return bench.seen(self.way, self.text, self.asks)


@dataclass(frozen=True)
class _OfFrames(Quantity):
    """Something about the frames of one selector."""

    selector: Selector
    syntax: ClassVar[str] = "FROM>TO [CONDITIONS]"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        return cls(Selector.parse(words, names))

    def prepare(self, bench: Bench) -> None:
        self.selector.watch(bench)


@dataclass(frozen=True)
class Count(_OfFrames):
    """How many frames."""

    name: ClassVar[str] = "count"
    meaning: ClassVar[str] = (
        "frames that were sent into the direction and meet the conditions, also lost ones"
    )
    example: ClassVar[str] = "count client>server kind=data xmit=2 == 1"

    def measure(self, bench: Bench) -> Found:
        seen = self.selector.watch(bench)
        first = [f"{one.coordinate.conditions()}" for one in seen[:SHOWN]]
        more = f", and {len(seen) - SHOWN} more" if len(seen) > SHOWN else ""
        return Found((len(seen),), "; ".join(first) + more)


@dataclass(frozen=True)
class First(_OfFrames):
    """When the first of the frames was sent."""

    name: ClassVar[str] = "first"
    meaning: ClassVar[str] = "when the first of these frames was sent"
    example: ClassVar[str] = "first client>server kind=fin in 1s..2s"
    unit: ClassVar[str] = "time"

    def measure(self, bench: Bench) -> Found:
        seen = self.selector.watch(bench)
        return Found((seen[0].time,)) if seen else Found((), "no such frame was sent")


@dataclass(frozen=True)
class Last(First):
    """When the last of the frames was sent."""

    name: ClassVar[str] = "last"
    meaning: ClassVar[str] = "when the last of these frames was sent"
    example: ClassVar[str] = "last client>server kind=data < 10s"

    def measure(self, bench: Bench) -> Found:
        seen = self.selector.watch(bench)
        return Found((seen[-1].time,)) if seen else Found((), "no such frame was sent")


@dataclass(frozen=True)
class Gap(Quantity):
    """The time between transmissions of a segment, or from one frame to another."""

    first: Selector
    second: Selector | None
    xmits: tuple[int, int]
    name: ClassVar[str] = "gap"
    syntax: ClassVar[str] = "FROM>TO CONDITIONS xmit=A..B, or gap FROM>TO CONDITIONS to FROM>TO CONDITIONS"
    meaning: ClassVar[str] = (
        "the time from transmission A of a segment to transmission B (of every segment that meets the "
        "conditions and was sent B times), or from the first frame of one kind to the next of another"
    )
    example: ClassVar[str] = "gap server>client kind=syn-ack xmit=1..2 in 2.5s..3.5s"
    unit: ClassVar[str] = "time"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        if "to" in words:
            at = words.index("to")
            first, second = (Selector.parse(part, names) for part in (words[:at], words[at + 1 :]))
            return cls(first, second, (0, 0))
        ranges = [found for word in words if (found := _XMITS.fullmatch(word))]
        if len(ranges) != 1:
            raise Mistake(f"gap needs xmit=A..B or a second frame: write it as {cls.example}")
        begin, end = int(ranges[0][1]), int(ranges[0][2])
        if not 0 < begin < end:
            raise Mistake(f"{ranges[0][0]} is no gap: the first transmission is 1, write xmit=1..2")
        rest = [word for word in words if word != ranges[0][0]]
        return cls(Selector.parse(rest, names), None, (begin, end))

    def prepare(self, bench: Bench) -> None:
        self.first.watch(bench)
        if self.second is not None:
            self.second.watch(bench)

    def measure(self, bench: Bench) -> Found:
        seen = self.first.watch(bench)
        if self.second is None:
            gaps = tuple(self._between_transmissions(seen))
            return Found(gaps, "" if gaps else self._why_none(seen))
        if not seen:
            return Found((), f"no {self.first.text} was sent")
        later = [one.time for one in self.second.watch(bench) if one.time >= seen[0].time]
        return Found((later[0] - seen[0].time,)) if later else Found((), f"no {self.second.text} was sent")

    def _between_transmissions(self, seen: list[Seen]) -> Iterator[int]:
        begin, end = self.xmits
        begun: dict[tuple[object, ...], int] = {}
        for one in seen:
            place = one.coordinate
            key = place.flow, place.conn, place.seq
            if place.xmit == begin:
                begun.setdefault(key, one.time)
            elif place.xmit == end and key in begun:
                yield one.time - begun[key]

    def _why_none(self, seen: list[Seen]) -> str:
        if not seen:
            return f"no {self.first.text} was sent"
        most = max(one.coordinate.xmit or 0 for one in seen)
        return f"no {self.first.text} was sent {self.xmits[1]} times: at most {most}"


@dataclass(frozen=True)
class Hits(Quantity):
    """How often a fault acted."""

    fault: str
    name: ClassVar[str] = "hits"
    syntax: ClassVar[str] = "FAULT"
    meaning: ClassVar[str] = "how often a fault acted: frames that its rule or impairment did something to"
    example: ClassVar[str] = "hits fault1 == 1"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        return cls(names.fault(cls.arguments(words, 1)[0]))

    def measure(self, bench: Bench) -> Found:
        return Found((bench.frames.hits[self.fault],))


@dataclass(frozen=True)
class Time(Quantity):
    """Now."""

    name: ClassVar[str] = "time"
    syntax: ClassVar[str] = ""
    meaning: ClassVar[str] = "the time; at the end, how long the run took"
    example: ClassVar[str] = "time <= 10s"
    unit: ClassVar[str] = "time"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        cls.arguments(words, 0)
        return cls()

    def measure(self, bench: Bench) -> Found:
        return Found((bench.clock.now(),))
