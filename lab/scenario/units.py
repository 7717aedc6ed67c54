"""Times and numbers as expectations write and show them: ``1.5s``, ``64k``; ns and bytes inside."""

from __future__ import annotations

import re

from lab.scenario.errors import Mistake
from tap.clock import SECOND
from tap.impair.catalogue import CONVERT
from tap.impair.units import ImpairmentError, size

LONGEST = 366 * 24 * 3600 * SECOND  # ns
_NUMBER = re.compile(r"-?\d+")
_SIZE = re.compile(r"\d+\.?\d*[kKmMgG][bB]?")


def time_of(text: str) -> int:
    """``1.5s`` in ns; a number needs its unit. Raises ValueError with the mend."""
    found = CONVERT["time"](text)
    assert isinstance(found, int)
    if found > LONGEST:
        raise Mistake(f"{text} is longer than a year: give {LONGEST // (3600 * SECOND)}h at most")
    return found


def number_of(text: str) -> int:
    """``17``, or ``64k`` (of 1024). Raises ValueError with the mend."""
    if _NUMBER.fullmatch(text):
        return int(text)
    if _SIZE.fullmatch(text):
        try:
            return size(text)
        except ImpairmentError:
            pass
    raise Mistake(f"{text!r} is no number: write it as 17 or 64k")


def seconds(time: int) -> str:
    """A time in ns as text: ``1.25 s``."""
    return f"{time / SECOND:.9f}".rstrip("0").rstrip(".") + " s"
