"""A scenario whose parts fit together: what the tables say about each other is checked here.

``make_plan`` turns the tables of a file into what a run needs (programs, faults, expectations) and reports
every name that nothing has, every rule, statement and program that cannot be meant so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lab.profile_file import find_profile, is_file_name
from lab.scenario.errors import Mistake, about, instead
from lab.scenario.errors import Path as Place
from lab.scenario.faults import FaultPlan, plan_fault
from lab.scenario.model import Device, Expect, File
from lab.scenario.names import Names, names_of
from lab.scenario.programs import ProgramPlan, plan_program
from lab.scenario.statement import Statement, parse_statement
from lab.scenario.units import time_of
from lab.scenario.validate import Report, profile_options
from netstack.address import parse_ip
from netstack.profile import Profile
from tap.router import parse_subnet

T = TypeVar("T")
P = TypeVar("P")


@dataclass(frozen=True)
class Expectation:
    """A statement that has to be true: at the end, at moment ``at``, or at some moment until ``within``
    (ns).
    """

    statement: Statement
    at: int | None
    within: int | None

    @property
    def text(self) -> str:
        """It, with its time."""
        return self.statement.text


@dataclass(frozen=True)
class Plan:
    """What a run needs beside the file's tables."""

    names: Names
    profiles: dict[str, Profile]
    programs: tuple[ProgramPlan, ...]
    faults: tuple[FaultPlan, ...]
    expectations: tuple[Expectation, ...]


def make_plan(file: File, folder: Path, report: Report) -> Plan:
    """The plan; every mistake is reported, and then the plan is of no use."""
    profiles = {}
    for name, device in file.device.items():
        found = _profile(device, ("device", name), folder, report)
        if found is not None:
            profiles[name] = found
        _addresses(name, device, report)
    _nodes(file, report)
    names = names_of(file)
    _links(file, names, report)
    programs = _each(file.program, "program", lambda table, _: plan_program(table, names, folder), report)
    faults = _each(file.fault, "fault", lambda table, number: plan_fault(table, number, names), report)
    expectations = _each(file.expect, "expect", lambda table, _: _expectation(table, names), report)
    return Plan(names, profiles, programs, faults, expectations)


def _each(tables: list[T], what: str, plan: Callable[[T, int], P], report: Report) -> tuple[P, ...]:
    """What ``plan`` makes of each table (numbered from 1) that has no mistake."""
    made = []
    for index, table in enumerate(tables):
        try:
            made.append(plan(table, index + 1))
        except ValueError as error:
            report((what, index, *getattr(error, "keys", ())), f"{what} {index + 1}: {error}")
    return tuple(made)


def _profile(device: Device, place: Place, folder: Path, report: Report) -> Profile | None:
    before = False

    def noted(where: Place, message: str) -> None:
        nonlocal before
        before = True
        report(where, message)

    profile_options(device.options, place, noted)
    try:
        path = device.profile
        profile = find_profile(str(folder / path) if is_file_name(path) else path)
    except ValueError as error:
        report((*place, "profile"), f"device {place[1]}: {error}")
        return None
    if before:
        return None
    try:
        options: dict[str, Any] = {name.lower(): value for name, value in device.options.items()}
        return profile.replace(**options) if options else profile
    except ValueError as error:
        report((*place, "options"), f"device {place[1]}: {error}")
        return None


def _addresses(name: str, device: Device, report: Report) -> None:
    if device.address is None and not device.dhcp:
        mend = 'give address = "10.0.0.2/24", or dhcp = true'
        report(("device", name), f"device {name} has no address: {mend}")


def _nodes(file: File, report: Report) -> None:
    """No name twice, and routes that can be meant so."""
    seen: dict[str, str] = {}
    for kind in ("device", "switch", "router"):
        for name in getattr(file, kind):
            if name in seen:
                report((kind, name), f"{kind} {name} has the name of a {seen[name]}: give it another")
            seen[name] = kind
    for name, router in file.router.items():
        for subnet, hop in router.routes.items():
            try:
                parse_subnet(subnet)
                parse_ip(hop)
            except ValueError as error:
                report(("router", name, "routes", subnet), f"router {name}: {error}")


def _links(file: File, names: Names, report: Report) -> None:
    nodes = [*file.device, *file.switch, *file.router]
    taken: dict[str, str] = {}
    for name, link in file.link.items():
        place = ("link", name, "between")
        for end in link.between:
            node, _, address = end.partition(" ")
            mend = None
            if node not in nodes:
                mend = f"there is no device, switch or router {node!r}: {instead(node, nodes)}"
            elif node in file.router:
                mend = _router_end(node, address)
            elif address:
                mend = f"{node} is no router: write {node} alone"
            elif node in file.device:
                if node in taken:
                    mend = f"{node} is on link {taken[node]} already: a device has one, put a switch between"
                taken[node] = name
            if mend:
                report(place, f"link {name}: {mend}")
    for device in file.device:
        if device not in taken:
            mend = "add a [link.NAME] between it and another"
            report(("device", device), f"device {device} is on no link: {mend}")


def _router_end(node: str, address: str) -> str | None:
    try:
        if address:
            parse_subnet(address.strip())
            return None
    except ValueError as error:
        return str(error)
    return f'{node} is a router: write it with its address there, as "{node} 10.0.1.1/24"'


def _expectation(expect: Expect, names: Names) -> Expectation:
    if expect.at is not None and expect.within is not None:
        raise Mistake("at and within exclude each other: leave one of them out", "within")
    at = None if expect.at is None else time_of(expect.at)
    within = None if expect.within is None else time_of(expect.within)
    with about("that"):
        statement = parse_statement(expect.that, names)
    if statement.is_of_the_end and (at is not None or within is not None):
        raise Mistake(
            "what leaked is known when all is over: leave at and within out",
            "at" if within is None else "within",
        )
    return Expectation(statement, at, within)
