"""re: the dialect of the boards (all results are MicroPython 1.27's)."""

from __future__ import annotations

import pytest

from usocket import re


def found(pattern: str, text: str) -> list[object] | None:
    """All groups of the first match."""
    match = re.search(pattern, text)
    return None if match is None else [match.group(0), *match.groups()]


@pytest.mark.parametrize(
    ("pattern", "text", "groups"),
    [
        ("a.c", "xabc", ["abc"]),
        ("[a-c]+", "xxcabx", ["cab"]),
        ("[^a-c]+", "abxyc", ["xy"]),
        ("(a)(b)?", "ac", ["a", "a", None]),
        ("a{2}", "aa a{2}", ["a{2}"]),
        ("a|b|", "c", [""]),
        ("(?:ab)+", "aabab", ["abab"]),
        (r"\d+", "n 12", ["12"]),
        (r"\bfoo", "foo bfoo", ["bfoo"]),
        (r"\n", "n\n", ["n"]),
        ("^b", "ab", None),
        ("c$", "c\nc", ["c"]),
        ("c$", "c\n", None),
        ("a??b", "aab", ["ab"]),
        (".*?c", "a\nc", ["a\nc"]),
        ("[]", "a", None),
        ("[^]", "a", ["a"]),
        (r"[\d]+", "a12", ["12"]),
        (r"[\D]+", "a12", ["a"]),
        ("[a-]+", "-a", ["-a"]),
        ("[-a]+", "-a", ["-a"]),
        ("a+?", "aa", ["a"]),
        (r"[\]]", "]", ["]"]),
        (r"[a\-z]+", "a-z", ["a-z"]),
        (r"\Aab", "Aab", ["Aab"]),
        (r"[\w.]+", "a_1.b c", ["a_1.b"]),
        ("(a|b)*c", "abc", ["abc", "b"]),
        ("()", "a", ["", ""]),
        ("[$]", "a$", ["$"]),
        (r"[^\w]", "ab c", [" "]),
        (r"\S+\s\W", "ab\t!", ["ab\t!"]),
    ],
)
def test_search(pattern: str, text: str, groups: list[object] | None) -> None:
    assert found(pattern, text) == groups


@pytest.mark.parametrize(
    "pattern", ["a**", "*", "[", "(", "\\", "(?=a)", "(?P<n>a)", "a+*", "^*", "a|*", "(*)"]
)
def test_what_it_cannot_compile(pattern: str) -> None:
    with pytest.raises(ValueError, match="regex too complex"):
        re.compile(pattern)


def test_a_bracket_too_many() -> None:
    with pytest.raises(ValueError, match="error in regex"):
        re.compile("a)")


def test_match_objects() -> None:
    match = re.match("(a)(x)?(b)", "abc")
    assert match is not None
    assert match.groups() == ("a", None, "b")
    assert (match.span(), match.start(3), match.end(1), match.span(2)) == ((0, 2), 1, 1, (-1, -1))
    assert repr(match) == "<match num=4>"
    for number in (4, -1):
        with pytest.raises(IndexError):
            match.group(number)
    assert re.match("b", "ab") is None


def test_bytes() -> None:
    match = re.search(b"b+", b"abbb")
    assert match is not None
    assert match.group(0) == b"bbb"
    assert re.sub(b"a", b"q", b"banana") == b"bqnqnq"
    assert re.compile(b",").split(b"a,b") == [b"a", b"b"]


@pytest.mark.parametrize(
    ("args", "result"),
    [
        (("a", "b", "banana"), "bbnbnb"),
        (("(a)n", r"\1x\g<0>", "banana"), "baxanaxana"),
        (("a", lambda m: m.group(0) + "!", "banana", 2), "ba!na!na"),
        (("x*", "-", "abc"), "abc"),
        (("a", r"\n\\", "banana"), "bn\\nn\\nn\\"),
        (("b", "", "banana"), "anana"),
    ],
)
def test_sub(args: tuple[object, ...], result: str) -> None:
    assert re.sub(*args) == result
    pattern, *rest = args
    assert re.compile(pattern).sub(*rest) == result


def test_a_reference_to_no_group() -> None:
    with pytest.raises(IndexError):
        re.sub("a", r"\5", "banana")


def test_split() -> None:
    comma = re.compile(",")
    assert comma.split("a,b,,c") == ["a", "b", "", "c"]
    assert comma.split("a,b,c", 1) == ["a", "b,c"]
    assert re.compile("[ \t]+").split("a  b\tc") == ["a", "b", "c"]
    assert re.compile("x*").split("axb") == ["axb"]
    with pytest.raises(NotImplementedError):
        re.compile("(,)").split("a,b")


def test_where_to_begin_and_end() -> None:
    pattern = re.compile("a")
    assert pattern.match("ba", 1) is not None
    assert re.compile("^a").match("ba", 1) is None
    assert pattern.search("bab", 2) is None
    assert pattern.search("bba", 0, 2) is None
    assert pattern.search("a", -5, 99) is not None
    assert re.search(pattern, "ba") is not None


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("[" + "a" * 127 + "]", True),
        ("[" + "a" * 128 + "]", False),
        ("(a)" * 63, True),
        ("(a)" * 64, False),
        ("(" + "a" * 61 + ")?", True),
        ("(" + "a" * 62 + ")?", False),
        ("(" + "a" * 60 + ")*", True),
        ("(" + "a" * 60 + ".)*", False),
        ("(" + "a" * 61 + ")+", True),
        ("(" + "a" * 62 + ")+", False),
        ("b" * 62 + "|a", True),
        ("b" * 63 + "|a", False),
        ("a|" + "b" * 63, True),
        ("a|" + "b" * 64, False),
        ("a" * 1000, True),
    ],
)
def test_long_patterns_do_not_fit_into_bytes(pattern: str, fits: bool) -> None:
    if fits:
        re.compile(pattern)
        return
    with pytest.raises(ValueError, match="regex too complex"):
        re.compile(pattern)
