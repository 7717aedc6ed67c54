"""The two sides of a connection: kinds that depend on what came before, transmissions, bounded memory."""

from __future__ import annotations

from tap.rules.sequence import KEPT_ACKED, MAX_RECORDS, Side, segment
from tests.tap.rules.bench import ACK, FIN, PSH, RST, SERVER, SYN, Bench, tcp

SCALE = b"\x01\x03\x03\x02"


def kinds(*frames: bytes) -> list[str]:
    """Main kinds of the frames of one connection."""
    bench = Bench()
    bench.pass_all(*frames)
    return [passage.coordinate.kind for passage in bench.entries]


def handshake(options: bytes = b"") -> list[bytes]:
    return [
        tcp(SYN, 0, options=options),
        tcp(SYN | ACK, 0, 1, source=SERVER, options=options),
        tcp(ACK, 1, 1),
    ]


def test_a_session() -> None:
    frames = [
        *handshake(),
        tcp(ACK | PSH, 1, 1, b"question"),
        tcp(ACK, 1, 9, source=SERVER),
        tcp(ACK | PSH, 1, 9, b"answer", source=SERVER),
        tcp(ACK | FIN, 9, 7, b"bye"),
        tcp(ACK | FIN, 7, 13, source=SERVER),
        tcp(ACK, 13, 8),
        tcp(RST, 13),
    ]
    assert kinds(*frames) == "syn syn-ack ack data ack data fin fin ack rst".split()


def test_duplicates_and_windows() -> None:
    frames = [
        *handshake(),
        tcp(ACK, 1, 1, b"12345"),
        tcp(ACK, 6, 1, b"12345"),
        tcp(ACK, 1, 6, source=SERVER),
        tcp(ACK, 1, 6, source=SERVER),  # the client has more on its way: a duplicate
        tcp(ACK, 1, 6, source=SERVER, window=5000),
        tcp(ACK, 1, 11, source=SERVER, window=5000),
        tcp(ACK, 1, 11, source=SERVER, window=5000),  # nothing is on its way: just an ACK
        tcp(ACK, 1, 11, source=SERVER, window=0),
        tcp(ACK, 11, 1, b"x"),  # as lwIP probes
        tcp(ACK, 10, 1),  # as Linux probes
        tcp(ACK, 1, 11, source=SERVER, window=900),
        tcp(ACK, 10, 1),
    ]
    expected = "data data ack dup-ack win-update ack ack zero-window probe probe win-update keepalive"
    assert kinds(*frames)[3:] == expected.split()


def test_windows_are_scaled_when_both_offer_it() -> None:
    frames = [*handshake(SCALE), tcp(ACK, 1, 1, b"12"), tcp(ACK, 1, 1, source=SERVER, window=1024)]
    assert kinds(*frames)[-1] == "dup-ack"  # 1024 << 2 is what the SYN-ACK said: 4096
    frames[1] = tcp(SYN | ACK, 0, 1, source=SERVER)
    assert kinds(*frames)[-1] == "win-update"


def test_broken_options_have_no_scale() -> None:
    for options in (b"\x03", b"\x03\x00", b"\x03\x03", b"\x05\xff", b"\x00\x03\x03\x02", b"\x02\x04\x05\xb4"):
        assert segment(tcp(SYN, 0)[34:54] + options, 0).scale is None
    assert segment(tcp(SYN, 0)[34:54] + b"\x01\x03\x03\x63", 0).scale == 14


def test_transmissions_go_by_the_first_number() -> None:
    side = Side()
    side.place(segment(tcp(SYN, 0)[34:54], 0))
    assert side.send(0, 1) == 1
    assert side.send(0, 1) == 2
    assert [side.send(start, 100) for start in (1, 101, 201)] == [1, 1, 1]
    assert side.send(101, 200) == 2  # two segments in one
    assert side.send(201, 100) == 3
    assert side.send(250, 10) == 4  # in the middle of all of these
    assert side.send(301, 0) == 1


def test_what_was_acknowledged_may_come_again() -> None:
    side = Side()
    side.place(segment(tcp(SYN, 0)[34:54], 0))
    for number in range(1000):
        assert side.send(1 + number, 1) == 1
        side.acknowledged(side.base + number + 2 & 0xFFFFFFFF)
        assert len(side._records) <= KEPT_ACKED + 1
    assert side.send(1000, 1) == 2  # the ACK was lost behind us
    assert side.send(5, 1) == 2  # forgotten, but it was sent
    assert side.send(5, 1) == 3


def test_memory_is_bounded_without_any_acknowledgment() -> None:
    side = Side()
    side.place(segment(tcp(SYN, 0)[34:54], 0))
    for number in range(3 * MAX_RECORDS):
        assert side.send(1 + number, 1) == 1
    assert len(side._records) <= MAX_RECORDS
    assert side.send(1, 1) == 2
    assert side.send(1, 1) == 3
    for _ in range(1000):
        side.send(2, 1)
    assert len(side._records) <= MAX_RECORDS


def test_a_stream_beyond_four_gigabytes() -> None:
    side = Side()
    side.place(segment(tcp(SYN, 0)[34:54], 0))
    step = 1 << 30
    for number in range(9):
        start = 1 + number * step
        assert side.relative(side.base + start & 0xFFFFFFFF) == start
        assert side.send(start, step) == 1
