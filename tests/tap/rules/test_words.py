"""Words of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.rules.errors import RuleError
from tap.rules.words import MAX_TEXT, Word, quoted, words


def test_words_have_keys_values_and_columns() -> None:
    assert words("drop  kind=data\tname=\"the third\" 'a b'") == [
        Word("", "drop", 1),
        Word("kind", "data", 7),
        Word("name", "the third", 17),
        Word("", "a b", 34),
    ]
    assert words("a=b=c =d") == [Word("a", "b=c", 1), Word("", "d", 7)]
    assert words(" \n ") == []


@pytest.mark.parametrize(("text", "column"), [('drop name="x', 11), ("'", 1), ("drop ' x", 6)])
def test_quotes_have_an_end(text: str, column: int) -> None:
    with pytest.raises(RuleError, match="add another") as caught:
        words(text)
    assert caught.value.column == column


def test_a_text_has_an_end() -> None:
    with pytest.raises(RuleError, match="are no rule"):
        words("x" * (MAX_TEXT + 1))
    with pytest.raises(RuleError, match="201 characters") as caught:
        words("drop " + "x" * 201)
    assert caught.value.column == 6
    assert words("hex=" + "00" * 1500)[0].key == "hex"


PLAIN = st.characters(exclude_characters="\"'", exclude_categories=["Zs", "Zl", "Zp", "Cc"])


@given(st.text(PLAIN, min_size=1, max_size=190) | st.text("ab \t'", min_size=1, max_size=190))
def test_a_quoted_value_is_the_value(value: str) -> None:
    assert words(f"drop name={quoted(value)} n=1")[1] == Word("name", value, 6)
