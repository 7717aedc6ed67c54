"""The page docs/device-faults.md, made from the catalogue: ``python -m tap.devicefault.page
docs/device-faults.md``.
"""

from __future__ import annotations

import sys
from inspect import Parameter
from pathlib import Path

from tap.devicefault.catalogue import KINDS, Kind
from tap.devicefault.values import UNITS

_HEAD = """\
# Faults inside a device

What goes wrong in a device although every frame on the wire is as it should be: memory that is not there, a
driver that stalls, a clock that is wrong, a reset. Each fault here has been met in the field.

This page is generated from the faults: `python -m tap.devicefault.page docs/device-faults.md`.

    import usocket

    with usocket.Network(seed=1) as net:
        device = net.device("client", address="10.0.0.2/24")
        fault = device.faults.add("pool-fail pool=TCP_SEG nth=17")
        with device.faults.add("cpu frame=200us byte=20ns", name="slow CPU"):
            net.run(until=1_000_000_000)
        device.faults.remove(fault)

In a scenario file:

    [[fault]]
    device = "client"
    do = "reboot mode=cold down=1.5s"
    at = "10s"

## What holds for all

- **Text.** `kind key=value ...`; a mistake is one line with the mend (`tap.devicefault.catalogue.check`). In
  Python the classes take plain numbers, times in ns: `PoolFail(device, "TCP_SEG", nth=17)`.
- **When.** A fault begins when it is added (or when the device is opened) and ends when it is removed, also
  while the network runs, in virtual and in real time. It outlives a reset of the device. What it took is
  given back when it ends: all pools are at their base again.
- **Where.** It stands around the core: before a pool, around the link, between the network's clock and the
  device's. A device without faults is not slower for it, and one with faults that has nothing to do sleeps.
- **Chance.** `p`, `jitter` and `longest` draw from a stream that the device's seed and the fault's name
  choose.
- **The journal** gets what each fault did, `note(action, detail)`; `fault.counts` counts the actions.
- **Errors** are those of MicroPython on lwIP boards; an esp32 has newlib's numbers.
"""


def page() -> str:
    """The whole page in Markdown."""
    parts = [_HEAD, "## The faults\n\n| fault | what happens |\n| --- | --- |"]
    parts += [f"| [{kind.name}](#{kind.name}) | {kind.summary} |" for kind in KINDS.values()]
    parts.append("")
    parts += [_section(kind) for kind in KINDS.values()]
    return "\n".join(parts)


def _section(kind: Kind) -> str:
    lines = [f"## {kind.name}\n", f"    {kind.example}\n", _paragraph(kind.build.__doc__ or "")]
    lines.append("\n| parameter | value | default |\n| --- | --- | --- |")
    for name, parameter in kind.parameters().items():
        unit = kind.units[name]
        lines.append(f"| `{name}` | {UNITS[unit].example} | {_default(parameter, unit)} |")
    lines.append(f"\n**A program sees:** {kind.sees}.")
    if kind.evidence:
        lines.append(f"\n**Met in the field:** {', '.join(_link(place) for place in kind.evidence)}.")
    return "\n".join(lines) + "\n"


def _link(place: str) -> str:
    repository, _, number = place.partition("#")
    return f"[{place}](https://github.com/{repository}/issues/{number})"


def _default(parameter: Parameter, unit: str) -> str:
    value = parameter.default
    if value is Parameter.empty:
        return "required"
    if value is None:
        return "forever" if unit == "time or forever" else "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex(":")
    if unit == "err":
        return "mem"
    if "time" in unit and value:
        return f"{value // 1_000_000}ms"
    return str(value)


def _paragraph(text: str) -> str:
    return "\n".join(line.strip() for line in text.replace("``", "`").strip().splitlines())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
