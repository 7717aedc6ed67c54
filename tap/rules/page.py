"""The page docs/rules.md, made from the language's tables: ``python -m tap.rules.page docs/rules.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from tap.impair.fields import FIELDS
from tap.rules.actions import ACTIONS, Action
from tap.rules.conditions import CONDITIONS
from tap.rules.craft import CODES, CRAFTS
from tap.rules.grammar import RULE_WORDS
from tap.rules.kinds import GROUPS, KINDS
from tap.rules.place import LAYERS

_HEAD = """\
# Rules: scripted faults by protocol coordinate

A rule names frames by their place in the conversation, "the third data segment, sent for the first time",
and says what happens to them. It hits the same frame in every run, whatever else is on the wire, because
nothing counts all frames: ARP, a second connection or another rule shift nothing.

This page is generated from the language's tables: `python -m tap.rules.page docs/rules.md`.

```python
import usocket
from tap.clock import MS


def receive():
    listener = usocket.socket()
    listener.bind(("", 80))
    listener.listen(1)
    connection, _ = listener.accept()
    return connection.read()


def send():
    sock = usocket.socket()
    sock.connect(("10.0.0.1", 80))
    sock.sendall(b"all of it arrives " * 1000)
    sock.close()


with usocket.Network(seed=1) as net:
    server = net.device("server", address="10.0.0.1/24")
    client = net.device("client", address="10.0.0.2/24")
    cable = net.cable(client, server, delay=5 * MS)
    lost = cable.forth.rules.add("drop kind=data n=3 xmit=1")
    late = cable.back.rules.add("delay 200ms kind=syn-ack n=1")
    received = net.program(receive, on=server)
    net.program(send, on=client)
    net.run()
    print(len(received.result), "bytes,", lost.hits, "lost,", late.hits, "late,", net.clock.now() // MS, "ms")
```

```text
{output}
```

## A rule's text

    ACTION [words of the action] CONDITIONS

The first word is the action; the order of the others does not matter. Words are separated by spaces; a value
with spaces is put in quotes. Times have a unit (`80ms`, `1.5s`, `20us`), numbers may be `3`, `1..3`, `2..` (2
and more), `..5` or `1,4,7..9`. A mistake is one line with its column and the mend:

    drop kidn=data      ->  {mistake}

A rule belongs to one direction of a cable: `cable.forth` is from the first end to the second, `cable.back`
the other. A word like `client>server` may say so in the text; it is checked.

## Coordinates

Every frame that enters a direction with rules (or with a journal) has a coordinate:

    client>server kind=data n=3 seq=1073 xmit=1 conn=1

It stands in the journal, in comments of captures and in lines that reproduce a failure, and as conditions it
can be pasted into a rule as it is: **kind, n, seq, xmit and conn together, each with one value, mean exactly
that frame.** `n` is the ordinal among the frames of that kind, the group included, in that flow and
direction. `seq` is relative: the SYN has 0, the first byte 1. `xmit` is 1 when the first of the segment's
numbers is sent for the first time, 2 for its first retransmission. `conn` counts conversations on the cable.

Counting begins with the first rule or the journal. Of a connection that is under way by then, what is seen
first has `seq=1`; `cable.forth.track()` begins earlier. A cable remembers the 1024 conversations that were
busy last, and of each side what is not acknowledged.
"""

_CONDITIONS = """\
## Conditions

All have to be met; without any the rule is for every frame. {words}

| condition | meets a frame when |
| --- | --- |
"""

_COUNTING = """
**n and every** count the frames that meet all other conditions, for each flow by itself and from when the
rule was added: `kind=data n=3` is the third data segment of each connection, also when an earlier rule
decided about the first two. `kind=data seq=2920 xmit=1..3` loses the segment that carries byte 2920 three
times. Then `p` decides, by a random stream of the rule's own (its name is `rule.<direction>.<text>`), so
rules that come and go shift nobody's chance. No other rule draws a random number.

**First match wins**: every rule is asked about every frame and counts it, but only the first whose conditions
are met decides. After a rule with `chain` the next one that is met decides, too.
"""

_PYTHON = """\
## From Python

`direction.rules.add(text)` returns the rule; `rule.hits` says how many frames it decided about,
`rule.remove()` takes it away, and in a `with` it is there meanwhile. Conditions may be keywords (`from_` for
from), and instead of the text there may be a verdict or a function. `direction.drop(...)` is short for the
commonest.

```python
import usocket
from tap.rules.verdicts import DROP, PASS, Delay, Duplicate, Inject, Reorder, Rewrite

net = usocket.Network(seed=1)
server = net.device("server", address="10.0.0.1/24")
client = net.device("client", address="10.0.0.2/24")
cable = net.cable(client, server)

with cable.forth.drop(kind="data", n=3) as rule:
    net.run()  # the third data segment of each connection is lost, for now
print(rule.hits, "lost,", len(cable.forth.rules), "rules left")


@cable.forth.on(kind="data", xmit=2)
def resent(frame):
    if frame.field("tcp.window") == 0:
        return DROP
    return [Duplicate(2), Delay(5_000_000)]


cable.back.rules.add(Rewrite({"tcp.window": 0}), kind="ack", n=range(3, 6))
cable.back.rules.add("corrupt field=tcp.checksum", kind="syn-ack", state="client:SYN_SENT")
print(*cable.back.rules, sep="\\n")
```

```text
0 lost, 0 rules left
rewrite tcp.window=0 kind=ack n=3..5
corrupt field=tcp.checksum kind=syn-ack state=client:SYN_SENT
```

A function is given a `FrameView`: `frame` (its bytes), `now` (ns), `kind`, `n`, `seq`, `xmit`, `conn`,
`flow`, `direction`, `payload` and `field(name)`. It can change nothing of it; what it returns is done: `PASS`
or None, `DROP`, `Delay(ns)`, `Duplicate(copies, spacing)`, `Rewrite(fields or bytes)`, `Corrupt(...)`,
`Reorder(behind)`, `Inject(bytes, a packet of scapy, or a name)`, or several of them in a list.

`direction.netem("delay 80ms 20ms loss gemodel 1% 10%")` adds what tc-netem's words mean behind the rules, and
warns where they are a trap ([impairments](impairments.md)).
"""


def page() -> str:
    """The whole page in Markdown."""
    rule_words = ", ".join(f"`{word}`: {meaning}" for word, meaning in RULE_WORDS.items())
    parts = [_HEAD.replace("{output}", _OUTPUT).replace("{mistake}", _MISTAKE), "## Kinds\n"]
    parts.append(
        "Each frame has one main kind, which its coordinate names. `kind=` of a rule means the kind as a "
        "group.\n"
    )
    parts.append("| kind | what it is |\n| --- | --- |")
    parts += [f"| `{kind}` | {what} |" for kind, what in KINDS.items()]
    parts.append("\nGroups that are no main kind:\n\n| group | what it is |\n| --- | --- |")
    parts += [f"| `{group}` | {what} |" for group, what in GROUPS.items()]
    parts.append("")
    conditions = [f"| `{condition.example}` | {condition.meaning} |" for condition in CONDITIONS.values()]
    parts.append(_CONDITIONS.replace("{words}", f"Beside them: {rule_words}.") + "\n".join(conditions))
    parts.append(_COUNTING)
    parts.append("## Actions\n\n| action | what it does |\n| --- | --- |")
    parts += [f"| [{name}](#{name}) | {action.summary} |" for name, action in ACTIONS.items()]
    parts += [_section(name, action) for name, action in ACTIONS.items()]
    parts.append(_PYTHON)
    fields = ", ".join(f"`{name}`" for name in FIELDS)
    parts.append(
        f"## Fields and places\n\nFields by scapy's names (`checksum` for `chksum` is understood): {fields}. "
        "Values are numbers (`0x1f`, too), for addresses also `10.0.0.9` and `02:00:00:00:00:01`, for "
        f"`tcp.flags` also letters (`RA`).\n\nLayers of a place like `tcp+13`: {', '.join(LAYERS)}.\n"
    )
    return "\n".join(parts)


def _section(name: str, action: Action) -> str:
    summary = action.summary[0].upper() + action.summary[1:]
    lines = [f"\n### {name}\n", f"{summary}.\n", f"    {action.example}"]
    if action.options:
        lines.append("\n| word | what it means |\n| --- | --- |")
        lines += [f"| `{word}` | {option.meaning} |" for word, option in action.options.items()]
    if name == "inject":
        lines.append("\n| WHAT | what it is |\n| --- | --- |")
        lines += [f"| `{craft}` | {what} |" for craft, (what, _) in CRAFTS.items()]
        codes = ", ".join(f"{code} ({number})" for code, number in CODES.items())
        lines.append(
            f"\nCodes of icmp-unreachable: {codes}. Segments have the numbers that the addressee takes."
        )
    return "\n".join(lines)


_OUTPUT = "18000 bytes, 1 lost, 1 late, 3310 ms"
_MISTAKE = "rule, column 6: 'kidn' is no word of drop: did you mean kind?"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
