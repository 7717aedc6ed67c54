"""Reads a scenario: TOML text, changes from outside (``--set``), and all the checks."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.scenario.errors import Mistake, ScenarioError
from lab.scenario.errors import Path as Place
from lab.scenario.impairments import NETEM, is_netem, traps
from lab.scenario.model import File
from lab.scenario.places import lines
from lab.scenario.plan import Plan, make_plan
from lab.scenario.validate import build

MAX_SIZE = 1 << 20  # of a file, in characters
TEXT = "<text>"  # the name of a scenario that is in no file


@dataclass(frozen=True)
class Scenario:
    """A scenario that has been checked. It is what its text, path and overrides say; pickling keeps those.

    ``warnings``: where words of tc-netem are a trap, one line each with place and mend.
    """

    text: str
    path: str | None = None
    overrides: tuple[str, ...] = ()
    file: File = field(repr=False, compare=False, kw_only=True)
    plan: Plan = field(repr=False, compare=False, kw_only=True)
    warnings: tuple[str, ...] = field(default=(), repr=False, compare=False, kw_only=True)

    @property
    def title(self) -> str:
        """The first line of the comment at its top, or the file's name."""
        about = self._comment
        return about[0] if about else Path(self.path or "scenario").stem

    @property
    def about(self) -> list[str]:
        """The further paragraphs of that comment."""
        return self._comment[1:]

    @property
    def _comment(self) -> list[str]:
        found = re.match(r"\s*((?:#[^\n]*\n)+)", self.text)
        if found is None:
            return []
        text = "\n".join(line.lstrip("#").strip() for line in found[1].splitlines())
        return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]

    def __reduce__(self) -> tuple[Any, ...]:
        return load, (self.text, self.path, self.overrides)


def load(source: str | os.PathLike[str], path: str | None = None, overrides: Iterable[str] = ()) -> Scenario:
    """The scenario of a file, or of a text (what has a line end or a ``=``, or is given with its ``path``).

    ``overrides`` are changes like ``device.client.options.tcp_mss=536``. Raises ScenarioError.
    """
    text = str(source)
    is_path = not isinstance(source, str) or ("\n" not in text and "=" not in text)
    if path is None and is_path:
        path, text = text, _read(text)
    return _load(text, path, tuple(overrides))


def _read(path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ScenarioError([f"{path}: it cannot be read ({error.strerror}): name a scenario file"]) from None
    except UnicodeDecodeError:
        raise ScenarioError([f"{path}: it is no text: name a scenario file"]) from None
    if len(text) > MAX_SIZE:
        raise ScenarioError([f"{path}: it has over {MAX_SIZE} characters: that is no scenario"])
    return text


def _load(text: str, path: str | None, overrides: tuple[str, ...]) -> Scenario:
    where = path or TEXT
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError([_syntax(where, error)]) from None
    found = lines(text)
    for change in overrides:
        _override(tables, change)
    changed = {_path_of(change)[0]: change for change in overrides}
    problems: list[tuple[int, str]] = []

    def placed(place: Place, message: str) -> tuple[int, str]:
        change = next((changed[place[:n]] for n in range(len(place), 0, -1) if place[:n] in changed), None)
        if change is not None:
            return 0, f"--set {change}: {message}"
        line = next(found[place[:n]] for n in range(len(place), -1, -1) if place[:n] in found)
        return line, f"{where}:{line}: {message}"

    def report(place: Place, message: str) -> None:
        problems.append(placed(place, message))

    file = build(tables, report)
    plan = None if file is None or problems else make_plan(file, _folder(path), report)
    if problems or file is None or plan is None:
        raise ScenarioError(message for _, message in sorted(problems, key=lambda problem: problem[0]))
    warnings = tuple(placed(place, message)[1] for place, message in _warnings(file))
    return Scenario(text, path, overrides, file=file, plan=plan, warnings=warnings)


def _warnings(file: File) -> Iterator[tuple[Place, str]]:
    """Where words of tc-netem do not do what they seem to."""
    texts: list[tuple[Place, str]] = []
    for name, link in file.link.items():
        if link.netem is not None:
            text = link.netem if is_netem(link.netem) else f"{NETEM} {link.netem}"
            texts.append((("link", name, "netem"), text))
        for way, impairments in (("forth", link.forth), ("back", link.back)):
            texts += [(("link", name, way, index), text) for index, text in enumerate(impairments)]
    texts += [(("fault", index, "do"), fault.do) for index, fault in enumerate(file.fault) if fault.link]
    for place, text in texts:
        for trap in traps(text):
            words = [str(part + 1) if isinstance(part, int) else part for part in place]
            yield place, f"{' '.join(words)}: warning: netem, {trap}"


def _folder(path: str | None) -> Path:
    return Path(path).parent if path else Path()


def _syntax(where: str, error: tomllib.TOMLDecodeError) -> str:
    """tomllib's message, with the line in front."""
    message = str(error)
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found is None:
        return f"{where}: {message}: mend the TOML"
    column = f" (column {found[2]})"
    return f"{where}:{found[1]}: no TOML: {message[: found.start()]}{column}: mend it"


# --set


def _path_of(change: str) -> tuple[Place, str]:
    """``device.client.options.tcp_mss=536`` as its place and the text of its value. Raises ScenarioError."""
    keys, equals, value = change.partition("=")
    parts = [part.strip() for part in keys.split(".")]
    if not equals or not all(parts):
        raise ScenarioError([f"--set {change}: write it as device.client.options.tcp_mss=536"])
    return tuple(int(part) - 1 if part.isdigit() else part for part in parts), value.strip()


def _override(tables: dict[str, Any], change: str) -> None:
    """Change one value; what it is in is made when it is not there. Elements of lists are counted from 1."""
    place, text = _path_of(change)
    value = _value(text)
    at: Any = tables
    try:
        for part in place[:-1]:
            at = _step(at, part)
        last: Any = place[-1]
        if not isinstance(at, list if isinstance(last, int) else dict):
            raise Mistake("it leads nowhere")
        at[last] = value
    except (Mistake, IndexError):
        problem = f"--set {change}: there is no such place: write it as run.seed=1 or fault.1.do=drop"
        raise ScenarioError([problem]) from None


def _step(at: Any, part: str | int) -> Any:
    if isinstance(at, list) and isinstance(part, int):
        return at[part]
    if isinstance(at, dict) and isinstance(part, str):
        return at.setdefault(part, {})
    raise Mistake("it leads nowhere")


def _value(text: str) -> Any:
    """A TOML value, or, what is none, the text itself."""
    try:
        found: Mapping[str, Any] = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return found["value"] if len(found) == 1 else text
