"""The actions of a rule's text: each makes a verdict from its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tap.rules.conditions import CONDITIONS, convert
from tap.rules.craft import CRAFTS
from tap.rules.errors import RuleError, instead
from tap.rules.fields import field_name, field_value
from tap.rules.place import position
from tap.rules.verdicts import (
    DROP,
    PASS,
    Corrupt,
    Delay,
    Duplicate,
    Inject,
    Reorder,
    Rewrite,
    Verdict,
)
from tap.rules.words import Word

_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _whole(text: str) -> int:
    if re.fullmatch(r"\d{1,9}", text):
        return int(text)
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}", text):
        return int(text, 16)
    raise RuleError(f"{text!r} is no whole number: write 1 or 0x1f")


def _yes(text: str) -> bool:
    if text.lower() not in _YES:
        raise RuleError(f"{text!r} is neither yes nor no")
    return _YES[text.lower()]


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise RuleError(f"{text[:40]!r} is no hex: give the bytes of a frame, two digits each") from None


def _time(text: str) -> int:
    try:
        return int(convert("until", text))  # type: ignore[call-overload, no-any-return]
    except RuleError as error:
        raise RuleError(error.bare.partition(": ")[2]) from None


@dataclass(frozen=True, slots=True)
class Option:
    """One word of an action: how its value is read, and what it means. ``flag``: alone it means yes."""

    convert: Callable[[str], object]
    meaning: str
    flag: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """``build(bare words, options)`` is the verdict; ``most`` bare words at most. ``fields``: takes words
    like ``tcp.window=0``.
    """

    usage: str
    summary: str
    example: str
    build: Callable[[Sequence[Word], dict[str, Any]], Verdict]
    options: Mapping[str, Option] = field(default_factory=dict)
    most: int = 0
    fields: bool = False


def _delay(bare: Sequence[Word], options: dict[str, Any]) -> Verdict:
    if not bare:
        raise RuleError("delay needs a time: write delay 200ms")
    return Delay(_at(bare[0], _time))


def _corrupt(bare: Sequence[Word], options: dict[str, Any]) -> Verdict:
    value = options.pop("value", None)
    if value is not None and "field" not in options:
        value = _whole(value)
    return Corrupt(value=value, **options)


def _rewrite(bare: Sequence[Word], options: dict[str, Any]) -> Verdict:
    repaired = options.pop("repaired", True)
    frame = options.pop("hex", None)
    if frame is None:
        return Rewrite(options, repaired)
    if options:
        raise RuleError("rewrite takes fields or hex: leave one out")
    return Rewrite(frame)


def _inject(bare: Sequence[Word], options: dict[str, Any]) -> Verdict:
    given: dict[str, int | str] = {}
    for key in ("code", "mtu"):
        if key in options:
            given[key] = options.pop(key)
    frame = options.pop("hex", None)
    when = [word for word in bare if word.value in ("before", "after")]
    what = [word for word in bare if word not in when]
    if len(when) > 1 or len(what) > 1:
        raise RuleError(f"{(when[1:] or what[1:])[0].value!r} is one word too many: leave it out",
                        (when[1:] or what[1:])[0].column)  # fmt: skip
    if (frame is None) == (not what):
        raise RuleError(f"inject needs one frame: write inject rst, hex=0011..., or {', '.join(CRAFTS)}")
    before = bool(when) and when[0].value == "before"
    if frame is not None:
        return Inject(frame, before, options=given, **options)
    try:
        return Inject(what[0].value, before, options=given, **options)
    except RuleError as error:
        raise RuleError(error.bare, error.column or what[0].column) from None


def _at(word: Word, convert: Callable[[str], Any]) -> Any:
    try:
        return convert(word.value)
    except RuleError as error:
        raise RuleError(error.bare, word.column) from None


_REPAIRED = "the checksums of IPv4, TCP, UDP and ICMP are made right again"

ACTIONS = {
    "pass": Action(
        "pass", "the frame passes, and no later rule meets it", "pass kind=data n=1",
        lambda bare, options: PASS,
    ),
    "drop": Action("drop", "the frame is lost", "drop kind=data n=3 xmit=1", lambda bare, options: DROP),
    "delay": Action(
        "delay TIME", "the frame leaves later; those behind it do not wait", "delay 200ms kind=syn-ack n=1",
        _delay, most=1,
    ),
    "duplicate": Action(
        "duplicate", "the frame is followed by copies", "duplicate copies=2 kind=ack every=3",
        lambda bare, options: Duplicate(**options),
        {"copies": Option(_whole, "how many, by default 1"),
         "spacing": Option(_time, "the time from one to the next, by default 0")},
    ),
    "corrupt": Action(
        "corrupt", "one place of the frame is changed, by default the last bit",
        "corrupt field=tcp.checksum kind=syn-ack",
        _corrupt,
        {"byte": Option(position, "a byte: `54`, `-1` (the last), `tcp+13`, `payload+0`; all its bits flip"),
         "bit": Option(position, "with byte: just this bit of it, 0 (lowest) to 7; alone: bit 8 * byte + "
                       "(0 to 7) of the frame"),
         "field": Option(field_name, "instead: a field; its lowest bit flips"),
         "value": Option(str, "what the byte or the field becomes instead"),
         "repaired": Option(_yes, _REPAIRED, flag=True)},
    ),
    "rewrite": Action(
        "rewrite FIELD=VALUE ...", "fields of the frame get other values", "rewrite tcp.window=0 kind=ack",
        _rewrite,
        {"repaired": Option(_yes, f"`repaired=no`: not as by default, that {_REPAIRED}", flag=True),
         "hex": Option(_hex, "instead of fields: the whole frame that takes its place, as it is")},
        fields=True,
    ),
    "reorder": Action(
        "reorder", "the frame steps back behind later ones", "reorder behind=2 kind=data n=5",
        lambda bare, options: Reorder(**options),
        {"behind": Option(_whole, "how many later frames of the direction pass first, by default 1"),
         "patience": Option(_time, "how long it waits for them at most, by default 1s")},
    ),
    "inject": Action(
        "inject WHAT [before|after]", "another frame is sent besides", "inject rst after kind=data n=4",
        _inject,
        {"hex": Option(_hex, "instead of WHAT: the bytes of the frame"),
         "to": Option(str, "`receiver` or `sender` of the frame that was met; errors go to the sender, all "
                      "else to the receiver"),
         "delay": Option(_time, "so much later"),
         "code": Option(lambda text: _whole(text) if text.isdigit() else text,
                        "of icmp-unreachable: net, host, protocol, port (by default), frag-needed, admin or "
                        "a number"),
         "mtu": Option(_whole, "of icmp-unreachable, with code=frag-needed")},
        most=2,
    ),
}  # fmt: skip


def verdict(name: Word, bare: Sequence[Word], options: Sequence[Word]) -> Verdict:
    """The verdict of the action ``name`` with its words. Raises RuleError."""
    action = ACTIONS[name.value]
    if len(bare) > action.most:
        word = bare[action.most]
        known = [*action.options, "chain", *CONDITIONS]
        raise RuleError(f"{word.value!r} means nothing to {name.value}: {instead(word.value, known)}",
                        word.column)  # fmt: skip
    values: dict[str, Any] = {}
    for word in options:
        if word.key in action.options:
            values[word.key] = _at(word, action.options[word.key].convert)
        else:
            key = _at(Word("", word.key, word.column), field_name)
            values[key] = _at(word, partial(field_value, key))
    try:
        return action.build(bare, values)
    except RuleError as error:
        raise RuleError(error.bare, error.column or name.column) from None
