"""Rows C (ICMP) and U (UDP)."""

from __future__ import annotations

from scapy.layers.inet import ICMP

from tests.robustness.frames import (
    BROADCAST_MAC,
    CLIENT_PORT,
    CLOSED_PORT,
    SERVER_PORT,
    SUBNET_BROADCAST,
    U_ACTIVE,
    U,
    fragment,
    frame,
    icmp,
    icmp_error,
    ip,
    ping,
    quote,
    udp,
    with_options,
)
from tests.robustness.rows import ESTABLISHED, SYN_SENT, Row, rows, write

UNREACHABLE, QUENCH, REDIRECT, TIME_EXCEEDED, PARAMETER = 3, 4, 5, 11, 12
_IN_FLIGHT = (ESTABLISHED, write(100))
_KEPT = "none · ESTAB(flight 100)"


def _soft(number: int, what: str, frame_bytes: bytes) -> Row:
    return Row(f"C{number}", f"{what}, in ESTABLISHED", [frame_bytes], _KEPT, _KEPT, start=_IN_FLIGHT)


MESSAGES = rows(
    "C",
    Row("C1", "a message of 3 bytes", [frame(ip(bytes(ping())[:3], proto=1))], "none", "none"),
    Row("C2", "an echo request of 6 bytes", [icmp(bytes([8, 0, 0, 0, 0, 1]))], "none", "none"),
    Row("C3", "an echo request with a wrong checksum", [frame(ip(ping(chksum=0x1234)))], "none", "none"),
    Row("C4", "an echo request with code 5", [frame(ip(ping(code=5)))], "ICMP0/5", "ICMP0/0"),
    Row("C5", "an echo reply nobody waits for", [frame(ip(ping(type=0)))], "none", "none"),
    Row("C6", "unknown type 42", [icmp(bytes([42, 0, 0, 0, 0, 0, 0, 0]))], "none", "none"),
    Row("C7", "a timestamp request", [icmp(bytes([13]) + bytes(19))], "none", "none"),
    Row("C8", "an address mask request", [icmp(bytes([17]) + bytes(11))], "none", "none"),
    Row("C9", "an address mask reply", [icmp(bytes([18]) + bytes(11))], "none", "none"),
    Row(
        "C10",
        "a redirect to a host off the subnet",
        [icmp_error(REDIRECT, 1, quote(U), b"\xc0\0\2\1")],
        "none",
        "none",
    ),
    Row("C11", "unreachable, quoting 4 bytes", [icmp_error(UNREACHABLE, 3, quote(U)[:4])], "none", "none"),
    Row(
        "C12",
        "unreachable, quoting a header of 60 bytes",
        [icmp_error(UNREACHABLE, 3, b"\x4f" + quote(U)[1:])],
        "none",
        "none",
    ),
    _soft(13, "port unreachable", icmp_error(UNREACHABLE, 3, quote(U))),
    _soft(14, "host unreachable", icmp_error(UNREACHABLE, 1, quote(U))),
    _soft(15, "fragmentation needed, MTU 68", icmp_error(UNREACHABLE, 4, quote(U), b"\0\0\0\x44")),
    _soft(16, "fragmentation needed, MTU 0", icmp_error(UNREACHABLE, 4, quote(U))),
    _soft(17, "source quench", icmp_error(QUENCH, 0, quote(U))),
    _soft(18, "time exceeded", icmp_error(TIME_EXCEEDED, 0, quote(U))),
    _soft(19, "parameter problem", icmp_error(PARAMETER, 0, quote(U))),
    _soft(20, "port unreachable for a number never sent", icmp_error(UNREACHABLE, 3, quote(U + 5000))),
    Row(
        "C21",
        "port unreachable, in SYN_SENT",
        [icmp_error(UNREACHABLE, 3, quote(U_ACTIVE - 1, CLIENT_PORT, SERVER_PORT))],
        "none · SYN_SENT",
        "none · app:RST;",
        start=SYN_SENT,
    ),
    Row(
        "C22",
        "an error that quotes an error",
        [icmp_error(UNREACHABLE, 3, quote(U, proto=1)[:20] + bytes(ICMP(type=3, code=3)))],
        "none",
        "none",
    ),
    Row("C23", "a router advertisement", [icmp(bytes([9, 0, 0, 0, 1, 2, 0, 60]) + bytes(8))], "none", "none"),
    Row(
        "C24",
        "a later fragment of a datagram to a closed port",
        [fragment(bytes(udp(40, CLOSED_PORT)), 8, more=False, proto=17), 20_000],
        "none",
        "none",
    ),
)


def _echoed(id: str, what: str, frame_bytes: bytes, lwip: int, strict: int | None) -> Row:
    """A datagram for the echo server, and how long it is found to be; None: dropped."""
    return Row(
        id,
        what,
        [frame_bytes],
        f"UDP({lwip}) · app:UDP{lwip};",
        "none" if strict is None else f"UDP({strict}) · app:UDP{strict};",
        alone="needs the echo server",
    )


DATAGRAMS = rows(
    "U",
    Row("U1", "a datagram of 7 bytes", [frame(ip(bytes(udp())[:7], proto=17))], "none", "none"),
    _echoed("U2", "length 4", frame(ip(udp(4, len=4))), 4, None),
    _echoed("U3", "length beyond the packet", frame(ip(udp(4, len=100))), 4, None),
    _echoed("U4", "length below the packet's", frame(ip(udp(8, len=12, chksum=0))), 8, 4),
    _echoed("U5", "no checksum", frame(ip(udp(4, chksum=0))), 4, 4),
    Row("U6", "wrong checksum", [frame(ip(udp(4, chksum=0x1234)))], "none", "none"),
    Row("U7", "to port 0", [frame(ip(udp(4, 0)))], "ICMP3/3", "ICMP3/3"),
    _echoed("U8", "from port 0", frame(ip(udp(1, sport=0))), 1, 1),
    Row("U9", "to a closed port", [frame(ip(udp(4, CLOSED_PORT)))], "ICMP3/3", "ICMP3/3"),
    Row(
        "U10",
        "to a closed port of the whole subnet",
        [frame(ip(udp(4, CLOSED_PORT), dst=SUBNET_BROADCAST))],
        "none",
        "none",
    ),
    Row(
        "U11",
        "to a closed port of ours in a broadcast frame",
        [frame(ip(udp(4, CLOSED_PORT)), dst=BROADCAST_MAC)],
        "ICMP3/3",
        "none",
    ),
    _echoed("U12", "without data", frame(ip(udp(0))), 0, 0),
    _echoed("U13", "from the echo port to the echo port", frame(ip(udp(1, sport=7))), 1, 1),
    Row(
        "U14",
        "to a closed port, with 40 bytes of IP options",
        [with_options(udp(4, CLOSED_PORT), b"\1" * 40)],
        "ICMP3/3",
        "ICMP3/3 quote=68",
    ),
)
