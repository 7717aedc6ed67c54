"""MicroPython's ``collections``: ``namedtuple``, ``OrderedDict``, ``deque``.

Source: micropython/micropython:py/modcollections.c, py/objdeque.c.
"""

from __future__ import annotations

import collections
from collections import OrderedDict, namedtuple
from collections.abc import Iterable
from typing import Any

from usocket.addrinfo import integer

__all__ = ["OrderedDict", "deque", "namedtuple"]

CHECKS = 1  # flag: full and empty are errors


class deque(collections.deque[Any]):
    """A queue of at most ``maxlen`` items; the oldest goes when one more comes.

    ``flags`` 1: one more raises IndexError instead.
    """

    def __init__(self, items: Iterable[Any], maxlen: int, flags: int = 0, /) -> None:
        self._checks = bool(integer(flags) & CHECKS)
        if integer(maxlen) < 0:
            raise ValueError
        super().__init__(items, maxlen)

    def append(self, item: Any, /) -> None:
        """Add at the end."""
        self._check()
        super().append(item)

    def appendleft(self, item: Any, /) -> None:
        """Add at the beginning."""
        self._check()
        super().appendleft(item)

    def extend(self, items: Iterable[Any], /) -> None:
        """Add all at the end."""
        for item in items:
            self.append(item)

    __delitem__ = None  # type: ignore[assignment]

    def _check(self) -> None:
        if self._checks and len(self) == self.maxlen:
            raise IndexError("full")
