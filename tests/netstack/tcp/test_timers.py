"""The TCP timer: its grid, its parity, what it costs (``timers``, ``shared``)."""

from itertools import pairwise

from netstack.core import MS
from netstack.errors import ERR_OK
from netstack.tcp.tcb import Tcb
from tests.netstack.tcp.conversation import ACK, PSH, SYN, Conversation, established


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
