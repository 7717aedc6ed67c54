"""Corruption: of bits, of bytes, or of one field, with the checksums left wrong or made right.

A checksum left wrong tests that the receiver notices; one made right is what a broken router or NIC produces,
which no checksum can find (Stone and Partridge, "When the CRC and TCP checksum disagree", 2000).
"""

from __future__ import annotations

from fractions import Fraction

from tap.cable import Note, PassOn
from tap.impair.correlation import correlated
from tap.impair.draws import Draw, draws
from tap.impair.fields import get, known, put, repair, width
from tap.impair.units import ImpairmentError, threshold, whole
from tap.streams import Stream

UNITS = ("bit", "byte")


def flip(changed: bytearray, draw: Draw, start: int = 0) -> str:
    """Flip one bit of ``changed`` at or after byte ``start``; says which."""
    bit = draw() * (8 * (len(changed) - start)) >> 32
    byte = start + (bit >> 3)
    changed[byte] ^= 1 << (bit & 7)
    return f"bit {bit & 7} of byte {byte}"


class Corrupt:
    """With probability ``rate`` a frame is changed: ``count`` times one ``unit`` (bit or byte) at or after
    byte ``start`` (14 spares the Ethernet header, so that the frame still arrives), or instead the ``field``
    of that name (``tap.impair.fields``), set to ``value`` or to a random other value. ``repaired``: the
    checksums of IPv4 and of TCP, UDP or ICMP are made right again. A frame without the field, or too short,
    passes unharmed.
    """

    def __init__(
        self,
        rate: float | Fraction,
        unit: str = "bit",
        *,
        stream: Stream,
        count: int = 1,
        start: int = 0,
        field: str | None = None,
        value: int | None = None,
        repaired: bool = False,
        correlation: float | Fraction = 0,
        name: str = "corrupt",
    ) -> None:
        if unit not in UNITS:
            raise ImpairmentError(
                f"a {unit!r} cannot be corrupted: take {' or '.join(UNITS)}, or name a field"
            )
        if value is not None and (field is None or not 0 <= value < 1 << width(known(field))):
            raise ImpairmentError(f"corrupt value {value} fits no field: name a field that is wide enough")
        self.name = name
        self._below = threshold(rate, "corrupt rate")
        self._unit = unit
        self._count = whole(count, "corrupt count", 1)
        self._start = whole(start, "corrupt start")
        self._field = known(field) if field is not None else None
        self._value = value
        self._repaired = repaired
        numbers = draws(stream)
        self._choose = correlated(numbers, correlation)
        self._draw = numbers

    def without_chance(self) -> None:
        """Nothing is left of it (``tap.verdicts``)."""

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self._choose() < self._below:
            changed = bytearray(frame)
            if self._field is not None:
                what = self._change_field(changed, self._field)
            elif len(frame) > self._start:
                what = ", ".join(self._change_once(changed) for _ in range(self._count))
            else:
                what = ""
            if what:
                if self._repaired:
                    repair(changed)
                    what += ", repaired"
                note("corrupt", what)
                frame = bytes(changed)
        pass_on(frame, now)

    def _change_once(self, changed: bytearray) -> str:
        if self._unit == "bit":
            return flip(changed, self._draw, self._start)
        at = self._start + (self._draw() * (len(changed) - self._start) >> 32)
        changed[at] ^= 1 + (self._draw() * 255 >> 32)
        return f"byte {at} = {changed[at]}"

    def _change_field(self, changed: bytearray, field: str) -> str:
        old = get(changed, field)
        if old is None:
            return ""
        value = self._value
        if value is None:  # one of the others, each as likely
            number = self._draw() << 32 | self._draw()
            value = old ^ 1 + (number * ((1 << width(field)) - 1) >> 64)
        put(changed, field, value)
        return f"{field} = {value}"
