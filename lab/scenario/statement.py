"""The statements of expectations and of ``when``: ``count client>server kind=data xmit=2 == 1``.

A statement is one comparison, or several joined by ``and``: a quantity (``lab.scenario.quantities``), an
operator, a value. It is data: nothing of it is Python, and parsing finds every mistake before the run. What a
comparison found is said in one line.

    statement  = comparison { "and" comparison }
    comparison = quantity ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) value
               | quantity "in" value ".." value
               | quantity "has" "text"
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.scenario.errors import Mistake, instead
from lab.scenario.names import Names
from lab.scenario.quantities import QUANTITIES, Quantity, Value
from lab.scenario.units import number_of, seconds, time_of
from netstack.address import format_ip, parse_ip

if TYPE_CHECKING:
    from lab.scenario.bench import Bench

_TOKEN = re.compile(r'"[^"]*"|\S+')

COMPARE: dict[str, Callable[[object, object], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,  # type: ignore[dict-item]
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    ">=": operator.ge,  # type: ignore[dict-item]
}
OPERATORS = (*COMPARE, "in", "has")


@dataclass(frozen=True)
class Comparison:
    """A quantity, an operator and one value (two for ``in``)."""

    quantity: Quantity
    operator: str
    values: tuple[Value, ...]
    unit: str

    def evaluate(self, bench: Bench) -> tuple[bool, str]:
        """Whether it is true, and what was found: all that is known when it is not."""
        found = self.quantity.compared_with(bench, self.values)
        if found.holds is not None:
            holds = found.holds == (self.operator == "==")
        else:
            holds = bool(found.values) and all(self._holds(value) for value in found.values)
        shown = ", ".join(dict.fromkeys(_shown(value, self.unit) for value in found.values))
        if holds and shown:
            return True, shown
        return holds, ": ".join(filter(None, (shown, found.text))) or "nothing"

    def _holds(self, value: Value) -> bool:
        if isinstance(value, int) != isinstance(self.values[0], int):
            return self.operator == "!=" or (self.operator == "has" and str(self.values[0]) in str(value))
        if self.operator == "in":
            return self.values[0] <= value <= self.values[1]  # type: ignore[operator]
        if self.operator == "has":
            return str(self.values[0]) in str(value)
        return COMPARE[self.operator](value, self.values[0])


@dataclass(frozen=True)
class Statement:
    """Comparisons that have to be true all at once."""

    text: str
    comparisons: tuple[Comparison, ...]

    def prepare(self, bench: Bench) -> None:
        """Before the run: have what it asks for observed."""
        for comparison in self.comparisons:
            comparison.quantity.prepare(bench)

    def evaluate(self, bench: Bench) -> tuple[bool, str]:
        """Whether it is true, and what was found: of the first that is not true, or of all."""
        outcomes = [comparison.evaluate(bench) for comparison in self.comparisons]
        failed = [detail for holds, detail in outcomes if not holds]
        return (False, failed[0]) if failed else (True, "; ".join(detail for _, detail in outcomes))

    def is_true(self, bench: Bench) -> bool:
        """Whether it is true now."""
        return all(comparison.evaluate(bench)[0] for comparison in self.comparisons)

    @property
    def is_of_the_end(self) -> bool:
        """Whether it is about what is left when all connections are over."""
        return bool(self.devices_of_the_end())

    def devices_of_the_end(self) -> set[str]:
        """The devices of which it says what is left then."""
        return {name for one in self.comparisons if (name := one.quantity.left_in) is not None}

    def programs(self) -> set[str]:
        """The programs that it is about."""
        return {name for one in self.comparisons if (name := one.quantity.program) is not None}


def parse_statement(text: str, names: Names) -> Statement:
    """The statement of a text. Raises Mistake: what is wrong and the mend."""
    comparisons = []
    words: list[str] = []
    for token in [*_TOKEN.findall(text), "and"]:
        if token != "and":
            words.append(token)
            continue
        comparisons.append(_comparison(words, names))
        words = []
    return Statement(text, tuple(comparisons))


def _comparison(words: list[str], names: Names) -> Comparison:
    index = next((at for at, word in enumerate(words) if word in OPERATORS), None)
    if index is None:
        said = f"{' '.join(words)!r} compares nothing" if words else "something is missing around 'and'"
        raise Mistake(f"{said}: write a quantity, one of {' '.join(OPERATORS)}, and a value")
    sign, right = words[index], words[index + 1 :]
    if not words[:index]:
        raise Mistake(f"nothing stands before {sign}: write a quantity, one of {', '.join(QUANTITIES)}")
    quantity = _quantity(words[:index], names)
    if len(right) != 1:
        said = f"{' '.join(right)!r} is not one value" if right else f"nothing stands behind {sign}"
        raise Mistake(f"{said}: write {quantity.example}")
    unit = "time" if quantity.unit == "any" and _is_time(right[0]) else quantity.unit
    return Comparison(quantity, sign, _values(quantity, sign, right[0]), unit)


def _quantity(words: list[str], names: Names) -> Quantity:
    if words[0] not in QUANTITIES:
        raise Mistake(f"there is no quantity {words[0]!r}: {instead(words[0], QUANTITIES)}")
    return QUANTITIES[words[0]].parse(words[1:], names)


def _values(quantity: Quantity, sign: str, text: str) -> tuple[Value, ...]:
    word = text.strip('"')
    if sign == "has":
        if quantity.unit != "text":
            raise Mistake(f"has is for texts: compare {quantity.what} with ==, <, in ...")
        return (word,)
    if sign == "in":
        low, dots, high = text.partition("..")
        if not dots or not low or not high:
            raise Mistake(f"{text!r} is no range: write it as {quantity.range_example}")
        return _value(quantity, low), _value(quantity, high)
    if sign in ("==", "!=") and word in quantity.words:
        return (word,)
    if quantity.unit in ("text", "address") and sign not in ("==", "!="):
        raise Mistake(f"{quantity.what} is no number: compare it with == or !=")
    return (_value(quantity, word),)


def _value(quantity: Quantity, text: str) -> Value:
    match quantity.unit:
        case "time":
            return time_of(text)
        case "number":
            try:
                return number_of(text)
            except Mistake as error:
                words = f", or {' or '.join(quantity.words)}" if quantity.words else ""
                raise Mistake(f"{error}{words}") from None
        case "address":
            return format_ip(parse_ip(text))
        case "any":
            return _any(text)
    return quantity.checked(text)


def _any(text: str) -> Value:
    """A number, a time, or a text."""
    for read in (number_of, time_of):
        try:
            return read(text)
        except ValueError:
            pass
    return text


def _is_time(text: str) -> bool:
    """Whether a value, or the beginning of a range, has the unit of a time."""
    try:
        time_of(text.partition("..")[0])
    except ValueError:
        return False
    return True


def _shown(value: Value, unit: str) -> str:
    if unit == "time" and isinstance(value, int):
        return seconds(value)
    return str(value)
