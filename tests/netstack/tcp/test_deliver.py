"""Handing data to the application (``deliver``)."""

import pytest

from netstack.errors import ERR_ABRT, ERR_MEM, ERR_OK
from netstack.pbuf import Pbuf
from netstack.tcp.deliver import report_acked
from netstack.tcp.tcb import Tcb
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, established


def test_lwips_default_consumes_everything_and_closes_at_the_end() -> None:
    talk = established()
    talk.pcb.recv = None
    talk.segment(PSH | ACK, 1, 1, bytes(1000))
    assert talk.pcb.rcv_wnd == 2144
    talk.expect(ACK, ack=1001)
    talk.segment(ACK | FIN, 1001, 1)
    assert talk.state == "LAST_ACK"
    talk.expect(ACK | FIN, ack=1002)
    assert talk.stack.mem.pbuf_pool.used == 0


def test_acknowledgements_are_told_in_pieces_of_16_bits() -> None:
    talk = established()
    assert report_acked(talk.pcb, 150_000)
    assert talk.happened() == ["sent 65535", "sent 65535", "sent 18930"]


def test_a_callback_that_aborts_ends_it() -> None:
    talk = established()

    def abort(pcb: Tcb, p: Pbuf | None, err: int) -> int:
        assert p is not None
        p.free()
        talk.tcp.abort(pcb)
        return ERR_ABRT

    talk.pcb.recv = abort
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.expect(RST | ACK)
    assert talk.state == "CLOSED"
    talk.expect_no_queue()


def test_closing_inside_the_callback_with_unread_data_resets_and_then_acknowledges() -> None:
    """lwIP: the pcb is freed after the callbacks, and its pending delayed ACK goes out behind the reset."""
    talk = established()

    def close(pcb: Tcb, p: Pbuf | None, err: int) -> int:
        assert p is not None
        p.free()
        talk.tcp.close(pcb)
        return ERR_OK

    talk.pcb.recv = close
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.expect(RST | ACK, seq=1, ack=2)
    talk.expect(ACK, seq=1, ack=2)
    assert talk.state == "CLOSED"
    assert talk.stack.mem.tcp_pcb.used == 0


@pytest.mark.parametrize("sizes", [[40_000, 40_000], [60_000]])
def test_more_than_64_kib_come_in_pieces(sizes: list[int]) -> None:
    talk = established("full", pbuf_pool_size=300, lwip_wnd_scale=1)
    talk.consumes = False
    total = sum(sizes)
    talk.pcb.rcv_wnd = talk.pcb.rcv_ann_wnd = 116_800  # as if scaling had been agreed
    talk.pcb.flags |= 0x100
    data = bytes(range(256)) * 500
    for start in range(1000, total, 1000):
        talk.segment(ACK, 1 + start, 1, data[start : min(start + 1000, total)])
    talk.frames.clear()
    talk.segment(ACK, 1, 1, data[:1000])
    assert talk.received == data[:total]
    lengths = [int(event.split()[1]) for event in talk.happened()]
    assert all(length <= 0xFFFF for length in lengths)
    assert len(lengths) == (1 if total <= 0xFFFF else 2)
    talk.read()


def test_refused_data_over_64_kib_stays_in_order() -> None:
    talk = established("full", pbuf_pool_size=300)
    talk.pcb.rcv_wnd = talk.pcb.rcv_ann_wnd = 116_800
    talk.pcb.flags |= 0x100
    data = bytes(range(256)) * 300
    for start in range(1000, 70_000, 1000):
        talk.segment(ACK, 1 + start, 1, data[start : start + 1000])
    talk.answer = ERR_MEM
    talk.segment(ACK, 1, 1, data[:1000])
    assert talk.happened() == ["refused 65000"]
    talk.answer = ERR_OK
    talk.advance(ms=250)
    assert talk.received == data[:70_000]


@pytest.mark.parametrize("by_segment", [False, True])
@pytest.mark.parametrize("at_end", [False, True])
def test_an_application_may_close_when_refused_data_is_offered_again(by_segment: bool, at_end: bool) -> None:
    """Data it has not read makes the close a reset that frees the pcb at once, since no segment is being
    processed; real lwIP goes on with it.
    """
    talk = established()
    talk.answer = ERR_MEM
    talk.segment(PSH | ACK | FIN, 1, 1, b"last words")
    talk.frames.clear()
    closed: list[int] = []

    def close(pcb: Tcb, p: Pbuf | None, err: int) -> int:
        assert not closed, "a callback after the close"
        if p is not None:
            p.free()
        if p is None or not at_end:
            closed.append(talk.tcp.close(pcb))
        return ERR_OK

    talk.pcb.recv = close
    if by_segment:
        talk.segment(PSH | ACK, 12, 1, b"beyond the FIN")
    else:
        talk.advance(ms=250)
    assert closed == [ERR_OK]
    assert talk.state == "CLOSED"
    assert RST | ACK in [int(frame["TCP"].flags) for frame in talk.replies()]
    assert not talk.tcp.active_pcbs
    assert talk.stack.mem.tcp_pcb.used == 0
    talk.expect_no_queue()
