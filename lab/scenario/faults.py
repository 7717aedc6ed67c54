"""The faults of a scenario: what is to go wrong, where and when; checked before the run."""

from __future__ import annotations

from dataclasses import dataclass

from lab.scenario.errors import Mistake, about
from lab.scenario.impairments import check_impairment
from lab.scenario.model import Fault
from lab.scenario.names import Names, Way
from lab.scenario.rules import check_rule
from lab.scenario.statement import Statement, parse_statement
from lab.scenario.units import time_of
from tap.devicefault.catalogue import check


@dataclass(frozen=True)
class When:
    """When a fault begins and ends: ns; ``condition`` is what it waits for from ``at`` on."""

    at: int
    lasting: int | None
    every: int | None
    condition: Statement | None


@dataclass(frozen=True)
class FaultPlan:
    """A fault that is to happen. ``ways`` are the directions of a rule or an impairment."""

    name: str
    text: str
    when: When


@dataclass(frozen=True)
class RulePlan(FaultPlan):
    """A rule on a direction."""

    way: Way


@dataclass(frozen=True)
class ImpairmentPlan(FaultPlan):
    """An impairment of a link's directions."""

    ways: tuple[Way, ...]


@dataclass(frozen=True)
class PullPlan(FaultPlan):
    """A link whose cable is pulled, or plugged in again."""

    link: str
    plugs: bool


@dataclass(frozen=True)
class DeviceFaultPlan(FaultPlan):
    """A fault inside a device."""

    device: str


def plan_fault(fault: Fault, number: int, names: Names) -> FaultPlan:
    """What a table says. Raises Mistake. ``number`` (from 1) names it when it has no name."""
    name = fault.name or f"fault{number}"
    if name in names.faults:
        raise Mistake(f"two faults are called {name}: give each a name of its own", "name")
    given = [key for key in ("on", "link", "device") if getattr(fault, key) is not None]
    if len(given) != 1:
        said = f"has {' and '.join(given)}" if given else "happens nowhere"
        raise Mistake(f"it {said}: give one of on (a direction and conditions), link, device", *given[1:])
    when = _when(fault, names)
    text = " ".join(fault.do.split())
    if fault.on is not None:
        plan: FaultPlan = _rule(name, text, fault.on, when, names)
    elif fault.link is not None:
        with about("link"):
            link = names.link(fault.link)
        plan = _of_link(name, text, link, fault.direction, when)
    else:
        assert fault.device is not None
        with about("device"):
            device = names.device(fault.device)
        with about("do"):
            check(text)
        plan = DeviceFaultPlan(name, text, when, device)
    names.faults.append(name)
    return plan


def _when(fault: Fault, names: Names) -> When:
    lasting = None if fault.lasting is None else time_of(fault.lasting)
    every = None if fault.every is None else time_of(fault.every)
    if every is not None:
        if fault.when is not None:
            raise Mistake("every and when exclude each other: leave one of them out", "every")
        if not every or (lasting or 0) >= every:
            raise Mistake(f"it comes again (every = {fault.every}) before it ends: make for shorter", "every")
    condition = None
    if fault.when is not None:
        with about("when"):
            condition = parse_statement(fault.when, names)
    return When(time_of(fault.at), lasting, every, condition)


def _rule(name: str, action: str, on: str, when: When, names: Names) -> RulePlan:
    direction, _, conditions = on.strip().partition(" ")
    with about("on"):
        way = names.way(direction)
        check_rule(f"pass {conditions}", names)
    text = f"{action} {conditions.strip()}".strip()
    with about("do"):
        check_rule(text, names)
    return RulePlan(name, text, when, way)


def _of_link(name: str, text: str, link: str, direction: str, when: When) -> FaultPlan:
    if text in ("pull", "plug"):
        return PullPlan(name, text, when, link, text == "plug")
    ways = [Way(link, side == "forth") for side in ("forth", "back") if direction in (side, "both")]
    with about("do"):
        check_impairment(text)
    return ImpairmentPlan(name, text, when, tuple(ways))
