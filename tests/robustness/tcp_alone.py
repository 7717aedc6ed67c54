"""Rows T: segments to a listener, to a closed port, malformed ones, and options of a SYN."""

from __future__ import annotations

from tests.robustness.frames import GROUP, OURS, SUBNET_BROADCAST, frame, ip, segment, tcp
from tests.robustness.rows import LISTEN, Row, Steps, rows

_LOOP = "the library has a loop interface"
_NO_LOOP = "the library has a loop interface, through which it answers itself; our stack has none"
_SYN_ACK = "SYN+ACK seq=U-1 ack=101 · SYN_RCVD(mss 536)"
_ALL_FLAGS = "FSRPAU"
_FLOOR = 48  # of the MSS, as in Linux (TCP_MIN_SND_MSS)


def _listen(number: int, what: str, frame_bytes: bytes, lwip: str = "none", strict: str | None = None) -> Row:
    wanted = lwip if strict is None else strict
    return Row(f"T{number}", f"to a listener: {what}", [frame_bytes], lwip, wanted, start=LISTEN)


def _closed(number: int, what: str, frame_bytes: bytes, lwip: str = "none", strict: str | None = None) -> Row:
    wanted = lwip if strict is None else strict
    return Row(f"T{number}", f"to a closed port: {what}", [frame_bytes], lwip, wanted)


def _syn(
    number: int,
    what: str,
    option_bytes: bytes,
    lwip: int = 536,
    strict: int | None = None,
    start: Steps = LISTEN,
) -> Row:
    """A SYN with options; the outcome is the MSS that the stack will send with."""
    outcome = "SYN+ACK seq=U-1 ack=101 · SYN_RCVD(mss {})".format
    steps = [segment("S", options=option_bytes)]
    wanted = lwip if strict is None else strict
    return Row(f"T{number}", f"SYN with {what}", steps, outcome(lwip), outcome(wanted), start=start)


def _scaled(number: int, what: str, shift: int) -> Row:
    """A SYN with window scale, to a stack that scales, too."""
    return Row(
        f"T{number}",
        f"SYN with {what}",
        [segment("S", options=bytes([3, 3, shift]))],
        "SYN+ACK seq=U-1 ack=101 · SYN_RCVD(mss 536, scale 14)",
        "SYN+ACK seq=U-1 ack=101 · SYN_RCVD(mss 536, scale 14)",
        start=LISTEN,
        options={"lwip_wnd_scale": 1},
    )


ALONE = rows(
    "T",
    _listen(1, "no flags", segment("")),
    _listen(2, "FIN", segment("F")),
    _listen(3, "FIN, PSH and URG (Xmas)", segment("FPU")),
    _listen(4, "SYN and FIN", segment("SF"), _SYN_ACK),
    _listen(5, "SYN and RST", segment("SR")),
    _listen(6, "all flags", segment(_ALL_FLAGS)),
    _listen(7, "ACK", segment("A", 100, 500), "RST+ACK seq=500 ack=100", "RST seq=500"),
    _listen(8, "SYN and ACK", segment("SA", 100, 500), "RST+ACK seq=500 ack=101", "RST seq=500"),
    _listen(9, "RST", segment("R")),
    _listen(10, "data without ACK", segment("P", data=10)),
    _closed(11, "SYN", segment("S"), "RST+ACK seq=0 ack=101"),
    _closed(
        12,
        "SYN with something in the ACK field",
        segment("S", 100, 77),
        "RST+ACK seq=77 ack=101",
        "RST+ACK seq=0 ack=101",
    ),
    _closed(13, "ACK", segment("A", 100, 77), "RST+ACK seq=77 ack=100", "RST seq=77"),
    _closed(14, "FIN", segment("F"), "RST+ACK seq=0 ack=101"),
    _closed(15, "no flags", segment(""), "RST+ACK seq=0 ack=100"),
    _closed(16, "RST", segment("R")),
    _closed(17, "SYN and ACK", segment("SA", 100, 77), "RST+ACK seq=77 ack=101", "RST seq=77"),
    _closed(18, "a header of 19 bytes", frame(ip(bytes(tcp("S"))[:19], proto=6))),
    _closed(19, "data offset 4", segment("S", dataofs=4)),
    _closed(20, "data offset 15 in 20 bytes", segment("S", dataofs=15)),
    _closed(21, "wrong checksum", segment("S", chksum=0x1234)),
    _closed(22, "checksum 0", segment("S", chksum=0)),
    _listen(23, "SYN to the whole subnet", frame(ip(tcp("S"), dst=SUBNET_BROADCAST))),
    _listen(24, "SYN to a group", frame(ip(tcp("S"), dst=GROUP))),
    Row(
        "T25",
        "a SYN from our own address and port (LAND)",
        [frame(ip(tcp("S", sport=80), src=OURS))],
        "ARP-req(10.0.0.1) · SYN_RCVD(mss 536)",
        "none",
        start=LISTEN,
        note=_NO_LOOP,
    ),
    Row(
        "T26",
        "a SYN from 127.0.0.1",
        [frame(ip(tcp("S"), src="127.0.0.1"))],
        "none · SYN_RCVD(mss 536)",
        "none",
        start=LISTEN,
        alone=_LOOP,
        note=_NO_LOOP,
    ),
    _listen(27, "SYN from port 0", segment("S", sport=0), _SYN_ACK),
    _listen(28, "SYN to port 0", segment("S", dport=0), "RST+ACK seq=0 ack=101"),
    _listen(29, "SYN with data", segment("S", data=10), _SYN_ACK),
    _syn(30, "MSS 0", b"\2\4\0\0", 1460, _FLOOR),
    _syn(31, "MSS 1", b"\2\4\0\1", 1, _FLOOR),
    _syn(32, "MSS 65535", b"\2\4\xff\xff", 1460),
    _syn(33, "an MSS option of length 3", b"\2\3\5\xb4"),
    _syn(34, "an option of length 0", b"\xfd\0\2\4\5\xb4"),
    _syn(35, "an option of length 1", b"\xfd\1\2\4\5\xb4"),
    _syn(36, "an option longer than the header", b"\2\x28\5\xb4"),
    _syn(37, "an option that is only its kind", b"\1\1\1\2"),
    _syn(38, "garbage behind the end of the options", b"\0\2\4\5\xb4\xff\xff\xff"),
    _syn(39, "40 NOPs", b"\1" * 40),
    _syn(40, "MSS 500 and MSS 1000", b"\2\4\1\xf4\2\4\3\xe8", 1000),
    _scaled(41, "window scale 15", 15),
    _scaled(42, "window scale 255", 255),
    _syn(43, "timestamps of length 9", b"\x08\x09" + bytes(7)),
    _syn(44, "SACK blocks", b"\1\1\5\x0a" + bytes(8)),
    _syn(45, "an MD5 signature", b"\x13\x12" + bytes(16)),
    _syn(46, "a request for a fast-open cookie", b"\x22\2\1\1"),
    _syn(47, "an experimental option", b"\xfd\4\xf9\x89"),
    _syn(48, "an MSS behind one NOP", b"\1\2\4\5\xb4", 1460),
)
