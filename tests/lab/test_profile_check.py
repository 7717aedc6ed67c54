"""What a profile holds: the arithmetic of the pools says the same as the stack under the same load."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.profile_check import (
    CONSEQUENCES,
    MAX_CONNECTIONS,
    Direction,
    Held,
    Load,
    compute,
    full_segment,
    usual_loads,
)
from lab.profile_load import run
from netstack.options import ProfileError
from netstack.profile import Profile
from netstack.profiles import named, names

SEND, RECEIVE = Direction.SEND, Direction.RECEIVE


@pytest.mark.parametrize("name", names())
def test_every_profile_holds_what_is_computed(name: str) -> None:
    profile = named(name)
    for what, load in usual_loads(profile):
        computed = compute(profile, load)
        assert run(profile, load) == computed, what
        assert computed.limit in CONSEQUENCES, what


@pytest.mark.parametrize(
    ("name", "load", "held"),
    [
        # One full send buffer of MicroPython takes 7040 of 8000 bytes of heap: one more segment fits.
        ("micropython", Load(SEND, 5, 6400, 800), Held(1, 7200, "HEAP")),
        ("micropython-rp2", Load(SEND, 5, 6400, 800), Held(1, 6400, "HEAP")),
        # With 800-byte segments two stalled connections pin all 16 receive buffers.
        ("micropython", Load(RECEIVE, 5, 6400, 800), Held(2, 12800, "PBUF_POOL")),
        ("micropython", Load(RECEIVE, 5, 6400, 1), Held(0, 16, "PBUF_POOL")),
        # pico-examples: a write of 2920 bytes works, one more byte is ERR_MEM.
        ("pico-sdk", Load(SEND, 1, 2920, 1460), Held(1, 2920, None)),
        ("pico-sdk", Load(SEND, 1, 2921, 1460), Held(0, 2920, "HEAP")),
        # A program that writes more than TCP_SND_BUF waits; a peer that sends more than TCP_WND does.
        ("micropython", Load(SEND, 1, 7000, 800), Held(0, 6400, "TCP_SND_BUF")),
        ("micropython", Load(RECEIVE, 1, 7000, 800), Held(0, 6400, "TCP_WND")),
        ("lwip-default", Load(SEND, 6, 0, 536), Held(5, 0, "TCP_PCB")),
        ("full", Load(SEND, 16, 58400, 1448), Held(6, 364880, "TCP_SEG")),
    ],
)
def test_limits_that_were_measured_with_real_lwip(name: str, load: Load, held: Held) -> None:
    """The first six are measurements and recordings of real lwIP 2.2.1, not of this stack."""
    assert compute(named(name), load) == held
    assert run(named(name), load) == held


def test_the_queue_limit_is_met_before_the_send_buffer() -> None:
    profile = named("micropython-renesas-ra").replace(mem_size=60000, tcp_snd_queuelen=4, check=False)
    load = Load(SEND, 1, 11680, 1460)
    assert compute(profile, load) == run(profile, load) == Held(0, 4 * 1460, "TCP_SND_QUEUELEN")


def test_a_segment_larger_than_the_heap() -> None:
    """lwIP counts no error of the heap for it; the check sees it all the same."""
    profile = named("pico-sdk").replace(mem_size=1200)
    load = Load(SEND, 2, 100, 1460)
    assert compute(profile, load) == run(profile, load) == Held(0, 0, "HEAP")
    tiny = named("lwip-default").replace(mem_size=40)
    assert compute(tiny, load) == run(tiny, load) == Held(0, 0, "HEAP")


def test_a_device_that_cannot_listen_says_so() -> None:
    profile = named("full").replace(memp_num_tcp_pcb_listen=0, name="deaf")
    with pytest.raises(
        ProfileError, match=r"^deaf cannot listen: MEMP_NUM_TCP_PCB_LISTEN must be at least 1$"
    ):
        run(profile, Load(SEND, 1, 0, 1460))


def test_the_segments_of_a_usual_peer() -> None:
    assert full_segment(named("micropython")) == 800
    assert full_segment(named("full")) == 1448  # timestamps
    assert full_segment(Profile.make(tcp_mss=3000)) == 1460  # Ethernet


def test_pools_without_end_are_tried_so_far() -> None:
    profile = named("full").replace(memp_num_tcp_pcb=65535)
    assert {load.connections for _, load in usual_loads(profile)} == {MAX_CONNECTIONS}


def test_words() -> None:
    assert Held(2, 13600, "HEAP").of(Load(SEND, 5, 6400, 800)) == "2 connections × 6400 bytes and 800 bytes"
    assert Held(1, 6400, "HEAP").of(Load(SEND, 5, 6400, 800)) == "1 connection × 6400 bytes"
    assert Held(0, 16, "PBUF_POOL").of(Load(RECEIVE, 5, 6400, 1)) == "16 bytes"
    assert Held(5, 0, "TCP_PCB").of(Load(SEND, 6, 0, 800)) == "5 connections"
    assert Held(0, 0, "HEAP").of(Load(SEND, 6, 100, 800)) == "0 connections × 100 bytes"


@dataclass(frozen=True)
class Case:
    profile: Profile
    load: Load


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any sizes, also absurd ones, under any load."""
    mss = draw(st.sampled_from([100, 536, 800, 1460, 3000]))
    scale = draw(st.sampled_from([None, None, 0, 1, 3]))
    options = {
        "tcp_mss": mss,
        "tcp_wnd": draw(st.integers(mss, 40 * mss if scale is not None else min(40 * mss, 0xFFFF))),
        "tcp_snd_buf": draw(st.integers(mss, min(9 * mss, 0xFFFF))),
        "tcp_snd_queuelen": draw(st.integers(2, 40)),
        "tcp_oversize": draw(st.sampled_from([0, 100, mss])),
        "mem_size": draw(st.integers(200, 40000)),
        "mem_alignment": draw(st.sampled_from([1, 2, 4, 8])),
        "memp_num_tcp_pcb": draw(st.integers(1, 12)),
        "memp_num_tcp_seg": draw(st.integers(1, 60)),
        "pbuf_pool_size": draw(st.integers(2, 40)),
        "pbuf_pool_bufsize": draw(st.integers(80, 1600)),
        "pbuf_ip_hlen": draw(st.sampled_from([20, 40])),
        "lwip_netif_tx_single_pbuf": int(draw(st.booleans())),
        "lwip_tcp_timestamps": int(draw(st.booleans())),
        "lwip_wnd_scale": int(scale is not None),
        "tcp_rcv_scale": scale or 0,
    }
    profile = Profile.make(check=False, **options)
    segment = full_segment(profile)
    direction = draw(st.sampled_from(Direction))
    piece = draw(st.integers(1, segment)) if direction is RECEIVE and draw(st.booleans()) else segment
    return Case(profile, Load(direction, draw(st.integers(1, 14)), draw(st.integers(0, 14000)), piece))


@settings(max_examples=300)
@given(case=cases())
def test_arithmetic_and_stack_agree_about_any_profile(case: Case) -> None:
    assert compute(case.profile, case.load) == run(case.profile, case.load)
