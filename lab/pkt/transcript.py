"""What happens while a script runs, in the order in which it happens: stimuli, frames, results and probes."""

from __future__ import annotations

from lab.pkt.events import Event, Outbound, Packet, Probe


class Transcript:
    """The events of a run. ``time`` is the ms they get, ``line`` the line of the stimulus they follow."""

    __slots__ = ("events", "line", "time")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.time = 0
        self.line = 0

    def sent(self, packet: Packet, fault: str | None) -> None:
        """The stack sent a packet."""
        self.events.append(Outbound(self.line, self.time, packet, fault))

    def probe(self, kind: str, *words: str, **values: object) -> None:
        """Something a capture cannot show: ``probe("ev", fd=3)`` is ``%{ev fd=3}%``."""
        pairs = [f"{name}={value}" for name, value in values.items()]
        self.events.append(Probe(self.line, self.time, [kind, *words, *pairs]))
