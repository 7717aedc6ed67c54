"""The language: what it takes, and that every mistake is one line with its place."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap.rules.actions import ACTIONS
from tap.rules.conditions import CONDITIONS
from tap.rules.craft import CRAFTS
from tap.rules.errors import RuleError
from tap.rules.grammar import keywords, parse
from tap.rules.kinds import GROUPS, KINDS
from tap.rules.ranges import ranges
from tap.rules.verdicts import DROP, Delay


def test_a_rule() -> None:
    found = parse("delay 200ms client>server kind=data,fin n=3 xmit=1.. chain name='the third'")
    assert found.verdict == Delay(200_000_000)
    assert found.values == {
        "kind": frozenset({"data", "fin"}), "n": ranges("3"), "xmit": ranges("1.."),
    }  # fmt: skip
    assert (found.chain, found.name) == (True, "the third")
    assert found.direction is not None
    assert found.direction.value == "client>server"
    assert parse("drop").verdict is DROP


def test_a_coordinate_can_be_pasted() -> None:
    found = parse("drop client>server kind=ack n=3 seq=-5 xmit=1 conn=1")
    assert sorted(found.values) == ["conn", "kind", "n", "seq", "xmit"]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "there is no action"),
        ("drp kind=data", 1, "did you mean drop?"),
        ("kind=data drop", 1, ": write drop kind=data"),
        ("drop knd=data", 6, "did you mean kind?"),
        ("drop kind=dat", 6, "did you mean data?"),
        ("drop kind", 6, "kind needs a value"),
        ("corrupt field", 9, "field needs a value"),
        ("drop 5 kind=data", 6, "means nothing to drop"),
        ("drop chian", 6, "did you mean chain?"),
        ("drop kind=data n=0", 16, "below 1"),
        ("drop n=1 n=2", 10, "a second time"),
        ("corrupt repaired repaired=no", 18, "a second time"),
        ("delay", 1, "write delay 200ms"),
        ("delay 200", 7, "is no time"),
        ("delay 1ms 2ms", 11, "means nothing to delay"),
        ("corrupt feild=tcp.seq", 9, "did you mean field?"),
        ("corrupt field=tcp.sq", 9, "did you mean tcp.seq?"),
        ("corrupt repaired=perhaps", 9, "neither yes nor no"),
        ("rewrite", 1, "write rewrite tcp.window=0"),
        ("rewrite tcp.windw=0", 9, "did you mean tcp.window?"),
        ("rewrite tcp.window=99999", 9, "0 to 65535"),
        ("rewrite hex=00 tcp.window=1", 1, "leave one out"),
        ("rewrite hex=0g", 9, "is no hex"),
        ("drop tcp.window=5", 6, "is no word of drop"),
        ("inject", 1, "needs one frame"),
        ("inject rts", 8, "did you mean rst?"),
        ("inject rst syn", 12, "one word too many"),
        ("inject rst before after", 19, "means nothing"),
        ("inject rst hex=00", 1, "needs one frame"),
        ("inject hex=00", 1, "1 bytes are no frame"),
        ("drop 'x", 6, "add another '"),
        ("drop client>server server>client", 20, "means nothing to drop"),
    ],
)
def test_mistakes(text: str, column: int, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert caught.value.column == column


def test_keywords() -> None:
    assert keywords({"kind": "data", "from_": 5}) == {"kind": frozenset({"data"}), "from": 5}
    with pytest.raises(RuleError, match="did you mean kind"):
        keywords({"knd": 1})


WORDS = sorted({
    *ACTIONS, *CONDITIONS, *KINDS, *GROUPS, *CRAFTS, "chain", "name", "before", "after", "hex", "repaired",
    "copies", "byte", "bit", "field", "value", "tcp.window", "ip.dst", "client>server", "client:ESTABLISHED",
    "200ms", "1..3", "0", "-1", "10%", "payload+3", "=", "'", '"', ",", "..", "ZZ", "0x",
    "00112233445566778899aabb0800", "\x00", "\n", "\u2028", "\x1b[31m", "é", "𝟛", "²", "9" * 400,
})  # fmt: skip
PIECES = st.sampled_from(WORDS)
WORD = st.tuples(PIECES, PIECES).map("=".join) | PIECES | st.text(max_size=5)
TEXTS = st.tuples(st.sampled_from([*ACTIONS, ""]), st.lists(WORD, max_size=6)).map(
    lambda parts: " ".join([parts[0], *parts[1]])
)


@settings(max_examples=1500, deadline=None)
@given(TEXTS | st.text(max_size=40))
@example("drop n=²")
@example("drop every=²")
@example("drop from=1e99999999s")
@example("delay " + "9" * 5000 + "s")
@example("corrupt byte=²")
def test_whatever_is_written_is_a_rule_or_a_line_with_its_place(text: str) -> None:
    error = mistake(text)
    if error is not None:
        line = str(error)
        assert line.startswith("rule, column ")
        assert len(line.splitlines()) == 1
        assert line.isprintable()
        assert 1 <= error.column <= max(1, len(text))
        assert len(line) < 1000


def mistake(text: str) -> RuleError | None:
    try:
        parse(text)
    except RuleError as error:
        return error
    return None
