"""Rows H: replies to the DHCP client. The server is 10.0.0.2, the address it offers 10.0.0.50."""

from __future__ import annotations

from collections.abc import Mapping

from scapy.layers.dhcp import BOOTP, DHCP

from netstack import dhcp
from netstack.address import format_ip
from tests.robustness.bench import Bench
from tests.robustness.frames import BROADCAST_MAC, OUR_MAC, PEER, STRANGER, arp, frame, ip
from tests.robustness.rows import Row, Step, Steps, rows

OFFERED, MASK, SECOND_SERVER = "10.0.0.50", "255.255.255.0", "10.0.0.3"

_ALONE = "the library has no DHCP client"
_KINDS = {1: "DISCOVER", 3: "REQUEST", 4: "DECLINE", 7: "RELEASE"}
_COOKIE_AT, _OPTIONS_AT, _FILE_AT, _SNAME_AT = 236, 240, 108, 44


def _start(bench: Bench) -> None:
    """The interface gives its address up and asks for one."""
    bench.stack.netif.set_addr(0, 0, 0)
    assert bench.stack.dhcp.start() == 0


def _xid(bench: Bench) -> int:
    """Of the client's last message."""
    return int.from_bytes([sent for sent in bench.all_frames if _is_from_client(sent)][-1][46:50], "big")


def _message(bench: Bench, kind: str | None, options: list[object], fields: Mapping[str, object]) -> bytes:
    """A reply as bytes: BOOTP, cookie, options and END."""
    typed: list[object] = [] if kind is None else [("message-type", kind)]
    chaddr = bytes.fromhex(OUR_MAC.replace(":", ""))
    fixed = {"op": 2, "xid": _xid(bench), "chaddr": chaddr, "yiaddr": OFFERED} | fields
    return bytes(BOOTP(**fixed) / DHCP(options=[*typed, *options, "end"]))


def _standard(**changed: object) -> list[object]:
    """The usual options of a reply; None leaves one out."""
    usual = {"server_id": PEER, "lease_time": 3600, "subnet_mask": MASK, "router": PEER}
    return [(name, value) for name, value in (usual | changed).items() if value is not None]


def _say(
    kind: str | None = "offer",
    *,
    fields: Mapping[str, object] | None = None,
    extra: bytes = b"",
    cut: int | None = None,
    put: Mapping[int, bytes] | None = None,
    end: bool = True,
    source: str = PEER,
    to: str = BROADCAST_MAC,
    times: int = 1,
    **changed: object,
) -> Step:
    """The server says something, one or more times: ``extra`` are options as bytes in front of the usual
    ones, ``put`` are bytes at places of the message, ``end`` False leaves the end marker out.
    """

    def say(bench: Bench) -> None:
        message = _message(bench, kind, _standard(**changed), fields or {})
        message = message[:_OPTIONS_AT] + extra + message[_OPTIONS_AT:]
        for place, data in (put or {}).items():
            message = message[:place] + data + message[place + len(data) :]
        message = message if end else message[:-1]
        message = message if cut is None else message[:cut]
        datagram = b"\0\x43\0\x44" + (8 + len(message)).to_bytes(2, "big") + b"\0\0" + message
        said = frame(ip(datagram, src=source, dst="255.255.255.255", proto=17), dst=to)
        for _ in range(times):
            bench.frame(said)

    return say


def _said(bench: Bench) -> str:
    """What the client said, by kind, and what address the interface has."""
    kinds = [_KINDS[sent[284]] for sent in bench.frames() if _is_from_client(sent)]
    counted = f"{kinds[0]} ×{len(kinds)}" if len(kinds) > 3 and len(set(kinds)) == 1 else " ".join(kinds)
    netif = bench.stack.netif
    address = f"{format_ip(netif.ip)} gateway {format_ip(netif.gateway)}" if netif.ip else "no address"
    return f"{counted or 'nothing'} · {address}"


def _first_renewal(bench: Bench) -> str:
    """Minutes after which the lease is to be prolonged, and how the client says so."""
    bench.answers_arp = True
    while not bench.frames() and bench.now < 4_000_000:
        bench.wait(60_000)
    asked = bench.frames()[-1]
    who = "everybody" if asked[:6] == b"\xff" * 6 else "its server"
    return f"{_KINDS[asked[284]]} to {who} after {(bench.now - bench.start) // 60_000} min"


def _until_bound(bench: Bench) -> None:
    """Offer and acknowledgement, and whatever time it takes to use the address."""
    for step in (_say(), _say("ack")):
        assert callable(step)
        step(bench)
        bench.collect()
    bench.wait(12_000)
    assert bench.stack.dhcp.state == dhcp.BOUND
    bench.forget()


def _claim_address(bench: Bench) -> None:
    """Somebody else has the address that is being checked."""
    bench.wait(300)
    bench.frame(arp(2, "02:00:00:00:00:55", OFFERED, OFFERED))


def _declined(bench: Bench) -> str:
    """The client's first three messages, and the pause in front of the last, rounded to seconds."""
    said = [(time, _KINDS[frame[284]]) for time, frame in bench.sent if _is_from_client(frame)]
    (_, first), (declined, second), (again, third) = said[:3]
    return f"{first}, {second}, {round((again - declined) / 1000)} s later {third}"


def _is_from_client(sent: bytes) -> bool:
    return sent[12:14] == b"\x08\0" and sent[23] == 17 and sent[36:38] == b"\0\x43"


def _row(
    number: int,
    what: str,
    *steps: Step | Steps,
    lwip: str = "nothing · no address",
    strict: str | None = None,
    start: Steps = (_start,),
    checked: bool = False,
    **fields: object,
) -> Row:
    """``checked``: the address is checked before use, as it is by default."""
    return Row(
        f"H{number}",
        what,
        steps,
        lwip,
        lwip if strict is None else strict,
        start=start,
        options={"lwip_dhcp": 1, "lwip_acd": int(checked), "lwip_dhcp_does_acd_check": int(checked)},
        alone=_ALONE,
        **{"show": _said, **fields},  # type: ignore[arg-type]
    )


_REQUESTED = "REQUEST · no address"
_BOUND = f"REQUEST · {OFFERED} gateway {PEER}"

_OPTION_PAST_END = b"\x0c\xff"
_EMPTY = (b"\1\0", b"\3\0", b"\x33\0")  # mask, router, lease time
_OVERLOAD_FILE, _OVERLOAD_BOTH = b"\x34\1\1", b"\x34\1\3"

LEASES = rows(
    "H",
    _row(1, "replies of 43 and of 239 bytes", _say(cut=43), _say(cut=239)),
    _row(
        2, "another cookie", _say(put={_COOKIE_AT: b"BAD!"}), lwip=_REQUESTED, strict="nothing · no address"
    ),
    _row(3, "a request instead of a reply", _say(fields={"op": 1})),
    _row(4, "another transaction", _say(fields={"xid": 1})),
    _row(5, "for another client", _say(fields={"chaddr": b"\2\0\0\0\0\x77"})),
    _row(6, "no message type (BOOTP)", _say(None)),
    _row(7, "an option that ends behind the message", _say(extra=_OPTION_PAST_END)),
    _row(8, "mask, router and lease time of length 0", *[_say(extra=empty) for empty in _EMPTY]),
    _row(
        9,
        "no end marker",
        _say(end=False),
        strict=_REQUESTED,
        note="the catalogue says that lwIP accepts it; 2.1 and later do not (dhcp_parse_reply: ERR_BUF)",
    ),
    _row(
        10,
        "an overload option in the file field",
        _say(extra=_OVERLOAD_FILE, put={_FILE_AT: b"\x34\1\2\xff"}),
    ),
    _row(
        11,
        "options go on in file and sname",
        _say(extra=_OVERLOAD_BOTH, put={_FILE_AT: b"\x0c\1a\xff", _SNAME_AT: b"\x0c\1b\xff"}),
        lwip=_REQUESTED,
    ),
    _row(
        12,
        "leases of 0, 1 and 2^32-1 s",
        _say(lease_time=0),
        _say("ack", lease_time=0),
        _say("ack", lease_time=1),
        _say("ack", lease_time=0xFFFFFFFF),
        lwip=_BOUND,
    ),
    _row(
        13,
        "T1 of 50 min behind T2 of 33 min 20 s, in a lease of an hour",
        _say(),
        _say("ack", renewal_time=3000, rebinding_time=2000),
        1000,
        lambda bench: bench.forget(),
        lwip="REQUEST to everybody after 33 min",
        strict="REQUEST to its server after 30 min",
        show=_first_renewal,
    ),
    _row(
        14,
        "an ACK from another server",
        _say(),
        _say("ack", source=SECOND_SERVER, server_id=SECOND_SERVER),
        lwip=_BOUND,
        strict=_REQUESTED,
    ),
    _row(15, "another offer after the request", _say(), _say(fields={"yiaddr": STRANGER}), lwip=_REQUESTED),
    _row(
        16,
        "a false NAK while the lease is being renewed",
        lambda bench: bench.stack.dhcp.renew(),
        _say("nak"),
        lwip="REQUEST DISCOVER · no address",
        start=(_start, _until_bound),
    ),
    _row(
        17,
        "offers of 255.255.255.255, 127.0.0.1, 224.0.0.1 and 0.0.0.0",
        *[
            _say(fields={"yiaddr": address})
            for address in ("255.255.255.255", "127.0.0.1", "224.0.0.1", "0.0.0.0")
        ],
        lwip=_REQUESTED,
        strict="nothing · no address",
    ),
    _row(
        18,
        "an offer with a mask that has a hole",
        _say(subnet_mask="255.0.255.0"),
        lwip=_REQUESTED,
        strict="nothing · no address",
    ),
    _row(
        19,
        "a router outside the subnet",
        _say(router="192.0.2.1"),
        _say("ack", router="192.0.2.1"),
        lwip=f"REQUEST · {OFFERED} gateway 192.0.2.1",
        strict=f"REQUEST · {OFFERED} gateway 0.0.0.0",
    ),
    _row(
        20,
        "somebody has the address",
        _say(),
        _say("ack"),
        _claim_address,
        15_000,
        lwip="REQUEST, DECLINE, 10 s later DISCOVER",
        checked=True,
        show=_declined,
    ),
    _row(
        21,
        "an offer in a broadcast frame, and one in a frame to us",
        _say(),
        _say("ack", to=OUR_MAC),
        lwip=_BOUND,
    ),
    _row(22, "1000 offers", _say(times=1000), lwip=_REQUESTED),
)
