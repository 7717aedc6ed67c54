"""What a line of a trace says, as plain objects: one class per kind of line.

The language is described in docs/trace-language.md. Times are whole milliseconds since the stack started,
sequence numbers are relative as written, ports are ints (``None`` where the line leaves them out).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Option:
    """A TCP option as written: ``name`` is nop, eol, mss, wscale, sackOK, sack, TS, kind or raw.

    ``numbers`` holds its integers in order (sack: left and right edges in turn), ``data`` the bytes of kind
    and raw.
    """

    name: str
    numbers: tuple[int, ...] = ()
    data: bytes = b""


@dataclass(slots=True)
class Modifier:
    """What is unusual about a packet, e.g. ``ttl 1``: ``value`` is an int, bytes (HEX), or None for a bare
    word."""

    name: str
    value: int | bytes | None = None


@dataclass(slots=True)
class Tcp:
    """A TCP segment. ``ports`` is (source, destination); ``ack``, ``win``, ``urg`` and ``options`` are None
    when not written."""

    flags: str
    seq: int
    end: int
    length: int
    ports: tuple[int, int] | None = None
    ack: int | None = None
    win: int | None = None
    urg: int | None = None
    options: list[Option] | None = None
    modifiers: list[Modifier] = field(default_factory=list)


@dataclass(slots=True)
class Udp:
    """A UDP datagram with ``length`` bytes of payload."""

    length: int
    ports: tuple[int, int] | None = None
    modifiers: list[Modifier] = field(default_factory=list)


@dataclass(slots=True)
class Icmp:
    """An ICMP unreachable message that quotes a TCP header of ours; ``quoted`` is (our port, the peer's
    port)."""

    code: str
    quoted: tuple[int, int]
    seq: int
    end: int
    length: int
    mtu: int | None = None
    modifiers: list[Modifier] = field(default_factory=list)


@dataclass(slots=True)
class Eth:
    """A whole Ethernet frame without FCS; ``json`` repeats its fields for people."""

    frame: bytes
    json: str


Packet = Tcp | Udp | Icmp | Eth


@dataclass(slots=True)
class SocketAddress:
    """``{sa_family = AF_INET, ...}``: ``ip`` is an int."""

    ip: int
    port: int


@dataclass(slots=True)
class Default:
    """An argument left out with ``...``."""


@dataclass(slots=True)
class IntList:
    """``[1]``: the pointed-to value of setsockopt."""

    value: int


Argument = Default | int | str | SocketAddress | IntList


@dataclass(slots=True)
class Comment:
    """A comment (without ``//``), or an empty line (None)."""

    line: int
    text: str | None


@dataclass(slots=True)
class OptionLine:
    """``--NAME=VALUE``; ``column`` is where VALUE begins."""

    line: int
    name: str
    value: str
    column: int = 0


@dataclass(slots=True)
class Inbound:
    """``<``: a packet given to the stack."""

    line: int
    time: int
    packet: Packet


@dataclass(slots=True)
class Outbound:
    """``>``: a packet the stack sent; ``fault`` is what is wrong with its payload or checksums (only in a
    run)."""

    line: int
    time: int
    packet: Packet
    fault: str | None = None


@dataclass(slots=True)
class Call:
    """An API call; ``result`` is the text behind `` = ``, None in a file of stimuli.

    ``fault`` is what is wrong with the data it returned (only in a run).
    """

    line: int
    time: int
    name: str
    args: list[Argument]
    result: str | None = None
    fault: str | None = None


@dataclass(slots=True)
class Command:
    """`` `...` ``: what is done to the stack that is no socket call."""

    line: int
    time: int
    words: list[str]


@dataclass(slots=True)
class Probe:
    """``%{...}%``: what a capture cannot show. ``words`` are all words, the kind first."""

    line: int
    time: int
    words: list[str]

    @property
    def kind(self) -> str:
        """ev, tcb, info, rand, ..."""
        return self.words[0]


Event = Inbound | Outbound | Call | Command | Probe
Item = Comment | OptionLine | Event


@dataclass(slots=True)
class Script:
    """A parsed file: all its lines in order. ``path`` is only used to name it."""

    path: str
    items: list[Item]

    @property
    def options(self) -> list[OptionLine]:
        """The ``--NAME=VALUE`` lines."""
        return [item for item in self.items if isinstance(item, OptionLine)]

    @property
    def events(self) -> list[Event]:
        """Everything that happens, stimuli and observations, in file order."""
        return [item for item in self.items if not isinstance(item, Comment | OptionLine)]


def is_stimulus(event: Event) -> bool:
    """Whether a replayer must do this event (the rest is what the stack did)."""
    return isinstance(event, Inbound | Call | Command) or (isinstance(event, Probe) and event.kind == "info")


def stimuli(script: Script) -> Script:
    """The script without anything the stack did: no outbound packets, no results, of the probes only bare
    ``info FD``."""
    items: list[Item] = []
    for item in script.items:
        if isinstance(item, Comment | OptionLine | Inbound | Command):
            items.append(item)
        elif isinstance(item, Call):
            items.append(Call(item.line, item.time, item.name, item.args))
        elif isinstance(item, Probe) and item.kind == "info":
            items.append(Probe(item.line, item.time, item.words[:2]))
    return Script(script.path, items)
