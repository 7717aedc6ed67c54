"""Every state against every kind of segment: what it becomes, and what is answered (RFC 9293 3.10.7, as lwIP
does it).

Each cell is reached by real segments. Rows that repeat what another module tests in depth are here for
completeness: that no combination crashes, leaks or breaks the table of allowed changes.
"""

from itertools import product
from typing import Any

import pytest

from netstack.tcp.states import ALLOWED, CLOSED, ESTABLISHED, FIN_WAIT_1, STATE_NAMES, set_state
from netstack.tcp.tcb import Tcb
from netstack.trace import Event, StateChange
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established


def in_state(name: str, **options: Any) -> Conversation:
    """A conversation whose device is in the state. The peer's next number is that of NEXT_SEQ, its ACK that
    of ALL_ACKED.
    """
    if name in {"SYN_SENT", "SYN_RCVD"}:
        talk = Conversation(**options)
        if name == "SYN_SENT":
            talk.connect()
        else:
            talk.segment(SYN, 0)
    else:
        talk = established(**options)
        WAY[name](talk)
    talk.frames.clear()
    talk.happened()
    pcb = pcb_of(talk)
    assert pcb is not None
    assert STATE_NAMES[pcb.state] == name
    return talk


def pcb_of(talk: Conversation) -> Tcb | None:
    return next(iter(talk.tcp.active_pcbs + talk.tcp.tw_pcbs), None)


def stay(talk: Conversation) -> None:
    """ESTABLISHED."""


def fin_wait_1(talk: Conversation) -> None:
    talk.close()


def fin_wait_2(talk: Conversation) -> None:
    talk.close()
    talk.segment(ACK, 1, 2)


def close_wait(talk: Conversation) -> None:
    talk.segment(ACK | FIN, 1, 1)


def closing(talk: Conversation) -> None:
    talk.close()
    talk.segment(ACK | FIN, 1, 1)


def last_ack(talk: Conversation) -> None:
    talk.segment(ACK | FIN, 1, 1)
    talk.close()


def time_wait(talk: Conversation) -> None:
    talk.close()
    talk.segment(ACK | FIN, 1, 2)


# How an established connection gets there
WAY = {
    "ESTABLISHED": stay,
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

# (state, flags) of a segment at the next sequence number that acknowledges everything: the new state, and the
# flags of the answers
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
    assert STATE_NAMES[CLOSED if pcb is None else pcb.state] == new
    for answer in answers:
        talk.expect(answer)
    talk.expect_nothing()


# flags, data, distance from the next sequence number, and from the acknowledgement of everything
SEGMENTS = list(
    product(
        (0, SYN, ACK, FIN, RST, PSH | ACK, SYN | ACK, ACK | FIN, SYN | FIN, 0x3F),
        (b"", b"data"),
        (-3, 0, 2, 5000),
        (-1, 0, 1),
    )
)

# Time limits and retries so small that every state has ended after 20 s
HASTY = {
    "tcp_msl": 1_000,
    "tcp_fin_wait_timeout": 2_000,
    "tcp_syn_rcvd_timeout": 2_000,
    "tcp_maxrtx": 2,
    "tcp_synmaxrtx": 2,
}


@pytest.mark.parametrize("state", ["SYN_SENT", "SYN_RCVD", *WAY])
def test_nothing_breaks(state: str) -> None:
    for flags, data, place, ack in SEGMENTS:
        talk = in_state(state, **HASTY)
        talk.segment(flags, NEXT_SEQ.get(state, 1) + place, ALL_ACKED.get(state, 1) + ack, data)
        talk.advance(ms=1_000)
        for pcb in (*talk.tcp.active_pcbs, *talk.tcp.tw_pcbs):
            assert pcb.rcv_wnd <= 2144, talk.story
            assert pcb.snd_queuelen == len(pcb.unsent) + len(pcb.unacked), talk.story
        talk.advance(ms=20_000)
        assert not talk.tcp.tw_pcbs, talk.story
        for pcb in tuple(talk.tcp.active_pcbs):  # what nobody has closed stays for ever
            assert STATE_NAMES[pcb.state] in {"ESTABLISHED", "CLOSE_WAIT"}, talk.story
            talk.tcp.abort(pcb)
        talk.expect_no_queue()
        assert talk.stack.mem.heap.used == 0, talk.story
        assert talk.stack.mem.tcp_pcb.used == 0, talk.story


def test_every_state_but_the_last_has_a_way_out() -> None:
    reachable = {0}
    while True:
        further = reachable | {new for old in reachable for new in ALLOWED[old]}
        if further == reachable:
            break
        reachable = further
    assert reachable == set(range(11))


def test_a_change_is_told_once_and_staying_is_none() -> None:
    talk = established()
    events: list[Event] = []
    talk.stack.trace = events.append
    events.clear()
    set_state(talk.tcp, talk.pcb, ESTABLISHED)
    assert events == []
    set_state(talk.tcp, talk.pcb, FIN_WAIT_1)
    assert events == [StateChange(0, talk.pcb.flow, "ESTABLISHED", "FIN_WAIT_1")]


def test_a_change_that_the_diagram_lacks_is_a_bug_of_ours() -> None:
    talk = established()
    talk.close()
    with pytest.raises(AssertionError, match="FIN_WAIT_1 to ESTABLISHED"):
        set_state(talk.tcp, talk.pcb, ESTABLISHED)
    set_state(talk.tcp, talk.pcb, CLOSED)  # from everywhere
    assert talk.state == "CLOSED"
