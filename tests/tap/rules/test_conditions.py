"""Conditions: values and what they select."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tap.rules.conditions import CONDITIONS, Conditions, convert, make
from tap.rules.coordinate import Coordinate
from tap.rules.errors import RuleError

AT = Coordinate("client>server", "10.0.0.2:49153>10.0.0.1:80", 2, ("fin", "data", "tcp"), 3, 100, 11, 2)
NO_TCP = Coordinate("client>server", "10.0.0.2>10.0.0.1", 1, ("echo", "icmp"), 1)


def conditions(**values: object) -> Conditions:
    return make({word.rstrip("_"): convert(word.rstrip("_"), value) for word, value in values.items()})


@pytest.mark.parametrize(
    ("values", "met"),
    [
        ({}, True),
        ({"kind": "fin"}, True),
        ({"kind": "data"}, True),
        ({"kind": "syn,tcp"}, True),
        ({"kind": ["syn", "fin"]}, True),
        ({"kind": "ack"}, False),
        ({"seq": 100}, True),
        ({"seq": 110}, True),
        ({"seq": 111}, False),
        ({"seq": 99}, False),
        ({"seq": "90..100"}, True),
        ({"seq": "111.."}, False),
        ({"xmit": 2}, True),
        ({"xmit": "1,3"}, False),
        ({"conn": "2.."}, True),
        ({"conn": 1}, False),
        ({"flow": "10.0.0.2:*>*:80"}, True),
        ({"flow": "*>*"}, True),
        ({"flow": "*:80>*"}, False),
        ({"from_": "5ms", "until": "6ms"}, True),
        ({"from_": 5_000_001}, False),
        ({"until": 5_000_000}, False),
        ({"kind": "fin", "conn": 1}, False),
    ],
)
def test_place(values: dict[str, object], met: bool) -> None:
    assert conditions(**values).place(AT, 5_000_000) is met


@pytest.mark.parametrize("values", [{"seq": "0.."}, {"xmit": 1}, {"kind": "tcp"}])
def test_what_only_tcp_has_is_not_met_by_others(values: dict[str, object]) -> None:
    assert not conditions(**values).place(NO_TCP, 0)


def test_an_ack_carries_no_number() -> None:
    ack = Coordinate("a>b", "x>y", 1, ("ack", "tcp"), 1, 100, 0, 1)
    assert not conditions(seq="0..200").place(ack, 0)
    whole = conditions(kind="ack", n=1, seq=100, xmit=1, conn=1)
    assert whole.whole
    assert whole.place(ack, 0)


def test_whole() -> None:
    assert not conditions(kind="data", n=1, seq="1..2", xmit=1, conn=1).whole
    assert not conditions(kind="data,fin", n=1, seq=1, xmit=1, conn=1).whole
    assert not conditions(kind="data", n=1, seq=1, xmit=1).whole


def test_values() -> None:
    found = conditions(p="10%", every="3", count=2)
    assert (found.p, found.every, found.count) == (Fraction(1, 10), 3, 2)
    assert conditions(p=0.25).p == Fraction(1, 4)
    assert conditions(from_="1.5s").start == 1_500_000_000


@pytest.mark.parametrize(
    ("word", "value", "message"),
    [
        ("knid", 1, "did you mean kind"),
        ("kind", "dat", "did you mean data"),
        ("kind", "injected", "there is no kind"),
        ("kind", 3, "no kind of frame"),
        ("kind", "", "there is no kind"),
        ("flow", "10.0.0.1", "is no flow"),
        ("flow", "a.b.c>(.*)+", "is no flow"),
        ("state", "client", "write client:ESTABLISHED"),
        ("state", "client:OPEN", "there are CLOSED, LISTEN"),
        ("from", "5", "is no time"),
        ("from", -1, "is no time"),
        ("from", True, "is no time"),
        ("until", "5parsecs", "is no time"),
        ("every", 0, "1 or more"),
        ("every", "x", "1 or more"),
        ("p", "0.1", "write 10%"),
        ("p", 1.5, "between 0 and 1"),
        ("p", "200%", "0% to 100%"),
        ("p", None, "no probability"),
    ],
)
def test_mistakes(word: str, value: object, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        convert(word, value)


def test_the_examples_are_understood() -> None:
    for word, condition in CONDITIONS.items():
        key, _, value = condition.example.partition("=")
        assert key == word
        convert(word, value)
