"""The rules of one direction of a cable, and the stage that they are.

It is the first stage, so what is lost here never takes up the line. Every rule is asked about every frame and
counts for itself: rules that come and go do not shift what others count or draw. Of the rules that meet a
frame the first decides, and after one with ``chain`` the next one, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from tap.impair.draws import Draw, draws
from tap.rules import conditions
from tap.rules.conditions import Conditions
from tap.rules.errors import RuleError
from tap.rules.grammar import Parsed, keywords, parse
from tap.rules.rule import Callback, Rule
from tap.rules.verdicts import PASS, Delivery, Sent, Verdict, time_text
from tap.rules.view import FrameView

if TYPE_CHECKING:
    from tap.cable import Direction, World
    from tap.passage import Visit
    from tap.rules.coordinate import Coordinate


class _Held:
    """Frames that wait for ``left`` others to pass."""

    __slots__ = ("left", "sent", "visit")

    def __init__(self, visit: Visit, sent: list[Sent], left: int) -> None:
        self.visit = visit
        self.sent = sent
        self.left = left

    def release(self) -> None:
        """Let them go."""
        for one in self.sent:
            self.visit.pass_on(one.frame, one.at)


class Rules:
    """The rules of ``direction``, in the order in which they were added.

    ``chance`` can be set to what decides instead of the random numbers of rules with p: (rule, coordinate).
    """

    name = "rules"

    def __init__(self, direction: Direction) -> None:
        self._direction = direction
        self._rules: tuple[Rule, ...] = ()
        self._texts: dict[str, int] = {}  # of rules with p -> how many there were
        self._held: list[_Held] = []
        self.chance: Callable[[Rule, Coordinate], bool] | None = None

    def add(self, what: str | Verdict | Callback, **given: object) -> Rule:
        """Add a rule: a text, or a verdict or a callback for frames that meet the conditions ``given`` as
        keywords, ``add(Delay(5 * MS), kind="data", n="2..4", chain=True)``. A text may have some, too.
        ``name`` is what the journal calls it. Raises RuleError.
        """
        chain, name = bool(given.pop("chain", False)), given.pop("name", "")
        parsed, shown = _understood(what)
        self._check_direction(parsed)
        values = keywords(given)
        for word in values:
            if word in parsed.values:
                raise RuleError(f"{word} is in the text and among the keywords: leave one out")
        text = " ".join([shown, *(f"{word}={_shown(word, values[word])}" for word in values)])
        asks = conditions.make(parsed.values | values)
        rule = Rule(
            str(name or parsed.name or text + " chain" * (chain and not parsed.chain)),
            parsed.verdict if isinstance(what, str) else what,
            asks,
            chain=chain or parsed.chain,
            rules=self,
            draw=self._draw(text) if asks.p is not None else None,
            find=self._finder(asks),
        )
        if self not in self._direction.stages:
            self._direction.add(self, at=0)
        self._rules += (rule,)
        return rule

    def _check_direction(self, parsed: Parsed) -> None:
        word, here = parsed.direction, self._direction.name
        if word is not None and word.value != here:
            raise RuleError(f"this is {here}: a rule for {word.value!r} belongs there", word.column)

    def _draw(self, text: str) -> Draw:
        """The random numbers of a rule; one with the same text as another has its own all the same."""
        self._texts[text] = number = self._texts.get(text, 0) + 1
        name = f"rule.{self._direction.name}.{text}" + (f" #{number}" if number > 1 else "")
        return draws(self._world().stream(name))

    def _finder(self, asks: Conditions) -> Callable[[], Any] | None:
        if asks.state is None:
            return None
        find = partial(self._world().find, asks.state.device)
        try:
            find()
        except ValueError as error:
            raise RuleError(f"state: {error}") from None
        return find

    def _world(self) -> World:
        try:
            return self._direction.world
        except ValueError as error:
            raise RuleError(str(error)) from None

    def remove(self, rule: Rule) -> None:
        """Take ``rule`` away. Raises RuleError when it is not there."""
        if rule not in self._rules:
            raise RuleError(f"{rule} is no rule of {self._direction.name}: it has been removed already?")
        self.discard(rule)

    def discard(self, rule: Rule) -> None:
        """Take ``rule`` away if it is there."""
        self._rules = tuple(other for other in self._rules if other is not rule)

    def clear(self) -> None:
        """Take all away."""
        self._rules = ()

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    def __bool__(self) -> bool:
        return True

    # Frames

    def judge(self, visit: Visit) -> None:
        """A frame has entered the direction."""
        view = FrameView(visit.frame, visit.at, visit.passage.coordinate)
        acting: list[Rule] = []
        decided = False
        for rule in self._rules:
            met = rule.meets(view)  # asked in any case: it counts
            if met and not decided and not rule.used_up:
                acting.append(rule)
                decided = not rule.chain
        if not acting:
            visit.pass_on(visit.frame, visit.at)
            if self._held:
                self._one_passed()
            return
        delivery = Delivery(view, [Sent(visit.at, visit.frame)])
        for rule in acting:
            rule.act(delivery, visit.note)
        self._deliver(visit, delivery)

    def _deliver(self, visit: Visit, delivery: Delivery) -> None:
        own = delivery.own()
        for one in delivery.sent:
            if one.injected:
                self._inject(visit, one, self._direction)
            elif not delivery.behind:
                visit.pass_on(one.frame, one.at)
        for one in delivery.back:
            opposite = self._direction.opposite
            if opposite is None:
                raise RuleError(f"{self._direction.name} has no way back: it is no direction of a cable")
            self._inject(visit, one, opposite)
        if own and delivery.behind:
            self._hold(visit, own, delivery)
        elif own and self._held:
            self._one_passed()

    def _inject(self, visit: Visit, one: Sent, direction: Direction) -> None:
        visit.injected.append((direction.name, one.at, one.frame))
        direction.inject(one.frame, visit.passage.coordinate, one.at)

    def _hold(self, visit: Visit, own: list[Sent], delivery: Delivery) -> None:
        held = _Held(visit, own, delivery.behind)
        self._held.append(held)
        self._direction.clock.call_at(visit.at + delivery.patience, lambda: self._give_up(held))

    def _one_passed(self) -> None:
        """A frame has passed: those that waited for it follow, in their order."""
        for held in self._held:
            held.left -= 1
        ready = [held for held in self._held if not held.left]
        if ready:
            self._held = [held for held in self._held if held.left]
            for held in ready:
                held.release()

    def _give_up(self, held: _Held) -> None:
        if held in self._held:
            self._held.remove(held)
            held.release()


def _understood(what: object) -> tuple[Parsed, str]:
    """A rule's text parsed, or what stands for it; and how it is shown."""
    if isinstance(what, str):
        return parse(what), " ".join(what.split())
    if isinstance(what, Verdict):
        return Parsed(what), str(what)
    if callable(what):
        return Parsed(PASS), f"{getattr(what, '__name__', 'callback')}()"
    raise RuleError(f"{what!r} is no rule: give a text, a verdict or a function")


def _shown(word: str, value: object) -> str:
    """The value of a condition as text."""
    if word in ("from", "until") and isinstance(value, int):
        return time_text(value)
    if isinstance(value, Fraction):
        return f"{float(value * 100):.15g}%"
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    if isinstance(value, re.Pattern):
        return "*".join(re.sub(r"\\(.)", r"\1", part) for part in value.pattern.split("[^>]*"))
    return str(value)
