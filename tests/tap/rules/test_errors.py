"""The error of rules."""

from __future__ import annotations

from tap.rules.errors import RuleError, instead


def test_it_says_where() -> None:
    assert str(RuleError("no: yes", 7)) == "rule, column 7: no: yes"
    assert str(RuleError("no: yes")) == "rule: no: yes"
    assert RuleError("no: yes", 7).bare == "no: yes"
    assert isinstance(RuleError("x"), ValueError)


def test_it_proposes_what_is_near_and_else_all() -> None:
    assert instead("dorp", ["drop", "delay"]) == "did you mean drop?"
    assert instead("estab", ["ESTABLISHED", "CLOSED"]) == "did you mean ESTABLISHED?"
    assert instead("xyz", ["drop", "delay"]) == "there are drop, delay"
