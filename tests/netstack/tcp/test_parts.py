"""The exchangeable parts of TCP: lwIP's by default, and asked at every place when they are others."""

from typing import Any

import pytest

from netstack.tcp import congestion, reassembly, rtt, window
from tests.netstack.tcp.conversation import ACK, PSH, established


class Noting:
    """lwIP's part, with the names of what was asked."""

    def __init__(self, part: Any) -> None:
        self._part = part
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._part, name)


def test_the_parts_are_lwips() -> None:
    parts = established().tcp.parts
    assert (parts.rtt, parts.congestion, parts.reassembly, parts.window) == (
        rtt, congestion, reassembly, window,
    )  # fmt: skip


def test_each_stack_has_parts_of_its_own() -> None:
    one, other = established(), established()
    one.tcp.parts.rtt = Noting(rtt)
    assert other.tcp.parts.rtt is rtt


@pytest.mark.parametrize("predicts", [True, False])
def test_every_part_is_asked(predicts: bool) -> None:
    talk = established("micropython", mss=800)
    talk.tcp.predicts = predicts
    parts = talk.tcp.parts
    noting = {name: Noting(getattr(parts, name)) for name in ("rtt", "congestion", "reassembly", "window")}
    for name, part in noting.items():
        setattr(parts, name, part)
    talk.segment(ACK | PSH, 11, 1, bytes(10))  # out of order
    talk.segment(ACK | PSH, 1, 1, bytes(10))
    talk.write(bytes(1600))
    talk.advance(ms=1000)
    talk.segment(ACK, 21, 801)
    talk.advance(ms=5000)  # a time-out
    talk.segment(ACK, 21, 1601)
    talk.write(bytes(3200))
    for _ in range(4):
        talk.segment(ACK, 21, 1601)
    talk.segment(ACK, 21, 4801)
    assert set(noting["reassembly"].asked) == {"queue_out_of_order", "make_room", "deliver_contiguous"}
    assert set(noting["window"].asked) == {"update_rcv_ann_wnd", "recved"}
    assert set(noting["rtt"].asked) == {"sample", "reset_backoff", "back_off"}
    assert set(noting["congestion"].asked) == {
        "on_ack", "on_timeout", "on_fast_retransmit", "on_further_duplicate", "leave_recovery",
    }  # fmt: skip


def test_the_end_of_a_handshake_asks_for_the_first_window() -> None:
    talk = established()
    noting = Noting(congestion)
    talk.tcp.parts.congestion = noting
    talk.connect()
    talk.segment(0x12, 0, 0, port=40000, to=5000, iss=0x10000)
    assert talk.state == "ESTABLISHED"
    assert "on_established" in noting.asked


def test_a_policy_of_ones_own_is_what_headers_say() -> None:
    class Half:
        """Announces half of what is free."""

        def __getattr__(self, name: str) -> Any:
            return getattr(window, name)

        def update_rcv_ann_wnd(self, tcp: Any, pcb: Any) -> int:
            pcb.rcv_ann_wnd = pcb.rcv_wnd // 2
            return 0

    talk = established("micropython", mss=800)
    talk.consumes = False
    talk.tcp.parts.window = Half()
    talk.segment(ACK | PSH, 1, 1, bytes(400))
    talk.segment(ACK | PSH, 401, 1, bytes(400))
    talk.expect(ACK, ack=801, win=(6400 - 800) // 2)
