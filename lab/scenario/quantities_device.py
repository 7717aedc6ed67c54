"""Quantities of devices: pools, counters, connections, addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from lab.scenario.errors import Mistake, instead
from lab.scenario.names import Names
from lab.scenario.pools import POOLS, leaked, pool_of
from lab.scenario.quantity import Found, Quantity
from netstack.address import format_ip
from netstack.stats import COUNTERS, PROTOCOLS, Drop
from netstack.tcp.states import STATE_NAMES
from usocket.oddities import ODDITIES

if TYPE_CHECKING:
    from lab.scenario.bench import Bench

_COUNTS = ("used", "max", "err", "avail")


@dataclass(frozen=True)
class _OfDevice(Quantity):
    """Something about one device."""

    device: str
    syntax: ClassVar[str] = "DEVICE"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        return cls(names.device(cls.arguments(words, 1)[0]))


@dataclass(frozen=True)
class Pools(_OfDevice):
    """What of the memory never came back."""

    name: ClassVar[str] = "pools"
    syntax: ClassVar[str] = "DEVICE leaked"
    meaning: ClassVar[str] = (
        "elements of pools and bytes of heap that are in use beyond what was at power-on, when all sockets "
        "have been closed and all connections are over (the run goes on for that after its end)"
    )
    example: ClassVar[str] = "pools client leaked == 0"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        device, what = cls.arguments(words, 2)
        if what != "leaked":
            mend = f"write pools {device} leaked, or pool {device} TCP_SEG used"
            raise Mistake(f"pools has no {what!r}: {mend}")
        return cls(names.device(device))

    @property
    def left_in(self) -> str:
        return self.device

    def measure(self, bench: Bench) -> Found:
        found = leaked(bench.device(self.device), bench.bases[self.device])
        return Found((sum(found.values()),), ", ".join(f"{pool} {count}" for pool, count in found.items()))


@dataclass(frozen=True)
class Pool(_OfDevice):
    """A number of one pool."""

    pool: str = ""
    count: str = ""
    name: ClassVar[str] = "pool"
    syntax: ClassVar[str] = "DEVICE POOL used|max|err|avail"
    meaning: ClassVar[str] = (
        "of a pool (TCP_SEG, PBUF_POOL, HEAP in bytes, ...) what is in use, was at most, failed, there is"
    )
    example: ClassVar[str] = "pool client TCP_SEG err >= 1"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        device, pool, count = cls.arguments(words, 3)
        if pool.upper() not in POOLS:
            raise Mistake(f"there is no pool {pool!r}: {instead(pool, POOLS)}")
        if count not in _COUNTS:
            raise Mistake(f"a pool has no {count!r}: {instead(count, _COUNTS)}")
        return cls(names.device(device), pool.upper(), count)

    def measure(self, bench: Bench) -> Found:
        return Found((getattr(pool_of(bench.device(self.device), self.pool), self.count),))


@dataclass(frozen=True)
class Stat(_OfDevice):
    """One of lwIP's counters."""

    counter: str = ""
    name: ClassVar[str] = "stat"
    syntax: ClassVar[str] = "DEVICE PROTOCOL.COUNTER"
    meaning: ClassVar[str] = "one of lwIP's counters since power-on, as tcp.drop, ip.chkerr, etharp.memerr"
    example: ClassVar[str] = "stat client tcp.drop == 2"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        device, counter = cls.arguments(words, 2)
        protocol, _, name = counter.partition(".")
        if protocol not in PROTOCOLS:
            raise Mistake(f"there are no counters of {protocol!r}: {instead(protocol, PROTOCOLS)}")
        if name not in COUNTERS:
            raise Mistake(f"{protocol} has no counter {name!r}: {instead(name, COUNTERS)}")
        return cls(names.device(device), counter)

    def measure(self, bench: Bench) -> Found:
        protocol, _, name = self.counter.partition(".")
        return Found((getattr(getattr(bench.device(self.device).stack.stats, protocol), name),))


@dataclass(frozen=True)
class Drops(_OfDevice):
    """Frames that a stack dropped, by the reason."""

    reason: str | None = None
    name: ClassVar[str] = "drops"
    syntax: ClassVar[str] = "DEVICE [REASON]"
    meaning: ClassVar[str] = "packets that the stack dropped since power-on, all or for one reason"
    example: ClassVar[str] = "drops server tcp_checksum == 1"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        device, *reason = cls.arguments(words, 1, 2)
        if reason and reason[0] not in Drop.all:
            raise Mistake(f"no packet is dropped for {reason[0]!r}: {instead(reason[0], Drop.all)}")
        return cls(names.device(device), reason[0] if reason else None)

    def measure(self, bench: Bench) -> Found:
        drops = bench.device(self.device).stack.stats.drops
        if self.reason is not None:
            return Found((drops.get(self.reason, 0),))
        return Found((sum(drops.values()),), ", ".join(f"{count} {name}" for name, count in drops.items()))


@dataclass(frozen=True)
class Connections(_OfDevice):
    """How many connections there are."""

    state: str | None = None
    name: ClassVar[str] = "connections"
    syntax: ClassVar[str] = "DEVICE [STATE]"
    meaning: ClassVar[str] = "TCP connections of the device (listeners apart), all or in one state"
    example: ClassVar[str] = "connections client ESTABLISHED == 1"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        device, *state = cls.arguments(words, 1, 2)
        if state and state[0] not in STATE_NAMES:
            raise Mistake(f"there is no state {state[0]!r}: {instead(state[0], STATE_NAMES)}")
        return cls(names.device(device), state[0] if state else None)

    def measure(self, bench: Bench) -> Found:
        tcp = bench.device(self.device).stack.tcp
        states = [STATE_NAMES[pcb.state] for pcb in (*tcp.active_pcbs, *tcp.tw_pcbs)]
        count = len(states) if self.state is None else states.count(self.state)
        return Found((count,), ", ".join(states))


@dataclass(frozen=True)
class Address(_OfDevice):
    """The address that a device has."""

    name: ClassVar[str] = "address"
    meaning: ClassVar[str] = "the device's IPv4 address now; none while DHCP has given it none"
    example: ClassVar[str] = "address client == 10.0.0.50"
    unit: ClassVar[str] = "address"
    words: ClassVar[tuple[str, ...]] = ("none",)

    def measure(self, bench: Bench) -> Found:
        ip = bench.device(self.device).stack.netif.ip
        return Found((format_ip(ip) if ip else "none",))


@dataclass(frozen=True)
class Oddity(_OfDevice):
    """What a board would have hidden, or not survived."""

    what_happened: str = ""
    name: ClassVar[str] = "oddity"
    syntax: ClassVar[str] = "DEVICE NAME"
    meaning: ClassVar[str] = "how often something happened that a board hides from the program, as send-lost"
    example: ClassVar[str] = "oddity client send-lost == 0"

    @classmethod
    def parse(cls, words: list[str], names: Names) -> Self:
        device, what = cls.arguments(words, 2)
        if what not in ODDITIES:
            raise Mistake(f"there is no oddity {what!r}: {instead(what, ODDITIES)}")
        return cls(names.device(device), what)

    def measure(self, bench: Bench) -> Found:
        return Found((bench.device(self.device).oddities.get(self.what_happened, 0),))
