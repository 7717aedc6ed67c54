"""The Internet checksum (RFC 1071) by big-integer residues.

The one's complement sum of 16-bit words is the value of the whole number modulo 0xFFFF, so ``int.from_bytes``
and one ``%`` replace the loop. Read as a little-endian number the sum comes out with its bytes swapped (RFC
1071 2 (B)), which is quicker and makes odd lengths need no padding. Long data is added up in quarters first:
cheaper than dividing the long number.

A residue is "the sum so far", an int; residues of parts add. ``finish`` turns a sum into the header field.
"""

from __future__ import annotations

number = int.from_bytes  # bound once: looking up the method of a type takes as long as 100 bytes

_QUARTERS_FROM = 400  # bytes; below, slicing costs more than it saves


def residue(data: bytes | bytearray) -> int:
    """Sum of the 16-bit words of ``data`` (zero-padded to even length) modulo 0xFFFF."""
    length = len(data)
    if length < _QUARTERS_FROM:
        total = number(data, "little")
    else:
        one = length >> 3 << 1
        two = one + one
        total = (
            number(data[:one], "little") + number(data[one:two], "little")
            + number(data[two : one + two], "little") + number(data[one + two :], "little")
        )  # fmt: skip
    return (total % 0xFFFF << 8) % 0xFFFF


def finish(total: int) -> int:
    """The checksum field for a sum of residues (of data that is not all zero: there RFC 1071 gives 0xFFFF,
    this gives 0).
    """
    return -total % 0xFFFF


def is_valid(total: int) -> bool:
    """Whether the sum over data that includes its checksum field is right."""
    return total % 0xFFFF == 0
