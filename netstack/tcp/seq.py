"""Sequence number arithmetic modulo 2**32 (RFC 9293 3.4; lwIP ``tcp_priv.h``: TCP_SEQ_LT and friends).

``a`` is before ``b`` when bit 31 of a - b is set. On the packet path the expressions are written out; these
are the names.
"""

from __future__ import annotations

MASK = 0xFFFFFFFF
SIGN = 0x80000000


def lt(a: int, b: int) -> bool:
    """``a`` is before ``b``."""
    return (a - b) & SIGN != 0


def leq(a: int, b: int) -> bool:
    """``a`` is ``b`` or before it."""
    return not (b - a) & SIGN


def gt(a: int, b: int) -> bool:
    """``a`` is after ``b``."""
    return (b - a) & SIGN != 0


def geq(a: int, b: int) -> bool:
    """``a`` is ``b`` or after it."""
    return not (a - b) & SIGN


def between(a: int, low: int, high: int) -> bool:
    """``a`` is in [low, high]; each end is tested by itself, as lwIP does."""
    return not (a - low) & SIGN and not (high - a) & SIGN
