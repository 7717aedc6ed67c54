"""The stages by name, made from values with units: what scenario files and command lines name.

``make("loss", {"rate": "1%"}, stream=...)``. Each value is converted by its parameter's unit and each mistake
is one line that names stage, parameter and mend. ``docs/impairments.md`` is generated from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from inspect import Parameter, signature

from tap.cable import Stage
from tap.clock import Clock
from tap.impair.blackhole import Blackhole
from tap.impair.codel import CoDel
from tap.impair.corrupt import Corrupt
from tap.impair.delay import Delay
from tap.impair.drophead import DropHead
from tap.impair.duplicate import Duplicate
from tap.impair.flap import LinkFlap
from tap.impair.loss import FourState, GilbertElliott, Loss
from tap.impair.mahimahi import Mahimahi
from tap.impair.mtu import Mtu
from tap.impair.rate import Rate
from tap.impair.reorder import Reorder
from tap.impair.slots import Slots
from tap.impair.truncate import Truncate
from tap.impair.units import ImpairmentError, percentage, rate_bits, size, time_ns, whole
from tap.streams import Stream

# Given by who builds the stage, or from Python only; not by a value in a file.
NOT_VALUES = ("stream", "clock", "name", "tell")


@dataclass(frozen=True)
class Kind:
    """One kind of stage: ``units`` and ``notes`` by parameter; what netem says for it, and the traps."""

    name: str
    build: Callable[..., Stage]
    summary: str
    units: Mapping[str, str]
    netem: str = ""
    trap: str = ""

    def parameters(self) -> dict[str, Parameter]:
        """Those that are values, with their defaults."""
        found = signature(self.build).parameters
        return {name: parameter for name, parameter in found.items() if name not in NOT_VALUES}

    def needs(self, what: str) -> bool:
        """Whether it takes a ``stream`` or a ``clock``."""
        return what in signature(self.build).parameters


_LIMITS = {"limit_packets": "count", "limit_bytes": "size", "overhead": "whole"}
_WINDOW = {"start": "time", "lasting": "time", "every": "time"}
_CORRELATED = {"correlation": "probability", "how": "how"}

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "loss", Loss, "each frame is lost with the same probability, alone or not",
            {"rate": "probability", **_CORRELATED, "ecn": "flag"},
            "`loss 1%`",
            "netem's correlation (how = netem) destroys the rate: loss 20% 75% loses 0.1 %",
        ),
        Kind(
            "gilbert-elliott", GilbertElliott, "losses in bursts, by their mean rate and length in frames",
            {"loss": "probability", "burst": "number", "ecn": "flag"},
            "`loss gemodel P R`, R = 1/burst, P = R * loss / (1 - loss)",
            "gemodel P alone is no burst model: R is 1 - P then",
        ),
        Kind(
            "four-state", FourState, "isolated losses and bursts with gaps, by transition probabilities",
            {"p13": "probability", "p31": "probability", "p32": "probability", "p23": "probability",
             "p14": "probability", "ecn": "flag"},
            "`loss state P13 P31 P32 P23 P14`",
            "state P13 alone is no burst model: P31 is 1 - P13 then",
        ),
        Kind(
            "delay", Delay, "each frame arrives later, with jitter of a distribution",
            {"delay": "time", "jitter": "time", "distribution": "distribution", **_CORRELATED,
             "in_order": "flag"},
            "`delay 80ms 20ms distribution normal`",
            "jitter reorders unless in_order; netem's correlation shrinks it by sqrt((1-r)/(1+r)); a delay "
            "below 0 is 0, so a jitter over the delay moves the mean",
        ),
        Kind(
            "reorder", Reorder, "a frame steps back behind the next frames",
            {"rate": "probability", "behind": "count", "gap": "count", "patience": "time",
             "correlation": "probability"},
            "none; `reorder 25% gap 5` delays all but the chosen frame",
            "netem's needs a delay, and how far a frame jumps depends on the traffic",
        ),
        Kind(
            "duplicate", Duplicate, "a frame is followed by copies",
            {"rate": "probability", "copies": "count", "spacing": "time", "correlation": "probability"},
            "`duplicate 1%`",
            "in netem a frame that is duplicated and lost arrives once",
        ),
        Kind(
            "corrupt", Corrupt, "bits, bytes or a field are changed, checksums left wrong or repaired",
            {"rate": "probability", "unit": "unit", "count": "count", "start": "size", "field": "field",
             "value": "whole", "repaired": "flag", "correlation": "probability"},
            "`corrupt 1%`",
            "a bit in the destination MAC makes a loss: start = 14 spares the Ethernet header",
        ),
        Kind(
            "truncate", Truncate, "the end of a frame is missing",
            {"rate": "probability", "keep": "size", "correlation": "probability"},
        ),
        Kind(
            "rate", Rate, "a line of limited rate; a full queue turns away what comes (droptail)",
            {"rate": "rate", **_LIMITS},
            "`rate 1mbit limit 20`",
            "netem's limit counts frames on their way, too: with a delay it drops on an unloaded line; "
            "mbps is megabytes a second",
        ),
        Kind(
            "drophead", DropHead, "the same, but a full queue loses its oldest",
            {"rate": "rate", **_LIMITS},
        ),
        Kind(
            "codel", CoDel, "the same, but who waits too long too often is lost (RFC 8289)",
            {"rate": "rate", **_LIMITS, "target": "time", "interval": "time", "ecn": "flag"},
            "",
            "below about 2.4 Mbit/s one full frame takes longer than target: raise it",
        ),
        Kind(
            "slots", Slots, "frames leave in bursts at slots",
            {"minimum": "time", "maximum": "time", "packets": "count", "size": "size", "jitter": "time",
             "distribution": "distribution"},
            "`slot 20ms 40ms packets 5`",
        ),
        Kind("mtu", Mtu, "larger packets are lost without a word", {"mtu": "size"}),
        Kind(
            "mahimahi", Mahimahi, "frames leave at the times of a recorded trace (ms, 1504 bytes each)",
            {"trace": "trace", "limit_packets": "count", "limit_bytes": "size", "start": "time"},
        ),
        Kind("blackhole", Blackhole, "everything is lost, always or at times", _WINDOW, "`loss 100%`"),
        Kind(
            "link-flap", LinkFlap, "the link goes down and up; the stack learns of it, or not (tell)",
            {**_WINDOW, "notice": "time"},
        ),
    )
}  # fmt: skip


def make(
    kind: str,
    values: Mapping[str, object],
    *,
    stream: Stream | None = None,
    clock: Clock | None = None,
    name: str | None = None,
) -> Stage:
    """The stage of this kind with these values (text with units, or plain numbers where no unit can be
    meant). ``stream`` and ``clock`` are handed to kinds that need them. Raises ImpairmentError.
    """
    found = KINDS.get(kind)
    if found is None:
        raise ImpairmentError(f"there is no impairment {kind!r}: {_instead(kind, KINDS)}")
    parameters = found.parameters()
    given: dict[str, object] = {}
    for key, value in values.items():
        if key not in parameters:
            raise ImpairmentError(f"{kind} has no {key!r}: {_instead(key, parameters)}")
        try:
            given[key] = CONVERT[found.units[key]](value)
        except ImpairmentError as error:
            raise ImpairmentError(f"{kind} {key}: {error}") from None
    for key, parameter in parameters.items():
        if key not in given and parameter.default is Parameter.empty:
            raise ImpairmentError(f"{kind} needs {key}: {EXAMPLES[found.units[key]]}")
    required = signature(found.build).parameters
    for what, it in (("stream", stream), ("clock", clock)):
        if it is None and found.needs(what) and required[what].default is Parameter.empty:
            raise ImpairmentError(f"{kind} needs a {what}")
    given |= {"name": name} if name is not None else {}
    given |= {"stream": stream} if found.needs("stream") and stream is not None else {}
    given |= {"clock": clock} if found.needs("clock") and clock is not None else {}
    return found.build(**given)


def _time(value: object) -> int:
    if not isinstance(value, str) or value.strip().isdigit():
        raise ImpairmentError(f"{value!r} has no unit: write it as 80ms, 1.5s or 20us")
    return time_ns(value)


def _rate(value: object) -> int:
    if not isinstance(value, str) or value.strip().isdigit():
        raise ImpairmentError(f"{value!r} has no unit: write it as 100kbit or 1mbit")
    return rate_bits(value)


def _probability(value: object) -> Fraction:
    if isinstance(value, str) and not value.strip().endswith("%"):
        raise ImpairmentError(f"{value!r} is no percentage: write it as 1% (or as the number 0.01)")
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ImpairmentError(f"{value!r} is no probability: write it as 1% (or as the number 0.01)")
    return percentage(value)


def _size(value: object) -> int:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ImpairmentError(f"{value!r} is no size: write it as 1500 or 16kb")
    return size(value)


def _number(value: object) -> Fraction:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e15:
        raise ImpairmentError(f"{value!r} is no number: write it as 4 or 2.5")
    return Fraction(value)


def _whole(value: object) -> int:
    return whole(value, "value", -(1 << 63))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ImpairmentError(f"{value!r} is neither true nor false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ImpairmentError(f"{value!r} is no text: put it in quotes")
    return value


def _series(value: object) -> Sequence[int]:
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(isinstance(x, int) for x in value)
    ):
        raise ImpairmentError(f"{value!r} is no list of whole numbers: write it as [0,4,9], without blanks")
    return value


def _distribution(value: object) -> str | Sequence[int]:
    return value if isinstance(value, str) else _series(value)


CONVERT: dict[str, Callable[[object], object]] = {
    "probability": _probability,
    "time": _time,
    "rate": _rate,
    "size": _size,
    "count": lambda value: whole(value, "value"),
    "whole": _whole,
    "number": _number,
    "flag": _flag,
    "how": _text,
    "unit": _text,
    "field": _text,
    "distribution": _distribution,
    "trace": _series,
}

EXAMPLES = {
    "probability": "a probability, as 1% or 0.01",
    "time": "a time, as 80ms",
    "rate": "a rate, as 100kbit",
    "size": "bytes, as 1500 or 16kb",
    "count": "a whole number, 0 or more",
    "whole": "a whole number",
    "number": "a number, as 4 or 2.5",
    "flag": "true or false",
    "how": "keep, or netem (netem's filter)",
    "unit": "bit or byte",
    "field": "a field, as tcp.seq (all are below)",
    "distribution": "uniform, normal, pareto, paretonormal, or a list of numbers (8192 = one jitter)",
    "trace": "a list of times in ms",
}


def _instead(word: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(word, known, 1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
