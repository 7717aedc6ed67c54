"""Sending again: time-outs, duplicate ACKs, and what is never sent twice (``retransmit``)."""

from itertools import pairwise
from typing import Any

import pytest
from scapy.layers.l2 import ARP

from netstack.errors import ERR_IF, ERR_OK
from netstack.tcp.tcb import TF_INFR, TF_RTO
from tests.netstack.peer import OUR_MAC, OURS, PEER, PEER_MAC
from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, Conversation, established


def sending(count: int, **options: Any) -> Conversation:
    """``count`` segments of 800 bytes in flight."""
    talk = established("micropython", mss=800, **options)
    talk.pcb.cwnd = 8000
    talk.write(bytes(range(200)) * 4 * count)
    for i in range(count):
        talk.expect(PSH | ACK if i == count - 1 else ACK, seq=1 + 800 * i)
    return talk


def lengths(talk: Conversation) -> tuple[list[int], list[int]]:
    """The segments in unsent and unacked, by offset from the ISS."""
    first = talk.pcb.lastack - 1
    return [seg.seq - first for seg in talk.pcb.unsent], [seg.seq - first for seg in talk.pcb.unacked]


# Time-outs


def test_a_time_out_goes_back_to_the_first_segment() -> None:
    talk = sending(4)
    talk.advance(ms=3_000)
    talk.expect(ACK, seq=1, data=bytes(range(200)) * 4)
    talk.expect_nothing()
    assert lengths(talk) == ([801, 1601, 2401], [1])
    assert (talk.pcb.cwnd, talk.pcb.ssthresh) == (800, 4000)
    assert talk.pcb.flags & TF_RTO
    talk.segment(ACK, 1, 801)  # while resending, one segment more for each ACK
    talk.expect(ACK, seq=801)
    talk.expect(ACK, seq=1601)
    assert talk.pcb.flags & TF_RTO
    talk.segment(ACK, 1, 2401)
    talk.expect(PSH | ACK, seq=2401)
    talk.segment(ACK, 1, 3201)
    assert not talk.pcb.flags & TF_RTO
    talk.expect_no_queue()


def test_what_is_not_yet_sent_stays_behind_what_is_sent_again() -> None:
    talk = sending(2)
    talk.pcb.cwnd = 1600
    talk.write(bytes(800))
    talk.expect_nothing()
    talk.advance(ms=3_000)
    assert lengths(talk) == ([801, 1601], [1])
    talk.expect(ACK, seq=1)


def test_time_outs_double_up_to_128_times_and_twelve_retries_are_the_last() -> None:
    talk = sending(1)
    sent = len(talk.sent_at())
    talk.advance(ms=2_400_000)
    assert len(talk.frames) == 12
    times = talk.sent_at()[sent:]
    gaps = [(after - before) / 500 for before, after in pairwise(times)]
    assert gaps == [12, 24, 48, 96, 192, 384, 768, 768, 768, 768, 768]
    assert talk.happened() == ["err -13"]
    talk.expect_no_queue()


def test_a_segment_sent_again_is_the_same_to_the_byte_but_for_what_has_changed() -> None:
    talk = sending(1)
    talk.segment(PSH | ACK, 1, 1, b"news")
    talk.advance(ms=3_000)
    talk.expect(ACK, seq=801, ack=5)  # delayed
    talk.expect(PSH | ACK, seq=1, ack=5, data=bytes(range(200)) * 4)


def test_syns_are_repeated_at_a_constant_interval_unless_the_quirk_is_off() -> None:
    doubled = [6_000, 12_000, 24_000, 48_000, 96_000]
    for off, gaps in ((), [3_000] * 5), (("syn_retry_without_backoff",), doubled):
        talk = Conversation(quirks_off=off)
        talk.connect()
        talk.advance(ms=400_000)
        times = talk.sent_at()
        assert [after - before for before, after in pairwise(times[1:])] == gaps
        assert talk.happened() == ["err -13"]


def test_a_fin_is_repeated_as_data_is() -> None:
    talk = established()
    talk.close()
    talk.expect(ACK | FIN, seq=1)
    talk.advance(ms=3_000)
    talk.expect(ACK | FIN, seq=1)
    talk.advance(ms=6_500)
    talk.expect(ACK | FIN, seq=1)
    talk.expect_nothing()


def test_what_waits_for_arp_is_not_sent_again_and_no_retry_is_counted() -> None:
    talk = Conversation(known=False)
    talk.segment(SYN, 0)
    pcb = talk.tcp.active_pcbs[0]
    assert pcb.unacked[0].busy
    talk.advance(ms=4_000)
    assert pcb.nrtx == 0
    assert len(pcb.unacked) == 1
    assert {bytes(frame)[12:14] for frame in talk.frames} == {b"\x08\x06"}


# Duplicate ACKs


def duplicates(talk: Conversation, count: int, ack: int = 1) -> None:
    for _ in range(count):
        talk.segment(ACK, 1, ack)


def test_the_third_duplicate_brings_the_first_segment_again() -> None:
    talk = sending(4)
    duplicates(talk, 2)
    talk.expect_nothing()
    duplicates(talk, 1)
    talk.expect(ACK, seq=1, data=bytes(range(200)) * 4)
    assert lengths(talk) == ([], [1, 801, 1601, 2401])  # back in its place
    talk.expect_nothing()


def test_during_recovery_nothing_is_sent_again() -> None:
    talk = sending(4)
    duplicates(talk, 3)
    talk.expect(ACK, seq=1)
    duplicates(talk, 10)
    talk.expect_nothing()


def test_a_second_loss_in_the_window_waits_for_three_more_duplicates() -> None:
    talk = sending(6)
    duplicates(talk, 3)
    talk.expect(ACK, seq=1)
    talk.segment(ACK, 1, 801)  # Reno: a partial ACK ends the recovery and sends nothing
    talk.expect_nothing()
    duplicates(talk, 3, ack=801)
    talk.expect(ACK, seq=801)


def test_a_fast_retransmission_restarts_the_timer() -> None:
    talk = sending(4)
    talk.advance(ms=2_600)
    assert talk.pcb.rtime == 5
    duplicates(talk, 3)
    assert talk.pcb.rtime == 0
    talk.frames.clear()
    talk.advance(ms=2_600)
    talk.expect_nothing()


@pytest.mark.parametrize(
    ("off", "nrtx", "ticks"), [((), 1, 24), (("fast_retransmit_counts_as_retry",), 0, 12)]
)
def test_a_fast_retransmission_counts_as_a_retry(off: tuple[str, ...], nrtx: int, ticks: int) -> None:
    talk = sending(4, quirks_off=off)
    duplicates(talk, 3)
    assert talk.pcb.nrtx == nrtx
    talk.advance(ms=3_500)
    assert talk.pcb.rto == ticks


def test_a_segment_that_is_still_held_below_is_not_sent_again() -> None:
    talk = Conversation("micropython", known=False)
    answer = ARP(op=2, hwsrc=PEER_MAC, psrc=PEER, hwdst=OUR_MAC, pdst=OURS)
    talk.send(answer)
    talk.segment(SYN, 0, mss=800)
    talk.segment(ACK, 1, 1)
    talk.send(answer)
    talk.stack.netif.set_up(False)  # which empties the ARP table
    talk.stack.netif.set_up(True)
    talk.frames.clear()
    talk.write(bytes(800))
    assert talk.pcb.unacked[0].busy
    duplicates(talk, 5)
    assert talk.pcb.nrtx == 0
    assert not talk.pcb.flags & TF_INFR
    assert len(talk.pcb.unacked) == 1
    talk.frames.clear()
    talk.send(answer)
    talk.expect(PSH | ACK, seq=1, data=bytes(800))
    talk.expect_nothing()


def test_a_fast_retransmission_goes_before_data_that_was_never_sent() -> None:
    talk = sending(4)
    talk.pcb.cwnd = 3_200
    talk.write(bytes(800))
    talk.err = ERR_IF
    duplicates(talk, 3)
    assert lengths(talk) == ([1, 3201], [801, 1601, 2401])
    talk.err = ERR_OK
    talk.frames.clear()
    talk.advance(ms=500)
    talk.expect(ACK, seq=1)


def test_retries_are_counted_up_to_255() -> None:
    talk = Conversation(tcp_maxrtx=255, tcp_synmaxrtx=255)
    talk.segment(SYN, 0)
    pcb = talk.tcp.active_pcbs[0]
    for _ in range(300):
        talk.segment(SYN, 0)
    assert pcb.nrtx == 255
