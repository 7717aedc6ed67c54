"""Skipping timer runs that would do nothing shows nowhere but in the work that is saved (``quiet``).

Each conversation is held twice: as it is, and with a ``quiet_runs`` that never lets a run be skipped. All
that an observer sees must be the same, with the same virtual times.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from netstack.core import MS
from netstack.errors import ERR_MEM, ERR_OK
from netstack.tcp.states import CLOSED
from netstack.tcp.tcb import SOF_KEEPALIVE, Tcb
from netstack.trace import Done, Event, TimerFired
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established

Script = Callable[[Conversation], None]
INTERVALS = [1, 64, 128]


@contextmanager
def every_run_made() -> Iterator[None]:
    """Stacks built inside run their TCP timer every 250 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netstack.tcp.layer.quiet_runs", lambda tcp: 0)
        yield


def polled(talk: Conversation, interval: int) -> None:
    """An application that wants to be called every ``interval`` slow ticks."""

    def poll(pcb: Tcb) -> int:
        talk.events.append(f"poll {talk.now}")
        return ERR_OK

    talk.pcb.poll = poll
    talk.pcb.pollinterval = interval


def ask(talk: Conversation, seq: int, ack: int) -> None:
    """A byte from us: when it is acknowledged shows the phase of the timer."""
    talk.segment(PSH | ACK, seq, ack, b"?")
    talk.advance(ms=600)


# The conversations. Each begins with an established connection.


def idle(talk: Conversation) -> None:
    for seq, pause in enumerate((100, 1_000, 3_333, 1_000_000, 250, 17)):
        talk.advance(ms=pause)
        ask(talk, 1 + seq, 1)


def kept_alive(talk: Conversation) -> None:
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle = 10_000
    for pause in (10_700, 20_000, 100_000):  # the peer answers
        talk.advance(ms=pause)
        talk.segment(ACK, 1, 1)
    talk.advance(ms=800_000)  # and then no more


def kept_alive_at_intervals_of_its_own(talk: Conversation) -> None:
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle, talk.pcb.keep_intvl, talk.pcb.keep_cnt = 3_000, 700, 4
    talk.advance(ms=5_000)
    talk.segment(ACK, 1, 1)
    talk.advance(ms=20_000)


def kept_alive_less_patiently_in_the_middle(talk: Conversation) -> None:
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle, talk.pcb.keep_intvl, talk.pcb.keep_cnt = 3_000, 5_000, 9
    talk.advance(ms=20_000)
    talk.pcb.keep_cnt = 2
    talk.advance(ms=20_000)


def kept_alive_without_memory(talk: Conversation) -> None:
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle = 5_000
    heap = talk.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    talk.advance(ms=8_300)
    heap.free(hog)
    talk.advance(ms=80_000)


def fin_wait_2(talk: Conversation) -> None:
    talk.close()
    talk.advance(ms=400)
    talk.segment(ACK, 1, 2)
    talk.advance(ms=60_000)


def half_closed(talk: Conversation) -> None:
    talk.tcp.shutdown(talk.pcb, rx=False, tx=True)
    talk.segment(ACK, 1, 2)
    talk.advance(ms=60_000)
    ask(talk, 1, 2)
    talk.tcp.shutdown(talk.pcb, rx=True, tx=False)
    talk.advance(ms=60_000)


def time_wait(talk: Conversation) -> None:
    talk.close()
    talk.segment(ACK | FIN, 1, 2)
    talk.advance(ms=77_777)
    talk.segment(ACK | FIN, 1, 2)  # restarts the 2 MSL
    talk.advance(ms=200_000)
    talk.segment(SYN, 0, port=2, to=80)  # the phase after a rest
    talk.segment(ACK, 1, 1, port=2, to=80)
    talk.segment(PSH | ACK, 1, 1, b"?", port=2, to=80)
    talk.advance(ms=1_000)


def last_ack(talk: Conversation) -> None:
    talk.segment(ACK | FIN, 1, 1)
    talk.advance(ms=30_000)
    talk.close()
    talk.advance(ms=150_000)


def syn_rcvd(talk: Conversation) -> None:
    talk.advance(ms=12_345)
    talk.segment(SYN, 0, port=2, to=80)
    talk.advance(ms=40_000)
    ask(talk, 1, 1)


def syn_answered_after_the_last_repetition(talk: Conversation) -> None:
    """lwIP: the retries of the SYN still count when the connection is established, and end it."""
    talk.connect()
    while talk.pcb.nrtx < talk.stack.profile.tcp_synmaxrtx:
        talk.advance(ms=250)
    talk.segment(SYN | ACK, 0, 0)
    talk.advance(ms=10_000)


def polls(talk: Conversation) -> None:
    for interval in (1, 3, 4, 255):
        polled(talk, interval)
        talk.advance(ms=10_250)
        ask(talk, 1 if interval == 1 else 2, 1)
    talk.pcb.poll = None
    talk.advance(ms=3_100)
    polled(talk, 5)
    talk.advance(ms=10_000)
    talk.pcb.pollinterval = 2
    talk.advance(ms=10_000)
    talk.pcb.pollinterval = 7
    for pause in (5_300, 20_900):  # nobody polls, but the counter goes round
        talk.pcb.poll = None
        talk.advance(ms=pause)
        polled(talk, 7)
        talk.advance(ms=6_200)


def a_poll_that_closes(talk: Conversation) -> None:
    polled(talk, 6)
    poll = talk.pcb.poll
    assert poll is not None

    def poll_and_close(pcb: Tcb) -> int:
        if talk.now > 20_000:
            pcb.poll = None
            talk.tcp.close(pcb)
        return poll(pcb)

    talk.pcb.poll = poll_and_close
    talk.advance(ms=60_000)


def out_of_order(talk: Conversation) -> None:
    talk.advance(ms=777)
    talk.segment(PSH | ACK, 5, 1, b"hole")
    talk.advance(ms=15_000)
    talk.segment(PSH | ACK, 9, 1, b"hole")
    talk.advance(ms=30_000)
    talk.segment(PSH | ACK, 1, 1, b"late")
    talk.advance(ms=1_000)


def refused(talk: Conversation) -> None:
    talk.answer = ERR_MEM
    talk.segment(PSH | ACK, 1, 1, b"not now")
    talk.advance(ms=5_000)
    talk.answer = ERR_OK
    talk.advance(ms=5_000)


def sending(talk: Conversation) -> None:
    talk.advance(ms=1_234)
    talk.write(b"lost")
    talk.advance(ms=40_000)
    talk.segment(ACK, 1, 5, win=0)
    talk.write(b"blocked")
    talk.advance(ms=40_000)
    talk.segment(ACK, 1, 6, win=9)
    talk.advance(ms=40_000)


def several(talk: Conversation) -> None:
    polled(talk, 7)
    talk.advance(ms=3_300)
    for port in (2, 3):
        talk.segment(SYN, 0, port=port, to=80)
        talk.segment(ACK, 1, 1, port=port, to=80)
        talk.advance(ms=1_700)
    talk.close()
    talk.segment(ACK, 1, 2, port=3, to=80)
    talk.advance(ms=33_000)
    talk.segment(PSH | ACK, 3, 1, b"hole", port=2, to=80)
    talk.advance(ms=60_000)
    talk.segment(RST, 1, port=2, to=80)
    talk.advance(ms=10_000)


def random_steps(seed: int) -> Script:
    """Whatever comes: segments, writes, pauses, a close, answers to some of what is sent."""

    def script(talk: Conversation) -> None:
        random = Random(seed)
        talk.consumes = random.random() < 0.7
        seq = 1
        closed = False
        if random.random() < 0.4:
            talk.pcb.so_options |= SOF_KEEPALIVE
            talk.pcb.keep_idle = random.randrange(1_000, 20_000)
            talk.pcb.keep_intvl = random.randrange(400, 9_000)
        if random.random() < 0.6:
            polled(talk, random.randrange(12))
        for _ in range(25):
            if talk.pcb.state == CLOSED:
                return
            acked = talk.pcb.snd_nxt - 0x10000 & 0xFFFFFFFF
            match random.randrange(9):
                case 0:
                    talk.segment(PSH | ACK, seq, acked, b"ab")
                    seq += 2
                case 1:
                    talk.segment(PSH | ACK, seq + 3, acked, b"hole")
                case 2:
                    talk.segment(ACK, seq, acked, win=random.choice((0, 1, 50, 65535)))
                case 3 if not closed:
                    talk.write(bytes(random.randrange(900)))
                case 4 if random.random() < 0.2 and not closed:
                    talk.close()
                    closed = True
                case 5 if random.random() < 0.3:
                    talk.segment(ACK | FIN, seq, acked)
                case 6 if not closed:
                    talk.read()
                case _:
                    talk.advance(ms=random.choice((1, 77, 250, 499, 1_900, 7_000, 31_000)))
        talk.advance(ms=200_000)

    return script


SCRIPTS = [
    idle,
    kept_alive,
    kept_alive_at_intervals_of_its_own,
    kept_alive_less_patiently_in_the_middle,
    kept_alive_without_memory,
    fin_wait_2,
    half_closed,
    time_wait,
    last_ack,
    syn_rcvd,
    syn_answered_after_the_last_repetition,
    polls,
    a_poll_that_closes,
    out_of_order,
    refused,
    sending,
    several,
]


def held(script: Script, profile: str, interval: int) -> tuple[list[Event], list[str], list[str]]:
    """What an observer sees of a conversation, what the application hears, and the pcbs at the end."""
    talk = established(profile, poll_interval_ms=interval)
    events: list[Event] = []
    talk.stack.trace = events.append
    script(talk)
    seen = [event for event in events if not isinstance(event, TimerFired | Done)]
    fields = [
        f"{name} {getattr(pcb, name)!r}"
        for pcb in talk.tcp.active_pcbs + talk.tcp.tw_pcbs
        for name in ("state", "tmr", "polltmr", "rtime", "nrtx", "keep_cnt_sent", "flags", "snd_queuelen")
    ]
    return seen, talk.happened(), [f"ticks {talk.tcp.ticks} {talk.tcp.timer_runs}", *fields]


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_conversation_is_the_same(script: Script, interval: int) -> None:
    for profile in ("lwip-default", "full", "esp-like"):
        skipping = held(script, profile, interval)
        with every_run_made():
            assert skipping == held(script, profile, interval)


@pytest.mark.parametrize("seed", range(8))
def test_random_conversations_are_the_same(seed: int) -> None:
    for i in range(12):
        script = random_steps(12 * seed + i)
        skipping = held(script, "full", INTERVALS[i % 3])
        with every_run_made():
            assert skipping == held(script, "full", INTERVALS[i % 3])


def runs(talk: Conversation, ms: int) -> int:
    """How often the TCP timer runs while time passes."""
    fired: list[str] = []
    talk.stack.core.timers.on_fire = fired.append
    talk.advance(ms=ms)
    return fired.count("tcp")


HOUR = 3_600_000


def test_an_idle_hour_takes_no_step() -> None:
    assert runs(established(), HOUR) == 0
    with every_run_made():
        assert runs(established(), HOUR) == 14_400


def test_only_the_runs_that_matter_are_made() -> None:
    talk = established()
    polled(talk, 60)  # every half minute
    assert runs(talk, HOUR) == 120
    talk = established()
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle = 600_000
    assert runs(talk, HOUR) == 10  # nine probes and the end
    assert talk.happened() == ["err -13"]


def test_the_owner_is_not_woken_for_what_is_skipped() -> None:
    talk = established()
    talk.advance(ms=10)
    assert talk.stack.next_deadline() is None
    talk.close()
    talk.segment(ACK | FIN, 1, 2)
    assert talk.stack.next_deadline() == 120_250 * MS  # slow tick 241, the end of TIME_WAIT


def test_something_to_do_ends_the_quiet_at_once() -> None:
    talk = established()
    talk.advance(ms=1_100)
    assert talk.stack.next_deadline() is None
    talk.segment(PSH | ACK, 1, 1, b"x")
    assert talk.stack.next_deadline() == 1_250 * MS
    talk.advance(ms=150)
    talk.expect(ACK, ack=2)
    assert talk.stack.next_deadline() is None
