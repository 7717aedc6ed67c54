"""Frames made to order, held against scapy and RFC 9293."""

from __future__ import annotations

import pytest
from scapy.layers.inet import ICMP, IP, TCP, IPerror, TCPerror
from scapy.layers.l2 import Ether

from tap.rules.craft import CRAFTS, check, craft
from tap.rules.errors import RuleError
from tests.tap.rules.bench import ACK, CLIENT, FIN, ISS, PSH, SERVER, SYN, packet, tcp, udp

DATA = tcp(ACK | PSH, 10, 20, b"hello", options=b"\x01\x01\x01\x00")
NEXT = (ISS[CLIENT] + 15) % 2**32  # what follows DATA
ACKED = ISS[SERVER] + 20


def made(
    name: str, frame: bytes = DATA, before: bool = False, to: str | None = None, **options: int | str
) -> Ether:
    """The frame, with checksums that scapy finds right."""
    crafted = craft(name, frame, before, to, options)
    assert crafted is not None
    found = Ether(crafted.frame)
    again = Ether(crafted.frame)
    for layer in (IP, TCP, ICMP):
        if layer in again:
            del again[layer].chksum
    assert bytes(again) == crafted.frame
    return found


@pytest.mark.parametrize(
    ("name", "before", "to", "flags", "seq", "ack", "window"),
    [
        ("rst", False, None, "RA", NEXT, ACKED, 0),
        ("rst", True, None, "RA", (ISS[CLIENT] + 10) % 2**32, ACKED, 0),
        ("rst", False, "sender", "R", ACKED, 0, 0),
        ("syn", False, None, "S", NEXT, 0, 4096),
        ("fin", False, None, "FA", NEXT, ACKED, 4096),
        ("ack", False, None, "A", NEXT, ACKED, 4096),
        ("ack", False, "sender", "A", ACKED, NEXT, 4096),
        ("zero-window", False, None, "A", NEXT, ACKED, 0),
        ("zero-window", False, "sender", "A", ACKED, NEXT, 0),
    ],
)
def test_segments(
    name: str, before: bool, to: str | None, flags: str, seq: int, ack: int, window: int
) -> None:
    frame = made(name, before=before, to=to)
    segment = frame[TCP]
    assert (str(segment.flags), segment.seq, segment.ack, segment.window) == (flags, seq, ack, window)
    ends = frame.src, frame[IP].src, segment.sport, frame.dst, frame[IP].dst, segment.dport
    client, server = ("02:00:00:00:00:02", "10.0.0.2", 49153), ("02:00:00:00:00:01", "10.0.0.1", 80)
    assert ends == ((*server, *client) if to == "sender" else (*client, *server))


def test_a_syn_is_refused_as_a_closed_port_does() -> None:
    segment = made("rst", tcp(SYN, 0), to="sender")[TCP]
    assert (str(segment.flags), segment.seq, segment.ack) == ("RA", 0, (ISS[CLIENT] + 1) % 2**32)
    after = made("rst", tcp(ACK | FIN, 10, 1))[TCP]
    assert after.seq == (ISS[CLIENT] + 11) % 2**32


def test_icmp_errors_quote_the_frame() -> None:
    frame = made("icmp-unreachable", code="frag-needed", mtu=576)
    assert (frame[IP].src, frame[IP].dst, frame.dst) == ("10.0.0.1", "10.0.0.2", "02:00:00:00:00:02")
    assert (frame[ICMP].type, frame[ICMP].code, frame[ICMP].nexthopmtu) == (3, 4, 576)
    assert (frame[IPerror].src, frame[TCPerror].sport, len(frame[IP])) == ("10.0.0.2", 49153, 20 + 8 + 28)
    assert made("icmp-unreachable")[ICMP].code == 3
    assert made("icmp-unreachable", code=13)[ICMP].code == 13
    assert made("icmp-time-exceeded")[ICMP].type == 11
    quench = made("icmp-quench", to="receiver")
    assert (quench[ICMP].type, quench[IP].dst) == (4, "10.0.0.1")


def test_a_copy() -> None:
    crafted = craft("copy", DATA, False, None, {})
    assert crafted is not None
    assert (crafted.frame, crafted.to) == (DATA, "receiver")


@pytest.mark.parametrize("name", [name for name in CRAFTS if name != "copy"])
def test_no_frame_is_too_odd(name: str) -> None:
    for size in range(len(DATA)):
        craft(name, DATA[:size], False, None, {})
    assert craft(name, bytes(60), False, None, {}) is None
    error = packet(CLIENT, SERVER, 1, b"\x03\x03" + bytes(30))
    assert craft(name, error, False, None, {}) is None
    answer = craft(name, udp(1, 2, b"x"), False, None, {})
    assert (answer is not None) == name.startswith("icmp")
    craft(name, packet(CLIENT, SERVER, 1, b""), False, None, {})


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rts", {}, "did you mean rst"),
        ("rst", {"code": 1}, "it takes nothing"),
        ("icmp-unreachable", {"cod": 1}, "it takes code, mtu"),
        ("icmp-unreachable", {"code": "prot"}, "did you mean port"),
        ("icmp-unreachable", {"code": 256}, "a number to 255"),
        ("icmp-unreachable", {"mtu": 70000}, "0 to 65535"),
    ],
)
def test_mistakes(name: str, options: dict[str, int | str], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        check(name, options)
