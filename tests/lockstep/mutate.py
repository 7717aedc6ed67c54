"""Mutations: a segment a correct peer could send, made wrong in one or two places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from lab.pkt.events import Modifier, Option, Tcp
from tests.lockstep.peer import FAR, FARTHER, U32, Flow

# Names an IP modifier may not stand beside: the language takes each once.
_ODD_SOURCES = (0x0A0000FF, 0xFFFFFFFF, 0xE0000001, 0x00000000, 0x0A000001, 0xC0A80105)
_ODD_TARGETS = (0x0A0000FF, 0xFFFFFFFF, 0xE0000001, 0x0A000063, 0x08080808)
_OPTIONS: tuple[tuple[Option, ...], ...] = (
    (Option("mss", (0,)),),
    (Option("mss", (1,)),),
    (Option("mss", (100,)),),
    (Option("mss", (536,)), Option("mss", (1000,))),
    (Option("wscale", (14,)),),
    (Option("wscale", (255,)),),
    (Option("eol"), Option("mss", (200,))),
    (Option("nop"),) * 4,
    (Option("TS", (1, 2)),),
    (Option("sack", (1, 1000)),),
    (Option("kind", (253,), b"\x01\x02"),),
    (Option("raw", (), b"\x02"),),
    (Option("raw", (), b"\x02\x04\x05"),),
    (Option("raw", (), b"\x02\x03\x05\x00"),),
    (Option("raw", (), b"\x02\x00\x05\xb4"),),
    (Option("raw", (), b"\x03\x03"),),
    (Option("raw", (), b"\x03\x04\x01\x00"),),
    (Option("raw", (), b"\xfe\xff\x00\x00"),),
    (Option("raw", (), b"\x01" * 37 + b"\x02\x04\x02"),),
)


_IP_OPTIONS = (
    b"\x01\x01\x01\x00",  # nop, nop, nop, end
    b"\x94\x04\x00\x00",  # router alert
    b"\x83\x07\x04" + bytes(5),  # loose source route
    b"\x07\x27\x04" + bytes(37),  # record route, as long as can be
)


def mutate(rng: Random, packet: Tcp, flow: Flow) -> Tcp:
    """A changed copy."""
    packet = replace(packet, modifiers=list(packet.modifiers))
    for _ in range(rng.choice((1, 1, 1, 2))):
        rng.choice(_MUTATIONS)(rng, packet, flow)
    packet.end = packet.seq + packet.length & U32
    return packet


def _shift(rng: Random, flow: Flow) -> int:
    near = rng.choice((1, -1, 2, 10, -10, 100, -100, 1460, -1460))
    window = rng.choice((flow.window, flow.window + 1, 2 * flow.window + 1, 2 * flow.window))
    far = rng.choice((65535, 131070, -65535, FAR, FARTHER, rng.getrandbits(32)))
    return rng.choice((near, near, window, far))


def _sequence(rng: Random, packet: Tcp, flow: Flow) -> None:
    packet.seq = packet.seq + _shift(rng, flow) & U32


def _acknowledgement(rng: Random, packet: Tcp, flow: Flow) -> None:
    base = rng.choice((packet.ack or 0, flow.top))
    _set_flags(packet, packet.flags + ".")
    packet.ack = base + _shift(rng, flow) & U32


def _set_flags(packet: Tcp, flags: str) -> None:
    packet.flags = "".join(letter for letter in "FSRPUEW." if letter in flags) or "-"
    packet.ack = (packet.ack or 0) if "." in packet.flags else None


def _flags(rng: Random, packet: Tcp, flow: Flow) -> None:
    letter = rng.choice("FSRPUEW..")
    without = packet.flags.replace(letter, "")
    _set_flags(packet, without if letter in packet.flags else packet.flags + letter)
    if "U" in packet.flags:
        packet.urg = rng.choice((0, 1, 100, 65535))


def _window(rng: Random, packet: Tcp, flow: Flow) -> None:
    packet.win = rng.choice((0, 1, 2, 7, 100, 1460, 32768, 65535, rng.getrandbits(16)))


def _length(rng: Random, packet: Tcp, flow: Flow) -> None:
    packet.length = rng.choice(
        (0, 1, packet.length + 1, packet.length + 1460, rng.randrange(3000), flow.window & 0x3FFF)
    )


def _options(rng: Random, packet: Tcp, flow: Flow) -> None:
    packet.options = list(rng.choice(_OPTIONS))


def _header(rng: Random, packet: Tcp, flow: Flow) -> None:
    words = 5 + (1 if packet.options else 0)
    modifier = rng.choice((
        Modifier("doff", rng.choice((0, 1, 4, 5, 6, 7, 10, 15, words))),
        Modifier("resv", rng.randrange(16)),
        Modifier("badsum"),
        Modifier("badipsum"),
        Modifier("trunc", rng.choice((0, 1, 12, 19, 20, 21, 24))),
        Modifier("iplen", rng.choice((0, 19, 20, 21, 39, 40, 41, 44, 60, 1500, 65535))),
        Modifier("ttl", rng.choice((0, 1, 255))),
        Modifier("tos", rng.randrange(256)),
        Modifier("df"),
        Modifier("ipopt", rng.choice(_IP_OPTIONS)),
        Modifier("src", rng.choice(_ODD_SOURCES)),
        Modifier("dst", rng.choice(_ODD_TARGETS)),
    ))  # fmt: skip
    packet.modifiers = [m for m in packet.modifiers if m.name != modifier.name] + [modifier]


def _ports(rng: Random, packet: Tcp, flow: Flow) -> None:
    source, target = packet.ports or (0, 0)
    packet.ports = rng.choice(
        (
            (source, 0),
            (0, target),
            (source, target + 1 & 0xFFFF),
            (target, source),
            (source + 1 & 0xFFFF, target),
        )
    )


_Mutation = Callable[[Random, Tcp, Flow], None]
_MUTATIONS: tuple[_Mutation, ...] = (
    _sequence,
    _sequence,
    _acknowledgement,
    _acknowledgement,
    _flags,
    _flags,
    _window,
    _length,
    _options,
    _header,
    _header,
    _ports,
)
