"""The TCP timer: its grid, its parity, and what is done at its runs (``timers``)."""

from itertools import pairwise

import pytest

from netstack.core import MS
from netstack.errors import ERR_ABRT, ERR_MEM, ERR_OK
from netstack.pbuf import Pbuf
from netstack.tcp.tcb import SOF_KEEPALIVE, Tcb
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established


def syn_times(talk: Conversation) -> list[float]:
    """Connect, and when each SYN leaves until the connection gives up."""
    start = talk.now
    talk.connect()
    while talk.pcb.state:
        talk.advance(ms=250)
    assert talk.happened() == ["err -13"]
    times = talk.sent_at()[-len(talk.frames) :]
    while talk.frames:
        talk.expect(SYN)
    return [(time - start) / 1000 for time in times]


def test_the_grid_keeps_its_parity_over_a_pause() -> None:
    talk = Conversation()
    assert syn_times(talk) == [0, 2.75, 5.75, 8.75, 11.75, 14.75, 17.75]
    talk.advance(ms=500)
    assert talk.stack.next_deadline() is None or not talk.tcp.timer.armed
    assert syn_times(talk)[:3] == [0, 3.0, 6.0]


def test_a_port_that_polls_stretches_all_times() -> None:
    talk = Conversation(poll_interval_ms=64)
    times = syn_times(talk)
    gaps = [round(b - a, 3) for a, b in pairwise(times[1:])]
    assert gaps == [3.072] * 5  # 6 slow ticks of 512 ms


def test_an_idle_device_sleeps() -> None:
    talk = Conversation()
    assert talk.stack.next_deadline() is None
    talk.segment(SYN, 0)
    assert talk.stack.next_deadline() == 250 * MS


def test_the_newest_connection_comes_first_at_a_tick() -> None:
    talk = established("micropython", mss=800)
    first = talk.pcb
    talk.segment(SYN, 0, port=40001)
    talk.segment(ACK, 1, 1, port=40001)
    second = talk.pcb
    talk.frames.clear()
    for pcb in (first, second):
        assert talk.tcp.write(pcb, b"x") == ERR_OK
        talk.tcp.output(pcb)
    talk.frames.clear()
    talk.advance(ms=3_000)
    assert [talk.expect(PSH | ACK).dport for _ in range(2)] == [40001, 40000]
    talk.segment(ACK, 1, 1, port=40000)  # a hit moves it to the front
    talk.frames.clear()
    talk.advance(ms=6_500)
    assert [talk.expect(PSH | ACK).dport for _ in range(2)] == [40000, 40001]


def test_poll_runs_every_so_many_slow_ticks_and_sends_what_waits() -> None:
    talk = established()
    polls: list[int] = []

    def poll(pcb: Tcb) -> int:
        polls.append(talk.now)
        return ERR_OK

    talk.pcb.poll = poll
    talk.pcb.pollinterval = 4
    talk.tcp.write(talk.pcb, b"untriggered")
    talk.advance(ms=1_000)
    talk.expect_nothing()
    talk.advance(ms=1_000)
    assert polls == [1750]
    talk.expect(PSH | ACK, data=b"untriggered")


def test_an_ack_without_memory_is_lost_at_its_tick_unless_the_quirk_is_off() -> None:
    for off, lost in ((), True), (("ack_lost_without_memory",), False):
        talk = established(quirks_off=off)
        heap = talk.stack.mem.heap
        talk.segment(PSH | ACK, 1, 1, b"x")
        hog = heap.malloc(heap.largest_hole())
        talk.advance(ms=250)
        talk.expect_nothing()
        heap.free(hog)
        talk.advance(ms=250)
        assert (not talk.frames) is lost


def test_giving_up_is_silent_unless_the_quirk_is_off() -> None:
    for off, frames in ((), 0), (("no_rst_on_give_up",), 1):
        talk = Conversation(quirks_off=off)
        talk.segment(SYN, 0)
        talk.advance(ms=20_000)
        talk.frames.clear()
        talk.advance(ms=1_000)
        assert len(talk.frames) == frames
        assert not talk.tcp.active_pcbs


# What is looked at, at a fast and at a slow tick


def at_each_run(talk: Conversation, ms: int) -> list[int]:
    """When the device sends something while time passes, ms."""
    sent = len(talk.sent_at())
    talk.advance(ms=ms)
    return talk.sent_at()[sent:]


def test_delayed_acks_leave_at_every_run() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"x")
    assert at_each_run(talk, 1_000) == [250]
    talk.segment(PSH | ACK, 2, 1, b"x")
    assert at_each_run(talk, 1_000) == [1_250]


def test_a_fin_without_memory_is_tried_at_every_run() -> None:
    talk = established()
    heap = talk.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    talk.close()
    assert at_each_run(talk, 700) == []
    heap.free(hog)
    assert at_each_run(talk, 700) == [750]
    talk.expect(ACK | FIN)


def test_refused_data_is_offered_at_every_run() -> None:
    talk = established()
    talk.answer = ERR_MEM
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.advance(ms=1_000)
    assert talk.happened() == ["refused 1"] * 5


def test_an_application_that_aborts_when_offered_again_stops_nothing() -> None:
    """The walk over the connections begins anew, and each one has its turn once."""
    talk = Conversation("micropython")
    for port in (1, 2, 3):
        talk.segment(SYN, 0, port=port, to=80)
        talk.segment(ACK, 1, 1, port=port, to=80)
        talk.answer = ERR_MEM
        talk.segment(PSH | ACK, 1, 1, b"x", port=port, to=80)
        talk.answer = ERR_OK
    offered: list[int] = []

    def abort(pcb: Tcb, p: Pbuf | None, err: int) -> int:
        assert p is not None
        p.free()
        offered.append(pcb.remote_port)
        talk.tcp.abort(pcb)
        return ERR_ABRT

    for pcb in talk.tcp.active_pcbs:
        pcb.recv = abort
    talk.advance(ms=250)
    assert offered == [3, 2, 1]
    assert not talk.tcp.active_pcbs


def test_a_connection_that_ends_at_a_slow_tick_does_not_cost_the_others_their_turn() -> None:
    talk = Conversation()
    for port in (1, 2):
        talk.segment(SYN, 0, port=port)
    talk.segment(SYN, 0, port=3, to=80)
    talk.segment(ACK, 1, 1, port=3, to=80)
    talk.frames.clear()
    talk.advance(ms=20_500)
    assert [pcb.remote_port for pcb in talk.tcp.active_pcbs] == [3]


@pytest.mark.parametrize("traced", [False, True])
def test_keepalive_probes_and_gives_up_with_a_reset(traced: bool) -> None:
    talk = established("full")
    if traced:
        talk.stack.trace = lambda event: None
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle, talk.pcb.keep_intvl, talk.pcb.keep_cnt = 5_000, 2_000, 3
    assert at_each_run(talk, 30_000) == [5_250, 7_250, 9_250, 11_250]
    for _ in range(3):
        talk.expect(ACK, seq=0)
    talk.expect(RST | ACK, seq=1)
    assert talk.happened() == ["err -13"]


def test_where_keepalive_cannot_be_set_its_defaults_count() -> None:
    talk = established("lwip-default")
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle, talk.pcb.keep_intvl, talk.pcb.keep_cnt = 5_000, 2_000, 3
    assert at_each_run(talk, 200_000) == [5_250, 80_250, 155_250]


def test_each_state_has_its_limit() -> None:
    """FIN_WAIT_2 20 s, LAST_ACK and TIME_WAIT 2 MSL of 60 s; the first tick beyond ends it, silently."""
    talk = established()
    talk.close()
    talk.segment(ACK, 1, 2)
    talk.advance(ms=20_249)
    assert talk.state == "FIN_WAIT_2"
    talk.advance(ms=1)
    assert talk.state == "CLOSED"
    talk = established()
    talk.segment(ACK | FIN, 1, 1)
    talk.close()
    talk.frames.clear()
    talk.advance(ms=120_249)
    assert talk.state == "LAST_ACK"
    talk.advance(ms=1)
    assert talk.state == "CLOSED"
    talk = established()
    talk.close()
    talk.segment(ACK | FIN, 1, 2)
    talk.advance(ms=120_249)
    assert talk.state == "TIME_WAIT"
    talk.advance(ms=1)
    assert talk.state == "CLOSED"
    assert talk.stack.mem.tcp_pcb.used == 0


def test_out_of_order_data_waits_for_six_time_outs() -> None:
    talk = established()
    talk.segment(PSH | ACK, 9, 1, b"x")
    talk.advance(ms=17_749)
    assert talk.pcb.ooseq
    talk.advance(ms=1)  # slow tick 36
    assert not talk.pcb.ooseq


def test_a_poll_that_fails_keeps_the_segment_back() -> None:
    talk = established()
    results = [ERR_ABRT, ERR_OK]
    talk.pcb.poll = lambda pcb: results.pop(0) if results else ERR_OK
    talk.pcb.pollinterval = 1
    talk.tcp.write(talk.pcb, b"x")
    assert at_each_run(talk, 1_000) == [750]


def test_the_tick_counter_wraps() -> None:
    talk = established()
    talk.tcp.ticks = talk.pcb.tmr = 0xFFFFFFFE
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle = 5_000
    assert at_each_run(talk, 6_000) == [5_250]
