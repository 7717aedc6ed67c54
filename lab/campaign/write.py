"""Writes down what is left of a failing run after shrinking: as a scenario whose faults are scripted, where
rules can say it, otherwise as a journal for ``netstack replay-run``.

A scenario is only written when it fails as the run did: it is run to see.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lab.campaign import toml
from lab.campaign.causes import copy, is_by_chance, is_impairment
from lab.campaign.faultwords import conditions_of, faults_of, rules_of
from lab.campaign.residue import labels, residue
from lab.campaign.shrink import Shrunk, fails
from lab.campaign.ways import Unsayable, way_of
from lab.scenario import Scenario, Verdict, load, run
from lab.scenario.impairments import NETEM, is_netem
from lab.scenario.model import Fault, File
from tap import verdicts
from tap.link import TapError


@dataclass(frozen=True)
class Written:
    """What was written: the ``file``, and a line for each fault."""

    file: Path
    faults: tuple[str, ...]


def write(shrunk: Shrunk, folder: Path) -> Written:
    """Write ``shrunk-HASH.toml`` or ``shrunk-HASH.jsonl`` to ``folder``, which is made where it is not.

    Raises OSError when it cannot be written whole; then nothing is left of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job = shrunk.job
    identity = repr((job.text, job.seed, job.overrides, shrunk.target)).encode()
    stem = f"shrunk-{sha256(identity).hexdigest()[:12]}"
    scenario = load(shrunk.text, job.path or f"{stem}.toml")
    kept = tuple(f"{fault.do} {_where(fault)}" for fault in shrunk.faults)
    try:
        file = folder / f"{stem}.toml"
        chance = _as_scenario(shrunk, scenario, file)
        return Written(file, kept + tuple(f"{fault.do} {_where(fault)}" for fault in chance))
    except Unsayable:
        file = folder / f"{stem}.jsonl"
        result = run(scenario, seed=job.seed, verdicts=shrunk.verdicts, journal=file)
        if result.problems:
            file.unlink(missing_ok=True)
            raise TapError(result.problems[0]) from None
        return Written(file, kept + tuple(line_of(verdict) for verdict in shrunk.verdicts))


def _where(fault: Fault) -> str:
    place = f"on {fault.on}" if fault.on else f"on {fault.link}" if fault.link else f"in {fault.device}"
    return place if fault.at == "0s" else f"{place} at {fault.at}"


def _as_scenario(shrunk: Shrunk, scenario: Scenario, file: Path) -> list[Fault]:
    """Write it; the faults that stand for chance. Raises Unsayable."""
    made, faults = scripted(scenario, shrunk.verdicts, shrunk.job.seed)
    path = Path(scenario.path or file)
    try:  # beside the original, where its scripts are
        found = load(toml.write(made), str(path))
    except ValueError as error:
        raise Unsayable(str(error)) from None
    if not fails(found, shrunk.job.seed, shrunk.target):
        raise Unsayable("with rules it does not fail")
    head = heading(shrunk, file, _move(made, path.parent, file.parent))
    try:
        file.write_text(head + toml.write(made), encoding="utf-8")
    except OSError:
        file.unlink(missing_ok=True)
        raise
    return faults


def heading(shrunk: Shrunk, file: Path, modules: list[str]) -> str:
    """The comment at the top: what fails, where it comes from, how it is run; the ``modules`` it needs."""
    least = "each is needed" if shrunk.minimal else "not all may be needed: the search was given up"
    lines = [
        f"Shrunk: {shrunk.target}",
        "",
        f"{shrunk.left} of {shrunk.of} faults of this run are left, and {least}:",
        shrunk.job.reproduction,
        "",
        f"netstack scenario {file.name}",
    ]
    lines += ["", f"Put {' and '.join(modules)} beside it before."] if modules else []
    return "".join(f"# {' '.join(line.split())}".rstrip() + "\n" for line in lines) + "\n"


def _move(made: File, folder: Path, to: Path) -> list[str]:
    """Have the tables name the files of ``folder`` from ``to``; the Python modules, which cannot be."""
    if folder.resolve() == to.resolve():
        return []
    modules = []
    for program in made.program:
        module = f"{program.run.partition(':')[0].replace('.', '/')}.py"
        if program.run.endswith(".py"):
            program.run = os.path.relpath(folder / program.run, to)
        elif (folder / module).is_file():
            modules.append(module)
    for device in made.device.values():
        if device.profile.endswith(".toml"):
            device.profile = os.path.relpath(folder / device.profile, to)
    return list(dict.fromkeys(modules))


def scripted(scenario: Scenario, found: Iterable[Verdict], seed: int) -> tuple[File, list[Fault]]:
    """The scenario's tables with scripted faults in place of chance, and those faults. Raises Unsayable."""
    before, file = copy(scenario), copy(scenario)
    file.run.seed = seed
    _take_chance_out(file)
    faults: list[Fault] = []
    rules = {fault.name: _surely(fault.do) for fault in before.fault if is_by_chance(fault)}
    for number, line in enumerate(found, 1):
        verdict = verdicts.Verdict.of(line)
        link, side, way = way_of(scenario.plan.names, verdict.direction)
        by_rule = next((rules[name] for _, _, name in verdict.notes if name in rules), None)
        delay = _plain_delay(before, link, side, verdict.stage)
        said = [by_rule] if by_rule is not None else rules_of(verdict, delay)
        if said is None:
            raise Unsayable(line_of(line))
        faults += faults_of(f"{way} {conditions_of(line)}", said, f"shrunk{number}")
    file.fault += faults
    return file, faults


def _surely(text: str) -> str:
    """A rule without its probability."""
    return " ".join(word for word in text.split() if not word.startswith("p="))


def _take_chance_out(file: File) -> None:
    """Leave of all impairments what draws nothing."""
    for link in file.link.values():
        if link.netem is not None:
            link.netem = _left(_netem(link.netem)).removeprefix(f"{NETEM} ") or None
        link.forth, link.back = ([left for text in texts if (left := _left(text))]
                                 for texts in (link.forth, link.back))  # fmt: skip
    kept = []
    for fault in file.fault:
        if is_by_chance(fault):
            continue
        if is_impairment(fault):
            fault.do = _left(fault.do)
        if fault.do:
            kept.append(fault)
    file.fault = kept


def _plain_delay(file: File, link: str, side: str, stage: str) -> int:
    """What a stage adds to a frame without chance (ns); ``stage`` is what the journal calls it."""
    texts = {str(fault.name): fault.do for fault in file.fault if is_impairment(fault)}
    netem = file.link[link].netem
    both = [] if netem is None else [_netem(netem)]
    texts |= labels(both + getattr(file.link[link], side))
    text = texts.get(stage) or texts.get(stage.rpartition(".")[2])
    return residue(text).delay if text else 0


def _netem(text: str) -> str:
    return text if is_netem(text) else f"{NETEM} {text}"


def _left(text: str) -> str:
    found = residue(text).text
    if found is None:
        raise Unsayable(text)
    return found


def line_of(verdict: Verdict) -> str:
    """A line of a journal in words."""
    detail = f" ({verdict['detail']})" if verdict["detail"] else ""
    return f"{verdict['action']}{detail} by {verdict['stage']} on {verdict['frame']}"
