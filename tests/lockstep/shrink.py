"""Makes a divergence small: fewer events, shorter waits, plainer segments, as long as the stacks differ in
the same way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from lab.pkt.events import Call, Command, Event, Inbound, Tcp
from tests.lockstep.check import Outcome, our_side, replay
from tests.lockstep.connections import without_one
from tests.lockstep.oracle import Oracle
from tests.lockstep.script import POLICY_WORDS
from tests.lockstep.session import Side
from tests.lockstep.wire import Config

PATIENCE = 40.0  # seconds; a failing test has to end, too


class Shrinker:
    """``best`` is the smallest outcome so far that still shows the difference of the first one."""

    def __init__(self, oracle: Oracle, outcome: Outcome, side: Callable[[Config], Side] = our_side) -> None:
        assert outcome.difference is not None
        self._side = side
        self._oracle = oracle
        self._signature = outcome.difference.signature()
        self._deadline = time.monotonic() + PATIENCE
        self.best = outcome

    def shrink(self) -> Outcome:
        """All passes until none helps any more."""
        self._cut_tail()
        size = -1
        while size != (size := self._size()):
            self._drop_connections()
            self._drop_events()
            self._shorten_waits()
            self._plainer()
            self._plainer_config()
        return self.best

    def _size(self) -> int:
        events = self.best.events
        return len(events) * 1_000_000_000 + (events[-1].time if events else 0)

    def _try(self, events: list[Event], config: Config | None = None, peer_iss: int | None = None) -> bool:
        if not events or time.monotonic() > self._deadline:
            return False
        best = self.best
        peer_iss = best.peer_iss if peer_iss is None else peer_iss
        outcome = replay(self._oracle, config or best.config, peer_iss, events, self._side)
        if outcome.difference is None or outcome.difference.signature() != self._signature:
            return False
        self.best = outcome
        self._cut_tail()
        return True

    def _cut_tail(self) -> None:
        """Nothing after the event that shows the difference; a timer needs time to pass, so its `end`
        stays.
        """
        difference = self.best.difference
        assert difference is not None
        marks = sum(record.kind == "M" for record in self.best.lwip[: difference.index])
        head = self.best.events[:marks]
        end = Command(0, max(difference.lwip.time, difference.ours.time), ["end"])
        for events in (head, [*head, end]):
            if 0 < len(events) < len(self.best.events):
                outcome = replay(self._oracle, self.best.config, self.best.peer_iss, events, self._side)
                if outcome.difference is not None and outcome.difference.signature() == self._signature:
                    self.best = outcome
                    return

    def _drop_connections(self) -> None:
        helped = True
        while helped:
            helped = any(self._try(events) for events in without_one(self.best.events, self.best.lwip))

    def _drop_events(self) -> None:
        chunk = max(len(self.best.events) // 2, 1)
        while chunk:
            at = 0
            while at < len(self.best.events):
                events = self.best.events
                if not self._try(events[:at] + events[at + chunk :]):
                    at += chunk
            chunk //= 2

    def _shorten_waits(self) -> None:
        for index in range(len(self.best.events)):
            if index >= len(self.best.events):
                return
            events = self.best.events
            wait = events[index].time - (events[index - 1].time if index else 0)
            for shorter in sorted({0, 1, wait // 1000 * 1000, wait // 250 * 250, wait // 2}):
                if shorter < wait and self._try(_moved(events, index, shorter - wait)):
                    break

    def _plainer(self) -> None:
        index = 0
        while index < len(self.best.events):
            for candidate in _plainer(self.best.events[index]):
                events = list(self.best.events)
                if index >= len(events):
                    return
                events[index] = candidate
                if self._try(events):
                    break
            index += 1

    def _plainer_config(self) -> None:
        usual = Config()
        for field in fields(Config):
            config = replace(self.best.config, **{field.name: getattr(usual, field.name)})
            if config != self.best.config:
                self._try(self.best.events, config)
        if self.best.peer_iss:
            self._try(self.best.events, peer_iss=0)


def _moved(events: list[Event], index: int, by: int) -> list[Event]:
    return events[:index] + [replace(event, time=event.time + by) for event in events[index:]]


def _plainer(event: Event) -> Iterator[Event]:
    """Simpler events that may do as well, the simplest first."""
    if isinstance(event, Inbound) and isinstance(event.packet, Tcp):
        for packet in _plainer_segments(event.packet):
            yield replace(event, packet=packet)
    elif isinstance(event, Call) and event.name == "tcp_policy":
        for index, words in enumerate(POLICY_WORDS, 1):
            if event.args[index] != (plain := words[0] if words else 0):
                yield replace(event, args=[*event.args[:index], plain, *event.args[index + 1 :]])
    elif isinstance(event, Call) and event.name == "tcp_write":
        for length in (1, 10, 100, 1000):
            if isinstance(event.args[1], int) and length < event.args[1]:
                yield replace(event, args=[event.args[0], length, event.args[2]])


def _plainer_segments(packet: Tcp) -> Iterator[Tcp]:
    if packet.options:
        yield replace(packet, options=None)
    if packet.modifiers:
        yield replace(packet, modifiers=[])
    if packet.win != 65535:
        yield replace(packet, win=65535)
    if "P" in packet.flags and packet.flags != "P":
        yield replace(packet, flags=packet.flags.replace("P", ""))
    for length in (0, 1, 10, 100, 1000):
        if length < packet.length:
            yield replace(packet, length=length, end=packet.seq + length & 0xFFFFFFFF)
