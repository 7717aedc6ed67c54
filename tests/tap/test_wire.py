"""The in-memory cable."""

from __future__ import annotations

from tap.clock import MS, VirtualClock
from tap.wire import QUEUE_FRAMES, WireEnd, wire


def received(end: WireEnd) -> list[bytes]:
    frames = []
    while (frame := end.receive()) is not None:
        frames.append(frame)
    return frames


def test_a_frame_never_arrives_inside_the_send() -> None:
    clock = VirtualClock()
    one, other = wire(clock)
    one.send(b"frame")
    assert other.receive() is None
    assert clock.next_event() == 0
    clock.run_due()
    assert received(other) == [b"frame"]
    assert one.receive() is None


def test_both_ways_in_order_after_the_delay() -> None:
    clock = VirtualClock()
    one, other = wire(clock, delay=5 * MS)
    one.send(b"1")
    one.send(b"2")
    clock.wait(2 * MS)
    other.send(b"back")
    clock.wait(5 * MS)
    clock.run_due()
    assert (received(one), received(other)) == ([], [b"1", b"2"])
    clock.wait(None)
    clock.run_due()
    assert clock.now() == 7 * MS
    assert received(one) == [b"back"]


def test_what_nobody_receives_is_lost_beyond_the_queue() -> None:
    clock = VirtualClock()
    one, other = wire(clock)
    for number in range(QUEUE_FRAMES + 3):
        one.send(b"%d" % number)
    clock.run_due()
    assert other.dropped == 3
    assert received(other) == [b"%d" % number for number in range(QUEUE_FRAMES)]


def test_a_closed_end_neither_sends_nor_receives() -> None:
    clock = VirtualClock()
    one, other = wire(clock)
    one.send(b"under way")
    other.close()
    other.close()
    other.send(b"too late")
    clock.run_due()
    assert other.dropped == 2
    assert one.receive() is other.receive() is None


def test_mtu_and_descriptor() -> None:
    one, other = wire(VirtualClock(), mtu=576)
    assert (one.mtu, other.mtu, one.fileno()) == (576, 576, None)
    assert one.peer is other
    assert other.peer is one
