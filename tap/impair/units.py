"""Values with units, as tc (iproute2) writes them, and the error that all impairments raise.

tc's units have traps that its users know from experience: a bare time is in microseconds, ``mbps`` is
megabytes a second, a bare number of a probability is a percentage. ``trap`` names the one that a text is in.
"""

from __future__ import annotations

import re
from fractions import Fraction

ONE = 1 << 32  # probability 1 on the scale of 32-bit draws

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([a-zA-Z%]*)\s*")
_TIMES = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_TIME_SUFFIXES = {f"{unit}{ending}": ns for unit, ns in _TIMES.items() for ending in ("", "ec", "ecs")}
_TIME_SUFFIXES |= {"sec": 10**9, "secs": 10**9, "µs": 1000, "min": 60 * 10**9, "h": 3600 * 10**9}
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_RATE_SUFFIXES = (
    {f"{prefix}bit": 1000**power for prefix, power in _POWERS.items()}
    | {f"{prefix}ibit": 1024**power for prefix, power in _POWERS.items() if prefix}
    | {f"{prefix}bps": 8 * 1000**power for prefix, power in _POWERS.items()}
    | {f"{prefix}ibps": 8 * 1024**power for prefix, power in _POWERS.items() if prefix}
    | {"": 1, "k": 1000, "m": 10**6, "g": 10**9, "t": 10**12}
)
_SIZE_SUFFIXES = {
    f"{prefix}{b}": Fraction(1024**power) for prefix, power in _POWERS.items() for b in ("", "b")
}
_SIZE_SUFFIXES |= {f"{prefix}bit": Fraction(1024**power, 8) for prefix, power in _POWERS.items() if prefix}


class ImpairmentError(ValueError):
    """A value that makes no sense: one line that names it and the mend."""


def time_ns(text: str | int) -> int:
    """``80ms``, ``1.5s``, ``20us``, ``7ns``, a bare number in µs (as tc has it) -> ns. An int is
    ns already.
    """
    if isinstance(text, int):
        return _not_negative(text, "time", text)
    number, suffix = _split(text, "time", "80ms, 1.5s, 20us or 7ns")
    scale = _TIME_SUFFIXES.get(suffix.lower() or "us")
    if scale is None:
        raise ImpairmentError(f"{text!r} is no time: write it as 80ms, 1.5s, 20us or 7ns")
    return _not_negative(round(number * scale), "time", text)


def rate_bits(text: str | int) -> int:
    """``100kbit``, ``1.5mbit``, ``1gbit``, ``8kbps`` (kilobytes!), a bare number in bit/s -> bit/s."""
    number, scale = (
        (Fraction(text), 1)
        if isinstance(text, int)
        else _scaled(text, "rate", _RATE_SUFFIXES, "100kbit or 1mbit")
    )
    if number <= 0:
        raise ImpairmentError(f"a rate of {text} carries nothing: give more than 0, or take a blackhole")
    return max(1, round(number * scale))


def size(text: str | int) -> int:
    """``1500``, ``1500b``, ``16k`` or ``16kb`` (1024 each), ``1mb`` -> bytes (tc writes packets so, too)."""
    if isinstance(text, int):
        return _not_negative(text, "size", text)
    number, scale = _scaled(text, "size", _SIZE_SUFFIXES, "1500 or 16kb")
    return _not_negative(round(number * scale), "size", text)


def percentage(text: str | float | Fraction) -> Fraction:
    """``1%`` or a bare ``1``, both one percent (as tc has it) -> 1/100. A number is a probability already."""
    if not isinstance(text, str):
        return probability(text)
    number, suffix = _split(text, "percentage", "1% or 0.5%")
    if suffix not in ("", "%"):
        raise ImpairmentError(f"{text!r} is no percentage: write it as 1% or 0.5%")
    if not 0 <= number <= 100:
        raise ImpairmentError(f"{text} is no percentage: give 0% to 100%")
    return number / 100


def probability(value: float | Fraction, what: str = "probability") -> Fraction:
    """A probability as an exact fraction; raises ImpairmentError outside 0 .. 1."""
    try:
        exact = Fraction(value)
    except (TypeError, ValueError, OverflowError):
        exact = Fraction(-1)
    if not 0 <= exact <= 1:
        number = shown(value) if isinstance(value, Fraction) else value
        raise ImpairmentError(f"{what} {number} is not between 0 and 1: 0.01 is one percent")
    return exact


def threshold(value: float | Fraction, what: str = "probability") -> int:
    """What a 32-bit draw has to be below with this probability: 0 (never) .. 2**32 (always)."""
    return round(probability(value, what) * ONE)


def shown(value: float | Fraction) -> str:
    """A number for a message: 0.7, not 7/10."""
    return format(float(value), "g")


def whole(value: object, what: str, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    if not isinstance(value, int) or value < least:
        raise ImpairmentError(f"{what} {value} does not do: give a whole number, {least} or more")
    return value


def trap(text: str, kind: str) -> str | None:
    """Why ``text`` may mean something else to tc than to its writer; ``kind``: time, rate or percentage."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    number, suffix = found.groups()
    if kind == "time" and not suffix and Fraction(number):
        return f"a bare {number} is {number} microseconds: write {number}ms or {number}us"
    if kind == "rate" and suffix.lower().endswith("bps"):
        bits = suffix.lower().replace("bps", "bit")
        return f"{suffix} is bytes a second, eight times {bits}: write {bits} if bits were meant"
    if kind == "percentage" and not suffix and 0 < Fraction(number) < 1:
        percent = format(float(Fraction(number) * 100), "g")
        return f"a bare {number} is {number} percent, not {percent} percent: write {number}% or {percent}%"
    return None


def _split(text: str, what: str, examples: str) -> tuple[Fraction, str]:
    found = _NUMBER.fullmatch(text)
    if found is None or len(found.group(1)) > 40:
        raise ImpairmentError(f"{text!r} is no {what}: write it as {examples}")
    number, suffix = found.groups()
    if abs(int(re.split("[eE]", number)[1]) if re.search("[eE]", number) else 0) > 18:
        raise ImpairmentError(f"{text!r} is no {what}: write it as {examples}")
    return Fraction(number), suffix


def _scaled(text: str, what: str, suffixes: dict[str, int] | dict[str, Fraction], examples: str) -> tuple[
    Fraction, int | Fraction
]:  # fmt: skip
    number, suffix = _split(text, what, examples)
    scale = suffixes.get(suffix.lower())
    if scale is None:
        raise ImpairmentError(f"{text!r} is no {what}: write it as {examples}")
    return number, scale


def _not_negative(value: int, what: str, text: str | int) -> int:
    if value < 0:
        raise ImpairmentError(f"a {what} of {text} is negative: give 0 or more")
    return value
