"""Which frames a rule is for.

The frames that meet the other conditions are counted, for each flow by itself: ``n`` and ``every`` go by
that count, then ``p`` decides, and ``count`` is how often at most. Where kind, n, seq, xmit and conn are all
there, each with one value, they are a whole coordinate: n is then its n, kind its main kind, and the rule
meets that frame alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tap.impair.units import ImpairmentError, percentage, time_ns
from tap.rules.coordinate import Coordinate
from tap.rules.errors import RuleError, instead
from tap.rules.kinds import GROUPS, KINDS
from tap.rules.ranges import Ranges, ranges
from tap.rules.state import DeviceState, device_state

_FLOW = re.compile(r"[0-9a-fA-F.:*]+>[0-9a-fA-F.:*]+")
_BARE = re.compile(r"[\d.]+")


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a rule asks of a frame; None: nothing. Times are the clock's ns, ``p`` is exact."""

    kind: frozenset[str] | None = None
    n: Ranges | None = None
    seq: Ranges | None = None
    xmit: Ranges | None = None
    conn: Ranges | None = None
    flow: re.Pattern[str] | None = None
    state: DeviceState | None = None
    start: int | None = None
    until: int | None = None
    every: int = 1
    p: Fraction | None = None
    count: int | None = None

    @property
    def whole(self) -> bool:
        """Whether they are a whole coordinate."""
        numbers = (self.n, self.seq, self.xmit, self.conn)
        one_kind = self.kind is not None and len(self.kind) == 1
        return one_kind and all(number is not None and number.single for number in numbers)

    def place(self, at: Coordinate, now: int) -> bool:
        """Whether a frame with this coordinate, entering ``now``, is where they say; state, n, every, p and
        count are for who counts.
        """
        if (self.start is not None and now < self.start) or (self.until is not None and now >= self.until):
            return False
        if self.kind is not None and self.kind.isdisjoint(at.kinds):
            return False
        if self.conn is not None and at.conn not in self.conn:
            return False
        if self.flow is not None and not self.flow.fullmatch(at.flow):
            return False
        if self.xmit is not None and (at.xmit is None or at.xmit not in self.xmit):
            return False
        if self.seq is None:
            return True
        if at.seq is None:
            return False
        return at.seq in self.seq if self.whole else self.seq.overlap(at.seq, at.length)


@dataclass(frozen=True, slots=True)
class Condition:
    """One word of the language: the field of ``Conditions``, how a value is read, what it means."""

    field: str
    convert: Callable[[Any], object]
    meaning: str
    example: str


def _kinds(value: object) -> frozenset[str]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise RuleError(f"{value!r} is no kind of frame: write kind=data or kind=syn,syn-ack")
    found = frozenset(names)
    known = [name for name in (*KINDS, *GROUPS) if name != "injected"]
    for name in sorted(found):
        if name not in known:
            raise RuleError(f"there is no kind {name!r}: {instead(name, known)}")
    return found


def _flow(value: object) -> re.Pattern[str]:
    if not isinstance(value, str) or not _FLOW.fullmatch(value):
        raise RuleError(f"{value!r} is no flow: write 10.0.0.2:*>10.0.0.1:80, * for anything")
    return re.compile("[^>]*".join(re.escape(part) for part in value.split("*")))


def _time(value: object) -> int:
    if isinstance(value, str) and not _BARE.fullmatch(value):
        try:
            return time_ns(value)
        except ImpairmentError as error:
            raise RuleError(str(error)) from None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise RuleError(f"{value!r} is no time: write 80ms, 1.5s or 20us (from Python also ns as an int)")


def _positive(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RuleError(f"{value!r} does not do: give a whole number, 1 or more")
    return value


def _probability(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Fraction):
        raise RuleError(f"{value!r} is no probability: write 10%")
    if isinstance(value, str) and not value.endswith("%"):
        raise RuleError(f"{value!r} is no percentage: write 10%")
    try:
        return percentage(value)
    except ImpairmentError as error:
        raise RuleError(str(error)) from None


CONDITIONS = {
    "kind": Condition("kind", _kinds, "the kind of the frame, or one of its groups; several with commas",
                      "kind=data"),
    "n": Condition("n", ranges, "which of the frames, in their flow, that meet all other conditions but "
                   "every, p and count", "n=3"),
    "seq": Condition("seq", lambda value: ranges(value, None), "the segment carries this relative sequence "
                     "number, or one of the range: the SYN has 0, the first byte 1, the FIN the one after "
                     "the last byte; an ACK carries none", "seq=2920"),
    "xmit": Condition("xmit", ranges, "which transmission of the segment's first number it is, "
                      "1 the first; TCP only", "xmit=1..3"),
    "conn": Condition("conn", ranges, "which conversation on the cable: TCP connections, UDP flows, ICMP, "
                      "ARP and the rest each count for themselves", "conn=2"),
    "flow": Condition("flow", _flow, "who to whom, with * for anything; without ports for what has none",
                      "flow=10.0.0.2:*>*:80"),
    "state": Condition("state", device_state, "the state of a named device's connection, as the frame "
                       "enters; several with commas", "state=client:ESTABLISHED"),
    "from": Condition("start", _time, "not before this time of the network's clock", "from=1.5s"),
    "until": Condition("until", _time, "before this time", "until=20s"),
    "every": Condition("every", _positive, "each so manieth of the frames that n counts", "every=3"),
    "p": Condition("p", _probability, "with this probability, from a random stream of the rule's own",
                   "p=10%"),
    "count": Condition("count", _positive, "so often at most, then never again", "count=2"),
}  # fmt: skip


def make(values: Mapping[str, object]) -> Conditions:
    """The conditions of values that are converted already, by their words."""
    return Conditions(**{CONDITIONS[word].field: value for word, value in values.items()})  # type: ignore[arg-type]


def convert(word: str, value: object) -> object:
    """The value of a condition. Raises RuleError, also when there is no such condition."""
    if word not in CONDITIONS:
        raise RuleError(f"there is no condition {word!r}: {instead(word, CONDITIONS)}")
    try:
        return CONDITIONS[word].convert(value)
    except RuleError as error:
        raise RuleError(f"{word}: {error.bare}") from None
