"""Rows G: IGMP messages to a member of 239.1.2.3."""

from __future__ import annotations

from scapy.layers.inet import IP
from scapy.packet import Raw

from tests.robustness.bench import Bench
from tests.robustness.frames import GROUP, OURS, PEER, frame, number
from tests.robustness.rows import Row, Step, rows

ALL_SYSTEMS, OTHER_GROUP = "224.0.0.1", "239.9.9.9"
QUERY, V1_REPORT, REPORT, LEAVE = 0x11, 0x12, 0x16, 0x17
_ROUTER_ALERT = b"\x94\4\0\0"
_REPORT, _V1_REPORT, _LEFT = f"IGMP16({GROUP})", f"IGMP12({GROUP})", f"IGMP17({GROUP})"
_REPORTED = f"{_REPORT}; {_LEFT}"


def _message(kind: int, group: str = "0.0.0.0", max_response: int = 100) -> bytes:
    body = bytes([kind, max_response, 0, 0]) + number(group).to_bytes(4, "big")
    total = sum(int.from_bytes(body[at : at + 2], "big") for at in range(0, 8, 2))
    return body[:2] + (-total % 0xFFFF).to_bytes(2, "big") + body[4:]


def _igmp(message: bytes, dst: str = ALL_SYSTEMS, ttl: int = 1, options: bytes = _ROUTER_ALERT) -> bytes:
    """A message from a router or a neighbour."""
    header = IP(src=PEER, dst=dst, id=1, ttl=ttl, proto=2, options=[Raw(options)] if options else [])
    if options:
        header.ihl = 6
    to = "01:00:5e:" + ":".join(f"{byte:02x}" for byte in (number(dst) & 0x7FFFFF).to_bytes(3, "big"))
    return frame(header / Raw(message), dst=to if dst != OURS else "02:00:00:00:00:01")


_GENERAL = _igmp(_message(QUERY))


def _join(bench: Bench) -> None:
    """The application enters the group, and both of its reports are out."""
    assert bench.stack.igmp.join(number(GROUP)) == 0
    bench.wait(1000)


def _leave(bench: Bench) -> None:
    """The application leaves the group, which is said if ours was the last report."""
    assert bench.stack.igmp.leave(number(GROUP)) == 0


def _row(number: int, what: str, *steps: Step, lwip: str = _LEFT, strict: str | None = None) -> Row:
    """Half a minute is waited for reports, then the application leaves."""
    return Row(
        f"G{number}",
        what,
        [*steps, 30_000, _leave],
        lwip,
        lwip if strict is None else strict,
        start=[_join],
        alone="the lockstep oracle cannot join groups",
    )


GROUPS = rows(
    "G",
    _row(1, "a message of 7 bytes", _igmp(_message(QUERY)[:7])),
    _row(2, "a query with a wrong checksum", _igmp(b"\x11\x64\x12\x34\0\0\0\0")),
    _row(
        3,
        "a version 1 query, and one of version 2 after 410 s",
        _igmp(_message(QUERY, max_response=0)),
        410_000,
        _GENERAL,
        lwip=f"{_REPORT} ×2; {_LEFT}",
        strict=f"{_V1_REPORT}; {_REPORTED}",
    ),
    _row(4, "a query that leaves 25.5 s", _igmp(_message(QUERY, max_response=255)), lwip=_REPORTED),
    _row(5, "a query to our unicast address", _igmp(_message(QUERY), OURS)),
    _row(
        6,
        "queries without Router Alert and with TTL 5",
        _igmp(_message(QUERY), ttl=5, options=b""),
        lwip=_REPORTED,
    ),
    _row(7, "a query for a group we are not in", _igmp(_message(QUERY, OTHER_GROUP), OTHER_GROUP)),
    _row(
        8,
        "a neighbour's report while ours is due",
        _GENERAL,
        _igmp(_message(REPORT, GROUP), GROUP),
        lwip="none",
    ),
    _row(9, "100 queries", *[_GENERAL] * 100, lwip=_REPORTED),
    _row(
        10,
        "reports and leaves for 0.0.0.0 and for a host",
        *[_igmp(_message(kind, group)) for kind in (V1_REPORT, REPORT, LEAVE) for group in ("0.0.0.0", PEER)],
    ),
)
