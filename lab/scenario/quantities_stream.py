"""Quantities of TCP streams: what programs sent and received."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from lab.scenario.names import Names
from lab.scenario.quantity import Found, Quantity, Value
from lab.scenario.streams import Route

if TYPE_CHECKING:
    from lab.scenario.bench import Bench

ANY = Route()
SHOWN = 3  # streams that are not as they were sent and are named


@dataclass(frozen=True)
class _OfStreams(Quantity):
    """Bytes of some streams."""

    route: Route = ANY
    syntax: ClassVar[str] = "[FROM>TO[:PORT]]"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        given = cls.arguments(words, 0, 1)
        return cls(names.route(given[0]) if given else ANY)


@dataclass(frozen=True)
class Delivered(_OfStreams):
    """``delivered == sent`` compares the streams themselves, ``delivered >= 64k`` counts bytes."""

    name: ClassVar[str] = "delivered"
    meaning: ClassVar[str] = (
        "bytes that programs received over TCP; `== sent`: each stream is what was sent, and something was"
    )
    example: ClassVar[str] = "delivered client>server == sent"
    words: ClassVar[tuple[str, ...]] = ("sent",)

    def measure(self, bench: Bench) -> Found:
        return Found((bench.streams.delivered(self.route),))

    def compared_with(self, bench: Bench, values: tuple[Value, ...]) -> Found:
        if values != ("sent",):
            return self.measure(bench)
        streams = list(bench.streams.of(self.route))
        if not streams:
            return Found((), "nothing was sent", False)
        problems = [end.problem(name) for name, end in streams if not end.is_delivered]
        if problems:
            more = len(problems) - SHOWN
            rest = [f"and {more} streams more"] if more > 0 else []
            return Found((), "; ".join(problems[:SHOWN] + rest), False)
        count = f"{len(streams)} streams" if len(streams) > 1 else "1 stream"
        total = sum(end.sent for _, end in streams)
        digest = f", sha256 {streams[0][1].sent_hash.hexdigest()[:16]}" if len(streams) == 1 else ""
        return Found((), f"{count}, {total} bytes{digest}", True)


@dataclass(frozen=True)
class Sent(_OfStreams):
    """Bytes sent."""

    name: ClassVar[str] = "sent"
    meaning: ClassVar[str] = "bytes that calls of programs said they had sent over TCP"
    example: ClassVar[str] = "sent client>server:5000 == 64k"

    def measure(self, bench: Bench) -> Found:
        return Found((bench.streams.sent(self.route),))
