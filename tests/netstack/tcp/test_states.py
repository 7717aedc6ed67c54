"""Every state against every kind of segment: what it becomes, and what is answered (RFC 9293 3.10.7, as lwIP does it).

Each cell is reached by real segments. Rows that repeat what another module tests in depth are here for completeness: that no
combination crashes, leaks or breaks the table of allowed changes.
"""

from collections.abc import Callable
from itertools import product

import pytest

from netstack.tcp.states import ALLOWED, STATE_NAMES
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established


def in_state(name: str) -> Conversation:
    """A conversation whose device is in the state; the peer's next number is ``talk.seq``, its ACK ``talk.ack``."""
    talk = SETUP[name]()
    talk.frames.clear()
    talk.happened()
    assert STATE_NAMES[pcb_of(talk).state] == name
    return talk


def pcb_of(talk: Conversation) -> object:
    return (talk.tcp.active_pcbs or talk.tcp.tw_pcbs or [None])[0]


def syn_sent() -> Conversation:
    talk = Conversation()
    talk.connect()
    return talk


def syn_rcvd() -> Conversation:
    talk = Conversation()
    talk.segment(SYN, 0)
    return talk


def fin_wait_1() -> Conversation:
    talk = established()
    talk.close()
    return talk


def fin_wait_2() -> Conversation:
    talk = fin_wait_1()
    talk.segment(ACK, 1, 2)
    return talk


def close_wait() -> Conversation:
    talk = established()
    talk.segment(ACK | FIN, 1, 1)
    return talk


def closing() -> Conversation:
    talk = fin_wait_1()
    talk.segment(ACK | FIN, 1, 1)
    return talk


def last_ack() -> Conversation:
    talk = close_wait()
    talk.close()
    return talk


def time_wait() -> Conversation:
    talk = fin_wait_1()
    talk.segment(ACK | FIN, 1, 2)
    return talk


SETUP: dict[str, Callable[[], Conversation]] = {
    "SYN_SENT": syn_sent,
    "SYN_RCVD": syn_rcvd,
    "ESTABLISHED": established,
    "FIN_WAIT_1": fin_wait_1,
    "FIN_WAIT_2": fin_wait_2,
    "CLOSE_WAIT": close_wait,
    "CLOSING": closing,
    "LAST_ACK": last_ack,
    "TIME_WAIT": time_wait,
}
# The peer's next sequence number and the acknowledgement of all the device has sent, by state
NEXT_SEQ = {"SYN_SENT": 0, "CLOSE_WAIT": 2, "CLOSING": 2, "LAST_ACK": 2, "TIME_WAIT": 2}
ALL_ACKED = {"SYN_SENT": 0, "FIN_WAIT_1": 2, "FIN_WAIT_2": 2, "CLOSING": 2, "LAST_ACK": 2, "TIME_WAIT": 2}

# (state, flags) of a segment at the next sequence number that acknowledges everything: new state, flags of the answers
EXPECTED: dict[tuple[str, int], tuple[str, list[int]]] = {
    ("SYN_SENT", RST | ACK): ("CLOSED", []),
    ("SYN_SENT", SYN): ("SYN_SENT", []),
    ("SYN_SENT", SYN | ACK): ("ESTABLISHED", [ACK]),
    ("SYN_SENT", ACK): ("SYN_SENT", [RST | ACK, SYN]),
    ("SYN_SENT", ACK | FIN): ("SYN_SENT", [RST | ACK, SYN]),
    ("SYN_RCVD", RST): ("CLOSED", []),
    ("SYN_RCVD", SYN): ("SYN_RCVD", []),
    ("SYN_RCVD", ACK): ("ESTABLISHED", []),
    ("SYN_RCVD", ACK | FIN): ("CLOSE_WAIT", [ACK]),
    ("SYN_RCVD", FIN): ("SYN_RCVD", []),
    ("ESTABLISHED", RST): ("CLOSED", []),
    ("ESTABLISHED", SYN): ("ESTABLISHED", [ACK]),
    ("ESTABLISHED", ACK): ("ESTABLISHED", []),
    ("ESTABLISHED", ACK | FIN): ("CLOSE_WAIT", [ACK]),
    ("ESTABLISHED", FIN): ("CLOSE_WAIT", [ACK]),
    ("FIN_WAIT_1", RST): ("CLOSED", []),
    ("FIN_WAIT_1", SYN): ("FIN_WAIT_1", [ACK]),
    ("FIN_WAIT_1", ACK): ("FIN_WAIT_2", []),
    ("FIN_WAIT_1", ACK | FIN): ("TIME_WAIT", [ACK]),
    ("FIN_WAIT_1", FIN): ("CLOSING", [ACK]),
    ("FIN_WAIT_2", RST): ("CLOSED", []),
    ("FIN_WAIT_2", SYN): ("FIN_WAIT_2", [ACK]),
    ("FIN_WAIT_2", ACK): ("FIN_WAIT_2", []),
    ("FIN_WAIT_2", ACK | FIN): ("TIME_WAIT", [ACK]),
    ("FIN_WAIT_2", FIN): ("TIME_WAIT", [ACK]),
    ("CLOSE_WAIT", RST): ("CLOSED", []),
    ("CLOSE_WAIT", SYN): ("CLOSE_WAIT", [ACK]),
    ("CLOSE_WAIT", ACK): ("CLOSE_WAIT", []),
    ("CLOSE_WAIT", ACK | FIN): ("CLOSE_WAIT", []),
    ("CLOSING", RST): ("CLOSED", []),
    ("CLOSING", SYN): ("CLOSING", [ACK]),
    ("CLOSING", ACK): ("TIME_WAIT", []),
    ("CLOSING", ACK | FIN): ("TIME_WAIT", []),
    ("LAST_ACK", RST): ("CLOSED", []),
    ("LAST_ACK", SYN): ("LAST_ACK", [ACK]),
    ("LAST_ACK", ACK): ("CLOSED", []),
    ("LAST_ACK", ACK | FIN): ("CLOSED", []),
    ("TIME_WAIT", RST): ("TIME_WAIT", []),
    ("TIME_WAIT", SYN): ("TIME_WAIT", [RST | ACK]),
    ("TIME_WAIT", ACK): ("TIME_WAIT", []),
    ("TIME_WAIT", ACK | FIN): ("TIME_WAIT", [ACK]),
}


@pytest.mark.parametrize(("state", "flags"), list(EXPECTED))
def test_the_next_segment(state: str, flags: int) -> None:
    talk = in_state(state)
    talk.segment(flags, NEXT_SEQ.get(state, 1), ALL_ACKED.get(state, 1) if flags & ACK else None)
    new, answers = EXPECTED[state, flags]
    pcb = pcb_of(talk)
    assert STATE_NAMES[getattr(pcb, "state", 0)] == new
    assert [talk.expect(answer) is not None for answer in answers] == [True] * len(answers)
    talk.expect_nothing()


@pytest.mark.parametrize(
    ("state", "flags", "data", "place", "ack"),
    list(
        product(
            SETUP,
            (0, SYN, ACK, FIN, RST, PSH | ACK, SYN | ACK, ACK | FIN, SYN | FIN, 0x3F),
            (b"", b"data"),
            (-3, 0, 2, 5000),
            (-1, 0, 1),
        )
    ),
)
def test_nothing_breaks(state: str, flags: int, data: bytes, place: int, ack: int) -> None:
    talk = in_state(state)
    talk.segment(flags, NEXT_SEQ.get(state, 1) + place, ALL_ACKED.get(state, 1) + ack, data)
    talk.advance(ms=1_000)
    for pcb in (*talk.tcp.active_pcbs, *talk.tcp.tw_pcbs):
        assert pcb.rcv_wnd <= 2144
        assert pcb.snd_queuelen == len(pcb.unsent) + len(pcb.unacked)
    talk.advance(ms=125_000)
    for pcb in tuple(talk.tcp.active_pcbs):  # the rest would take half an hour, or for ever
        talk.tcp.abort(pcb)
    talk.expect_no_queue()
    assert talk.stack.mem.heap.used == 0
    assert talk.stack.mem.tcp_pcb.used == 0


def test_every_state_but_the_last_has_a_way_out() -> None:
    reachable = {0}
    while True:
        further = reachable | {new for old in reachable for new in ALLOWED[old]}
        if further == reachable:
            break
        reachable = further
    assert reachable == set(range(11))
