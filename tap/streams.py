"""Random numbers of experiments: one seed, and for each purpose an independent stream that its name chooses.

A stream is SplitMix64 whose start is the hash of seed and name, so adding a fault never shifts what another
one draws, and a run depends on nothing of the interpreter: no ``random``, no hash order, no libm. Every
method draws exactly one number, so a stream's position is the number of draws.

Sources: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014); Wichura, "Algorithm
AS 241: the percentage points of the normal distribution" (1988).
"""

from __future__ import annotations

from hashlib import sha256
from math import frexp, sqrt

_MASK = 0xFFFFFFFFFFFFFFFF
_GAMMA = 0x9E3779B97F4A7C15
_LN2 = 0.6931471805599453

# AS 241, PPND16: numerator and denominator of the three regions, highest power first
_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_SIDE = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0,
     1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


class Stream:
    """A stream of random numbers; ``state`` is its 64 bits."""

    __slots__ = ("state",)

    def __init__(self, state: int) -> None:
        self.state = state & _MASK

    def u64(self) -> int:
        """64 bits."""
        self.state = z = self.state + _GAMMA & _MASK
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & _MASK
        return z ^ z >> 31

    def u32(self) -> int:
        """32 bits."""
        return self.u64() >> 32

    def random(self) -> float:
        """Uniform in [0, 1), in steps of 2**-53: the same float everywhere."""
        return (self.u64() >> 11) * 2.0**-53

    def below(self, n: int) -> int:
        """Uniform in 0 .. n - 1, for n up to 2**64 (no rejection: off by less than n / 2**64)."""
        if n <= 0:
            raise ValueError(f"no number is below {n}: give 1 or more")
        return self.u64() * n >> 64

    def between(self, low: int, high: int) -> int:
        """Uniform in ``low`` .. ``high``, both included."""
        return low + self.below(high - low + 1)

    def normal(self) -> float:
        """Standard normal (mean 0, deviation 1), by the inverse of its distribution."""
        return normal_quantile(((self.u64() >> 12) + 0.5) * 2.0**-52)


def stream(seed: int, name: str) -> Stream:
    """The stream ``name`` of an experiment with this seed."""
    return Stream(int.from_bytes(sha256(f"{seed}/{name}".encode()).digest()[:8], "big"))


def normal_quantile(p: float) -> float:
    """The x that a standard normal variable stays under with probability ``p`` (0 < p < 1)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return q * _ratio(_CENTRE, 0.180625 - q * q)
    r = sqrt(-natural_logarithm(min(p, 1 - p)))
    x = _ratio(_SIDE, r - 1.6) if r <= 5 else _ratio(_TAIL, r - 5)
    return -x if q < 0 else x


def natural_logarithm(x: float) -> float:
    """ln x of a positive float from additions, multiplications and divisions alone: what libm gives may
    differ in the last bit from machine to machine.
    """
    m, exponent = frexp(x)  # m in [0.5, 1)
    if m < 0.7071067811865476:
        m, exponent = 2 * m, exponent - 1
    z = (m - 1) / (m + 1)
    square, term, total = z * z, z, 0.0
    for odd in range(1, 24, 2):  # 2 artanh z: |z| < 0.172, so the rest is under 1e-19
        total += term / odd
        term *= square
    return 2 * total + exponent * _LN2


def _ratio(region: tuple[tuple[float, ...], tuple[float, ...]], x: float) -> float:
    above = below = 0.0
    for a, b in zip(*region, strict=True):
        above = above * x + a
        below = below * x + b
    return above / below
