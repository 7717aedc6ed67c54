"""What the parts of TCP share: initial sequence numbers, the window of resets, the limits of numbers
(``shared``).
"""

from typing import Any

import pytest

from netstack.tcp.shared import FIRST_ISS
from netstack.tcp.tcb import TF_WND_SCALE
from tests.netstack.peer import Peer
from tests.netstack.tcp.conversation import ACK, RST, SYN, Conversation


def iss_of(talk: Conversation, port: int) -> int:
    """The initial sequence number of the device's answer to a SYN."""
    talk.segment(SYN, 0, port=port)
    return int(talk.expect(SYN | ACK).seq)


def test_initial_sequence_numbers_grow_by_the_tick_count() -> None:
    talk = Conversation("micropython")
    talk.tcp.iss_hook = None
    assert iss_of(talk, 1) == FIRST_ISS == 6510
    assert iss_of(talk, 2) == 6510  # tick 0
    talk.advance(ms=2_000)
    assert talk.tcp.ticks == 4
    talk.frames.clear()
    assert iss_of(talk, 3) == 6514
    assert iss_of(talk, 4) == 6518


def test_initial_sequence_numbers_wrap() -> None:
    peer = Peer()
    peer.stack.tcp.iss = 0xFFFFFFFF
    peer.stack.tcp.ticks = 2
    assert peer.stack.tcp.next_iss() == 1


def test_the_ports_own_numbers_are_taken_as_they_are() -> None:
    peer = Peer()
    numbers = iter((1, 0xFFFFFFFF, 1 << 32, -1))
    peer.stack.tcp.iss_hook = lambda: next(numbers)
    assert [peer.stack.tcp.next_iss() for _ in range(4)] == [1, 0xFFFFFFFF, 0, 0xFFFFFFFF]


def test_without_the_quirk_they_come_from_the_devices_random_numbers() -> None:
    peer = Peer(quirks_off=("iss_from_ticks",), rand=0x12345678)
    assert peer.stack.tcp.next_iss() == 0x12345678


@pytest.mark.parametrize(
    ("options", "window"),
    [
        ({"tcp_wnd": 6400}, 25),  # 0x1900
        ({"tcp_wnd": 2144}, 0x6008),
        ({"tcp_wnd": 0x0102}, 0x0201),
        ({"lwip_wnd_scale": 1, "tcp_wnd": 116800, "tcp_rcv_scale": 1}, 0x20E4),  # 0xE420
        ({"quirks_off": ("rst_window_byteswap",), "tcp_wnd": 6400}, 6400),
    ],
)
def test_the_window_of_resets(options: dict[str, Any], window: int) -> None:
    talk = Conversation(**options)
    assert talk.tcp.rst_window == window
    talk.segment(ACK, 1, 1)
    talk.expect(RST | ACK, win=window)


def test_windows_saturate_at_the_width_of_their_type() -> None:
    narrow, wide = Peer("micropython").stack.tcp, Peer("full").stack.tcp
    assert [narrow.wnd_inc(60_000, increment) for increment in (0, 5_535, 5_536)] == [60_000, 65_535, 65_535]
    assert wide.wnd_inc(60_000, 10_000) == 70_000
    assert wide.wnd_inc(0xFFFFFFFF, 1) == 0xFFFFFFFF


def test_the_largest_receive_window_depends_on_what_was_agreed() -> None:
    tcp = Peer("full").stack.tcp
    pcb = tcp.new()
    assert pcb is not None
    assert tcp.wnd_max(pcb) == pcb.rcv_wnd == 0xFFFF
    pcb.flags |= TF_WND_SCALE
    assert tcp.wnd_max(pcb) == 116800


@pytest.mark.parametrize(
    ("mtu", "options", "mss"),
    [
        (1500, {}, 1460),
        (1400, {}, 1360),
        (576, {}, 536),
        (40, {}, 0),
        (30, {}, 0),
        (0, {}, 1460),  # an interface that does not say
        (576, {"tcp_calculate_eff_send_mss": 0}, 1460),
    ],
)
def test_segments_fit_the_mtu(mtu: int, options: dict[str, Any], mss: int) -> None:
    tcp = Peer("full", **options).stack.tcp
    tcp.netif.mtu = mtu
    assert tcp.eff_send_mss(1460) == mss
    assert tcp.eff_send_mss(400) == min(400, mss)


def test_the_mtu_limits_what_is_offered_and_what_is_sent() -> None:
    talk = Conversation("full")
    talk.stack.netif.mtu = 1000
    talk.segment(SYN, 0, mss=1460)
    talk.expect(SYN | ACK, mss=960)
    talk.segment(ACK, 1, 1)
    talk.write(bytes(2_000))
    talk.expect(ACK, data=bytes(960))
