"""``netstack inject``: rules and impairments on a running device's link, and faults in the device.

The first word of a text says what it is; where a word is both (delay, duplicate, corrupt, reorder), it is an
impairment if all others are values of that impairment and one of them is none that the rule would take, and
else a rule.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lab.control.errors import ControlError
from tap.cable import AnyStage, Direction, Stage
from tap.devicefault.catalogue import KINDS as FAULTS
from tap.devicefault.fault import DeviceFault, DeviceFaultError
from tap.impair import words
from tap.impair.catalogue import KINDS as IMPAIRMENTS
from tap.impair.netem import NetemError
from tap.impair.units import ImpairmentError
from tap.rules.actions import ACTIONS
from tap.rules.errors import RuleError, instead
from tap.rules.rule import Rule
from tap.splice import SplicedLink
from usocket import Device

RULE, IMPAIRMENT, NETEM, FAULT = "rule", "impairment", "netem", "device fault"


@dataclass(slots=True)
class Injection:
    """One of them. ``parts`` is what it is made of, one for each direction (netem: several) or the fault;
    ``done`` counts, where rules and faults do not count themselves.
    """

    number: int
    text: str
    kind: str
    where: tuple[str, ...]
    parts: list[tuple[str, Rule | Stage | DeviceFault]] = field(default_factory=list)
    done: dict[str, Counter[str]] = field(default_factory=dict)

    def about(self) -> dict[str, Any]:
        """As JSON: ``done`` is how often what was done, by place."""
        done: dict[str, dict[str, int]] = {where: dict(self.done.get(where, {})) for where in self.where}
        for where, part in self.parts:
            if isinstance(part, Rule):
                done[where] = {"hits": part.hits}
            elif isinstance(part, DeviceFault):
                done[where] = dict(part.counts)
        return {"number": self.number, "text": self.text, "kind": self.kind, "done": done}


class Injections:
    """Those of one device. Called with the lock."""

    def __init__(self, device: Device, splice: SplicedLink) -> None:
        self._device = device
        self._splice = splice
        self._injections: dict[int, Injection] = {}
        self._count = 0
        splice.listeners.append(self._noted)

    def add(self, text: str) -> Injection:
        """Begin with what ``text`` says; without a direction in both. Raises ControlError."""
        directions, rest = self._directions(text)
        kind = kind_of(rest)
        if kind == FAULT:
            directions = (self._device.name,)
        made = Injection(self._count + 1, " ".join(text.split()), kind, directions)
        make = {RULE: self._rule, IMPAIRMENT: self._impairment, NETEM: self._netem, FAULT: self._fault}[kind]
        try:
            for where in directions:
                made.parts += [(where, part) for part in make(where, rest, made.number)]
        except (RuleError, ImpairmentError, NetemError, DeviceFaultError) as error:
            self._undo(made)
            raise ControlError(str(error)) from None
        self._count = made.number
        self._injections[made.number] = made
        return made

    def remove(self, number: int) -> Injection:
        """End one. Raises ControlError."""
        found = self._injections.pop(number, None)
        if found is None:
            there = ", ".join(map(str, self._injections)) or "none"
            raise ControlError(f"there is no injection {number}: there are {there} (netstack inject --list)")
        self._undo(found)
        return found

    def all(self) -> list[Injection]:
        """Those that there are, in the order of adding. A fault that has ended by itself is there no more."""
        for number, one in tuple(self._injections.items()):
            if any(isinstance(part, DeviceFault) and not part.running for _, part in one.parts):
                del self._injections[number]
        return list(self._injections.values())

    def _directions(self, text: str) -> tuple[tuple[str, ...], str]:
        """Where a text is for, and the text without that word."""
        text, both = " ".join(text.split()), self._splice.directions
        found = [word for word in text.split() if ">" in word and "=" not in word]
        if not found:
            return both, text
        if found[0] not in both:
            raise ControlError(
                f"there is no direction {found[0]}: write {' or '.join(both)}, or none for both"
            )
        return (found[0],), " ".join(word for word in text.split() if word != found[0])

    # Each of its kind: what it is made of

    def _rule(self, where: str, text: str, number: int) -> list[Any]:
        return [self._splice.direction(where).rules.add(text)]

    def _impairment(self, where: str, text: str, number: int) -> list[Any]:
        way = self._splice.direction(where)
        name = f"{text.partition(' ')[0]} #{number}"
        stream = self._splice.stream(f"{where}.{name}")
        stage = words.stage(text, stream=stream, clock=way.clock, name=name)
        way.add(stage)
        return [stage]

    def _netem(self, where: str, text: str, number: int) -> list[Any]:
        return list(self._splice.direction(where).netem(text.partition(" ")[2]))

    def _fault(self, where: str, text: str, number: int) -> list[Any]:
        return [self._device.faults.add(text)]

    def _undo(self, one: Injection) -> None:
        for where, part in one.parts:
            if isinstance(part, DeviceFault):
                self._device.faults.remove(part)
            elif isinstance(part, Rule):
                self._splice.direction(where).rules.discard(part)
            else:
                self._splice.direction(where).remove(part)
        self._splice.settle()

    def _noted(self, way: Direction, stage: AnyStage, frame: bytes, action: str, detail: str) -> None:
        for one in self._injections.values():
            if any(part is stage for _, part in one.parts):
                one.done.setdefault(way.name, Counter())[action] += 1


def kind_of(text: str) -> str:
    """What a text is, by its first word. Raises ControlError."""
    first, *others = text.split() or [""]
    if first == NETEM:
        return NETEM
    if first in FAULTS:
        return FAULT
    if first in ACTIONS and first in IMPAIRMENTS:
        keys = {word.partition("=")[0] for word in others}
        known = set(IMPAIRMENTS[first].parameters())
        return IMPAIRMENT if keys and keys <= known and keys - set(ACTIONS[first].options) else RULE
    if first in ACTIONS:
        return RULE
    if first in IMPAIRMENTS:
        return IMPAIRMENT
    if not first:
        raise ControlError("there is nothing to inject: write 'drop kind=data n=3', 'loss rate=1%', ...")
    raise ControlError(f"there is no {first!r}: {instead(first, [*ACTIONS, *IMPAIRMENTS, NETEM, *FAULTS])}")
