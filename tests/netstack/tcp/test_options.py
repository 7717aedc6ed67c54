"""TCP options, received and sent (``options``)."""

from typing import Any

import pytest
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from netstack.tcp.header import emit
from netstack.tcp.tcb import TF_SACK, TF_TIMESTAMP, TF_WND_SCALE
from tests.netstack.peer import OUR_MAC, OURS, PEER, PEER_MAC, ip_of
from tests.netstack.tcp.conversation import ACK, PSH, SYN, Conversation, established

TS = ("Timestamp", (1000, 0))


def handshake(profile: str, *options: Any, **settings: Any) -> tuple[Conversation, dict[str, Any]]:
    """A connection whose peer's SYN had ``options``; also the options of the device's SYN-ACK."""
    talk = Conversation(profile, **settings)
    talk.segment(SYN, 0, mss=1460, options=options)
    answer = dict(talk.expect(SYN | ACK).options)
    talk.segment(ACK, 1, 1)
    return talk, answer


def test_everything_the_peer_offers_is_agreed_where_compiled_in() -> None:
    talk, answer = handshake("full", TS, ("WScale", 7), ("SAckOK", b""))
    assert answer["MSS"] == 1460
    assert answer["WScale"] == 1
    assert answer["Timestamp"] == (0, 1000)
    assert "SAckOK" in answer
    assert talk.pcb.snd_scale == 7
    assert talk.pcb.rcv_wnd == 116800


def test_nothing_is_agreed_that_was_not_offered() -> None:
    _, answer = handshake("full")
    assert list(answer) == ["MSS"]


def test_a_small_build_answers_with_mss_only() -> None:
    _, answer = handshake("lwip-default", TS, ("WScale", 7), ("SAckOK", b""))
    assert answer == {"MSS": 536}


def test_an_active_syn_offers_all_that_is_compiled_in() -> None:
    talk = Conversation("full")
    talk.connect()
    options = dict(talk.expect(SYN).options)
    assert set(options) >= {"MSS", "Timestamp", "WScale", "SAckOK"}


def test_timestamps_shorten_segments() -> None:
    talk, _ = handshake("full", TS)
    talk.advance(ms=1234)
    talk.write(bytes(3000))
    segment = talk.expect(ACK, data=bytes(1448))
    assert dict(segment.options)["Timestamp"] == (1234, 1000)


def test_the_value_to_echo_comes_from_the_segment_that_the_last_ack_asked_for() -> None:
    talk, _ = handshake("full", TS)
    talk.segment(PSH | ACK, 1, 1, b"x", options=(("Timestamp", (2000, 1)),))
    assert talk.pcb.ts_recent == 2000
    talk.segment(PSH | ACK, 2, 1, b"x", options=(("Timestamp", (3000, 1)),))
    assert talk.pcb.ts_recent == 2000  # the last ACK sent is not in this segment
    talk.frames.clear()
    talk.segment(PSH | ACK, 3, 1, b"x", options=(("Timestamp", (1500, 1)),))
    assert talk.pcb.ts_recent == 1500  # no PAWS


def test_old_timestamps_are_not_echoed_without_the_quirk() -> None:
    talk, _ = handshake("full", TS, quirks_off=("no_paws",))
    talk.segment(PSH | ACK, 1, 1, b"x", options=(("Timestamp", (2000, 1)),))
    talk.segment(PSH | ACK, 2, 1, b"x")
    talk.segment(PSH | ACK, 3, 1, b"x", options=(("Timestamp", (1500, 1)),))
    assert talk.pcb.ts_recent == 2000


def frame_with(options: bytes) -> bytes:
    """A SYN with just these option bytes."""
    segment = emit(ip_of(PEER), ip_of(OURS), 40000, 80, 0, 0, SYN, 65535, options)
    return bytes(Ether(src=PEER_MAC, dst=OUR_MAC) / IP(src=PEER, dst=OURS, proto=6) / segment)


@pytest.mark.parametrize(
    ("options", "mss"),
    [
        (b"\x02\x04\x01\x90", 400),
        (b"\x02\x04\x00\x00", 536),  # 0 means TCP_MSS
        (b"\x02\x04\xff\xff", 536),
        (b"\x02\x04\x00\x01", 1),  # obeyed
        (b"\x02\x04\x01\x90\x02\x04\x00\x64", 100),  # the second wins
        (b"\x01\x01\x02\x04\x01\x90\x00\x00", 400),
        (b"\x00\x02\x04\x01\x90\x00\x00\x00", 536),  # end of options
        (b"\x02\x03\x01\x90", 536),  # a wrong length ends the parsing
        (b"\x63\x06\x00\x00\x00\x00\x02\x04\x01\x90\x00\x00", 400),  # unknown kinds are stepped over
        (b"\x63\x00\x02\x04\x01\x90\x00\x00", 536),  # a length below 2 ends it
        (b"\x01\x01\x01\x02", 536),  # cut off
        (b"\x63\xff\x02\x04", 536),
    ],
)
def test_odd_mss_options(options: bytes, mss: int) -> None:
    talk = Conversation()
    talk.send(frame_with(options))
    talk.expect(SYN | ACK)
    assert talk.tcp.active_pcbs[0].mss == mss


def test_a_window_scale_over_14_is_14() -> None:
    talk, _ = handshake("full", ("WScale", 200))
    assert talk.pcb.snd_scale == 14


def test_mss_on_any_segment_is_a_quirk() -> None:
    talk = established(mss=536)
    talk.segment(ACK, 1, 1, mss=100)
    assert talk.pcb.mss == 100
    talk = established(mss=536, quirks_off=("mss_option_on_any_segment",))
    talk.segment(ACK, 1, 1, mss=100)
    assert talk.pcb.mss == 536


def test_a_minimum_mss_without_the_quirk() -> None:
    talk, _ = handshake("lwip-default", ("MSS", 1), quirks_off=("no_minimum_mss",))
    assert talk.pcb.mss == 48


@pytest.mark.parametrize(
    "options",
    [
        b"\x03\x04\x07\x00",  # window scale with a wrong length
        b"\x08\x09" + bytes(10),  # timestamps with a wrong length
        b"\x04\x03\x00\x00",  # SACK permitted with a wrong length
    ],
)
def test_malformed_options_end_the_parsing(options: bytes) -> None:
    talk = Conversation("full")
    talk.send(frame_with(options + b"\x02\x04\x01\x90"))
    talk.expect(SYN | ACK, mss=1460)
    pcb = talk.tcp.active_pcbs[0]
    assert pcb.mss == 536
    assert not pcb.flags & (TF_WND_SCALE | TF_TIMESTAMP | TF_SACK)


@pytest.mark.parametrize("tail", [b"\x01\x01\x03\x03", b"\x08\x0a" + bytes(6), b"\x01\x01\x01\x04"])
def test_options_that_are_cut_off_do_not_count_but_those_before_do(tail: bytes) -> None:
    talk = Conversation("full")
    talk.send(frame_with(b"\x02\x04\x01\x90" + tail))
    talk.expect(SYN | ACK, mss=1460)
    pcb = talk.tcp.active_pcbs[0]
    assert pcb.mss == 400
    assert not pcb.flags & (TF_WND_SCALE | TF_TIMESTAMP | TF_SACK)


def test_what_belongs_to_a_syn_is_stepped_over_elsewhere() -> None:
    talk = established("full", mss=1460)
    talk.segment(ACK, 1, 1, options=(("WScale", 7), ("SAckOK", b""), ("MSS", 400)))
    assert talk.pcb.snd_scale == 0
    assert not talk.pcb.flags & (TF_WND_SCALE | TF_SACK)
    assert talk.pcb.mss == 400


def test_a_window_scale_counts_once() -> None:
    talk, _ = handshake("full", ("WScale", 2), ("WScale", 7))
    assert talk.pcb.snd_scale == 2


@pytest.mark.parametrize("profile", ["lwip-default", "full"])
def test_unknown_options_are_stepped_over_in_every_build(profile: str) -> None:
    talk = Conversation(profile)
    talk.send(frame_with(b"\x63\x06\x00\x00\x00\x00\x02\x04\x01\x90\x00\x00"))
    talk.expect(SYN | ACK)
    assert talk.tcp.active_pcbs[0].mss == 400
