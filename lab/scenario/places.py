"""On which line each key of a TOML text stands, which tomllib does not tell.

``lines(text)`` walks over a text that tomllib has taken and notes the line of every table header, key and
array element by its path: ("device", "client", "options", "tcp_mss") or ("fault", 1, "do"). Values are only
passed over. Grammar: TOML 1.0.0.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from lab.scenario.errors import Path

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")  # with newlines and comments
_BLANK = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}(?!")|\'\'\'.*?'{3,5}(?!')|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def lines(text: str) -> dict[Path, int]:
    """The line (from 1) of each path of ``text``, which must be TOML."""
    return _Walk(text).found


class _Walk:
    """One walk over a text."""

    def __init__(self, text: str) -> None:
        self.found: dict[Path, int] = {(): 1}
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._sizes: dict[Path, int] = {}  # of arrays of tables
        self._document()

    def _line(self) -> int:
        return bisect_right(self._newlines, self._at - 1) + 1 if self._at else 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _is(self, start: str) -> bool:
        return self._text.startswith(start, self._at)

    def _note(self, path: Path) -> None:
        self.found.setdefault(path, self._line())

    def _document(self) -> None:
        table: Path = ()
        self._skip(_SPACE)
        while self._at < len(self._text):
            if self._is("["):
                table = self._header()
            else:
                self._pair(table)
            self._skip(_SPACE)

    def _header(self) -> Path:
        """``[a.b]`` or ``[[a.b]]``: the path of what follows."""
        is_element = self._is("[[")
        line = self._line()
        self._at += 1 + is_element
        *outer, last = self._keys()
        self._at += 1 + is_element
        path: Path = ()
        for key in outer:
            path = self._last_of((*path, key))
            self.found.setdefault(path, line)
        path = (*path, last)
        if is_element:
            self.found.setdefault(path, line)
            size = self._sizes[path] = self._sizes.get(path, 0) + 1
            path = (*path, size - 1)
        self.found.setdefault(path, line)
        return path

    def _last_of(self, path: Path) -> Path:
        """What a header means by the name of an array of tables: its last element."""
        return (*path, self._sizes[path] - 1) if path in self._sizes else path

    def _keys(self) -> list[str]:
        """A dotted key."""
        keys = []
        while True:
            self._skip(_BLANK)
            key = self._skip(_KEY)
            keys.append(tomllib.loads(f"key = {key}")["key"] if key[:1] in ('"', "'") else key)
            self._skip(_BLANK)
            if not self._is("."):
                return keys
            self._at += 1

    def _pair(self, table: Path) -> None:
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self.found.setdefault(path, line)
        self._at += 1  # =
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._is("["):
            self._array(path)
        elif self._is("{"):
            self._inline_table(path)
        elif self._is('"') or self._is("'"):
            self._skip(_STRING)
        else:
            self._skip(_SCALAR)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        self._skip(_SPACE)
        while not self._is("]"):
            self._note((*path, index))
            self._value((*path, index))
            index += 1
            self._skip(_SPACE)
            if self._is(","):
                self._at += 1
                self._skip(_SPACE)
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        self._skip(_SPACE)
        while not self._is("}"):
            self._pair(path)
            self._skip(_SPACE)
            if self._is(","):
                self._at += 1
                self._skip(_SPACE)
        self._at += 1
