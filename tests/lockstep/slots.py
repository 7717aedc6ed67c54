"""Which connections and listeners the application has, learned from the callbacks both stacks record."""

from __future__ import annotations

import struct
from random import Random

from tests.lockstep.wire import Callback, Record

CALLBACK = struct.Struct("<BBiI")  # type, slot, argument, sum


class Slots:
    """Live slots, in the order they appeared."""

    def __init__(self) -> None:
        self.connections: list[int] = []
        self.listeners: list[int] = []

    def observe(self, record: Record) -> None:
        """Take note of a callback; other records say nothing about slots."""
        if record.kind != "E":
            return
        kind, slot, argument, _ = CALLBACK.unpack(record.body)
        if kind == Callback.SLOT:
            (self.listeners if argument else self.connections).append(slot)
        elif kind == Callback.ERR or (kind == Callback.CLOSED and argument == 0):
            self.connections = [number for number in self.connections if number != slot]

    def pick(self, rng: Random) -> int:
        """A slot for a call: mostly a live connection, the newest more often; now and then any number."""
        if self.connections and rng.random() < 0.97:
            return self.connections[-1] if rng.random() < 0.5 else rng.choice(self.connections)
        if self.listeners and rng.random() < 0.2:
            return rng.choice(self.listeners)
        return rng.randrange(4)
