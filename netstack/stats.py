"""Counters with lwIP's names, and the reasons why frames are dropped.

Every packet that comes in and goes no further is dropped for one reason; a reason names the protocol and the
lwIP counters it moves (``stats.h``). ``Stats.drops`` counts by reason, so "why did nothing happen" has an
answer lwIP's counters lack.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

PROTOCOLS = ("link", "etharp", "ip_frag", "ip", "icmp", "igmp", "udp", "tcp")
COUNTERS = (
    "xmit",
    "recv",
    "fw",
    "drop",
    "chkerr",
    "lenerr",
    "memerr",
    "rterr",
    "proterr",
    "opterr",
    "err",
    "cachehit",
)


class ProtocolStats:
    """lwIP's ``stats_proto``: one counter per outcome."""

    __slots__ = COUNTERS

    def __init__(self) -> None:
        self.xmit = 0
        self.recv = 0
        self.fw = 0
        self.drop = 0
        self.chkerr = 0
        self.lenerr = 0
        self.memerr = 0
        self.rterr = 0
        self.proterr = 0
        self.opterr = 0
        self.err = 0
        self.cachehit = 0


class Drop:
    """Why a packet was dropped: ``name`` (unique), the protocol, the lwIP counters it moves, and the meaning
    in words. ``kept``: it had been kept for later, so it is not the one that comes in.
    """

    __slots__ = ("counters", "kept", "meaning", "name", "protocol")

    all: ClassVar[dict[str, Drop]] = {}

    def __init__(
        self, name: str, protocol: str, counters: tuple[str, ...], meaning: str, kept: bool = False
    ) -> None:
        assert name not in Drop.all
        self.name = name
        self.protocol = protocol
        self.counters = counters
        self.meaning = meaning
        self.kept = kept
        Drop.all[name] = self

    def __repr__(self) -> str:
        return f"Drop({self.name})"


class Stats:
    """All counters of one stack."""

    __slots__ = (*PROTOCOLS, "drops")

    def __init__(self) -> None:
        self.link = ProtocolStats()
        self.etharp = ProtocolStats()
        self.ip_frag = ProtocolStats()
        self.ip = ProtocolStats()
        self.icmp = ProtocolStats()
        self.igmp = ProtocolStats()
        self.udp = ProtocolStats()
        self.tcp = ProtocolStats()
        self.drops: dict[str, int] = {}

    def count_drop(self, drop: Drop) -> None:
        """Count one dropped packet under its reason and in lwIP's counters."""
        self.drops[drop.name] = self.drops.get(drop.name, 0) + 1
        proto = getattr(self, drop.protocol)
        for counter in drop.counters:
            setattr(proto, counter, getattr(proto, counter) + 1)

    def items(self) -> Iterator[tuple[str, int]]:
        """All protocol counters as (``tcp.xmit``, value), in a fixed order."""
        for protocol in PROTOCOLS:
            proto = getattr(self, protocol)
            for counter in COUNTERS:
                yield f"{protocol}.{counter}", getattr(proto, counter)
