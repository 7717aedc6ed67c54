"""What an option file says, before it is made a profile: the common result of its readers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Found:
    """Options by lower-case name; the rest by the names in the file, with places like ``lwipopts.h:12``.

    ``others`` are names of lwIP's that are no options of ours, with their values; ``unknown`` nobody knows.
    ``assumed`` are names that conditions use but nothing defines (0, as in C), ``not_found`` included files
    that are not there. ``base`` names the profile whose options hold where the file says nothing.
    """

    options: dict[str, int] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    others: dict[str, int | None] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    assumed: dict[str, str] = field(default_factory=dict)
    not_found: dict[str, str] = field(default_factory=dict)
    base: str = "lwip-default"
    micropython: bool = False
    elsewhere: int = 0  # settings of a .config that are not the network's
