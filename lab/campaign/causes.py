"""What may have caused a failure: the things that chance did in a run, and the faults of the scenario.

A cause is a verdict of the journal, or a fault of the scenario that does the same each time. In a run with
only some of them the others have not happened. Faults with chance in them stay: what they do is in the
verdicts. Allocations that fail by chance become faults that name them: ``pool-fail p=1%`` with its third and
ninth allocation failing is two causes, ``nth=3`` and ``nth=9``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from lab.campaign import toml
from lab.campaign.residue import residue
from lab.scenario import Result, Scenario, Verdict, load
from lab.scenario.model import Fault, File

Cause = Fault | Verdict

_ALLOCATION = re.compile(r"allocation (\d+)$")
_COUNTED = ("pool-fail", "heap-fail")  # faults whose journal says which allocation it was


@dataclass(frozen=True)
class Causes:
    """``causes`` of a run of ``scenario``; ``faults``: all its faults in order, those that stay, too."""

    scenario: Scenario
    faults: tuple[Fault, ...]
    causes: tuple[Cause, ...]

    def file(self, chosen: Sequence[Cause]) -> File:
        """The scenario's tables with the faults that are chosen or that stay."""
        known = {id(cause) for cause in self.causes}
        kept = {id(cause) for cause in chosen}
        file = copy(self.scenario)
        file.fault = [fault for fault in self.faults if id(fault) not in known or id(fault) in kept]
        return file

    def variant(self, chosen: Sequence[Cause]) -> Scenario:
        """The scenario with those faults. Raises ScenarioError when it makes no sense without the others."""
        file = self.file(chosen)
        if file.fault == copy(self.scenario).fault:
            return self.scenario
        return load(toml.write(file), self.scenario.path or "scenario.toml")


def verdicts_of(causes: Sequence[Cause]) -> list[Verdict]:
    """The verdicts among causes."""
    return [cause for cause in causes if not isinstance(cause, Fault)]


def causes_of(scenario: Scenario, result: Result) -> Causes:
    """The causes that a run of the scenario had."""
    faults: list[Fault] = []
    fixed: set[int] = set()
    for fault in copy(scenario).fault:
        found = _allocations(fault, result)
        faults += [fault] if found is None else found
        if found is None and has_chance(fault):
            fixed.add(id(fault))
    rules = {str(fault.name) for fault in faults if is_by_chance(fault)}
    verdicts = [line for line in result.verdicts if _is_cause(line, rules)]
    return Causes(scenario, tuple(faults), (*(one for one in faults if id(one) not in fixed), *verdicts))


def _is_cause(line: Verdict, rules: set[str]) -> bool:
    """Whether a line of a journal is something that chance did; the rest happens by itself."""
    if "device" in line:
        return False
    notes = [line.get("rule", ""), *(note[2] for note in line.get("also", ()))]
    return line.get("out") is not None or not rules.isdisjoint(notes)


def _allocations(fault: Fault, result: Result) -> list[Fault] | None:
    """A fault for each allocation that this one made fail by chance; None when it is none of those."""
    kind, *words = fault.do.split()
    if kind not in _COUNTED or not _chance(words) or fault.every is not None:
        return None
    rest = [word for word in words if not word.startswith(("p=", "times="))]
    numbers = [
        int(found[1])
        for line in result.verdicts
        if line.get("device") == fault.device and line.get("fault") == fault.name
        if (found := _ALLOCATION.search(line["detail"]))
    ]
    return [
        msgspec.structs.replace(fault, do=" ".join([kind, *rest, f"nth={nth}"]), name=f"{fault.name}-{nth}")
        for nth in numbers
    ]


def copy(scenario: Scenario) -> File:
    """The tables, overrides in them, each fault with the name that it has or gets; for changing."""
    file: File = msgspec.convert(msgspec.to_builtins(scenario.file), File)
    for number, fault in enumerate(file.fault, 1):
        fault.name = fault.name or f"fault{number}"
    return file


def has_chance(fault: Fault) -> bool:
    """Whether the fault draws random numbers."""
    if is_impairment(fault):
        return residue(fault.do).text != fault.do
    return is_by_chance(fault) or (fault.device is not None and _chance(fault.do.split()))


def is_by_chance(fault: Fault) -> bool:
    """Whether it is a rule that acts with a probability."""
    return fault.on is not None and _chance([*fault.on.split(), *fault.do.split()])


def _chance(words: Sequence[str]) -> bool:
    return any(word.startswith("p=") for word in words)


def is_impairment(fault: Fault) -> bool:
    """Whether it is an impairment of a link."""
    return fault.link is not None and fault.do not in ("pull", "plug")
