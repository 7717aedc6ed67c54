"""Makes the tables of docs/scenarios.md: keys, programs and quantities, each from what the code says of it.

    python -m lab.scenario.page docs/scenarios.md

Everything between ``<!-- keys -->`` and ``<!-- end -->`` (and so on) is replaced.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from inspect import Parameter, getdoc
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from lab.scenario.builtin import BUILTINS
from lab.scenario.builtin_dhcp import HOUR
from lab.scenario.model import Device, Expect, Fault, Link, Program, Router, Run, Switch
from lab.scenario.parameters import EXAMPLES, Builtin
from lab.scenario.quantities import QUANTITIES
from lab.scenario.validate import meta_of

TABLES: dict[str, type[Struct]] = {
    "[run]": Run,
    "[device.NAME]": Device,
    "[link.NAME]": Link,
    "[switch.NAME]": Switch,
    "[router.NAME]": Router,
    "[[program]]": Program,
    "[[fault]]": Fault,
    "[[expect]]": Expect,
}


def keys() -> Iterator[str]:
    """All tables of a file with their keys."""
    for header, table in TABLES.items():
        yield f"### `{header}`"
        yield f"{getdoc(table)}"
        if fields(table):
            yield _table("key | meaning | example | default", map(_key, fields(table)))


def _key(one: FieldInfo) -> str:
    meta = meta_of(one.type)
    meaning, examples = ("", None) if meta is None else (meta.description or "", meta.examples)
    example = f"`{examples[0]}`" if examples else ""
    return f"`{one.encode_name}` | {meaning} | {example} | {_default(one)}"


def _default(one: FieldInfo) -> str:
    if one.required:
        return "needed"
    if one.default is None or not isinstance(one.default, str | int):
        return ""
    return f"`{str(one.default).lower() if isinstance(one.default, bool) else one.default}`"


def programs() -> Iterator[str]:
    """The programs that are built in."""
    for builtin in BUILTINS.values():
        yield f"#### `{builtin.name}`"
        yield str(getdoc(builtin.function)).replace("``", "`").replace("\n", " ")
        yield _table("parameter | value | default", _parameters(builtin))
        if builtin.results:
            yield f"Returns: {', '.join(f'`{name}`' for name in builtin.results.split(', '))}."


def _parameters(builtin: Builtin) -> Iterator[str]:
    for name, one in builtin.parameters().items():
        default = "needed" if one.default is Parameter.empty else _plain(one.default)
        yield f"`{name}` | {EXAMPLES[builtin.units[name]]} | {default}"


def _plain(value: Any) -> str:
    if value == HOUR:
        return "`1h`"
    return "" if value in (None, 0) else f"`{value}`"


def quantities() -> Iterator[str]:
    """What can be compared."""
    rows = (
        f"`{_safe(f'{one.name} {one.syntax}'.strip())}` | {_safe(one.meaning)} | `{one.example}`"
        for one in QUANTITIES.values()
    )
    yield _table("quantity | what it is | in a statement", rows)


def _safe(text: str) -> str:
    """A text with bars as a cell of a table."""
    return text.replace("|", "\\|")


def _table(head: str, rows: Any) -> str:
    names = head.split(" | ")
    lines = [f"| {head} |", f"|{'---|' * len(names)}", *(f"| {row} |" for row in rows)]
    return "\n".join(lines)


PARTS: dict[str, Callable[[], Iterator[str]]] = {"keys": keys, "programs": programs, "quantities": quantities}


def filled(text: str) -> str:
    """The page with its tables as they are now."""
    for name, part in PARTS.items():
        body = "\n\n".join(part())
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda found, body=body: f"{found[1]}\n{body}\n\n{found[2]}", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Fill the page that the command line names."""
    page = Path(sys.argv[1])
    page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
