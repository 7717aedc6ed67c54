"""Who dies for a new pcb (``alloc``)."""

from netstack.tcp.states import STATE_NAMES
from netstack.tcp.tcb import TF_CLOSEPEND, Tcb
from tests.netstack.tcp.conversation import ACK, FIN, RST, SYN, Conversation


def connected(talk: Conversation, port: int) -> Tcb:
    """One more connection to the device."""
    talk.segment(SYN, 0, port=port, to=80)
    talk.segment(ACK, 1, 1, port=port, to=80)
    talk.frames.clear()
    return talk.pcb


def states(pcbs: list[Tcb]) -> list[str]:
    return [STATE_NAMES[pcb.state] for pcb in pcbs]


def test_the_oldest_time_wait_goes_first_and_silently() -> None:
    talk = Conversation(memp_num_tcp_pcb=3)
    pcbs = []
    for port in (1, 2):
        pcbs.append(connected(talk, port))
        talk.close()
        talk.segment(ACK | FIN, 1, 2, port=port, to=80)
        talk.advance(ms=1000)
    pcbs.append(connected(talk, 3))
    talk.happened()
    talk.frames.clear()
    talk.segment(SYN, 0, port=4, to=80)
    talk.expect(SYN | ACK)
    talk.expect_nothing()
    assert states(pcbs) == ["CLOSED", "TIME_WAIT", "ESTABLISHED"]
    assert talk.happened() == []
    assert talk.stack.mem.tcp_pcb.err == 0


def test_then_last_ack_and_closing_without_a_reset() -> None:
    talk = Conversation(memp_num_tcp_pcb=2)
    last_ack = connected(talk, 1)
    talk.segment(ACK | FIN, 1, 1, port=1, to=80)
    talk.close()
    closing = connected(talk, 2)
    talk.close()
    talk.segment(ACK | FIN, 1, 1, port=2, to=80)
    assert states([last_ack, closing]) == ["LAST_ACK", "CLOSING"]
    talk.frames.clear()
    talk.happened()
    talk.segment(SYN, 0, port=3, to=80)
    talk.expect(SYN | ACK)
    talk.segment(SYN, 0, port=4, to=80)
    talk.expect(SYN | ACK)
    talk.expect_nothing()
    assert states([last_ack, closing]) == ["CLOSED", "CLOSED"]
    assert talk.happened() == ["err -13", "err -13"]


def test_equal_priorities_are_safe_lower_ones_are_reset() -> None:
    talk = Conversation(memp_num_tcp_pcb=2)
    first, second = connected(talk, 1), connected(talk, 2)
    talk.segment(SYN, 0, port=3, to=80)
    talk.expect_drop("tcp_pcb")
    first.prio = 63
    talk.segment(SYN, 0, port=3, to=80)
    talk.expect(RST | ACK)
    talk.expect(SYN | ACK)
    assert states([first, second]) == ["CLOSED", "ESTABLISHED"]


def test_among_lower_priorities_the_lowest_and_most_inactive() -> None:
    talk = Conversation(memp_num_tcp_pcb=3)
    pcbs = [connected(talk, port) for port in (1, 2, 3)]
    for pcb, prio in zip(pcbs, (10, 9, 9), strict=True):
        pcb.prio = prio
    talk.advance(ms=5000)
    talk.segment(ACK, 1, 1, port=2, to=80)
    talk.segment(SYN, 0, port=4, to=80)
    assert states(pcbs) == ["ESTABLISHED", "ESTABLISHED", "CLOSED"]


def test_half_open_and_fin_wait_are_never_sacrificed() -> None:
    talk = Conversation(memp_num_tcp_pcb=2)
    connected(talk, 1)
    talk.close()
    talk.segment(ACK, 1, 2, port=1, to=80)
    talk.segment(SYN, 0, port=2, to=80)
    talk.frames.clear()
    talk.segment(SYN, 0, port=3, to=80)
    talk.expect_drop("tcp_pcb")


def test_a_postponed_fin_is_tried_before_anybody_dies() -> None:
    talk = Conversation(memp_num_tcp_pcb=1)
    pcb = connected(talk, 1)
    heap = talk.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    talk.close()
    assert pcb.flags & TF_CLOSEPEND
    heap.free(hog)
    talk.segment(SYN, 0, port=2, to=80)
    talk.expect(ACK | FIN)
    talk.expect_drop("tcp_pcb")
    assert states([pcb]) == ["FIN_WAIT_1"]
