"""Where netem's words do not do what they seem to say: one line each, with the figure and the mend."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tap.impair.correlation import netem_filter
from tap.impair.distribution import SCALE, table
from tap.impair.draws import draws
from tap.impair.units import shown, threshold
from tap.streams import stream

if TYPE_CHECKING:
    from tap.impair.netem import Settings

_TRIES = 40_000
_PACKET = 1500  # bytes


def warnings(found: Settings) -> list[str]:
    """The traps that these settings are in."""
    lines: list[str] = []
    if found.loss_model == "random" and len(found.loss) > 1 and found.loss[1]:
        lines.append(
            f"loss: netem's correlation does not keep the rate, {real(*found.loss)}: "
            f"for bursts write loss gemodel P R with R = 1/burst, or stage gilbert-elliott (loss, burst)"
        )
    if found.loss_model == "gemodel" and len(found.loss) == 1:
        lines.append(
            "loss gemodel with P alone has no bursts (R is 1 - P, which is loss random P): "
            "give R = 1 / mean burst, too"
        )
    if found.loss_model == "state" and len(found.loss) == 1:
        lines.append(
            "loss state with P13 alone has no bursts (P31 is 1 - P13, which is loss random P13): "
            "give P31 = 1 / mean burst, too"
        )
    for word, chance in (
        ("duplicate", found.duplicate),
        ("corrupt", found.corrupt),
        ("reorder", found.reorder),
    ):
        if chance.rate and chance.correlation:
            lines.append(
                f"{word}: netem's correlation does not keep the rate, "
                f"{real(chance.rate, chance.correlation)}: leave it out, or use stage {word} with correlation"
            )
    if found.ecn:
        lines.append("ecn marks only packets that announce ECN, which lwIP never does: its packets are lost")
    return lines + _of_delay(found)


def _of_delay(found: Settings) -> list[str]:
    lines: list[str] = []
    if found.jitter:
        if found.delay_correlation:
            share = float((1 - found.delay_correlation) / (1 + found.delay_correlation)) ** 0.5
            lines.append(
                f"delay: netem's correlation shrinks the jitter to {share:.0%} of "
                f"{shown(found.jitter / 1e6)} ms: use stage delay with correlation, which keeps it"
            )
        if found.rate is None:
            lines.append(
                "delay: jitter reorders frames that follow closer than it: "
                "add a rate, or use stage delay with in_order"
            )
        if found.jitter > found.delay:
            lines.append(
                "delay: the jitter is over the delay, and what would be below 0 is 0: the mean grows"
            )
        if found.distribution in ("pareto", "paretonormal"):
            lines.append(
                f"delay: the standard deviation of netem's {found.distribution} is "
                f"{spread(str(found.distribution)):.2f} times the jitter"
            )
    if found.rate is not None and found.delay:
        needed = found.delay * found.rate.rate // (8 * _PACKET * 10**9) + 1
        if needed > found.limit:
            lines.append(
                f"limit {found.limit} is below the {needed} packets that delay and rate keep on their way: "
                f"frames are lost on an unloaded line, write limit {2 * needed}"
            )
    return lines


def real(rate: Fraction, correlation: Fraction) -> str:
    """What comes of a rate under netem's correlation, by trying."""
    draw, below = netem_filter(draws(stream(0, "netem trial")), correlation), threshold(rate)
    share = sum(draw() < below for _ in range(_TRIES)) / _TRIES
    text = f"{share:.2%}" if share >= 0.0005 else "under 0.05%"
    return f"{shown(rate * 100)}% becomes {text}"


def spread(name: str) -> float:
    """The standard deviation of a built-in table in jitters."""
    values = table(name)
    mean = sum(values) / len(values)
    return float((sum((x - mean) ** 2 for x in values) / len(values)) ** 0.5) / SCALE
