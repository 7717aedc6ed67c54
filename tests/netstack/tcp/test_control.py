"""Segments without a place in the queues: empty ACKs, resets, keep-alives, window probes (``control``)."""

from typing import Any

import pytest

from netstack.errors import ERR_MEM, ERR_OK, ERR_RTE
from netstack.tcp.control import (
    CHALLENGE_SPAN_MS,
    MAX_CHALLENGES,
    keepalive,
    send_empty_ack,
    zero_window_probe,
)
from netstack.tcp.tcb import SOF_KEEPALIVE, TF_ACK_DELAY, TF_ACK_NOW
from netstack.trace import Event, PoolEvent
from tests.netstack.tcp.conversation import ACK, FIN, PSH, RST, SYN, Conversation, established

TS = ("Timestamp", (1000, 0))


def with_timestamps(**options: Any) -> Conversation:
    """A connection that has agreed on timestamps."""
    talk = Conversation("full", **options)
    talk.segment(SYN, 0, mss=1460, options=(TS,))
    talk.expect(SYN | ACK)
    talk.segment(ACK, 1, 1, options=(TS,))
    return talk


class Hog:
    """Takes the whole heap, so that nothing can be sent; ``free`` gives it back."""

    def __init__(self, talk: Conversation) -> None:
        self.heap = talk.stack.mem.heap
        self.blocks = []
        while (block := self.heap.malloc(max(self.heap.largest_hole(), 0))) >= 0:
            self.blocks.append(block)

    def free(self) -> None:
        for block in self.blocks:
            self.heap.free(block)


# Resets


def test_every_reset_has_the_window_byte_swapped_and_the_ack_flag() -> None:
    talk = established("micropython")
    talk.tcp.abort(talk.pcb)
    talk.expect(RST | ACK, seq=1, ack=1, win=25)
    assert talk.happened() == ["err -13"]
    talk = established("micropython", quirks_off=("rst_window_byteswap",))
    talk.tcp.abort(talk.pcb)
    talk.expect(RST | ACK, win=6400)


def test_an_answer_to_an_ack_is_a_bare_reset_without_the_quirk() -> None:
    talk = Conversation(quirks_off=("rst_ack_flag_always",))
    talk.segment(ACK, 5, 9)
    talk.expect(RST, seq=9)
    talk.segment(SYN, 5, to=99)
    talk.expect(RST | ACK, ack=6)


def test_a_reset_acknowledges_data_syn_and_fin() -> None:
    talk = Conversation()
    talk.segment(SYN, 5, data=b"abc", to=99)
    talk.expect(RST | ACK, ack=9)
    talk.segment(PSH | ACK | FIN, 5, 20, b"abc", to=99)
    talk.expect(RST | ACK, seq=20, ack=9)


def test_a_reset_has_ttl_and_tos_of_its_connection_and_else_the_defaults() -> None:
    talk = established()
    talk.pcb.ttl, talk.pcb.tos = 3, 0x20
    pcb = talk.pcb
    talk.segment(ACK, 1, 1, port=9)
    packet = talk.expect(RST | ACK).underlayer
    assert (packet.ttl, packet.tos) == (255, 0)
    talk.tcp.abort(pcb)
    packet = talk.expect(RST | ACK).underlayer
    assert (packet.ttl, packet.tos) == (3, 0x20)


def test_without_memory_a_reset_is_not_sent_and_the_connection_ends_all_the_same() -> None:
    talk = established()
    hog = Hog(talk)
    talk.tcp.abort(talk.pcb)
    talk.expect_nothing()
    assert talk.state == "CLOSED"
    hog.free()
    talk.expect_no_queue()
    assert talk.stack.mem.heap.used == 0


@pytest.mark.parametrize(("version", "sent"), [("2.2.1", True), ("2.1.3", False)])
def test_a_reset_without_a_connection_needs_no_route_but_in_the_older_version(
    version: str, sent: bool
) -> None:
    talk = Conversation(lwip_version=version)
    talk.stack.netif.set_link(False)  # no route any more; a frame may still be on its way in
    talk.segment(SYN, 5, to=99)
    assert bool(talk.frames) is sent


# Empty ACKs


def test_an_empty_ack_satisfies_what_was_pending() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"x")
    assert talk.pcb.flags & TF_ACK_DELAY
    assert send_empty_ack(talk.tcp, talk.pcb, "delayed-ack") == ERR_OK
    talk.expect(ACK, seq=1, ack=2)
    assert not talk.pcb.flags & (TF_ACK_DELAY | TF_ACK_NOW)
    talk.advance(ms=1_000)
    talk.expect_nothing()


def test_an_ack_without_memory_is_tried_again_at_the_next_tick() -> None:
    talk = established()
    hog = Hog(talk)
    talk.segment(ACK, 0, 1)  # a keep-alive wants an ACK at once
    talk.expect_nothing()
    assert talk.pcb.flags & TF_ACK_NOW
    hog.free()
    talk.advance(ms=250)
    talk.expect(ACK, seq=1, ack=1)


def test_an_ack_says_the_time_where_that_is_agreed() -> None:
    talk = with_timestamps()
    talk.advance(ms=500)
    talk.segment(PSH | ACK, 1, 1, b"x", options=(("Timestamp", (1200, 0)),))
    talk.advance(ms=250)
    assert dict(talk.expect(ACK, ack=2).options)["Timestamp"] == (750, 1200)


def test_the_window_of_an_ack_is_scaled() -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0, mss=1460, options=(("WScale", 0),))
    talk.expect(SYN | ACK)
    talk.segment(ACK, 1, 1)
    talk.segment(ACK, 0, 1)
    talk.expect(ACK, win=116800 >> 1)


# Keep-alive


def test_the_peer_can_be_kept_alive() -> None:
    talk = established()
    talk.pcb.so_options |= SOF_KEEPALIVE
    talk.pcb.keep_idle = 10_000
    talk.advance(ms=10_400)
    talk.expect(ACK, seq=0, ack=1, data=b"")
    talk.segment(ACK, 1, 1)
    talk.advance(ms=9 * 75_000)
    assert len(talk.frames) == 9
    talk.frames.clear()
    talk.advance(ms=75_000)
    talk.expect(RST | ACK, seq=1, ack=1)
    assert talk.happened() == ["err -13"]


@pytest.mark.parametrize(("off", "stamped"), [((), False), (("probe_without_timestamp",), True)])
def test_probes_carry_no_timestamp_unless_the_quirk_is_off(off: tuple[str, ...], stamped: bool) -> None:
    talk = with_timestamps(quirks_off=off)
    talk.advance(ms=700)
    assert keepalive(talk.tcp, talk.pcb) == ERR_OK
    options = dict(talk.expect(ACK, seq=0, data=b"").options)
    assert options == ({"NOP": None, "Timestamp": (700, 1000)} if stamped else {})
    talk.tcp.write(talk.pcb, b"x")
    assert zero_window_probe(talk.tcp, talk.pcb) == ERR_OK
    options = dict(talk.expect(ACK, seq=1, data=b"x").options)
    assert ("Timestamp" in options) is stamped


def test_a_keepalive_without_memory_says_so() -> None:
    talk = established()
    Hog(talk)
    assert keepalive(talk.tcp, talk.pcb) == ERR_MEM
    talk.expect_nothing()


# Window probes


def test_a_probe_is_the_first_byte_that_waits() -> None:
    talk = established()
    talk.tcp.write(talk.pcb, b"waiting")
    assert zero_window_probe(talk.tcp, talk.pcb) == ERR_OK
    talk.expect(ACK, seq=1, ack=1, data=b"w")
    assert talk.pcb.persist_probe == 1
    assert talk.pcb.snd_nxt - talk.pcb.lastack == 1  # the peer may acknowledge it
    assert len(talk.pcb.unsent[0].data) == 7


def test_a_probe_of_a_lone_fin_is_the_fin() -> None:
    talk = established()
    talk.stack.netif.set_link(False)
    talk.close()
    talk.expect_nothing()
    talk.stack.netif.set_link(True)
    talk.frames.clear()
    assert zero_window_probe(talk.tcp, talk.pcb) == ERR_OK
    talk.expect(ACK | FIN, seq=1, ack=1, data=b"")
    talk.expect_nothing()


def test_a_probe_is_counted_even_if_it_cannot_be_sent() -> None:
    talk = established()
    talk.tcp.write(talk.pcb, b"waiting")
    hog = Hog(talk)
    assert zero_window_probe(talk.tcp, talk.pcb) == ERR_MEM
    assert talk.pcb.persist_probe == 1
    talk.expect_nothing()
    hog.free()


def test_nothing_waits_nothing_is_probed() -> None:
    talk = established()
    assert zero_window_probe(talk.tcp, talk.pcb) == ERR_OK
    talk.expect_nothing()
    assert talk.pcb.persist_probe == 0


# Without a route, and too many


def test_without_a_route_an_ack_waits_for_one() -> None:
    talk = established()
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.stack.netif.set_link(False)
    assert send_empty_ack(talk.tcp, talk.pcb, "delayed-ack") == ERR_RTE
    assert talk.pcb.flags & TF_ACK_NOW
    assert talk.stack.mem.heap.used == 0
    talk.stack.netif.set_link(True)
    talk.frames.clear()
    talk.advance(ms=250)
    talk.expect(ACK, ack=2)


def test_an_ack_carries_the_blocks_that_fit() -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0, mss=1460, options=(("SAckOK", b""), TS))
    talk.expect(SYN | ACK)
    talk.segment(ACK, 1, 1, options=(TS,))
    for seq in (100, 200, 300, 400):
        talk.segment(PSH | ACK, seq, 1, b"x", options=(TS,))
    talk.frames[:-1] = []
    options = dict(talk.expect(ACK, ack=1).options)
    assert len(options["SAck"]) == 6
    assert "Timestamp" in options


def test_challenges_have_a_limit_without_the_quirk() -> None:
    """RFC 5961 7: lwIP answers every one of them."""
    for off, answers in ((), 150), (("no_rate_limits",), MAX_CHALLENGES):
        talk = established(quirks_off=off)
        for _ in range(150):
            talk.segment(SYN, 5, 1)
        assert len(talk.frames) == answers
        talk.frames.clear()
        talk.advance(ms=CHALLENGE_SPAN_MS)
        talk.frames.clear()
        talk.segment(SYN, 5, 1)
        talk.expect(ACK, seq=1, ack=1)


def test_probes_do_not_count_beyond_a_byte() -> None:
    talk = established()
    talk.tcp.write(talk.pcb, b"x")
    for _ in range(300):
        zero_window_probe(talk.tcp, talk.pcb)
    assert talk.pcb.persist_probe == 0xFF
    assert talk.pcb.snd_nxt - talk.pcb.lastack == 1


def test_a_probe_of_data_with_a_fin_is_a_byte_without_it() -> None:
    talk = established()
    talk.stack.netif.set_link(False)
    talk.tcp.write(talk.pcb, b"last")
    talk.close()
    talk.stack.netif.set_link(True)
    talk.frames.clear()
    zero_window_probe(talk.tcp, talk.pcb)
    talk.expect(ACK, seq=1, data=b"l")


@pytest.mark.parametrize(("stamped", "size"), [(False, 20), (True, 32)])
def test_a_control_segment_takes_heap_for_its_header_and_options(stamped: bool, size: int) -> None:
    talk = with_timestamps() if stamped else established("full")
    taken: list[int] = []

    def hook(event: Event) -> None:
        if isinstance(event, PoolEvent) and event.pool == "HEAP":
            taken.append(event.used)

    talk.stack.trace = hook
    send_empty_ack(talk.tcp, talk.pcb, "delayed-ack")
    assert taken == [12 + 16 + 36 + size, 0]  # block header, struct pbuf, head-room, segment
    assert talk.stack.mem.heap.used == 0
