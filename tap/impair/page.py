"""The page docs/impairments.md, made from the catalogue: ``python -m tap.impair.page
docs/impairments.md``.
"""

from __future__ import annotations

import sys
from inspect import Parameter
from pathlib import Path

from tap.impair.catalogue import EXAMPLES, KINDS, Kind
from tap.impair.fields import FIELDS
from tap.impair.netem_warnings import spread

_HEAD = """\
# Impairments of a wire

What can happen to frames on their way, one direction of a cable at a time. Each is a *stage*; a direction has
as many as wanted, one after the other. A direction without stages costs nothing.

This page is generated from the stages: `python -m tap.impair.page docs/impairments.md`.

In Python a stage takes plain numbers (probabilities 0 .. 1, times in ns, rates in bit/s, sizes in bytes):

    from tap.impair.loss import GilbertElliott
    from tap.streams import stream

    stage = GilbertElliott(0.02, burst=4, stream=stream(42, "client>server.loss"))

By name it takes values with units:

    from tap.impair.catalogue import make

    stage = make("delay", {"delay": "80ms", "jitter": "20ms"}, stream=stream(42, "client>server.delay"))

And tc-netem's words are taken as they are; `settings.warnings` says where they do not do what they seem to:

    from tap.impair.netem import parse

    settings = parse("netem delay 80ms 20ms loss gemodel 1% 10%")
    stages = settings.stages(lambda purpose: stream(42, f"client>server.{purpose}"))

## What holds for all

- **Chance.** Each stage draws from a stream of its own, which seed and name choose, so adding a stage does
  not change what the others do. Results are integers and the same on every Python and machine.
- **Correlation** (0 .. 1) makes neighbours alike and keeps each distribution: the loss its rate, the jitter
  its spread. `how = "netem"` is netem's own filter, which does not.
- **Order.** Frames meet the stages in the order in which these were added. A rate before a delay is a
  bottleneck and then a long line; a link flap at the end loses what is on its way.
- **The journal** gets what each stage did: drop, mark, delay, duplicate, reorder, corrupt or truncate, with
  the numbers that it takes to do it again.
"""

_NETEM = """\
## tc-netem

`parse` takes all of netem's words: limit, delay (latency), loss (drop) random, state and gemodel, ecn,
duplicate, corrupt, reorder, gap, distribution, rate, slot and seed, shortened as tc allows, also as a whole
`tc qdisc add dev eth0 root netem ...` command. The result behaves as Linux 6.18 does, in the kernel's order,
except that the seed covers everything. A mistake is one line with its column. What warns:
"""

# Words, what they do, what to write instead; the tests hold each against the warnings.
TRAPS = (
    ("loss 20% 75%", "the correlation's filter destroys the rate: 0.1 % are lost", "`gilbert-elliott`"),
    ("duplicate 5% 50%", "the same; so do corrupt and reorder", "stage `duplicate` with a correlation"),
    ("loss gemodel 1%", "no bursts: R is 1 - P", "give R, too"),
    ("loss state 1%", "no bursts: P31 is 1 - P13", "give P31, too"),
    (
        "delay 80ms 20ms 25%",
        "the jitter shrinks by sqrt((1 - r) / (1 + r)), here to 77 %",
        "stage `delay` with a correlation",
    ),
    (
        "delay 80ms 20ms",
        "frames that are closer than the jitter change places",
        "a rate, or stage `delay` with `in_order`",
    ),
    ("delay 10ms 20ms", "delays below 0 are 0, so the mean is over 10 ms", "less jitter"),
    ("delay 80ms 20ms distribution pareto", "the standard deviation is {pareto:.2f} jitters", "less jitter"),
    (
        "delay 80ms 20ms distribution paretonormal",
        "the standard deviation is {paretonormal:.2f} jitters",
        "less jitter",
    ),
    ("delay 200ms rate 100mbit", "the limit of 1000 counts what is on its way", "`limit 3334`"),
    ("loss 1% ecn", "marks packets that announce ECN; lwIP's never do", "leave it out"),
    ("delay 100", "100 microseconds", "`100ms`"),
    ("rate 1mbps", "a megabyte a second", "`1mbit`"),
    ("loss 0.5", "half a percent", "`0.5%`"),
)

_PARTITION = """\
## partition

One `Partition` (`tap.impair.partition`) for a network: groups of addresses (MAC or IPv4) that do not hear
each other, `split`, `isolate` and `heal` at any time. `partition.towards(address)` is the stage for the
direction to the device with that address; netem has no equivalent.
"""


def page() -> str:
    """The whole page in Markdown."""
    parts = [_HEAD, "## The stages\n\n| stage | what it does | netem |\n| --- | --- | --- |"]
    for kind in KINDS.values():
        parts.append(f"| [{kind.name}](#{kind.name}) | {kind.summary} | {kind.netem} |")
    parts.append("| [partition](#partition) | devices fall into groups that do not hear each other |  |\n")
    parts += [_section(kind) for kind in KINDS.values()]
    parts.append(_PARTITION)
    parts.append(_NETEM + "\n| words | what they do | instead |\n| --- | --- | --- |")
    spreads = {name: spread(name) for name in ("pareto", "paretonormal")}
    parts += [f"| `{words}` | {does.format(**spreads)} | {instead} |" for words, does, instead in TRAPS]
    parts.append("")
    parts.append("## Fields\n\nWhat `field` of corrupt may be, by scapy's names:\n")
    parts.append(", ".join(f"`{name}`" for name in FIELDS) + ".\n")
    return "\n".join(parts)


def _section(kind: Kind) -> str:
    lines = [f"## {kind.name}\n"]
    lines.append(_paragraph(kind.build.__doc__ or ""))
    needs = [f"a {what}" for what in ("stream", "clock") if kind.needs(what)]
    if needs:
        lines.append(f"\nNeeds {' and '.join(needs)}.")
    if kind.trap:
        lines.append(f"\n**Trap:** {kind.trap}.")
    lines.append("\n| parameter | value | default |\n| --- | --- | --- |")
    for name, parameter in kind.parameters().items():
        lines.append(f"| `{name}` | {EXAMPLES[kind.units[name]]} | {_default(parameter, kind.units[name])} |")
    return "\n".join(lines) + "\n"


def _default(parameter: Parameter, unit: str) -> str:
    value = parameter.default
    if value is Parameter.empty:
        return "required"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value // 1_000_000}ms" if unit == "time" and value else str(value)


def _paragraph(text: str) -> str:
    return "\n".join(line.strip() for line in text.replace("``", "`").strip().splitlines())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
