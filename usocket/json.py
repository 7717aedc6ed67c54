"""MicroPython's ``json``. Errors are ValueErrors; text stays as it is, not escaped; ``load`` takes a socket.

Source: micropython/micropython:extmod/modjson.c.
"""

from __future__ import annotations

import json
from typing import Any

from usocket.stream import buffer_of

__all__ = ["dump", "dumps", "load", "loads"]

SEPARATORS = (", ", ": ")


def dumps(obj: Any, separators: tuple[str, str] = SEPARATORS) -> str:
    """``obj`` as JSON."""
    return json.dumps(obj, ensure_ascii=False, separators=separators, default=_other)


def dump(obj: Any, stream: Any, separators: tuple[str, str] = SEPARATORS) -> None:
    """Write ``obj`` as JSON to a stream."""
    stream.write(dumps(obj, separators))


def loads(text: Any, /) -> Any:
    """What JSON text, a str or bytes, says. Raises ValueError."""
    try:
        return json.loads(text if isinstance(text, str) else buffer_of(text))
    except ValueError:
        raise ValueError("syntax error in JSON") from None


def load(stream: Any, /) -> Any:
    """What the JSON in a stream says, which is read to its end. Raises ValueError."""
    return loads(stream.read())


def _other(obj: Any) -> str:
    """What JSON has no form for is shown as ``print`` shows it."""
    return buffer_of(obj).decode() if isinstance(obj, bytes | bytearray) else str(obj)
