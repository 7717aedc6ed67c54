"""Window and congestion events for the trace (``observe``)."""

from netstack.core import MS
from netstack.tcp.observe import report, snapshot
from netstack.trace import CongestionChange, Event, WindowChange
from tests.netstack.tcp.conversation import ACK, PSH, Conversation, established

Change = WindowChange | CongestionChange


def observed(profile: str = "micropython", **options: int) -> tuple[Conversation, list[Change]]:
    """A connection, and the changes that are told from now on."""
    talk = established(profile, mss=800, **options)
    changes: list[Change] = []

    def hook(event: Event) -> None:
        if isinstance(event, WindowChange | CongestionChange):
            changes.append(event)

    talk.stack.trace = hook
    return talk, changes


def test_a_window_of_the_peer() -> None:
    talk, changes = observed(win=9000)
    talk.advance(ms=30)
    talk.segment(ACK, 1, 1, win=10_000)
    assert changes == [WindowChange(30 * MS, talk.pcb.flow, "snd_wnd", 10_000)]


def test_a_window_of_ours() -> None:
    talk, changes = observed()
    talk.consumes = False
    talk.segment(PSH | ACK, 1, 1, bytes(100))
    flow = talk.pcb.flow
    assert changes == [
        WindowChange(0, flow, "rcv_wnd", 6300),
        WindowChange(0, flow, "rcv_ann_wnd", 6300),
    ]


def test_data_that_is_read_at_once_changes_nothing_in_the_end() -> None:
    talk, changes = observed()
    talk.segment(PSH | ACK, 1, 1, bytes(100))
    assert changes == [WindowChange(0, talk.pcb.flow, "rcv_ann_wnd", 6300)]


def test_congestion_by_an_acknowledgement_and_by_a_time_out() -> None:
    talk, changes = observed()
    talk.write(bytes(1600))
    talk.segment(ACK, 1, 801)
    flow = talk.pcb.flow
    assert changes == [CongestionChange(0, flow, 4000, 6400, "ack")]
    changes.clear()
    talk.advance(ms=4_000)
    assert changes == [CongestionChange(2750 * MS, flow, 800, 2000, "timer")]


def test_a_segment_without_ack_is_named_so() -> None:
    talk, changes = observed()
    talk.consumes = False
    talk.segment(PSH, 1, None, b"x")
    assert [change.which for change in changes if isinstance(change, WindowChange)] == [
        "rcv_wnd",
        "rcv_ann_wnd",
    ]


def test_what_is_as_it_was_is_not_told() -> None:
    talk, changes = observed()
    before = snapshot(talk.pcb)
    report(talk.tcp, talk.pcb, before, "ack")
    talk.segment(ACK, 1, 1)
    talk.advance(ms=10_000)
    assert changes == []


def test_several_changes_in_the_order_of_the_fields() -> None:
    talk, changes = observed()
    before = snapshot(talk.pcb)
    talk.stack.trace = changes.append  # type: ignore[assignment]
    pcb = talk.pcb
    pcb.snd_wnd, pcb.rcv_wnd, pcb.rcv_ann_wnd, pcb.cwnd, pcb.ssthresh = 1, 2, 3, 4, 5
    report(talk.tcp, pcb, before, "why")
    assert changes == [
        WindowChange(0, pcb.flow, "snd_wnd", 1),
        WindowChange(0, pcb.flow, "rcv_wnd", 2),
        WindowChange(0, pcb.flow, "rcv_ann_wnd", 3),
        CongestionChange(0, pcb.flow, 4, 5, "why"),
    ]


def test_without_an_observer_nothing_is_told() -> None:
    talk, changes = observed()
    before = snapshot(talk.pcb)
    talk.stack.trace = None
    talk.pcb.cwnd = 1
    report(talk.tcp, talk.pcb, before, "why")
    talk.segment(ACK, 1, 1, win=10)
    assert changes == []
