"""Scenarios for tests: a client and a server on one cable, and what a test adds."""

from __future__ import annotations

from pathlib import Path

from lab.scenario import Result, load, run

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples" / "scenarios").glob("*.toml"))

BASE = """\
[device.client]
profile = "micropython-esp32"
address = "10.0.0.2/24"

[device.server]
profile = "micropython-esp32"
address = "10.0.0.1/24"

[link.wire]
between = ["client", "server"]
delay = "10ms"
"""

TRANSFER = f"""{BASE}
[[program]]
on = "server"
run = "receive port=5000"

[[program]]
on = "client"
run = "send bytes=8k to=server:5000"
"""


def expecting(*statements: str) -> str:
    """The tables of these expectations."""
    return "".join(f"\n[[expect]]\nthat = '{statement}'\n" for statement in statements)


def fault(**keys: str) -> str:
    """The table of a fault; ``lasting`` is its key ``for``."""
    lines = [f"{'for' if key == 'lasting' else key} = '{value}'\n" for key, value in keys.items()]
    return "\n[[fault]]\n" + "".join(lines)


def program(on: str, run: str, **keys: str) -> str:
    """The table of a program; the values of ``keys`` are TOML."""
    return f"\n[[program]]\non = '{on}'\nrun = '{run}'\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


def played(text: str, *overrides: str, seed: int | None = None, path: str | None = None) -> Result:
    """The result of a text, whatever it is."""
    return run(load(text, path or "test.toml", overrides), seed=seed)


def found(result: Result) -> dict[str, str]:
    """What was found, by statement."""
    return {text: detail for text, _, detail in result.expectations}
