"""Texts to values."""

from __future__ import annotations

from fractions import Fraction

import pytest

from netstack.errors import ERR_BUF
from tap.clock import MS, SECOND
from tap.devicefault.fault import DeviceFaultError
from tap.devicefault.values import UNITS, convert


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        ("pool", "tcp_seg", "TCP_SEG"),
        ("count", "17", 17),
        ("count", 3, 3),
        ("size", "2kb", 2048),
        ("size", 1500, 1500),
        ("probability", "5%", Fraction(1, 20)),
        ("probability", 0.5, Fraction(1, 2)),
        ("flag", "true", True),
        ("flag", "off", False),
        ("flag", True, True),
        ("time", "1.5s", 1_500 * MS),
        ("signed time", "-2s", -2 * SECOND),
        ("signed time", "2s", 2 * SECOND),
        ("time or forever", "forever", None),
        ("time or forever", "2s", 2 * SECOND),
        ("ppm", "-50ppm", -50),
        ("err", "buf", ERR_BUF),
        ("mac", "02:00:00:00:00:99", b"\x02\0\0\0\0\x99"),
        ("words", "port,isn", ("port", "isn")),
        ("words", ["rtc"], ("rtc",)),
        ("word", "cold", "cold"),
    ],
)
def test_what_texts_say(unit: str, text: object, value: object) -> None:
    assert convert(unit, text) == value


@pytest.mark.parametrize(
    ("unit", "text", "says"),
    [
        ("pool", "TCP", "there is no pool TCP: there are HEAP, PBUF_POOL"),
        ("count", "-1", "give a whole number, 0 or more"),
        ("count", True, "give a whole number"),
        ("size", "big", "write it as 1500 or 16kb"),
        ("size", None, "write it as 1500 or 16kb"),
        ("probability", "5", "write it as 1%"),
        ("probability", "500%", "give 0% to 100%"),
        ("probability", True, "write it as 1%"),
        ("flag", "maybe", "neither true nor false"),
        ("time", "80", "write it as 80ms"),
        ("time", 80, "write it as 80ms"),
        ("signed time", "-2", "write it as 80ms"),
        ("ppm", "300", "write it as 300ppm"),
        ("err", "nomem", "take one of mem, buf, if"),
        ("mac", "01:00:00:00:00:01", "is a group address"),
        ("mac", "x", "MAC"),
        ("words", 3, "write it as port,isn"),
        ("word", 3, "is no word"),
    ],
)
def test_mistakes_are_one_line_with_the_mend(unit: str, text: object, says: str) -> None:
    with pytest.raises(DeviceFaultError, match=says) as caught:
        convert(unit, text)
    assert "\n" not in str(caught.value)


def test_every_unit_has_an_example() -> None:
    assert all(unit.example for unit in UNITS.values())
