"""Rules and conditions of a scenario, which are those of ``tap.rules`` (docs/rules.md), checked before the
run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from lab.scenario.errors import Mistake
from lab.scenario.names import Names
from tap.rules import conditions
from tap.rules.conditions import Conditions
from tap.rules.errors import RuleError
from tap.rules.grammar import parse
from tap.rules.rule import Rule
from tap.rules.verdicts import PASS
from tap.rules.view import FrameView

if TYPE_CHECKING:
    from tap.cable import Direction
    from tap.network import Network
    from tap.passage import Passage

_NOT_MEASURED = ("p", "count")  # conditions by chance and of what has been done: of rules only


def check_rule(text: str, names: Names) -> None:
    """Raises Mistake for a text that is no rule."""
    try:
        parsed = parse(text)
        _check_state(conditions.make(parsed.values), names)
    except RuleError as error:
        raise Mistake(error.bare) from None
    if parsed.direction is not None:
        raise Mistake(f"{parsed.direction.value} stands twice: the direction belongs into on, alone")
    if parsed.name:
        raise Mistake(f"name={parsed.name} does not belong into do: give the fault a name of its own")


def conditions_of(text: str, names: Names) -> Conditions:
    """The conditions of a text like ``kind=data n=3``. Raises Mistake."""
    try:
        parsed = parse(f"pass {text}")
    except RuleError as error:
        raise Mistake(error.bare) from None
    if parsed.direction is not None or parsed.chain or parsed.name:
        raise Mistake(f"{text!r} are no conditions: write them as kind=data n=3")
    for word in _NOT_MEASURED:
        if word in parsed.values:
            raise Mistake(f"{word} is for rules only: leave it out")
    asks = conditions.make(parsed.values)
    _check_state(asks, names)
    return asks


def _check_state(asks: Conditions, names: Names) -> None:
    if asks.state is not None:
        names.device(asks.state.device)


def meets(asks: Conditions, direction: Direction, net: Network) -> Callable[[Passage], bool]:
    """Whether a frame that enters ``direction`` meets the conditions; it counts, so ask about every frame."""
    find = None if asks.state is None else partial(net.find, asks.state.device)
    rule = Rule("", PASS, asks, rules=direction.rules, find=find)
    return lambda passage: rule.meets(FrameView(passage.frame, passage.at, passage.coordinate))
