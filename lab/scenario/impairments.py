"""Impairments of a link as texts: ``loss rate=1%``, ``delay delay=80ms jitter=20ms``, ``netem delay 80ms``.

What begins with ``netem`` is tc-netem's (``tap.impair.netem``), the others are kinds of
``tap.impair.catalogue`` (docs/impairments.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap.cable import Stage
from tap.clock import VirtualClock
from tap.impair import words
from tap.impair.netem import parse as parse_netem
from tap.streams import stream

if TYPE_CHECKING:
    from tap.network import Network

NETEM = "netem"


def is_netem(text: str) -> bool:
    """Whether a text is tc-netem's."""
    return text.split(maxsplit=1)[:1] == [NETEM]


def traps(text: str) -> list[str]:
    """Where words of tc-netem do not do what they seem to, with the mend."""
    return parse_netem(text).warnings if is_netem(text) else []


def check_impairment(text: str) -> None:
    """Raises ValueError for a text that is no impairment: what is wrong and the mend."""
    if is_netem(text):
        parse_netem(text)
    else:
        words.stage(text, stream=stream(0, ""), clock=VirtualClock(), name="")


def stages(text: str, net: Network, direction: str, name: str) -> list[Stage]:
    """The stages of a text, called ``name``, for a direction that they are added to later."""
    if is_netem(text):
        return parse_netem(text).stages(lambda purpose: net.stream(f"{direction}.{name}.{purpose}"), name)
    numbers = net.stream(f"{direction}.{name}")
    return [words.stage(text, stream=numbers, clock=net.clock, name=name)]
