"""Impairments as texts, ``loss rate=1%`` or ``delay delay=80ms jitter=20ms``: a kind of
``tap.impair.catalogue`` and its values, each as in docs/impairments.md.
"""

from __future__ import annotations

import json

from tap.cable import Stage
from tap.clock import Clock
from tap.impair.catalogue import KINDS, make
from tap.impair.units import ImpairmentError
from tap.streams import Stream

# Units whose values are numbers, lists or true and false; the others are texts with units of their own.
_PLAIN = ("count", "whole", "number", "flag", "trace")


def split(text: str) -> tuple[str, dict[str, object]]:
    """Kind and values of a text. Raises ImpairmentError."""
    kind, *words = text.split() or [""]
    units = KINDS[kind].units if kind in KINDS else {}
    values: dict[str, object] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not value:
            raise ImpairmentError(f"{kind}: {word!r} says nothing: write it as NAME=VALUE")
        if key in values:
            raise ImpairmentError(f"{kind}: {key} stands here a second time: leave one out")
        values[key] = _typed(value, units.get(key, ""))
    return kind, values


def stage(text: str, *, stream: Stream, clock: Clock, name: str) -> Stage:
    """The stage of a text. Raises ImpairmentError."""
    kind, values = split(text)
    return make(kind, values, stream=stream, clock=clock, name=name)


def _typed(text: str, unit: str) -> object:
    """What a word stands for where a parameter is of that unit."""
    if unit not in _PLAIN and not text.startswith("["):
        return text
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value
