"""The JSON Schema of scenario files, made from the model: for editors, and for those who write scenarios by
program.

    python -m lab.scenario.schema docs/scenario.schema.json

TOML has no null, so optional keys are just left out. What keys say about each other is in it as far as JSON
Schema can say it; names, rules and statements are checked by ``netstack scenario --check``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from lab.scenario.model import File
from netstack.options import OPTIONS
from netstack.profiles import PROFILES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "A netstack scenario"


def schema() -> dict[str, Any]:
    """The schema of a file."""
    made: dict[str, Any] = _without_null(msgspec.json.schema(File))
    parts = made["$defs"]
    parts["Device"]["properties"]["options"]["propertyNames"] = {
        "enum": [name for row in OPTIONS.values() for name in sorted({row.label, row.name})]
    }
    profiles = {"anyOf": [{"enum": sorted(PROFILES)}, {"pattern": r"\.toml$"}]}
    parts["Device"]["properties"]["profile"] |= profiles
    parts["Device"]["anyOf"] = [
        {"required": ["address"]},
        {"required": ["dhcp"], "properties": {"dhcp": {"const": True}}},
    ]
    parts["Fault"]["oneOf"] = [{"required": [key]} for key in ("on", "link", "device")]
    parts["Fault"]["not"] = {"required": ["every", "when"]}
    parts["Expect"]["not"] = {"required": ["at", "within"]}
    names = {"pattern": r"^[A-Za-z_][\w-]*$"}
    for kind in ("device", "link", "switch", "router"):
        parts["File"]["properties"][kind]["propertyNames"] = names
    parts["File"]["properties"]["device"]["minProperties"] = 1
    return {"$schema": DIALECT, "title": TITLE, **made}


def _without_null(part: Any) -> Any:
    """The schema without what says that a value may be null."""
    if isinstance(part, list):
        return [_without_null(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {key: _without_null(value) for key, value in part.items() if (key, value) != ("default", None)}
    options = found.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [one for one in options if one != {"type": "null"}]
        del found["anyOf"]
        found |= rest[0] if len(rest) == 1 else {"anyOf": rest}
    return found


def text() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write it to the file that the command line names."""
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
