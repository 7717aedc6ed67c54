"""What an observer is told: each kind of event by a real conversation, with its virtual time (``trace``)."""

from __future__ import annotations

from typing import TypeVar

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether

from netstack import trace
from netstack.core import MS
from netstack.errors import ERR_IF, ERR_OK
from netstack.tcp.tcb import SOF_KEEPALIVE
from netstack.trace import (
    REXMIT_CAUSES,
    ApiCall,
    CongestionChange,
    Dropped,
    Event,
    FrameIn,
    FrameOut,
    PoolEvent,
    Retransmission,
    StateChange,
    TimerFired,
    WindowChange,
)
from tests.netstack.peer import OUR_MAC, OURS, PEER, PEER_MAC, Peer, ip_of
from tests.netstack.storm import Storm
from tests.netstack.tcp.conversation import ACK, FIN, OUR_ISS, PSH, RST, SYN, Conversation, established

E = TypeVar("E", bound=Event)
FLOW = (ip_of(OURS), 80, ip_of(PEER), 40_000)
ACTIVE_FLOW = (ip_of(OURS), 5_000, ip_of(PEER), 40_000)
KINDS: list[type[Event]] = [
    kind for kind in vars(trace).values() if isinstance(kind, type) and Event in kind.__mro__[1:]
]


class Observer:
    """Keeps all events of a stack."""

    def __init__(self, peer: Peer) -> None:
        self.events: list[Event] = []
        peer.stack.trace = self.events.append

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


def test_every_kind_has_a_name_of_its_own() -> None:
    names = [kind.kind for kind in KINDS]
    assert len(names) == len(set(names)) == 23
    assert "event" not in names


def test_a_storm_brings_events_of_every_kind_in_the_order_of_time() -> None:
    events: list[Event] = []
    storm = Storm("full", 2, trace=events.append)
    storm.rage(600)
    assert {type(event) for event in events} == set(KINDS)
    times = [event.time for event in events]
    assert times == sorted(times)
    assert times[-1] == storm.now


# Frames, drops, timers, pools, calls


def test_frames_in_and_out() -> None:
    peer = Peer()
    observer = Observer(peer)
    peer.advance(ms=40)
    ping = bytes(Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER, dst=OURS) / ICMP() / b"ping")
    peer.send(ping)
    assert observer.of(FrameIn) == [FrameIn(40 * MS, ping)]
    assert observer.of(FrameOut) == [FrameOut(40 * MS, peer.frames[0], ERR_OK)]


def test_a_frame_that_the_driver_refuses() -> None:
    talk = established()
    observer = Observer(talk)
    talk.err = ERR_IF
    talk.write(b"x")
    (sent,) = observer.of(FrameOut)
    assert sent.err == ERR_IF


def test_a_drop_names_its_reason() -> None:
    peer = Peer()
    observer = Observer(peer)
    peer.advance(ms=7)
    peer.send(IP(src=PEER, dst="10.0.0.99") / ICMP())
    assert observer.of(Dropped) == [Dropped(7 * MS, "ip_not_ours")]


def test_timers_that_have_something_to_do() -> None:
    talk = Conversation()
    observer = Observer(talk)
    talk.advance(ms=10_000)
    assert observer.events == []
    talk.segment(SYN, 0)
    talk.stack.arp.query(ip_of("10.0.0.3"))  # nobody answers
    talk.advance(ms=1_000)
    assert [(event.time // MS, event.name) for event in observer.of(TimerFired)] == [
        (10_250, "tcp"),
        (10_500, "tcp"),
        (10_750, "tcp"),
        (11_000, "arp"),
        (11_000, "tcp"),
    ]


def test_memory_that_is_taken_and_that_is_not_there() -> None:
    talk = established(tcp_snd_buf=2_144)
    observer = Observer(talk)
    talk.segment(ACK, 1, 1)
    assert observer.of(PoolEvent) == [PoolEvent(0, "PBUF_POOL", True, used) for used in (1, 0)]
    observer.events.clear()
    talk.tcp.write(talk.pcb, bytes(2_000))  # the heap has 1600 bytes
    told = [(event.pool, event.ok) for event in observer.of(PoolEvent)]
    taken = [("HEAP", True), ("TCP_SEG", True)]
    assert told == taken + taken + [("HEAP", False)] + taken + taken  # all of it is given back


def test_calls_of_the_application() -> None:
    talk = established()
    observer = Observer(talk)
    talk.advance(ms=5)
    talk.write(b"data")
    assert observer.of(ApiCall) == [
        ApiCall(5 * MS, "tcp_write", (80, 4, False), ERR_OK),
        ApiCall(5 * MS, "tcp_output", (80,), ERR_OK),
    ]


# Connections


def test_state_changes_of_both_ways_to_open_and_to_close() -> None:
    talk = Conversation()
    observer = Observer(talk)
    talk.segment(SYN, 0)
    talk.advance(ms=20)
    talk.segment(ACK, 1, 1)
    talk.segment(ACK | FIN, 1, 1)
    talk.close()
    talk.advance(ms=30)
    talk.segment(ACK, 2, 2)
    talk.connect()
    talk.segment(SYN | ACK, 0, 0)
    talk.close()
    talk.segment(ACK, 1, 1)
    talk.segment(ACK | FIN, 1, 1)
    talk.advance(ms=130_000)
    changes = observer.of(StateChange)
    assert [change for change in changes if change.flow == FLOW] == [
        StateChange(0, FLOW, "CLOSED", "SYN_RCVD"),
        StateChange(20 * MS, FLOW, "SYN_RCVD", "ESTABLISHED"),
        StateChange(20 * MS, FLOW, "ESTABLISHED", "CLOSE_WAIT"),
        StateChange(20 * MS, FLOW, "CLOSE_WAIT", "LAST_ACK"),
        StateChange(50 * MS, FLOW, "LAST_ACK", "CLOSED"),
    ]
    assert [change for change in changes if change.flow == ACTIVE_FLOW] == [
        StateChange(50 * MS, ACTIVE_FLOW, "CLOSED", "SYN_SENT"),
        StateChange(50 * MS, ACTIVE_FLOW, "SYN_SENT", "ESTABLISHED"),
        StateChange(50 * MS, ACTIVE_FLOW, "ESTABLISHED", "FIN_WAIT_1"),
        StateChange(50 * MS, ACTIVE_FLOW, "FIN_WAIT_1", "FIN_WAIT_2"),
        StateChange(50 * MS, ACTIVE_FLOW, "FIN_WAIT_2", "TIME_WAIT"),
        StateChange(120_250 * MS, ACTIVE_FLOW, "TIME_WAIT", "CLOSED"),
    ]


def test_a_reset_closes() -> None:
    talk = established()
    observer = Observer(talk)
    talk.segment(RST, 1)
    assert observer.of(StateChange) == [StateChange(0, FLOW, "ESTABLISHED", "CLOSED")]


def test_windows_and_congestion() -> None:
    talk = established("micropython", mss=800)
    observer = Observer(talk)
    talk.write(bytes(800))
    talk.advance(ms=10)
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 801, bytes(100), win=9_000)
    assert observer.of(WindowChange) == [
        WindowChange(10 * MS, FLOW, "snd_wnd", 9_000),
        WindowChange(10 * MS, FLOW, "rcv_wnd", 6_300),
        WindowChange(10 * MS, FLOW, "rcv_ann_wnd", 6_300),
    ]
    assert observer.of(CongestionChange) == [CongestionChange(10 * MS, FLOW, 4_000, 6_400, "slow-start")]


# Retransmissions and their causes


def test_rto() -> None:
    talk = established("micropython", mss=800)
    observer = Observer(talk)
    talk.write(bytes(900))
    talk.advance(ms=10_000)
    assert observer.of(Retransmission) == [
        Retransmission(2_750 * MS, FLOW, OUR_ISS + 1, 800, "rto", 1, 12),
        Retransmission(8_750 * MS, FLOW, OUR_ISS + 1, 800, "rto", 2, 24),
    ]


def test_fast() -> None:
    talk = established("micropython", mss=800)
    observer = Observer(talk)
    talk.write(bytes(1_600))
    talk.advance(ms=10)
    for _ in range(4):
        talk.segment(ACK, 1, 1)
    assert observer.of(Retransmission) == [Retransmission(10 * MS, FLOW, OUR_ISS + 1, 800, "fast", 1, 6)]


def test_dup_syn() -> None:
    talk = Conversation()
    talk.segment(SYN, 0)
    observer = Observer(talk)
    talk.advance(ms=10)
    talk.segment(SYN, 0)
    assert observer.of(Retransmission) == [Retransmission(10 * MS, FLOW, OUR_ISS, 0, "dup-syn", 1, 6)]


def test_syn_sent_rst() -> None:
    talk = Conversation()
    talk.connect()
    observer = Observer(talk)
    talk.segment(ACK, 500, 77)
    assert observer.of(Retransmission) == [
        Retransmission(0, ACTIVE_FLOW, OUR_ISS - 1, 0, "syn-sent-rst", 1, 6)
    ]


def test_persist_probe() -> None:
    talk = established("micropython", mss=800)
    talk.segment(PSH | ACK, 1, 1, b"x", win=0)
    talk.advance(ms=250)
    talk.segment(ACK, 2, 1, win=0)
    talk.write(bytes(100))
    observer = Observer(talk)
    talk.advance(ms=5_000)
    probes = observer.of(Retransmission)
    assert [(probe.time // MS, probe.seq - OUR_ISS, probe.length, probe.cause) for probe in probes] == [
        (1_750, 1, 1, "persist-probe"),
        (4_750, 1, 1, "persist-probe"),
    ]


def test_keepalive() -> None:
    talk = established()
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle = 10_000
    observer = Observer(talk)
    talk.advance(ms=11_000)
    assert observer.of(Retransmission) == [Retransmission(10_250 * MS, FLOW, OUR_ISS, 0, "keepalive", 0, 6)]


@pytest.mark.parametrize("profile", ["full", "lwip-default"])
def test_every_retransmission_in_a_storm_names_its_cause(profile: str) -> None:
    events: list[Event] = []
    storm = Storm(profile, 4, trace=events.append)
    storm.rage(2_000)
    causes = {event.cause for event in events if isinstance(event, Retransmission)}
    assert {"rto", "keepalive"} <= causes
    assert causes <= {*REXMIT_CAUSES, "persist-probe", "persist-split", "keepalive"}


def test_a_segment_that_the_driver_refused_is_not_sent_again_but_for_the_first_time() -> None:
    talk = established()
    observer = Observer(talk)
    talk.err = ERR_IF
    talk.write(b"x")
    talk.err = ERR_OK
    talk.advance(ms=500)
    assert [event.err for event in observer.of(FrameOut)] == [ERR_IF, ERR_OK]
    assert observer.of(Retransmission) == []


# The hook


def test_a_hook_can_come_and_go_at_any_time() -> None:
    talk = Conversation()
    observer = Observer(talk)
    talk.segment(SYN, 0)
    assert observer.events
    talk.stack.trace = None
    observer.events.clear()
    talk.segment(ACK, 1, 1)
    talk.advance(ms=1_000)
    assert observer.events == []
    other = Observer(talk)
    talk.segment(RST, 1)
    assert other.of(StateChange) == [StateChange(1_000 * MS, FLOW, "ESTABLISHED", "CLOSED")]
    assert observer.events == []
