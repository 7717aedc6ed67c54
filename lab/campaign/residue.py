"""What is left of an impairment when chance does nothing: its text without the words that draw.

It says the same as the stages' ``without_chance`` (``tap.impair``), in a scenario's words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.scenario.impairments import is_netem
from tap.impair import words
from tap.impair.netem import Settings
from tap.impair.netem import parse as parse_netem
from tap.impair.units import time_ns

JUST_CHANCE = ("loss", "gilbert-elliott", "four-state", "reorder", "duplicate", "corrupt", "truncate")


@dataclass(frozen=True)
class Residue:
    """``text`` "": nothing is left; None: no words can say it. ``delay``: what it adds to a frame (ns)."""

    text: str | None
    delay: int = 0


def residue(text: str) -> Residue:
    """Of an impairment's text, which is one (it was checked)."""
    if is_netem(text):
        return _of_netem(parse_netem(text))
    kind, values = words.split(text)
    if kind in JUST_CHANCE:
        return Residue("")
    if kind == "delay":
        return _of_delay(values, text)
    return Residue(None if kind == "slots" else text)


def labels(texts: Sequence[str]) -> dict[str, str]:
    """The impairments of a direction by what a journal calls their stages there, but for the direction."""
    found: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for text in texts:
        kind = text.split()[0]
        numbers[kind] = number = numbers.get(kind, 0) + 1
        found[kind if number == 1 else f"{kind}{number}"] = text
    return found


def _of_delay(values: Mapping[str, object], text: str) -> Residue:
    delay = str(values["delay"])
    if "jitter" not in values:
        return Residue(text, time_ns(delay))
    in_order = values.get("in_order")
    return Residue(f"delay delay={delay}" + (" in_order=true" if in_order else ""), time_ns(delay))


def _of_netem(settings: Settings) -> Residue:
    """Delay, rate and limit, which draw nothing."""
    if settings.slot is not None or settings.gap:
        return Residue(None)
    left = [f"limit {settings.limit}"]
    left += [f"delay {settings.delay}ns"] if settings.delay else []
    if settings.rate is not None:
        line = settings.rate
        left.append(f"rate {line.rate}bit {line.overhead} {line.cell} {line.cell_overhead}")
    return Residue(f"netem {' '.join(left)}" if len(left) > 1 else "", settings.delay)
