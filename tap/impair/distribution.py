"""How delays scatter: tables of quantiles in netem's format, made without libm.

A table holds values at even steps of probability, in 1/8192 of the jitter (netem's NETEM_DIST_SCALE), so that
a delay is ``delay + jitter * table[u] / 8192``: integers only. The built-in ones mean what iproute2's files
of the same name mean (netem/normal.c, pareto.c, paretonormal.c): pareto has shape 3 and is cut off at 4
jitters, paretonormal is a quarter of normal and three quarters of pareto.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from tap.impair.units import ImpairmentError
from tap.streams import normal_quantile

SCALE = 8192  # one jitter
SIZE = 4096  # entries of the built-in tables
MOST = 32767  # tables are of 16-bit numbers

NAMES = ("uniform", "normal", "pareto", "paretonormal")
MAX_ENTRIES = 16384  # as the kernel


@cache
def table(name: str) -> tuple[int, ...]:
    """The built-in table ``name``; uniform has none (it is computed)."""
    if name == "normal":
        return tuple(round(normal_quantile((i + 0.5) / SIZE) * SCALE) for i in range(SIZE))
    if name == "pareto":
        return tuple(_pareto(i) for i in range(SIZE))
    if name == "paretonormal":
        return tuple((a + 3 * b) // 4 for a, b in zip(table("normal"), table("pareto"), strict=True))
    raise ImpairmentError(
        f"there is no distribution {name!r}: take {', '.join(NAMES)}, or a table of numbers"
    )


def parse_table(text: str, where: str = "table") -> tuple[int, ...]:
    """A table in iproute2's .dist format: whole numbers between white space, ``#`` begins a comment line."""
    values: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            continue
        for word in line.split():
            try:
                values.append(int(word))
            except ValueError:
                raise ImpairmentError(f"{where}:{number}: {word!r} is no whole number") from None
    return checked(values, where)


def checked(values: Sequence[object], where: str = "table") -> tuple[int, ...]:
    """``values`` as a table: 1 .. 16384 whole numbers of 16 bits."""
    if not 0 < len(values) <= MAX_ENTRIES:
        raise ImpairmentError(f"{where} has {len(values)} values: give 1 to {MAX_ENTRIES}")
    found = []
    for value in values:
        if not isinstance(value, int) or not -MOST - 1 <= value <= MOST:
            raise ImpairmentError(f"{where}: {value} is no 16-bit number: {SCALE} stands for one jitter")
        found.append(value)
    return tuple(found)


def from_samples(samples: Sequence[int], size: int = SIZE) -> tuple[tuple[int, ...], int, int]:
    """Measured delays (ns) -> (table, mean ns, standard deviation ns), as iproute2's maketable."""
    if len(samples) < 2:
        raise ImpairmentError(f"{len(samples)} samples make no distribution: give 2 or more")
    ordered, count = sorted(samples), len(samples)
    mean = sum(ordered) // count
    spread = _root(sum((x - mean) ** 2 for x in ordered) // count, 2)
    if spread == 0:
        raise ImpairmentError("all samples are the same: that is a delay without jitter")
    picked = (ordered[(2 * i + 1) * count // (2 * size)] for i in range(size))
    return tuple(max(-MOST - 1, min(MOST, (x - mean) * SCALE // spread)) for x in picked), mean, spread


def _pareto(i: int) -> int:
    """Entry ``i``: ((1 - p) ** (-1/3) - 3/2) * 4/3, p in the middle of step i; the mean is 3/2, so 0 here."""
    cube = _root((2 * SIZE << 60) // (2 * SIZE - 2 * i - 1), 3)  # of 1 / (1 - p), in units of 2**-20
    return min(MOST, ((cube << 1) - (3 << 20)) * 2 * SCALE // (3 << 20))


def _root(value: int, degree: int) -> int:
    """The whole part of a root, by bisection."""
    low, high = 0, 1 << value.bit_length() // degree + 1
    while high - low > 1:
        middle = low + high >> 1
        low, high = (middle, high) if middle**degree <= value else (low, middle)
    return low
