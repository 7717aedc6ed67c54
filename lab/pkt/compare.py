"""Compares what a recording says with what happened, event by event, at one of three levels.

Both sequences hold the same stimuli, so they are walked side by side: the first place where they differ is
where the stack first did something else. Levels: A frames; B also results of calls and commands, and
callbacks; C also the state of TCP's control blocks, and every random number drawn. Counters (``stats``) and
remarks (``note``) are never compared.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from lab.pkt.describe import describe
from lab.pkt.events import Call, Command, Eth, Event, Inbound, Outbound, Probe, Script, is_stimulus
from lab.pkt.format import format_item, format_time

LEVELS = "ABC"

_PROBES_OF_B = frozenset("ev netif arp dns dhcp igmp mem pool rxdrop txfail".split())
_PROBES_OF_C = _PROBES_OF_B | {"tcb", "info", "rand", "end"}


@dataclass(slots=True)
class Difference:
    """The first difference. ``story`` is what happened before it; ``expected`` and ``got`` are what follows
    (may be empty).

    All are lines of the language; ``line`` is the line of the recording (of its last event when something
    more came).
    """

    line: int
    story: list[str]
    expected: list[str]
    got: list[str]


def has_expectations(script: Script) -> bool:
    """Whether the file says what ought to happen, or holds stimuli only."""
    return any(_expects(event) for event in script.events)


def _expects(event: Event) -> bool:
    if isinstance(event, Call):
        return event.result is not None
    return not is_stimulus(event) or (isinstance(event, Probe) and len(event.words) > 2)


def compare(recording: Script, run: Script, level: str, story: int = 12, after: int = 4) -> Difference | None:
    """The first difference at ``level``, or None. ``story`` and ``after`` limit the lines shown before and
    from it on."""
    expected = [event for event in recording.events if _counts(event, level)]
    got = [event for event in run.events if _counts(event, level)]
    index = 0
    while index < min(len(expected), len(got)) and _same(expected[index], got[index], level):
        index += 1
    if index == len(expected) == len(got):
        return None
    return _difference(recording, run, expected[index:], got[index:], story, after)


def _counts(event: Event, level: str) -> bool:
    if isinstance(event, Outbound) or (is_stimulus(event) and not isinstance(event, Probe)):
        return True
    if not isinstance(event, Probe) or level == "A":
        return False
    return event.kind in (_PROBES_OF_B if level == "B" else _PROBES_OF_C)


def _same(want: Event, have: Event, level: str) -> bool:
    if want.time != have.time or type(want) is not type(have):
        return False
    if isinstance(want, Inbound | Outbound):
        assert isinstance(have, Inbound | Outbound)
        if isinstance(have, Outbound) and have.fault is not None:
            return False
        if isinstance(want.packet, Eth) and isinstance(have.packet, Eth):
            return want.packet.frame == have.packet.frame  # the JSON beside it is for people
        return want.packet == have.packet
    if isinstance(want, Call):
        assert isinstance(have, Call)
        if (want.name, want.args) != (have.name, have.args):
            return False
        return level == "A" or want.result is None or (want.result == have.result and have.fault is None)
    if isinstance(want, Probe):
        assert isinstance(have, Probe)
        if want.kind == "txfail":
            return have.kind == "txfail"
        if want.kind == "info" and len(want.words) == 2:  # asked for, nothing expected
            return want.words == have.words[:2]
        return want.words == have.words
    assert isinstance(want, Command)
    assert isinstance(have, Command)
    return want.words == have.words


def _difference(
    recording: Script, run: Script, expected: list[Event], got: list[Event], story: int, after: int
) -> Difference:
    before = run.events
    if got:
        first = next(i for i, event in enumerate(before) if event is got[0])
        before = before[:first]
    line = expected[0].line if expected else recording.events[-1].line if recording.events else 0
    wanted, came = [show(event) for event in expected[:after]], [show(event) for event in got[:after]]
    if wanted and came and wanted[0] == came[0]:  # the fields shown are the same: the bytes are not
        wanted[0], came[0] = format_item(expected[0]), format_item(got[0])
    return Difference(line, [show(event) for event in before[-story:]], wanted, came)


def show(event: Event) -> str:
    """One line for people: the fields of a raw frame instead of its bytes, faults named."""
    if isinstance(event, Inbound | Outbound) and isinstance(event.packet, Eth):
        arrow = "<" if isinstance(event, Inbound) else ">"
        line = f"{format_time(event.time)} {arrow} eth {_fields(event.packet)}"
    else:
        line = format_item(event)
    fault = event.fault if isinstance(event, Outbound | Call) else None
    return line + (f"   <- {fault}" if fault else "")


def _fields(packet: Eth) -> str:
    layers = json.loads(describe(packet.frame))
    return " ".join(
        f"{layer}[{' '.join(f'{key}={value}' for key, value in fields.items())}]"
        if isinstance(fields, dict)
        else f"{layer}={fields}"
        for layer, fields in layers.items()
    )
