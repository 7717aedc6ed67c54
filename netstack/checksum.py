"""The Internet checksum (RFC 1071) by big-integer residues.

The one's complement sum of 16-bit words is the value of the big-endian number modulo 0xFFFF, so one
``int.from_bytes`` and one ``%`` replace the loop. Long data is folded in halves first: adding the upper half
of the number to the lower half keeps the residue (2**16 is 1 modulo 0xFFFF) and makes the division cheaper.

A residue is "the sum so far", an int; residues of parts add. ``finish`` turns a sum into the header field.
"""

from __future__ import annotations

_FOLD_FROM = 512  # bytes; below, folding costs more than the division it saves
_folds: dict[
    int, tuple[int, int, int, int, int, int]
] = {}  # length -> shift and mask of three folds; at most 64 Ki entries


def _plan_folds(length: int) -> tuple[int, int, int, int, int, int]:
    words = (length + 1) // 2
    plan: list[int] = []
    for _ in range(3):
        words = (words + 1) // 2
        plan += (words * 16, (1 << words * 16) - 1)
        words += 1  # the fold's carry
    _folds[length] = result = (plan[0], plan[1], plan[2], plan[3], plan[4], plan[5])
    return result


def residue(data: bytes | bytearray) -> int:
    """Sum of the 16-bit words of ``data`` (zero-padded to even length) modulo 0xFFFF."""
    length = len(data)
    total = int.from_bytes(data, "big")
    if length & 1:
        total <<= 8
    if length >= _FOLD_FROM:
        s1, m1, s2, m2, s3, m3 = _folds.get(length) or _plan_folds(length)
        total = (total >> s1) + (total & m1)
        total = (total >> s2) + (total & m2)
        total = (total >> s3) + (total & m3)
    return total % 0xFFFF


def finish(total: int) -> int:
    """The checksum field for a sum of residues (of data that is not all zero: there RFC 1071 gives 0xFFFF,
    this gives 0).
    """
    return -total % 0xFFFF


def is_valid(total: int) -> bool:
    """Whether the sum over data that includes its checksum field is right."""
    return total % 0xFFFF == 0
