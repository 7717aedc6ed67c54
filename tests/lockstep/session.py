"""One conversation: events go to a stack one by one, its frames come back to the peers; the same bytes can
go to another.

A ``Side`` is a stack with the application on top: ours (ours.py) or the oracle. ``Leader`` feeds the first
side and keeps what it fed, so that the second can be run afterwards in one go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from lab.pkt.events import Eth, Event, Tcp
from tests.lockstep.peer import Peers
from tests.lockstep.script import PEER_IP, Codec
from tests.lockstep.slots import Slots
from tests.lockstep.wire import Config, Op, Record, encode_event


class Side(Protocol):
    """A stack that takes operations and tells what it did."""

    def run(self, time: int, op: Op, args: bytes) -> list[Record]:
        """Let time pass to ``time`` ms, do the operation, return the records of both."""


class Leader:
    """Drives one side; ``transcript`` is what it did, ``operations`` what it was fed."""

    def __init__(self, config: Config, peer_iss: int, side: Side) -> None:
        self.codec = Codec(config, peer_iss)
        self.side = side
        self.peers = Peers(PEER_IP)
        self.slots = Slots()
        self.events: list[Event] = []
        self.operations: list[tuple[int, Op, bytes]] = []
        self.transcript: list[Record] = []

    def feed(self, events: Iterable[Event]) -> None:
        """Apply events in order."""
        for event in events:
            op, args = self.codec.encode(event)
            self.events.append(event)
            self.operations.append((event.time, op, args))
            records = self.side.run(event.time, op, args)
            self.transcript += records
            for record in records:
                self._observe(record)

    def _observe(self, record: Record) -> None:
        if record.kind != "F":
            self.slots.observe(record)
            return
        packet = self.codec.decode(record.body)
        if isinstance(packet, Tcp):
            self.peers.observe(packet)
        elif isinstance(packet, Eth):
            self.peers.observe_arp(packet.frame)

    def encoded(self) -> bytes:
        """All operations as the oracle reads them."""
        return b"".join(encode_event(time, op, args) for time, op, args in self.operations)
