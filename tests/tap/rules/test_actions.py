"""The table of actions."""

from __future__ import annotations

import pytest

from tap.rules.actions import ACTIONS
from tap.rules.conditions import CONDITIONS
from tap.rules.grammar import RULE_WORDS, parse
from tap.rules.verdicts import DROP, PASS, Corrupt, Delay, Duplicate, Inject, Reorder, Rewrite, Verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("pass", PASS),
        ("drop", DROP),
        ("delay 200ms", Delay(200_000_000)),
        ("duplicate", Duplicate()),
        ("duplicate copies=3 spacing=5us", Duplicate(3, 5000)),
        ("corrupt", Corrupt()),
        ("corrupt byte=payload+3 bit=0", Corrupt("payload+3", 0)),
        ("corrupt byte=54 value=0xff repaired", Corrupt(54, value=255, repaired=True)),
        ("corrupt field=tcp.checksum", Corrupt(field="tcp.chksum")),
        ("corrupt field=ip.src value=10.0.0.7 repaired=no", Corrupt(field="ip.src", value="10.0.0.7")),
        ("rewrite tcp.window=0", Rewrite({"tcp.window": 0})),
        ("rewrite tcp.flags=SA ip.ttl=0x1 repaired=no", Rewrite({"tcp.flags": 0x12, "ip.ttl": 1}, False)),
        ("rewrite hex=" + "00" * 14, Rewrite(bytes(14))),
        ("reorder behind=2 patience=3s", Reorder(2, 3_000_000_000)),
        ("inject rst", Inject("rst")),
        ("inject before rst to=sender delay=1ms", Inject("rst", True, "sender", 1_000_000)),
        ("inject hex='00 11 22 33 44 55 66 77 88 99 aa bb 08 00' after",
         Inject(bytes.fromhex("00112233445566778899aabb0800"))),
        ("inject icmp-unreachable code=13", Inject("icmp-unreachable", options={"code": 13})),
    ],
)  # fmt: skip
def test_each_makes_its_verdict(text: str, verdict: Verdict) -> None:
    assert parse(text + " kind=data n=3").verdict == verdict


def test_the_examples_are_understood() -> None:
    for name, action in ACTIONS.items():
        assert action.example.startswith(name)
        assert parse(action.example).values


def test_words_mean_one_thing() -> None:
    for action in ACTIONS.values():
        assert not set(action.options) & {*CONDITIONS, *RULE_WORDS}
