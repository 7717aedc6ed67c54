"""What TCP tells the trace (``observe``): each decision by a real conversation."""

from __future__ import annotations

from typing import TypeVar

import pytest

from netstack.core import MS
from netstack.errors import ERR_IF, ERR_MEM, ERR_OK
from netstack.tcp.observe import report, snapshot
from netstack.tcp.tcb import SOF_KEEPALIVE
from netstack.trace import (
    CongestionChange,
    Event,
    Held,
    ReassemblyEvent,
    RttEvent,
    SegmentIn,
    SegmentOut,
    Snapshot,
    TimerArmed,
    TimerExpired,
    TimerStopped,
    WindowChange,
)
from tests.netstack.tcp.conversation import (
    ACK,
    FIN,
    OUR_ISS,
    PEER_ISS,
    PSH,
    RST,
    SYN,
    Conversation,
    established,
)

E = TypeVar("E", bound=Event)
Change = WindowChange | CongestionChange


class Observer:
    """Keeps all events of a conversation from now on."""

    def __init__(self, talk: Conversation) -> None:
        self.events: list[Event] = []
        talk.stack.trace = self.events.append
        self.events.clear()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def causes(self) -> list[str]:
        return [event.cause for event in self.of(SegmentOut)]

    @property
    def held(self) -> list[str]:
        return [event.why for event in self.of(Held)]

    @property
    def verdicts(self) -> list[str]:
        return [event.verdict for event in self.of(SegmentIn)]

    def changes(self) -> list[Change]:
        return [event for event in self.events if isinstance(event, Change)]


def observed(profile: str = "micropython", **options: int) -> tuple[Conversation, Observer]:
    """A connection, and what is told from now on."""
    talk = established(profile, mss=800, **options)
    return talk, Observer(talk)


# Windows and congestion


def test_a_window_of_the_peer() -> None:
    talk, observer = observed(win=9000)
    talk.advance(ms=30)
    talk.segment(ACK, 1, 1, win=10_000)
    assert observer.changes() == [WindowChange(30 * MS, talk.pcb.flow, "snd_wnd", 10_000)]


def test_a_window_of_ours() -> None:
    talk, observer = observed()
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, bytes(100))
    flow = talk.pcb.flow
    assert observer.changes() == [
        WindowChange(0, flow, "rcv_wnd", 6300),
        WindowChange(0, flow, "rcv_ann_wnd", 6300),
    ]


def test_data_that_is_read_at_once_changes_nothing_in_the_end() -> None:
    talk, observer = observed()
    talk.segment(PSH | ACK, 1, 1, bytes(100))
    assert observer.changes() == [WindowChange(0, talk.pcb.flow, "rcv_ann_wnd", 6300)]


def test_congestion_by_an_acknowledgement_and_by_a_time_out() -> None:
    talk, observer = observed()
    talk.write(bytes(1600))
    talk.segment(ACK, 1, 801)
    flow = talk.pcb.flow
    assert observer.changes() == [CongestionChange(0, flow, 4000, 6400, "slow-start")]
    observer.events.clear()
    talk.advance(ms=4_000)
    assert observer.changes() == [CongestionChange(2750 * MS, flow, 800, 2000, "rto")]


def test_congestion_in_fast_recovery() -> None:
    talk, observer = observed()
    talk.write(bytes(3200))
    for _ in range(4):
        talk.segment(ACK, 1, 1)
    talk.segment(ACK, 1, 3201)
    told = [(event.cause, event.cwnd) for event in observer.of(CongestionChange)]
    assert told == [("fast", 4000), ("dup-ack", 4800), ("recovered", 1600), ("avoidance", 2400)]


def test_what_is_as_it_was_is_not_told() -> None:
    talk, observer = observed()
    report(talk.tcp, talk.pcb, snapshot(talk.pcb))
    talk.segment(ACK, 1, 1)
    talk.advance(ms=10_000)
    assert observer.changes() == []
    assert observer.of(Snapshot) == []


def test_several_changes_in_the_order_of_the_fields() -> None:
    talk, observer = observed()
    before = snapshot(talk.pcb)
    pcb = talk.pcb
    pcb.snd_wnd, pcb.rcv_wnd, pcb.rcv_ann_wnd = 1, 2, 3
    report(talk.tcp, pcb, before)
    assert observer.changes() == [
        WindowChange(0, pcb.flow, "snd_wnd", 1),
        WindowChange(0, pcb.flow, "rcv_wnd", 2),
        WindowChange(0, pcb.flow, "rcv_ann_wnd", 3),
    ]


def test_without_an_observer_nothing_is_told() -> None:
    talk, observer = observed()
    before = snapshot(talk.pcb)
    talk.stack.trace = None
    talk.pcb.snd_wnd = 1
    report(talk.tcp, talk.pcb, before)
    talk.segment(ACK, 1, 1, win=10)
    assert observer.events == []


# What comes in


@pytest.mark.parametrize(
    ("flags", "seq", "ack", "data", "verdict", "kind"),
    [
        (PSH | ACK, 1, 1, b"next", "in-order", "old"),
        (ACK, 1, 1, b"", "ack-only", "duplicate"),
        (ACK, 1, 101, b"", "ack-only", "new"),
        (ACK, 1, 999, b"", "ack-only", "future"),
        (PSH | ACK, 101, 1, b"later", "out-of-order", "old"),
        (PSH | ACK, 9001, 1, b"far", "outside", "old"),
        (ACK, 9001, 1, b"", "outside", "duplicate"),
        (RST, 1, None, b"", "reset", "none"),
        (RST, 50, None, b"", "challenge-reset", "none"),
        (RST, 9001, None, b"", "reset-ignored", "none"),
        (SYN, 1, None, b"", "challenge-syn", "none"),
    ],
)
def test_verdicts_of_a_connection(
    flags: int, seq: int, ack: int | None, data: bytes, verdict: str, kind: str
) -> None:
    talk, observer = observed()
    talk.write(bytes(100))
    observer.events.clear()
    talk.segment(flags, seq, ack, data)
    (event,) = observer.of(SegmentIn)
    assert (event.verdict, event.ack_kind, event.length) == (verdict, kind, len(data))


def test_what_was_taken_of_a_segment() -> None:
    talk, observer = observed()
    talk.segment(PSH | ACK, 101, 1, bytes(100))
    talk.segment(PSH | ACK, 1, 1, bytes(120))
    talk.segment(PSH | ACK, 1, 1, bytes(50))
    late, filling, old = observer.of(SegmentIn)
    assert (late.outcome["queued"], late.outcome["accepted"]) == (100, 0)
    taken = [filling.outcome[name] for name in ("accepted", "trimmed", "delivered")]
    assert taken == [100, 20, 200]
    assert old.verdict == "old"
    told = [(event.what, event.seq - PEER_ISS) for event in observer.of(ReassemblyEvent)]
    assert told == [("stored", 101), ("delivered", 101)]


def test_verdicts_without_a_connection() -> None:
    talk = Conversation()
    observer = Observer(talk)
    talk.segment(SYN, 0)
    assert observer.verdicts == ["listen"]
    assert observer.causes == ["syn-ack"]


# What goes out, and why


def test_causes_of_acks() -> None:
    talk, observer = observed()
    talk.segment(PSH | ACK, 1, 1, b"a")
    talk.segment(PSH | ACK, 2, 1, b"b")
    talk.segment(PSH | ACK, 100, 1, b"c")
    talk.segment(PSH | ACK, 3, 1, b"d")
    talk.advance(ms=250)
    talk.segment(PSH | ACK, 3, 1, b"d")
    talk.segment(ACK, 9001, 1)
    talk.segment(FIN | ACK, 4, 1)
    assert observer.causes == [
        "second-segment", "out-of-order", "delayed-ack", "old-segment", "outside-window", "fin-received"
    ]  # fmt: skip
    assert [why for why in observer.held if why != "small-update"] == ["delayed-ack"] * 3


def test_an_ack_that_travels_with_data() -> None:
    talk, observer = observed()
    talk.segment(PSH | ACK, 1, 1, b"a")
    talk.write(b"answer")
    (sent,) = observer.of(SegmentOut)
    assert (sent.cause, sent.carries) == ("data", "delayed-ack")
    assert [event.timer for event in observer.of(TimerStopped)] == ["delayed-ack"]


def test_a_retransmission_timer_is_armed_fires_and_is_armed_anew() -> None:
    talk, observer = observed()
    talk.write(bytes(100))
    talk.advance(ms=3000)
    armed = [(event.time // MS, event.ticks, event.due // MS) for event in observer.of(TimerArmed)]
    assert armed == [(0, 6, 2750), (2750, 12, 8750)]
    (fired,) = observer.of(TimerExpired)
    assert (fired.time // MS, fired.count, fired.limit, fired.action) == (2750, 6, 6, "retransmit")
    assert observer.causes == ["data", "rto"]
    talk.segment(ACK, 1, 101)
    assert [(event.timer, event.why) for event in observer.of(TimerStopped)] == [("rexmit", "all-acked")]


def test_a_round_trip_is_timed_and_sampled() -> None:
    talk, observer = observed()
    talk.advance(ms=1000)
    talk.write(bytes(100))
    talk.advance(ms=600)
    talk.segment(ACK, 1, 101)
    timed, sample = observer.of(RttEvent)
    assert (timed.what, timed.seq) == ("timed", OUR_ISS + 1)
    assert (sample.what, sample.numbers["m"], sample.numbers["old_rto"]) == ("sample", 1, 6)
    assert sample.numbers["rto"] == talk.pcb.rto


# Why nothing goes out


def test_reasons_for_waiting() -> None:
    talk, observer = observed(win=1000)
    talk.write(bytes(2000))
    talk.segment(ACK, 1, 1, win=1)  # not believed: the same seq and ack
    assert "window" in observer.held
    observer.events.clear()
    talk.segment(ACK, 1, talk.pcb.snd_nxt - OUR_ISS, win=65_535)
    talk.write(bytes(10))
    talk.write(bytes(10))
    assert "nagle" in observer.held
    observer.events.clear()
    talk.tcp.write(talk.pcb, bytes(7000))
    assert observer.held == ["snd-buf"]


def test_a_congestion_window_that_is_full() -> None:
    talk, observer = observed()
    talk.write(bytes(6400))
    (waits,) = observer.of(Held)
    assert (waits.why, waits.seq, waits.numbers["cwnd"]) == ("cwnd", OUR_ISS + 3201, 3200)


def test_what_the_driver_refuses() -> None:
    talk, observer = observed()
    talk.err = ERR_IF
    talk.write(b"x")
    assert observer.held == ["driver"]
    talk.err = ERR_OK


def test_data_that_waits_for_the_handshake_and_calls_after_the_end() -> None:
    talk = Conversation()
    talk.connect()
    observer = Observer(talk)
    talk.write(b"early")
    assert observer.held == ["handshake"]
    talk.segment(SYN | ACK, 0, 0)
    talk.close()
    observer.events.clear()
    assert talk.tcp.write(talk.pcb, b"late") != ERR_MEM
    assert observer.held == ["not-connected"]


def test_an_update_that_is_too_small_is_not_sent() -> None:
    talk, observer = observed()
    talk.segment(PSH | ACK, 1, 1, bytes(100))
    assert [event.numbers["threshold"] for event in observer.of(Held) if event.why == "small-update"] == [
        1600
    ]


# Timers that end a connection


def test_limits_of_states() -> None:
    talk = Conversation()
    observer = Observer(talk)
    talk.segment(SYN, 0)
    talk.advance(ms=30_000)
    (armed,) = [event for event in observer.of(TimerArmed) if event.timer == "syn-rcvd"]
    (fired,) = [event for event in observer.of(TimerExpired) if event.timer == "syn-rcvd"]
    assert (armed.due, fired.action, fired.count, fired.limit) == (fired.time, "remove", 41, 40)


def test_keep_alive() -> None:
    talk, observer = observed()
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle = 10_000
    talk.advance(ms=700_000)
    actions = [event.action for event in observer.of(TimerExpired) if event.timer == "keepalive"]
    assert actions == ["probe"] * 9 + ["give-up"]
    assert observer.causes == ["keepalive"] * 9 + ["rst-keepalive"]


# Snapshots


def test_a_new_observer_is_told_of_the_connections_there_are() -> None:
    talk = established("micropython", mss=800)
    talk.write(bytes(100))
    events: list[Event] = []
    talk.stack.trace = events.append
    (event,) = events
    assert isinstance(event, Snapshot)
    assert (event.state, event.unacked) == ("ESTABLISHED", ((OUR_ISS + 1, OUR_ISS + 101),))


def test_a_snapshot_after_each_change() -> None:
    talk, observer = observed()
    talk.write(bytes(100))
    talk.segment(ACK, 1, 101)
    queued, sent, acked = observer.of(Snapshot)
    assert (queued.unsent, queued.unacked) == (((OUR_ISS + 1, OUR_ISS + 101),), ())
    assert (sent.unsent, sent.unacked) == ((), ((OUR_ISS + 1, OUR_ISS + 101),))
    assert (acked.unacked, acked.numbers["una"]) == ((), OUR_ISS + 101)
