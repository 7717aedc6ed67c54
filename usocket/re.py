"""MicroPython's ``re``: a small dialect of regular expressions.

It has ``. [] ^ $ ? * + ?? *? +? | () (?:) \\d \\D \\s \\S \\w \\W``. There are no counted repetitions (``{``
is a brace), no named groups, no look-ahead, no flags; a backslash before any other character is that
character; ``.`` is any character, also a newline; ``^`` and ``$`` are the very beginning and end. What it
cannot read is ValueError. The pattern is translated for CPython's engine, which searches in the same order.

Sources: micropython/micropython:extmod/modre.c, lib/re1.5/compilecode.c.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from usocket.addrinfo import integer
from usocket.stream import buffer_of

__all__ = ["compile", "match", "search", "sub"]

Text = Any  # str or bytes: what comes out is of the type of what was searched in

_CLASSES = {"d": "0-9", "s": " \\t\\n\\r\\f\\v", "w": "0-9A-Za-z_"}
_REFERENCE = re.compile(r"\\(?:g<(\d+)>|(\d+)|(.?))", re.DOTALL)
_UNREADABLE = "regex too complex"  # MicroPython's words for what it cannot compile


def translated(pattern: str) -> str:
    """The pattern for CPython. Raises ValueError, also where MicroPython's code for it would be too long."""
    translator = _Translator(pattern)
    form = translator.alternatives()
    if translator.rest():
        raise ValueError("error in regex")  # a bracket too many
    return form


class _Translator:
    """Reads a pattern once. ``size`` counts the bytes that MicroPython's code for it would have: its jumps
    are bytes, and so are the numbers of groups and of the items in a set.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0
        self._groups = 0
        self.size = 0

    def rest(self, length: int = 1) -> str:
        """The next characters."""
        return self._pattern[self._place : self._place + length]

    def _take(self) -> str:
        char = self.rest()
        self._place += 1
        return char

    def alternatives(self) -> str:
        """Up to a closing bracket or the end."""
        out: list[str] = []
        start = branch = term = self.size
        while (char := self.rest()) not in ("", ")"):
            self._take()
            if char in "?*+":
                out.append(self._repeated(char, term))
                term = self.size
            elif char == "|":
                _fits(self.size - branch)
                _fits(self.size - start + 2)
                self.size += 4
                branch = term = self.size
                out.append(char)
            elif char in "^$":
                self.size += 1
                term = self.size
                out.append("^" if char == "^" else "\\Z")
            else:
                term = self.size
                out.append(self._term(char))
        _fits(self.size - branch if branch != start else 0)
        return "".join(out)

    def _repeated(self, char: str, term: int) -> str:
        """``?``, ``*`` or ``+`` behind a term that begins at ``term``."""
        size = self.size - term
        if not size:
            raise ValueError(_UNREADABLE)  # nothing to repeat
        _fits(size + {"?": 0, "*": 3, "+": 1}[char])
        self.size += 4 if char == "*" else 2
        if self.rest() == "?":
            self._take()
            return f"{char}?"
        return char

    def _term(self, char: str) -> str:
        if char == "[":
            return self._set()
        if char == "(":
            return self._group()
        if char == ".":
            self.size += 1
            return char
        self.size += 2
        return _escaped(self._take(), inside=False) if char == "\\" else re.escape(char)

    def _group(self) -> str:
        free = self.rest(2) == "?:"
        if free:
            self._place += 2
        else:
            self._groups += 1
            _fits(2 * self._groups + 1)
            self.size += 4
        inner = self.alternatives()
        if self._take() != ")":
            raise ValueError(_UNREADABLE)
        return f"(?:{inner})" if free else f"({inner})"

    def _set(self) -> str:
        """``[...]``, whose opening bracket has been read."""
        negated = self.rest() == "^"
        self._place += negated
        out: list[str] = []
        while (char := self._take()) != "]":
            if char == "\\":
                out.append(_escaped(self._take(), inside=True))
            elif char == "-" and out and self.rest() != "]":
                out.append("-")
            elif char:
                out.append(re.escape(char))
            else:
                raise ValueError(_UNREADABLE)
        pairs = len(out) - 2 * out.count("-")  # a range is one item
        _fits(pairs)
        self.size += 2 + 2 * pairs
        if out:
            return "[" + "^" * negated + "".join(out) + "]"
        return "." if negated else "(?!)"  # anything, or nothing


def _fits(number: int) -> None:
    """What MicroPython keeps in a signed byte."""
    if number > 127:
        raise ValueError(_UNREADABLE)


def _escaped(char: str, *, inside: bool) -> str:
    if not char:
        raise ValueError(_UNREADABLE)
    if char.lower() not in _CLASSES:
        return re.escape(char)
    members = _CLASSES[char.lower()]
    if char.islower():
        return members if inside else f"[{members}]"
    return f"\\{char}" if inside else f"[^{members}]"


class Match:
    """A match. Groups are numbered, 0 is all of it."""

    __slots__ = ("_match",)

    def __init__(self, found: re.Match[Any]) -> None:
        self._match = found

    def group(self, number: int, /) -> Text | None:
        """The text of a group; None if it took no part. IndexError."""
        return self._match.group(self._number(number))

    def groups(self) -> tuple[Text | None, ...]:
        """All groups but the whole."""
        return self._match.groups()

    def span(self, number: int = 0, /) -> tuple[int, int]:
        """Where a group begins and ends; (-1, -1) if it took no part."""
        return self._match.span(self._number(number))

    def start(self, number: int = 0, /) -> int:
        """Where a group begins."""
        return self.span(number)[0]

    def end(self, number: int = 0, /) -> int:
        """Where a group ends."""
        return self.span(number)[1]

    def _number(self, number: int) -> int:
        if not 0 <= integer(number) <= self._match.re.groups:
            raise IndexError(number)
        return number

    def __repr__(self) -> str:
        return f"<match num={self._match.re.groups + 1}>"


class Pattern:
    """A compiled pattern."""

    __slots__ = ("_bytes", "_str")

    def __init__(self, pattern: Text) -> None:
        text = pattern if isinstance(pattern, str) else buffer_of(pattern).decode("latin-1")
        try:
            form = translated(text)
            self._str = re.compile(form, re.DOTALL | re.ASCII)
            self._bytes = re.compile(form.encode(), re.DOTALL)
        except re.error:
            raise ValueError(_UNREADABLE) from None

    def match(self, text: Text, start: int = 0, end: int | None = None, /) -> Match | None:
        """The match at ``start``."""
        return _matched(self._for(text).match, text, start, end)

    def search(self, text: Text, start: int = 0, end: int | None = None, /) -> Match | None:
        """The first match from ``start`` on."""
        return _matched(self._for(text).search, text, start, end)

    def split(self, text: Text, maxsplit: int = 0, /) -> list[Text]:
        """What is between the matches."""
        parts, begin = [], 0
        for found in self._found(text, maxsplit):
            if found.re.groups:
                raise NotImplementedError("splitting with sub-captures")
            parts.append(text[begin : found.start()])
            begin = found.end()
        return [*parts, text[begin:]]

    def sub(self, new: Text | Callable[[Match], Text], text: Text, count: int = 0, flags: int = 0, /) -> Text:
        """``text`` with its matches replaced; ``\\1`` and ``\\g<1>`` in ``new`` are groups."""
        out, begin = text[:0], 0
        for found in self._found(text, count):
            given = new(Match(found)) if callable(new) else new
            out += text[begin : found.start()] + _filled(given, found)
            begin = found.end()
        return out + text[begin:]

    def _found(self, text: Text, most: int) -> list[re.Match[Any]]:
        """Up to ``most`` matches (0: all), one behind the other; an empty one ends it."""
        found: list[re.Match[Any]] = []
        place = 0
        while not most or len(found) < integer(most):
            each = self._for(text).search(text, place)
            if each is None or each.start() == each.end():
                break
            found.append(each)
            place = each.end()
        return found

    def _for(self, text: Text) -> re.Pattern[Any]:
        return self._str if isinstance(text, str) else self._bytes


def _matched(
    method: Callable[..., re.Match[Any] | None], text: Text, start: int, end: int | None
) -> Match | None:
    size = len(text)
    begin = min(max(0, integer(start)), size)
    stop = size if end is None else max(begin, min(integer(end), size))
    found = method(text, begin, stop)
    return None if found is None else Match(found)


def _filled(new: Text, found: re.Match[Any]) -> Text:
    """A replacement with its references filled in, of the type of what was searched in."""
    of_bytes = isinstance(found.string, bytes)
    template = new if isinstance(new, str) else new.decode("latin-1")

    def put(reference: re.Match[str]) -> str:
        digits = reference[1] or reference[2]
        if not digits:
            return "\\" if reference[3] == "\\" else reference[3]
        if int(digits) > found.re.groups:
            raise IndexError(int(digits))
        group: Text = found[int(digits)] or ""
        return group.decode("latin-1") if isinstance(group, bytes) else str(group)

    text = _REFERENCE.sub(put, template)
    return text.encode("latin-1") if of_bytes else text


def compile(pattern: Text, flags: int = 0, /) -> Pattern:
    """A pattern for use again and again. Flags are ignored."""
    return Pattern(pattern)


def match(pattern: Text, text: Text, /, *_: int) -> Match | None:
    """The match at the beginning of ``text``."""
    return _compiled(pattern).match(text)


def search(pattern: Text, text: Text, /, *_: int) -> Match | None:
    """The first match in ``text``."""
    return _compiled(pattern).search(text)


def sub(pattern: Text, new: Any, text: Text, count: int = 0, flags: int = 0, /) -> Text:
    """``text`` with the matches of ``pattern`` replaced."""
    return _compiled(pattern).sub(new, text, count)


def _compiled(pattern: Text) -> Pattern:
    return pattern if isinstance(pattern, Pattern) else Pattern(pattern)
