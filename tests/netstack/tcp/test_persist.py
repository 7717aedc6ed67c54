"""The persist timer: probes and split segments (``persist``)."""

from itertools import pairwise
from typing import Any

from netstack.errors import ERR_MEM, ERR_OK, ERR_VAL
from netstack.tcp.persist import split_unsent
from netstack.tcp.tcb import TF_NODELAY
from tests.netstack.tcp.conversation import ACK, FIN, PSH, Conversation, established


def closed(profile: str = "micropython", **options: Any) -> Conversation:
    """A connection whose peer has closed its window (by a newer segment: a shrink alone would be ignored)."""
    talk = established(profile, **options)
    talk.segment(PSH | ACK, 1, 1, b"x")
    talk.advance(ms=250)
    talk.expect(ACK, ack=2)
    talk.segment(ACK, 2, 1, win=0)
    assert talk.pcb.snd_wnd == 0
    return talk


def closed_window() -> Conversation:
    """800 bytes wait behind a closed window."""
    talk = closed(mss=800)
    talk.write(bytes(range(200)) * 4)
    talk.expect_nothing()
    return talk


def test_probes_back_off_and_give_up() -> None:
    talk = closed_window()
    times = []
    while talk.state != "CLOSED":
        talk.advance(ms=250)
        while talk.frames:
            talk.expect(ACK, seq=1, data=b"\x00")
            times.append(talk.now / 1000)
    gaps = [round(b - a, 2) for a, b in pairwise(times)]
    assert gaps == [3, 6, 12, 24, 48, 60, 60, 60, 60, 60, 60]
    assert talk.happened()[-1] == "err -13"


def test_an_answering_peer_is_probed_for_ever() -> None:
    talk = closed_window()
    for _ in range(30):
        talk.advance(ms=60_000)
        talk.segment(ACK, 2, 1, win=0)
    assert talk.state == "ESTABLISHED"


def test_the_probed_byte_is_sent_again_with_its_segment() -> None:
    talk = closed_window()
    talk.advance(ms=2_000)
    talk.expect(ACK, seq=1, data=b"\x00")
    talk.segment(ACK, 2, 2, win=5000)
    talk.expect(PSH | ACK, seq=1, data=bytes(range(200)) * 4)


def test_the_probed_byte_is_cut_without_the_quirk() -> None:
    talk = closed(mss=800, quirks_off=("probe_byte_sent_again",))
    talk.write(b"hello")
    talk.advance(ms=2_000)
    talk.expect(ACK, seq=1, data=b"h")
    talk.segment(ACK, 2, 2, win=5000)
    talk.expect(PSH | ACK, seq=2, data=b"ello")


def test_a_window_smaller_than_the_head_splits_it() -> None:
    talk = established("micropython", mss=800)
    talk.write(bytes(800))
    talk.expect(PSH | ACK)
    talk.tcp.write(talk.pcb, bytes(range(200)) * 4)
    talk.segment(ACK, 1, 801, win=500)
    talk.expect_nothing()
    talk.advance(ms=2_000)
    talk.expect(PSH | ACK, seq=801, data=(bytes(range(200)) * 4)[:500])  # lwIP leaves PSH on the head
    assert [len(seg.data) for seg in talk.pcb.unsent] == [300]
    talk.segment(ACK, 1, 1301, win=5000)
    talk.expect(PSH | ACK, seq=1301, data=(bytes(range(200)) * 4)[500:])


def test_splitting_a_segment_of_several_blocks_gives_memory_back() -> None:
    talk = closed("lwip-default", mss=536)
    talk.pcb.flags |= TF_NODELAY
    talk.write(bytes(300))
    talk.write(bytes(100))
    talk.write(bytes(100))
    head = talk.pcb.unsent[0]
    assert head.parts == [300, 100, 100]
    used = talk.stack.mem.heap.used
    assert split_unsent(talk.tcp, talk.pcb, 350) == 0
    assert [len(seg.data) for seg in talk.pcb.unsent] == [350, 150]
    assert head.parts == [300, 50]
    assert talk.pcb.snd_queuelen == 3
    assert talk.stack.mem.heap.used == used - (24 + 100) - 48 + 8 + 16 + 56 + 152


def test_a_lone_fin_goes_into_a_closed_window() -> None:
    talk = closed(mss=800)
    talk.close()
    talk.expect(ACK | FIN, seq=1)


def test_a_split_head_keeps_psh_and_fin_only_with_the_quirks() -> None:
    for off, flags in ((), PSH | FIN), (("psh_kept_on_split", "zero_window_split_keeps_fin"), 0):
        talk = closed(mss=800, quirks_off=off)
        talk.tcp.write(talk.pcb, bytes(100))
        talk.close()
        split_unsent(talk.tcp, talk.pcb, 40)
        assert talk.pcb.unsent[0].flags & (PSH | FIN) == flags
        assert talk.pcb.unsent[1].flags & (PSH | FIN) == PSH | FIN


def test_a_probe_without_memory_is_tried_again_at_the_next_tick() -> None:
    talk = closed_window()
    talk.advance(ms=1_400)
    heap = talk.stack.mem.heap
    hogs = []
    while (hog := heap.malloc(heap.largest_hole())) >= 0:
        hogs.append(hog)
    talk.advance(ms=700)
    talk.expect_nothing()
    for hog in hogs:
        heap.free(hog)
    talk.advance(ms=500)
    talk.expect(ACK, seq=1, data=b"\x00")


def test_without_memory_for_a_split_the_head_stays_whole() -> None:
    choices: tuple[dict[str, Any], ...] = ({}, {"memp_num_tcp_seg": 1})
    for options in choices:
        talk = closed(mss=800, **options)
        talk.tcp.write(talk.pcb, bytes(100))
        heap = talk.stack.mem.heap
        hogs = []
        if not options:
            while (hog := heap.malloc(heap.largest_hole())) >= 0:
                hogs.append(hog)
        used = heap.used
        assert split_unsent(talk.tcp, talk.pcb, 40) == ERR_MEM
        assert [len(seg.data) for seg in talk.pcb.unsent] == [100]
        assert heap.used == used
        assert talk.stack.stats.tcp.memerr == 1


def test_what_cannot_or_need_not_be_split() -> None:
    talk = closed(mss=800)
    assert split_unsent(talk.tcp, talk.pcb, 40) == ERR_MEM  # nothing waits
    talk.tcp.write(talk.pcb, bytes(100))
    assert split_unsent(talk.tcp, talk.pcb, 0) == ERR_VAL
    assert split_unsent(talk.tcp, talk.pcb, 100) == ERR_OK
    assert len(talk.pcb.unsent) == 1


def test_a_split_where_two_blocks_meet_frees_the_second() -> None:
    talk = closed("lwip-default", mss=536)
    talk.pcb.flags |= TF_NODELAY
    for _ in range(3):
        talk.write(bytes(100))
    head = talk.pcb.unsent[0]
    assert head.parts == [100, 100, 100]
    assert split_unsent(talk.tcp, talk.pcb, 200) == ERR_OK
    assert head.parts == [100, 100]
    assert split_unsent(talk.tcp, talk.pcb, 100) == ERR_OK
    assert head.parts is None
    assert [len(seg.data) for seg in talk.pcb.unsent] == [100, 100, 100]
    assert talk.pcb.snd_queuelen == 3
    talk.tcp.abort(talk.pcb)
    assert talk.stack.mem.heap.used == 0


def test_segments_behind_a_split_keep_their_spare_room() -> None:
    talk = closed(mss=800)
    talk.write(bytes(900))
    oversize = talk.pcb.unsent_oversize
    assert split_unsent(talk.tcp, talk.pcb, 300) == ERR_OK
    assert [len(seg.data) for seg in talk.pcb.unsent] == [300, 500, 100]
    assert talk.pcb.unsent_oversize == oversize
