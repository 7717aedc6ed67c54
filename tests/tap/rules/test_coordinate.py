"""Coordinates: what they count, and what a tracker remembers."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tap.rules.coordinate import MAX_FLOWS, Tracker
from tests.tap.rules.bench import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Bench, packet, tcp, udp


def coordinates(*frames: bytes) -> list[str]:
    bench = Bench()
    bench.pass_all(*frames)
    return bench.coordinates


def test_the_text() -> None:
    assert coordinates(
        tcp(SYN, 0),
        tcp(SYN | ACK, 0, 1, source=SERVER),
        tcp(ACK, 1, 1),
        tcp(ACK | PSH, 1, 1, b"hello"),
        tcp(ACK | PSH, 6, 1, b"hello"),
        tcp(ACK | PSH, 1, 1, b"hello"),
        udp(5000, 7, b"x"),
        bytes(14),
    ) == [
        "client>server kind=syn n=1 seq=0 xmit=1 conn=1",
        "server>client kind=syn-ack n=1 seq=0 xmit=1 conn=1",
        "client>server kind=ack n=1 seq=1 xmit=1 conn=1",
        "client>server kind=data n=1 seq=1 xmit=1 conn=1",
        "client>server kind=data n=2 seq=6 xmit=1 conn=1",
        "client>server kind=data n=3 seq=1 xmit=2 conn=1",
        "client>server kind=udp n=1 conn=1",
        "client>server kind=other n=1 conn=1",
    ]


def test_n_counts_the_group() -> None:
    frames = [tcp(SYN, 0), tcp(ACK, 1, 1, b"a"), tcp(ACK | FIN, 2, 1, b"b"), tcp(ACK, 2, 1, b"b")]
    assert [text.split()[1:3] for text in coordinates(*frames)] == [
        ["kind=syn", "n=1"],
        ["kind=data", "n=1"],
        ["kind=fin", "n=1"],
        ["kind=data", "n=3"],  # the FIN carries data, too
    ]


def test_a_port_that_is_used_again_is_another_connection() -> None:
    bench = Bench()
    again = bytearray(tcp(SYN, 7))
    bench.pass_all(tcp(SYN, 0), tcp(SYN, 0), tcp(ACK, 1, 1), tcp(RST, 1), bytes(again), tcp(SYN, 0, port=9))
    assert [(p.coordinate.conn, p.coordinate.seq, p.coordinate.xmit) for p in bench.entries] == [
        (1, 0, 1),
        (1, 0, 2),
        (1, 1, 1),
        (1, 1, 1),
        (2, 0, 1),
        (3, 0, 1),
    ]


def test_a_device_that_reboots_with_its_number_and_port_begins_anew() -> None:
    bench = Bench()
    bench.pass_all(tcp(SYN, 0), tcp(ACK, 1, 1), tcp(SYN, 0))
    assert [passage.coordinate.conn for passage in bench.entries] == [1, 1, 2]


def test_a_connection_that_is_under_way_counts_from_what_is_seen() -> None:
    bench = Bench(recorded=False)
    bench.pass_all(tcp(SYN, 0), tcp(ACK, 1, 1), tcp(ACK, 1, 1, b"12345"))
    bench.cable.record(bench)
    bench.pass_all(tcp(ACK, 6, 1, b"12"), tcp(ACK, 8, 1, b"12"), tcp(ACK, 1, 8, source=SERVER))
    assert [passage.coordinate.seq for passage in bench.entries] == [1, 3, 1]


def test_protocols_count_for_themselves() -> None:
    bench = Bench()
    bench.pass_all(udp(5000, 7, b""), tcp(SYN, 0), udp(5001, 7, b""), udp(7, 5000, b"", source=SERVER))
    assert [(p.coordinate.kind, p.coordinate.conn, p.coordinate.flow) for p in bench.entries] == [
        ("udp", 1, "10.0.0.2:5000>10.0.0.1:7"),
        ("syn", 1, "10.0.0.2:49153>10.0.0.1:80"),
        ("udp", 2, "10.0.0.2:5001>10.0.0.1:7"),
        ("udp", 1, "10.0.0.1:7>10.0.0.2:5000"),
    ]


def test_memory_is_bounded_and_keeps_who_is_busy() -> None:
    tracker = Tracker()
    for port in range(1, 3 * MAX_FLOWS):
        tracker.see(udp(port, 7, b""), "a>b", 0)
        busy = tracker.see(udp(65535, 7, b""), "a>b", 0)
        assert len(tracker) <= MAX_FLOWS
    assert (busy.conn, busy.n) == (2, 3 * MAX_FLOWS - 1)
    assert tracker.see(udp(1, 7, b""), "a>b", 0).conn == 3 * MAX_FLOWS + 1  # it was forgotten


def test_injected_frames_count_for_themselves() -> None:
    tracker = Tracker()
    like = tracker.see(tcp(SYN, 0), "a>b", 0)
    made = [tracker.injected(like, way, side) for way, side in (("a>b", 0), ("a>b", 0), ("b>a", 1))]
    assert [str(one) for one in made] == [
        "a>b kind=injected n=1 conn=1",
        "a>b kind=injected n=2 conn=1",
        "b>a kind=injected n=1 conn=2",
    ]
    assert made[0].flow == like.flow
    assert tracker.see(tcp(SYN, 0), "a>b", 0).n == 2


@given(st.binary(max_size=120) | st.binary(max_size=100).map(lambda tail: packet(CLIENT, SERVER, 6, tail)))
def test_no_bytes_are_too_odd(frame: bytes) -> None:
    assert str(Tracker().see(frame, "a>b", 0)).startswith("a>b kind=")


@given(st.data())
def test_no_damage_to_a_frame_is_too_odd(data: st.DataObject) -> None:
    tracker = Tracker()
    sources = [
        tcp(SYN, 0, options=b"\x03\x03\x02\x00"),
        tcp(ACK, 1, 1, b"x"),
        udp(68, 67, bytes(260)),
        udp(5, 53, bytes(20)),
    ]
    for _ in range(5):
        frame = bytearray(data.draw(st.sampled_from(sources)))
        for _ in range(data.draw(st.integers(0, 4))):
            frame[data.draw(st.integers(12, len(frame) - 1))] = data.draw(st.integers(0, 255))
        del frame[data.draw(st.integers(0, len(frame))) :]
        assert tracker.see(bytes(frame), "a>b", 0).n >= 1


SEGMENTS = st.tuples(
    st.booleans(),
    st.sampled_from((ACK, ACK, ACK | PSH, ACK | PSH, SYN, SYN | ACK, FIN | ACK, RST, PSH)),
    st.integers(0, 8),
    st.integers(0, 8),
    st.sampled_from((b"", b"", b"a", b"abc")),
    st.sampled_from((0, 500, 2144)),
)


@given(st.lists(SEGMENTS, max_size=40))
def test_a_known_connection_has_the_coordinates_of_one_that_is_looked_up(segments: list[Any]) -> None:
    quick, slow = Tracker(), Tracker()
    for back, flags, seq, ack, data, window in segments:
        frame = tcp(flags, seq, ack, data, window=window, source=SERVER if back else CLIENT)
        for known in slow._known:
            known.clear()
        ours, expected = (tracker.see(frame, "a>b", int(back)) for tracker in (quick, slow))
        assert (str(ours), ours.flow, ours.kinds, ours.length) == (
            str(expected), expected.flow, expected.kinds, expected.length,
        )  # fmt: skip
