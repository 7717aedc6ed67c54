"""A cursor over one line of a script: takes what is expected, or says where and why it could not."""

from __future__ import annotations

import re


class ScriptError(Exception):
    """A script that cannot be understood. ``str()`` is ``file:line:column: reason``; lines and columns count
    from 1."""

    def __init__(self, path: str, line: int, column: int, reason: str) -> None:
        super().__init__(f"{path}:{line}:{column}: {reason}")
        self.path = path
        self.line = line
        self.column = column
        self.reason = reason


_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEX = re.compile(r"[0-9A-Fa-f]*")
_IP = re.compile(r"\d+\.\d+\.\d+\.\d+")


class Scanner:
    """Reads ``text`` from left to right; every method either advances or raises ScriptError at the place."""

    __slots__ = ("line", "path", "pos", "text")

    def __init__(self, path: str, line: int, text: str) -> None:
        self.path = path
        self.line = line
        self.text = text
        self.pos = 0

    def error(self, reason: str, pos: int | None = None) -> ScriptError:
        """The error to raise; ``pos`` is the place in the line (default: here)."""
        return ScriptError(self.path, self.line, (self.pos if pos is None else pos) + 1, reason)

    def at_end(self) -> bool:
        """Nothing left on the line."""
        return self.pos >= len(self.text)

    def rest(self) -> str:
        """What is left, taken."""
        start, self.pos = self.pos, len(self.text)
        return self.text[start:]

    def accept(self, literal: str) -> bool:
        """Take ``literal`` if it comes next."""
        if self.text.startswith(literal, self.pos):
            self.pos += len(literal)
            return True
        return False

    def expect(self, literal: str, what: str | None = None) -> None:
        """Take ``literal``, which must come next."""
        if not self.accept(literal):
            raise self.error(f"expected {what or repr(literal)}, found {self._found()}")

    def match(self, pattern: re.Pattern[str], what: str) -> str:
        """Take what ``pattern`` matches; ``what`` names it in the error."""
        found = pattern.match(self.text, self.pos)
        if found is None:
            raise self.error(f"expected {what}, found {self._found()}")
        self.pos = found.end()
        return found[0]

    def number(self, what: str, limit: int = 0xFFFFFFFF) -> int:
        """A decimal number up to ``limit``."""
        start = self.pos
        value = int(self.match(_NUMBER, what))
        if value > limit:
            raise self.error(f"{what} {value} is larger than {limit}", start)
        return value

    def word(self, what: str) -> str:
        """A name."""
        return self.match(_WORD, what)

    def hex(self, what: str) -> bytes:
        """An even number of hex digits, perhaps none."""
        start = self.pos
        digits = self.match(_HEX, what)
        if len(digits) % 2:
            raise self.error(f"{what} has an odd number of hex digits", start)
        return bytes.fromhex(digits)

    def ip(self, what: str) -> int:
        """A dotted quad, as an int."""
        start = self.pos
        value = 0
        for part in self.match(_IP, what).split("."):
            if len(part) > 3 or int(part) > 255:
                raise self.error(f"{what}: {part} is no part of an IPv4 address (0..255)", start)
            value = value << 8 | int(part)
        return value

    def end(self) -> None:
        """The line must be used up."""
        if not self.at_end():
            raise self.error(f"unexpected {self._found()}")

    def _found(self) -> str:
        return repr(self.text[self.pos : self.pos + 20]) if not self.at_end() else "the end of the line"
