"""Writes the tables of a scenario as TOML, which the standard library can only read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from lab.scenario.model import File

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def write(file: File) -> str:
    """The text of a scenario file."""
    tables: dict[str, Any] = msgspec.to_builtins(file)
    parts = []
    for key, value in tables.items():
        if isinstance(value, list):
            parts += [_table(f"[[{key}]]", one) for one in value]
        elif all(isinstance(one, Mapping) for one in value.values()):
            parts += [_table(f"[{key}.{_key(name)}]", one) for name, one in value.items()]
        else:
            parts.append(_table(f"[{key}]", value))
    return "\n".join(parts)


def inline(table: msgspec.Struct) -> str:
    """A table in one line."""
    return _value(msgspec.to_builtins(table))


def table(header: str, content: msgspec.Struct) -> str:
    """A table under its header."""
    return _table(header, msgspec.to_builtins(content))


def _table(header: str, values: Mapping[str, Any]) -> str:
    return "".join(f"{line}\n" for line in [header, *(f"{_key(k)} = {_value(v)}" for k, v in values.items())])


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _text(text: str) -> str:
    """JSON's strings are TOML's, but for the one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
