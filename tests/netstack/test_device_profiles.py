"""The boards: their numbers are those of the ports' sources, and their polling shows on the wire."""

from __future__ import annotations

from itertools import pairwise

import pytest

from netstack.address import parse_ip
from netstack.core import MS
from netstack.device_profiles import BOARDS, Device, Part
from netstack.errors import ERR_OK
from netstack.options import OPTIONS
from netstack.profiles import PROFILES, named
from netstack.quirks import quirks_of
from netstack.stack import Stack
from netstack.trace import FrameOut

# MSS, TCP_WND, TCP_SND_BUF, TCP_SND_QUEUELEN, MEM_SIZE, PBUF_POOL_SIZE, its size, pcbs, listeners, segments,
# TTL, first time-out, SYN repetitions: the ports' lwipopts.h, compiled by hand.
SIZES = {
    "lwip-default": (536, 2144, 1072, 8, 1600, 16, 592, 5, 8, 16, 255, 3000, 6),
    "lwip-2.1.3": (536, 2144, 1072, 8, 1600, 16, 592, 5, 8, 16, 255, 3000, 6),
    "contrib-unix": (536, 2144, 1072, 8, 1600, 8, 592, 4, 4, 16, 255, 3000, 6),
    "micropython": (800, 6400, 6400, 32, 8000, 16, 856, 5, 8, 32, 255, 3000, 6),
    "micropython-rp2": (800, 6400, 6400, 32, 8000, 16, 876, 5, 8, 32, 255, 3000, 6),
    "micropython-stm32": (800, 6400, 6400, 32, 8000, 16, 856, 5, 8, 32, 255, 3000, 6),
    "micropython-mimxrt": (800, 6400, 6400, 32, 8000, 16, 856, 5, 8, 32, 255, 3000, 6),
    "micropython-renesas-ra": (1460, 11680, 11680, 16, 16384, 16, 1516, 5, 8, 32, 255, 3000, 6),
    "micropython-stm32-n6": (1460, 23360, 23360, 64, 65536, 32, 1516, 5, 8, 64, 255, 3000, 6),
    "pico-sdk": (1460, 11680, 11680, 32, 4000, 24, 1516, 5, 8, 32, 255, 3000, 6),
    "esp32-idf": (1440, 5760, 5760, 16, 131072, 32, 1600, 16, 16, 256, 64, 1500, 12),
    "micropython-esp32": (1440, 5760, 5760, 16, 131072, 32, 1600, 12, 16, 256, 64, 1500, 12),
    "esp-like": (1440, 5760, 5760, 16, 65536, 64, 1496, 16, 16, 64, 255, 1500, 12),
    "full": (1460, 116800, 58400, 160, 1048576, 256, 1516, 16, 16, 256, 255, 3000, 6),
    "strict": (1460, 11680, 11680, 32, 64000, 64, 1516, 16, 16, 128, 255, 3000, 6),
}
FIELDS = (
    "tcp_mss tcp_wnd tcp_snd_buf tcp_snd_queuelen mem_size pbuf_pool_size pbuf_pool_bufsize memp_num_tcp_pcb"
    " memp_num_tcp_pcb_listen memp_num_tcp_seg tcp_ttl lwip_tcp_rto_time tcp_synmaxrtx"
).split()

POLLED = {
    "micropython-rp2": 64,
    "micropython-stm32": 128,
    "micropython-mimxrt": 128,
    "micropython-renesas-ra": 128,
    "micropython-stm32-n6": 128,
}


def test_the_table_is_complete() -> None:
    assert list(SIZES) == list(PROFILES)


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_those_of_the_port(name: str) -> None:
    profile = named(name)
    assert tuple(getattr(profile, field) for field in FIELDS) == SIZES[name]
    assert profile.poll_interval_ms == POLLED.get(name, 1)


def syn_times(name: str) -> list[int]:
    """When, in ms, a device sends SYNs that nobody answers."""
    sent: list[int] = []

    def note(event: object) -> None:
        if isinstance(event, FrameOut) and event.frame[23:24] == b"\x06":
            sent.append(event.time // MS)

    stack = Stack(
        named(name),
        mac=bytes.fromhex("020000000001"),
        ip=parse_ip("10.0.0.1"),
        netmask=parse_ip("255.255.255.0"),
        transmit=lambda frame: ERR_OK,
        trace=note,
    )
    peer = parse_ip("10.0.0.2")
    stack.receive(arp_request(peer), 0)
    pcb = stack.tcp.new()
    assert pcb is not None
    assert stack.tcp.connect(pcb, peer, 80) == ERR_OK
    while len(sent) < 5 and (due := stack.next_deadline()) is not None:
        stack.run_timers(due)
    return sent


def arp_request(peer: int) -> bytes:
    """The peer asks who the device is, which so learns the peer."""
    body = bytes.fromhex("0001080006040001020000000002") + peer.to_bytes(4, "big") + bytes(6)
    return b"\xff" * 6 + bytes.fromhex("0200000000020806") + body + parse_ip("10.0.0.1").to_bytes(4, "big")


@pytest.mark.parametrize(
    ("name", "gap"),
    [("lwip-default", 3000), ("pico-sdk", 3000), ("esp32-idf", 1500), *((name, 3072) for name in POLLED)],
)
def test_the_poll_quantum_shows_in_the_gap_between_syns(name: str, gap: int) -> None:
    times = syn_times(name)
    assert [later - sooner for sooner, later in pairwise(times[1:])] == [gap] * 3


def test_room_for_the_ipv6_header_costs_a_segment() -> None:
    """lwIP's heap block: header 8, pbuf 16, link + IP + TCP header rounded up, data: 880 bytes or 900."""
    plain, rp2 = named("micropython"), named("micropython-rp2")
    assert plain.mem_size // 880 == 9
    assert rp2.mem_size // 900 == 8
    assert (plain.pbuf_ip_hlen, rp2.pbuf_ip_hlen) == (20, 40)
    assert rp2.options() | {"pbuf_ip_hlen": 20, "pbuf_pool_bufsize": 856, "lwip_multicast_ping": 0,
                            "poll_interval_ms": 1} == plain.options()  # fmt: skip


def test_each_value_has_a_source() -> None:
    for name, device in PROFILES.items():
        for part in device.parts:
            assert part.source.isprintable(), name
            assert set(part.options) <= set(OPTIONS), name


def test_a_later_part_overrides_an_earlier_one() -> None:
    device = Device("", (Part("a", {"tcp_mss": 1, "tcp_wnd": 2}), Part("b", {"tcp_mss": 3})), "")
    assert device.options == {"tcp_mss": 3, "tcp_wnd": 2}


def test_the_fork_of_espressif_has_the_quirks_it_grew_from() -> None:
    for name in ("esp32-idf", "micropython-esp32"):
        assert named(name).quirks == quirks_of("2.1.3") - {"iss_from_ticks"}
        assert "Not reproduced" in BOARDS[name].text
    changed = named("esp32-idf").replace(tcp_mss=1000)
    assert changed.quirks == named("esp32-idf").quirks


def test_boards_share_what_their_ports_share() -> None:
    assert BOARDS["micropython-stm32"].options == BOARDS["micropython-mimxrt"].options
    assert BOARDS["micropython-esp32"].options == BOARDS["esp32-idf"].options | {
        "memp_num_tcp_pcb": 12,
        "api": "netconn",
    }
