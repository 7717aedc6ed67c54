"""The packets of the language: ``[ttl 1] 40000 > 80 P. 1:101(100) ack 1 win 65535 <nop,nop,TS val 1 ecr 2>``
and its kin."""

from __future__ import annotations

import re

from lab.pkt.events import Eth, Icmp, Modifier, Option, Packet, Tcp, Udp
from lab.pkt.scanner import Scanner

# name -> kind of value: flag (none), an int with this upper limit, "ip", "hex"
MODIFIERS: dict[str, str | int] = {
    "ttl": 255,
    "tos": 255,
    "src": "ip",
    "dst": "ip",
    "dmac": "hex",
    "df": "flag",
    "ipopt": "hex",
    "badipsum": "flag",
    "badsum": "flag",
    "nosum": "flag",
    "doff": 15,
    "resv": 15,
    "trunc": 65535,
    "iplen": 65535,
    "ulen": 65535,
}

UNREACHABLE_CODES = {
    "net_unreachable": 0,
    "host_unreachable": 1,
    "protocol_unreachable": 2,
    "port_unreachable": 3,
    "frag_needed": 4,
}

_FLAGS = re.compile(
    r"-|(?:([FSRPUEW])(?![FSRPUEW]*\1))*\.?"
)  # each letter once; recorded stimuli have them in any order
_NAME = re.compile(r"[A-Za-z]+")
_0X = re.compile(r"0x[0-9A-Fa-f]{1,2}")
_U16 = 0xFFFF


def parse_packet(s: Scanner) -> Packet:
    """The packet at the scanner, to the end of the line. Raises ScriptError."""
    packet = _parse_eth(s) if s.accept("eth ") else _parse_ip(s)
    s.end()
    return packet


def _parse_eth(s: Scanner) -> Eth:
    start = s.pos
    frame = s.hex("an Ethernet frame in hex")
    if not frame:
        raise s.error("an Ethernet frame in hex is missing", start)
    json = ""
    if not s.at_end():
        s.expect(" ")
        if not s.text.startswith("{", s.pos):
            raise s.error("expected the frame's fields as JSON ({...}) or the end of the line")
        json = s.rest()
    return Eth(frame, json)


def _parse_ip(s: Scanner) -> Tcp | Udp | Icmp:
    modifiers = _parse_modifiers(s) if s.accept("[") else []
    packet: Tcp | Udp | Icmp
    if s.accept("udp "):
        packet = _parse_udp(s)
    elif s.accept("icmp "):
        packet = _parse_icmp(s)
    else:
        packet = _parse_tcp(s)
    packet.modifiers = modifiers
    return packet


def _parse_modifiers(s: Scanner) -> list[Modifier]:
    modifiers: list[Modifier] = []
    while True:
        start = s.pos
        name = s.match(_NAME, "a modifier (" + " ".join(MODIFIERS) + ")")
        kind = MODIFIERS.get(name)
        if kind is None:
            raise s.error(f"unknown modifier {name!r} (known: {' '.join(MODIFIERS)})", start)
        if any(m.name == name for m in modifiers):
            raise s.error(f"modifier {name!r} occurs twice", start)
        modifiers.append(Modifier(name, _modifier_value(s, name, kind)))
        if s.accept("] "):
            return modifiers
        s.expect(",", "',' or '] ' after a modifier")
        s.accept(" ")


def _modifier_value(s: Scanner, name: str, kind: str | int) -> int | bytes | None:
    if kind == "flag":
        return None
    s.expect(" ", f"a value for {name}")
    if kind == "ip":
        return s.ip(name)
    if kind == "hex":
        start = s.pos
        value = s.hex(name)
        if name == "dmac" and len(value) != 6:
            raise s.error("dmac must be six bytes in hex, like ffffffffffff", start)
        if name == "ipopt" and not 0 < len(value) <= 40:
            raise s.error("ipopt must be 1 to 40 bytes in hex", start)
        return value
    if name == "tos" and s.text.startswith("0x", s.pos):
        return int(s.match(_0X, "tos as 0xNN"), 16)
    assert isinstance(kind, int)
    return s.number(name, kind)


def _parse_ports(s: Scanner) -> tuple[int, int] | None:
    if s.at_end() or not s.text[s.pos].isdigit():
        return None
    source = s.number("a port", _U16)
    s.expect(" > ")
    destination = s.number("a port", _U16)
    s.expect(" ")
    return source, destination


def _parse_span(s: Scanner) -> tuple[int, int, int]:
    seq = s.number("a sequence number")
    s.expect(":")
    start = s.pos
    end = s.number("the sequence number behind the payload")
    s.expect("(")
    length = s.number("the payload length", _U16)
    s.expect(")")
    if (seq + length) & 0xFFFFFFFF != end:
        raise s.error(
            f"{seq} plus a payload of {length} ends at {(seq + length) & 0xFFFFFFFF}, not at {end}", start
        )
    return seq, end, length


def _parse_tcp(s: Scanner) -> Tcp:
    ports = _parse_ports(s)
    flags = s.match(_FLAGS, "TCP flags")
    if not flags:
        raise s.error("expected TCP flags (letters of FSRPUEW in this order, then '.' for ACK; '-' for none)")
    s.expect(
        " ", "' ' after the TCP flags (letters of FSRPUEW in this order, then '.' for ACK; '-' for none)"
    )
    seq, end, length = _parse_span(s)
    packet = Tcp(flags, seq, end, length, ports)
    if s.accept(" ack "):
        if not flags.endswith("."):
            raise s.error("'ack' needs the ACK flag ('.')", s.pos - 4)
        packet.ack = s.number("an acknowledgement number")
    elif flags.endswith("."):
        raise s.error("the ACK flag ('.') needs ' ack N'")
    if s.accept(" win "):
        packet.win = s.number("a window", _U16)
    if s.accept(" urg "):
        packet.urg = s.number("an urgent pointer", _U16)
    if s.accept(" <"):
        packet.options = _parse_options(s)
    return packet


def _parse_options(s: Scanner) -> list[Option]:
    options: list[Option] = []
    while True:
        options.append(_parse_option(s))
        if s.accept(">"):
            return options
        s.expect(",", "',' or '>' after a TCP option")


def _parse_option(s: Scanner) -> Option:
    start = s.pos
    name = s.match(_NAME, "a TCP option (nop eol mss wscale sackOK sack TS kind raw)")
    if name in ("nop", "eol", "sackOK"):
        return Option(name)
    s.expect(
        " ",
        f"a known TCP option (nop eol mss wscale sackOK sack TS kind raw), or ' ' and a value after {name!r}",
    )
    if name == "mss":
        return Option(name, (s.number("an MSS", _U16),))
    if name == "wscale":
        return Option(name, (s.number("a window scale", 255),))
    if name == "sack":
        edges = [*_sack_block(s)]
        while s.accept(" "):
            edges += _sack_block(s)
        return Option(name, tuple(edges))
    if name == "TS":
        s.expect("val ")
        value = s.number("a timestamp")
        s.expect(" ecr ")
        return Option(name, (value, s.number("a timestamp")))
    if name == "kind":
        kind = s.number("an option kind", 255)
        s.expect(" ", "' ' and the option's data in hex ('-' for none)")
        return Option(name, (kind,), b"" if s.accept("-") else s.hex("the option's data"))
    if name == "raw":
        return Option(name, (), s.hex("raw option bytes"))
    raise s.error(f"unknown TCP option {name!r} (known: nop eol mss wscale sackOK sack TS kind raw)", start)


def _sack_block(s: Scanner) -> tuple[int, int]:
    left = s.number("the left edge of a SACK block")
    s.expect(":")
    return left, s.number("the right edge of a SACK block")


def _parse_udp(s: Scanner) -> Udp:
    ports = _parse_ports(s)
    s.expect("(", "'(' and the payload length")
    length = s.number("the payload length", _U16)
    s.expect(")")
    return Udp(length, ports)


def _parse_icmp(s: Scanner) -> Icmp:
    s.expect("unreachable ")
    start = s.pos
    code = s.word("an ICMP code (" + " ".join(UNREACHABLE_CODES) + ")")
    if code not in UNREACHABLE_CODES:
        raise s.error(f"unknown ICMP code {code!r} (known: {' '.join(UNREACHABLE_CODES)})", start)
    mtu = s.number("an MTU", _U16) if s.accept(" mtu ") else None
    s.expect(" [", "' [' and the quoted TCP header")
    ports = _parse_ports(s)
    if ports is None:
        raise s.error("the quoted header needs ports: LPORT > PPORT SEQ:END(LEN)")
    seq, end, length = _parse_span(s)
    s.expect("]")
    return Icmp(code, ports, seq, end, length, mtu)
