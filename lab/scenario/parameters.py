"""The parameters of programs that are built in: ``NAME=VALUE`` words with units, checked before the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

from lab.scenario.errors import Mistake, instead
from lab.scenario.names import Names
from lab.scenario.units import number_of, time_of
from netstack.address import parse_ip
from tap.impair.catalogue import CONVERT

MOST_BYTES = 1 << 30  # of one program: they are kept in memory

Endpoint = tuple[str, int]  # address, port
Range = tuple[int, int]  # first and last address


@dataclass(frozen=True)
class Builtin:
    """A program that is built in: ``units`` by parameter, ``results`` the fields of what it returns.

    ``endless``: the parameter without which it never ends ("": it never ends); None: it ends.
    """

    name: str
    function: Callable[..., dict[str, int | str]]
    units: dict[str, str]
    results: str
    endless: str | None = None

    def parameters(self) -> dict[str, Parameter]:
        """Those that a scenario gives, with their defaults."""
        return {name: one for name, one in signature(self.function).parameters.items() if name != "stream"}

    @property
    def needs_stream(self) -> bool:
        """Whether it draws random numbers."""
        return "stream" in signature(self.function).parameters

    def parse(self, words: list[str], names: Names) -> dict[str, Any]:
        """The values of words like ``bytes=64k``. Raises Mistake."""
        values: dict[str, Any] = {}
        for word in words:
            key, equals, text = word.partition("=")
            if not equals:
                raise Mistake(f"{self.name}: {word!r} says nothing: write it as NAME=VALUE")
            if key not in self.units:
                raise Mistake(f"{self.name} has no {key!r}: {instead(key, self.units)}")
            try:
                values[key] = _UNITS[self.units[key]](text, names)
            except ValueError as error:
                raise Mistake(f"{self.name} {key}: {error}") from None
        for key, parameter in self.parameters().items():
            if parameter.default is Parameter.empty and key not in values:
                raise Mistake(f"{self.name} needs {key}: {EXAMPLES[self.units[key]]}")
        return values

    def is_endless(self, values: dict[str, Any]) -> bool:
        """Whether it runs for ever with these values."""
        return self.endless is not None and self.endless not in values


def _endpoint(text: str, names: Names) -> Endpoint:
    name, colon, port = text.rpartition(":")
    if not colon:
        raise Mistake(f"{text!r} has no port: write it as server:5000")
    return names.address(name), _port(port, names)


def _port(text: str, names: Names) -> int:
    if not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise Mistake(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)


def _count(text: str, names: Names) -> int:
    if not text.isdigit():
        raise Mistake(f"{text!r} is no count: give a whole number")
    return int(text)


def _size(text: str, names: Names) -> int:
    size = number_of(text)
    if size < 0:
        raise Mistake(f"{text} bytes are fewer than none: give 0 or more")
    if size > MOST_BYTES:
        raise Mistake(f"{text} bytes are too many for a run: give 1g at most")
    return size


def _transport(text: str, names: Names) -> str:
    if text not in ("tcp", "udp"):
        raise Mistake(f"{text!r} is neither tcp nor udp")
    return text


def _range(text: str, names: Names) -> Range:
    first, dots, last = text.partition("..")
    if not dots:
        raise Mistake(f"{text!r} is no range: write it as 10.0.0.50..10.0.0.60")
    found = parse_ip(first), parse_ip(last)
    if found[0] > found[1]:
        raise Mistake(f"{text} ends before it begins: swap its ends")
    return found


_UNITS: dict[str, Callable[[str, Names], Any]] = {
    "time": lambda text, names: time_of(text),
    "rate": lambda text, names: CONVERT["rate"](text),
    "size": _size,
    "count": _count,
    "port": _port,
    "endpoint": _endpoint,
    "transport": _transport,
    "range": _range,
    "address": lambda text, names: parse_ip(names.address(text)),
    "text": lambda text, names: text,
}

EXAMPLES = {
    "time": "a time, as 80ms",
    "rate": "a rate, as 100kbit",
    "size": "bytes, as 1500 or 64k",
    "count": "a whole number",
    "port": "a port, as 5000",
    "endpoint": "a device and a port, as server:5000",
    "transport": "tcp or udp",
    "range": "addresses, as 10.0.0.50..10.0.0.60",
    "address": "a device or an address",
    "text": "text without blanks",
}
