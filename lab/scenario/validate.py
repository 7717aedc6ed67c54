"""Checks the tables of a scenario file key by key: each mistake becomes one line with its place and the mend.

What a key alone says is checked here (its name, its kind, its unit); what keys say about each other, in
``lab.scenario.plan``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

from lab.scenario.errors import Mistake, Path, instead
from lab.scenario.impairments import check_impairment
from lab.scenario.model import File
from lab.scenario.units import time_of
from netstack.address import parse_ip, parse_mac
from netstack.options import ProfileError, lookup
from tap.impair.catalogue import CONVERT
from tap.impair.netem import parse as parse_netem
from usocket.device import parse_interface

Report = Callable[[Path, str], None]  # (where, what is wrong and the mend)

_EXPECTED = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_KINDS = {
    "str": "text in quotes", "int": "a whole number", "bool": "true or false", "array": "a list",
    "object": "a table", "float": "a number", "null": "nothing",
}  # fmt: skip


def _is_mac(text: object) -> None:
    if parse_mac(str(text))[0] & 1:
        raise Mistake(f"{text} is a group address: make its first byte even, like 02:00:00:00:00:02")


# What is behind a unit of the model: each raises ValueError with what is wrong and the mend.
CHECKS: dict[str, Callable[[Any], object]] = {
    "time": time_of,
    "rate": CONVERT["rate"],
    "address": lambda value: parse_ip(str(value)),
    "interface": lambda value: parse_interface(str(value)),
    "mac": _is_mac,
    "netem": lambda value: parse_netem(str(value)),
    "impairment": lambda value: check_impairment(str(value)),
}


def build(tables: Mapping[str, Any], report: Report) -> File | None:
    """The file's tables; None when something was reported."""
    made = _struct(File, tables, (), report)
    return made if isinstance(made, File) else None


def _struct(kind: type[Struct], table: object, path: Path, report: Report) -> Struct | None:
    """The struct that a table stands for."""
    if not isinstance(table, Mapping):
        report(path, f"{_name(path)} is no table: write it as {_header(path)}")
        return None
    known = {one.encode_name: one for one in fields(kind)}
    values: dict[str, Any] = {}
    good = True
    for key, value in table.items():
        where = (*path, key)
        if key not in known:
            report(where, f"{_name(path)} has no {key!r}: {instead(key, known)}")
            good = False
            continue
        found = _value(known[key].type, value, where, report)
        good = good and found is not None
        values[known[key].name] = found
    for key, one in known.items():
        if one.required and key not in table:
            report(path, f"{_name(path)} needs {key}: {_help(one)}")
            good = False
    return kind(**values) if good else None


def _value(kind: Any, value: object, path: Path, report: Report) -> Any:
    """The checked value; None when something was reported (no value of a file is None)."""
    bare, meta = _bare(kind)
    arguments = get_args(bare)
    if isinstance(bare, type) and issubclass(bare, Struct):
        return _struct(bare, value, path, report)
    if get_origin(bare) is dict and isinstance(arguments[1], type) and issubclass(arguments[1], Struct):
        return _tables(arguments[1], value, path, report)
    if get_origin(bare) is list and isinstance(value, list):
        made = [_value(arguments[0], one, (*path, index), report) for index, one in enumerate(value)]
        if None in made:
            return None
        value = made
    if get_origin(bare) is dict and isinstance(value, Mapping):
        values = {key: _value(arguments[1], one, (*path, key), report) for key, one in value.items()}
        return None if None in values.values() else values
    unit = (meta.extra or {}).get("unit") if meta is not None else None
    try:
        if unit in CHECKS:
            CHECKS[unit](value)
        return value if get_origin(bare) is list and _holds_structs(arguments[0]) else _convert(kind, value)
    except ValueError as error:
        report(path, f"{_name(path)}: {error}")
        return None


def _tables(kind: type[Struct], value: object, path: Path, report: Report) -> dict[str, Struct] | None:
    """The tables of one sort by their names."""
    if not isinstance(value, Mapping):
        report(path, f"{path[-1]} is no table: write [{path[-1]}.NAME]")
        return None
    made = {}
    for name, table in value.items():
        if not re.fullmatch(r"[A-Za-z_][\w-]*", name):
            report((*path, name), f"{name!r} is no name: take letters, digits, - and _")
        made[name] = _struct(kind, table, (*path, name), report)
    return made if None not in made.values() else None  # type: ignore[return-value]


def _convert(kind: Any, value: object) -> Any:
    """The value as msgspec takes it; its message, put plainly."""
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        text = str(error).partition(" - at ")[0]
        found = _EXPECTED.fullmatch(text)
        if found is None:
            raise Mistake(f"{text[:1].lower()}{text[1:]}") from None
        kinds = [word.strip() for word in found[1].split("|")]
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds if kind != "null")
        raise Mistake(f"{_shown(value)} is {_KINDS.get(found[2], found[2])}: give {wanted}") from None


def _bare(kind: Any) -> tuple[Any, Meta | None]:
    """A type without its annotation and without None, and the annotation."""
    meta = None
    if get_origin(kind) is Annotated:
        kind, meta = get_args(kind)[:2]
    members = [one for one in get_args(kind) if one is not type(None)]
    return (members[0] if type(None) in get_args(kind) and len(members) == 1 else kind), meta


def meta_of(kind: Any) -> Meta | None:
    """What is known of a field's values besides their type."""
    return _bare(kind)[1]


def _holds_structs(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _shown(value: object) -> str:
    """A value as TOML writes it, nearly."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _name(path: Path) -> str:
    """A place in words: ``device client``, ``fault 2``, ``link wire rate``."""
    words = [str(part + 1) if isinstance(part, int) else part for part in path]
    return " ".join(words) or "a scenario"


def _header(path: Path) -> str:
    """How the table of a path begins."""
    if len(path) == 2 and isinstance(path[1], int):
        return f"[[{path[0]}]]"
    return f"[{'.'.join(map(str, path))}]"


def _help(one: FieldInfo) -> str:
    meta = meta_of(one.type)
    if meta is None:
        return f"write [{one.encode_name}.NAME]"
    example = f", as {meta.examples[0]!r}" if meta.examples else ""
    return f"{meta.description}{example}"


def profile_options(options: Mapping[str, int | str], path: Path, report: Report) -> None:
    """Report each option of a device that no profile has, or that cannot have its value."""
    for name, value in options.items():
        try:
            lookup(name).parse(value)
        except ProfileError as error:
            report((*path, "options", name), f"{' '.join(map(str, path))}: {error}")
