"""Writes what chance did to a frame (a verdict of a journal) as faults of a scenario: rules for that frame.

Not everything can be said so: a truncated frame, copies that differ, or what happened to a copy that another
stage made are left to journals.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from lab.scenario.model import Fault
from tap.rules.place import Position
from tap.rules.verdicts import Corrupt as CorruptRule
from tap.rules.verdicts import Delay, Drop, Duplicate, Reorder
from tap.verdicts import Held, Sent, Verdict

MOST_BITS = 64  # that are flipped in one frame and said so, each a rule


def rules_of(verdict: Verdict, plain_delay: int) -> list[str] | None:
    """What rules do to the frame instead, in this order; None when they cannot. ``plain_delay``: what the
    stage adds without chance (ns), which a rule comes on top of.
    """
    if verdict.copy > 1 or verdict.out is None:
        return None
    sent = [piece for piece in verdict.out if isinstance(piece, Sent)]
    held = [piece for piece in verdict.out if isinstance(piece, Held)]
    if held:
        only = len(held) == 1 and not sent
        return [str(Reorder(max(1, held[0].behind), max(1, held[0].patience)))] if only else None
    if not sent:
        return [str(Drop())]
    return _handed_on(sent, plain_delay)


def _handed_on(sent: list[Sent], plain_delay: int) -> list[str] | None:
    """The rules for frames that are handed on, later or changed or several times."""
    first = sent[0]
    changes = _corruptions(first)
    spacings = {after.after - before.after for before, after in pairwise(sent)}
    alike = all((one.masks, one.keep, one.added) == (first.masks, first.keep, first.added) for one in sent)
    if changes is None or not alike or len(spacings) > 1:
        return None
    delay, spacing = first.after - plain_delay, spacings.pop() if spacings else 0
    if delay < 0 or spacing < 0:
        return None
    rules = [*changes, *([str(Delay(delay))] if delay else [])]
    return rules + ([str(Duplicate(len(sent) - 1, spacing))] if len(sent) > 1 else [])


def _corruptions(sent: Sent) -> list[str] | None:
    """A rule for each bit that is flipped, or each byte of which all are."""
    if sent.keep is not None or sent.added:
        return None
    rules = []
    for offset, mask in sent.masks:
        for place, bits in enumerate(mask, offset):
            if bits == 0xFF:
                rules.append(str(CorruptRule(byte=Position(place))))
                continue
            rules += [str(CorruptRule(byte=Position(place), bit=Position(bit)))
                      for bit in range(8) if bits >> bit & 1]  # fmt: skip
    return rules if len(rules) <= MOST_BITS else None


def faults_of(on: str, rules: list[str], name: str) -> list[Fault]:
    """The tables of a scenario: all rules for the frame ``on`` (direction and coordinate)."""
    last = len(rules) - 1
    return [
        Fault(
            do=rule + (" chain" if number < last else ""),
            on=on,
            name=name + (f"-{number + 1}" if last else ""),
        )
        for number, rule in enumerate(rules)
    ]


def conditions_of(verdict: Mapping[str, Any]) -> str:
    """The coordinate of a line of a journal, without the direction."""
    return str(verdict["frame"]).partition(" ")[2]
