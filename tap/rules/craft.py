"""Frames made to order, from the frame that a rule met: a reset, an ICMP error, a closed window, ...

A segment to the receiver looks as if the frame's sender had sent it, one to the sender as if the receiver
had. Sequence numbers are those that the addressee takes. Sources: RFC 9293 3.5.2 (resets), RFC 792 and RFC
1191 (ICMP errors: the header of the packet and 8 bytes of what is in it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from netstack import icmp, ip_header
from netstack.tcp import header as tcp
from tap.impair.fields import layers
from tap.rules.errors import RuleError, instead

ACK, FIN, RST, SYN = 0x10, 0x01, 0x04, 0x02

# Named crafts: what they are, and the options that they take.
CRAFTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "rst": ("a reset of the connection", ()),
    "syn": ("a SYN in the middle of it, with the next sequence number", ()),
    "fin": ("a FIN that its sender never sent", ()),
    "ack": ("the same acknowledgment once more, without data", ()),
    "zero-window": ("that with a window of 0", ()),
    "copy": ("the frame itself", ()),
    "icmp-unreachable": ("what a router or host says of the frame", ("code", "mtu")),
    "icmp-time-exceeded": ("the same, of its lifetime", ()),
    "icmp-quench": ("the same, of a full queue (obsolete)", ()),
}
CODES = {"net": 0, "host": 1, "protocol": 2, "port": 3, "frag-needed": 4, "admin": 13}
_ICMP = {"icmp-unreachable": icmp.UNREACHABLE, "icmp-time-exceeded": icmp.TIME_EXCEEDED,
         "icmp-quench": icmp.SOURCE_QUENCH}  # fmt: skip


@dataclass(slots=True)
class Crafted:
    """A frame, and whether it goes ``to`` the "receiver" or the "sender" of the one that was met."""

    frame: bytes
    to: str


@dataclass(frozen=True, slots=True)
class _Met:
    """What of the frame the crafts need; ``mine`` is as its sender has it."""

    target_mac: bytes
    source_mac: bytes
    source: int
    target: int

    def reversed(self) -> _Met:
        return replace(
            self, target_mac=self.source_mac, source_mac=self.target_mac, source=self.target,
            target=self.source,
        )  # fmt: skip

    def packet(self, protocol: int, above: bytes) -> bytes:
        length = ip_header.HEADER_LEN + len(above)
        header = ip_header.build(0, length, 0, 0, 64, protocol, self.source, self.target)
        return self.target_mac + self.source_mac + b"\x08\x00" + header + above


def check(name: str, options: Mapping[str, int | str]) -> None:
    """Raise RuleError unless there is a craft of that name with these options."""
    if name not in CRAFTS:
        raise RuleError(f"nothing to inject is called {name!r}: {instead(name, CRAFTS)}, or give hex=0011...")
    for key, value in options.items():
        if key not in CRAFTS[name][1]:
            takes = ", ".join(CRAFTS[name][1]) or "nothing"
            raise RuleError(f"{name} has no {key!r}: it takes {takes}")
        if key == "code":
            _code(value)
        elif not isinstance(value, int) or not 0 <= value <= 0xFFFF:
            raise RuleError(f"an MTU cannot be {value!r}: give 0 to 65535")


def _code(value: int | str) -> int:
    if isinstance(value, int) and 0 <= value <= 0xFF:
        return value
    if value not in CODES:
        raise RuleError(f"there is no code {value!r}: {instead(str(value), CODES)}, or a number to 255")
    return CODES[str(value)]


def craft(
    name: str, frame: bytes, before: bool, to: str | None, options: Mapping[str, int | str]
) -> Crafted | None:
    """The frame that ``name`` makes of ``frame``; None when it makes none of such a frame.

    ``before``: it will get to the receiver before the frame. ``to`` None: errors go to the sender, the rest
    to the receiver.
    """
    if name == "copy":
        return Crafted(frame, to or "receiver")
    at = layers(frame)
    if "ip" not in at:
        return None
    source, target = (int.from_bytes(frame[start : start + 4], "big") for start in (26, 30))
    met = _Met(frame[:6], frame[6:12], source, target)
    if name in _ICMP:
        made = _error(name, frame, met if to == "receiver" else met.reversed(), options)
        return None if made is None else Crafted(made, to or "sender")
    if "tcp" not in at:
        return None
    to = to or "receiver"
    return Crafted(_segment(name, frame, at["tcp"], at["payload"], met, before, to == "sender"), to)


def _error(name: str, frame: bytes, way: _Met, options: Mapping[str, int | str]) -> bytes | None:
    above = 14 + (frame[14] & 15) * 4
    if frame[23] == 1 and frame[above : above + 1] not in {b"\0", b"\x08"}:
        return None  # never of an ICMP error (RFC 1122 3.2.2)
    code = _code(options.get("code", "port")) if name == "icmp-unreachable" else 0
    message = icmp.IcmpMessage(_ICMP[name], code, int(options.get("mtu", 0)), frame[14 : above + 8])
    return way.packet(1, icmp.emit(message))


def _segment(
    name: str, frame: bytes, start: int, payload: int, met: _Met, before: bool, answer: bool
) -> bytes:
    """A segment of the connection; ``answer``: to the sender of the frame."""
    ports = frame[start : start + 4]
    source_port, target_port = int.from_bytes(ports[:2], "big"), int.from_bytes(ports[2:], "big")
    seq, ack = (int.from_bytes(frame[start + at : start + at + 4], "big") for at in (4, 8))
    flags, window = frame[start + 13], frame[start + 14] << 8 | frame[start + 15]
    end = 14 + (frame[16] << 8 | frame[17])
    following = seq + max(0, end - payload) + bool(flags & SYN) + bool(flags & FIN) & 0xFFFFFFFF
    if answer:
        met, source_port, target_port = met.reversed(), target_port, source_port
        if flags & ACK:
            seq, ack = ack, following
        else:
            seq, ack, flags = 0, following, ACK
    elif not before:
        seq = following
    acks = flags & ACK
    kind = {"rst": RST | acks, "syn": SYN, "fin": FIN | acks}.get(name, acks)
    if name == "rst" and answer and frame[start + 13] & ACK:
        kind, ack = RST, 0  # RFC 9293 3.5.2: <SEQ=SEG.ACK><CTL=RST>
    if name in {"rst", "zero-window"}:
        window = 0
    if not kind & ACK:
        ack = 0
    segment = tcp.emit(met.source, met.target, source_port, target_port, seq, ack, kind, window)
    return met.packet(6, segment)
