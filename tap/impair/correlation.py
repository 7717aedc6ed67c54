"""Draws that resemble the one before: with netem's filter, and so that they stay uniform.

netem's filter averages a draw with the one before (``get_crandom`` in net/sched/sch_netem.c), which draws the
values to the middle: the result is not uniform any more, ``loss 20% 75%`` loses 0.1 % instead of 20 %, and a
jitter shrinks by sqrt((1 - r) / (1 + r)). ``netem_filter`` does just that, for those who compare with Linux.

``keep_uniform`` filters normal numbers instead, which stay normal under averaging (a first-order
autoregressive process), and takes their distribution function: whatever is made of these draws keeps its own
distribution, the loss its rate and the jitter its spread (a Gaussian copula; Nelsen, "An Introduction to
Copulas", 2006).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import isqrt

from tap.impair.draws import Draw
from tap.impair.units import ImpairmentError, probability
from tap.streams import normal_quantile

HOWS = ("keep", "netem")

_STEPS = 4096
_UNIT = 1 << 24  # 1 standard deviation
_SHIFT = 20
_LOW = (1 << _SHIFT) - 1  # 32-bit draw = 12 bits that choose a step, 20 bits within it


def correlated(draw: Draw, correlation: float | Fraction, how: str = "keep") -> Draw:
    """``draw`` with this correlation (0 .. 1) between neighbours; ``how``: keep (uniform) or netem."""
    rho = probability(correlation, "correlation")
    if how not in HOWS:
        raise ImpairmentError(f"there is no correlation {how!r}: take {' or '.join(HOWS)}")
    if not rho:
        return draw
    if how == "netem":
        return netem_filter(draw, rho)
    if rho == 1:
        raise ImpairmentError(
            "a correlation of 1 repeats the first draw for ever: give less, 0.99 for instance"
        )
    return keep_uniform(draw, rho)


def netem_filter(draw: Draw, rho: Fraction) -> Draw:
    """netem's own correlation; it starts at 0 (the kernel's starting value is random, out of a
    seed's reach).
    """
    return _filtered(draw, round(rho * 0xFFFFFFFF) + 1).__next__


def keep_uniform(draw: Draw, rho: Fraction) -> Draw:
    """Draws of which the normal scores have lag-n correlation ``rho ** n``; their ranks (6 / pi) * asin(rho /
    2).
    """
    return _kept(draw, round(rho * 65536)).__next__


def _filtered(draw: Draw, weight: int) -> Iterator[int]:
    other = (1 << 32) - weight
    last = 0
    while True:
        last = draw() * other + last * weight >> 32
        yield last


def _kept(draw: Draw, old: int) -> Iterator[int]:
    middles, edges = _normal_steps()
    new = isqrt(65536**2 - old**2)
    drawn = draw()
    score = middles[drawn >> _SHIFT]
    while True:
        yield bisect_right(edges, score) << _SHIFT | drawn & _LOW
        drawn = draw()
        score = score * old + middles[drawn >> _SHIFT] * new >> 16


@cache
def _normal_steps() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The normal distribution in 4096 steps of the same probability: their middles, and the edges between."""
    middles = [normal_quantile((i + 0.5) / _STEPS) for i in range(_STEPS)]
    edges = [normal_quantile(i / _STEPS) for i in range(1, _STEPS)]
    # The middles of the outermost steps are short of their mean; this makes the variance 1 again.
    grow = 1 / (sum(x * x for x in middles) / _STEPS) ** 0.5
    return tuple(round(x * grow * _UNIT) for x in middles), tuple(round(x * _UNIT) for x in edges)
