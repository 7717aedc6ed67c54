"""A partition: the devices fall into groups that do not hear one another.

One ``Partition`` for the network, one stage of it on each device's cable, in the direction to that device
(for more than one network behind it, in both). Who sent a frame it reads in the frame, so switches need not
know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netstack.address import parse_ip, parse_mac
from tap.cable import Note, PassOn
from tap.impair.schedule import Schedule
from tap.impair.units import ImpairmentError


class Partition:
    """Groups of addresses (MAC or IPv4, as text): what is in no group hears all. From ``start`` ns on, for
    ``lasting`` ns (None: until ``heal``).
    """

    def __init__(
        self, groups: Sequence[Iterable[str]] = (), start: int = 0, lasting: int | None = None
    ) -> None:
        self._schedule = Schedule(start, lasting)
        self._group: dict[bytes, int] = {}
        self.split(groups)

    def split(self, groups: Sequence[Iterable[str]]) -> None:
        """From now on these are the groups."""
        found: dict[bytes, int] = {}
        for number, group in enumerate(groups):
            for text in group:
                if found.setdefault(_address(text), number) != number:
                    raise ImpairmentError(f"{text} is in two groups of the partition: leave it in one")
        self._group = found

    def heal(self) -> None:
        """All hear all again."""
        self._group = {}

    def isolate(self, one: str, others: Iterable[str]) -> None:
        """``one`` on its own."""
        self.split([[one], [other for other in others if other != one]])

    def towards(self, *addresses: str, name: str = "partition") -> PartitionStage:
        """The stage for the direction to the device with these addresses (MAC or IPv4: as in the groups)."""
        return PartitionStage(self, tuple(_address(text) for text in addresses), name)

    def separates(self, frame: bytes, receiver: tuple[bytes, ...], now: int) -> bool:
        """Whether ``frame``, on its way to ``receiver`` at ``now``, comes from another group."""
        if not self._group or not self._schedule.active(now):
            return False
        sender = self._group_of((_source_ip(frame), frame[6:12]))
        hearer = self._group_of(receiver)
        return sender is not None and hearer is not None and sender != hearer

    def _group_of(self, addresses: tuple[bytes, ...]) -> int | None:
        for address in addresses:
            if address in self._group:
                return self._group[address]
        return None


class PartitionStage:
    """The part of a ``Partition`` that keeps frames from one receiver."""

    def __init__(self, partition: Partition, receiver: tuple[bytes, ...], name: str) -> None:
        self.name = name
        self._partition = partition
        self._receiver = receiver

    def handle(self, frame: bytes, now: int, pass_on: PassOn, note: Note) -> None:
        if self._partition.separates(frame, self._receiver, now):
            note("drop", self.name)
        else:
            pass_on(frame, now)


def _source_ip(frame: bytes) -> bytes:
    """The IPv4 sender's or ARP sender's address; empty in other frames."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return frame[26:30]
    return frame[28:32] if kind == b"\x08\x06" else b""


def _address(text: str) -> bytes:
    try:
        return parse_mac(text) if ":" in text or "-" in text else parse_ip(text).to_bytes(4, "big")
    except ValueError as error:
        raise ImpairmentError(f"partition: {error}") from None
