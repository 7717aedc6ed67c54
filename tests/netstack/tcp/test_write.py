"""tcp_write: how data becomes segments, and what it costs (``write``)."""

import pytest

from netstack.errors import ERR_CONN, ERR_MEM, ERR_OK
from netstack.tcp.tcb import TF_NAGLEMEMERR, TF_NODELAY
from tests.netstack.tcp.conversation import ACK, FIN, PSH, SYN, Conversation, established


def test_all_or_nothing() -> None:
    talk = established()
    assert talk.tcp.write(talk.pcb, bytes(1073)) == ERR_MEM  # TCP_SND_BUF is 1072
    assert talk.pcb.flags & TF_NAGLEMEMERR
    assert talk.tcp.write(talk.pcb, bytes(1072)) == ERR_OK
    assert talk.pcb.snd_buf == 0
    assert [len(seg.data) for seg in talk.pcb.unsent] == [536, 536]


def test_the_queue_length_runs_out_before_the_bytes() -> None:
    talk = established()
    talk.pcb.flags |= TF_NODELAY
    for _ in range(8):
        assert talk.write(b"x") == ERR_OK
    assert talk.write(b"x") == ERR_MEM
    assert talk.pcb.snd_buf == 1064
    assert talk.stack.stats.tcp.memerr == 1


def test_small_writes_grow_one_segment() -> None:
    talk = established("micropython", mss=800)
    talk.write(b"a")  # allocated exactly: nothing is in flight
    talk.expect(PSH | ACK)
    heap = talk.stack.mem.heap.used
    talk.write(b"b")
    assert talk.stack.mem.heap.used - heap == 80 + 800 + 8 - 8  # header room and a whole segment
    for _ in range(100):
        talk.write(b"c")
    assert talk.pcb.snd_queuelen == 2
    assert len(talk.pcb.unsent[-1].data) == 101


def test_a_chained_buffer_counts_in_the_queue() -> None:
    talk = established(mss=536)
    talk.write(bytes(100))
    talk.expect(PSH | ACK)
    talk.tcp.write(talk.pcb, bytes(500), more=False)
    talk.pcb.unsent_oversize = 0  # as if the segment had been allocated exactly
    talk.tcp.write(talk.pcb, bytes(30))
    assert talk.pcb.snd_queuelen == 3
    assert talk.pcb.unsent[-1].parts == [500, 30]
    talk.segment(ACK, 1, 101)
    talk.expect(PSH | ACK, data=bytes(530))


def test_psh_marks_the_end_of_each_write_unless_more_comes() -> None:
    talk = established("micropython", mss=800)
    talk.tcp.write(talk.pcb, bytes(1000), more=True)
    talk.tcp.output(talk.pcb)
    talk.expect(ACK, data=bytes(800))
    talk.expect_nothing()  # Nagle: a short one behind it
    talk.write(bytes(100))
    talk.segment(ACK, 1, 801)
    talk.expect(PSH | ACK, data=bytes(300))


@pytest.mark.parametrize("free", [0, 80, 200])
def test_without_heap_nothing_is_queued_and_nothing_lost(free: int) -> None:
    talk = established()
    heap = talk.stack.mem.heap
    hog = heap.malloc(heap.largest_hole() - free - 8)
    assert hog >= 0
    before = heap.used
    assert talk.tcp.write(talk.pcb, bytes(1000)) == ERR_MEM
    assert heap.used == before
    assert talk.stack.mem.tcp_seg.used == 0
    assert talk.pcb.snd_buf == 1072
    heap.free(hog)
    assert talk.write(bytes(1000)) == ERR_OK


def test_states_that_cannot_write() -> None:
    talk = established()
    talk.close()
    assert talk.write(b"late") == ERR_CONN
    pcb = talk.tcp.new()
    assert pcb is not None
    assert talk.tcp.write(pcb, b"early") == ERR_CONN


def test_data_written_before_the_handshake_waits() -> None:
    talk = Conversation()
    talk.connect()
    talk.expect(SYN)
    assert talk.write(b"hello") == ERR_OK
    talk.expect_nothing()
    talk.segment(SYN | ACK, 0, 0)
    talk.expect(PSH | ACK, seq=0, ack=1, data=b"hello")


def test_a_tail_longer_than_the_limit_wraps_as_in_lwip() -> None:
    """The peer's window was unknown when the first bytes were queued and turns out tiny: the room underflows
    to 16 bits.
    """
    talk = Conversation("micropython")
    talk.connect()
    talk.expect(SYN)
    assert talk.write(bytes(100)) == ERR_OK
    talk.segment(SYN | ACK, 0, 0, mss=800, win=20)
    talk.expect(ACK)
    assert talk.write(bytes(1000)) == ERR_OK
    assert [len(seg.data) for seg in talk.pcb.unsent] == [1100]


def test_nothing_is_always_written() -> None:
    talk = established()
    talk.pcb.snd_queuelen = 200
    assert talk.tcp.write(talk.pcb, b"") == ERR_OK
    assert not talk.pcb.unsent


def test_timestamps_take_their_room_in_each_segment() -> None:
    talk = Conversation("full")
    talk.segment(SYN, 0, mss=1460, options=(("Timestamp", (1, 0)),))
    talk.segment(ACK, 1, 1)
    talk.tcp.write(talk.pcb, bytes(3000))
    assert [len(seg.data) for seg in talk.pcb.unsent] == [1448, 1448, 104]


def test_a_driver_that_wants_one_buffer_gets_whole_segments_at_once() -> None:
    talk = established("micropython", mss=800, lwip_netif_tx_single_pbuf=1)
    before = talk.stack.mem.heap.used
    talk.tcp.write(talk.pcb, b"a")
    assert talk.stack.mem.heap.used - before == 80 + 800
    talk.tcp.write(talk.pcb, bytes(799))
    assert talk.stack.mem.heap.used - before == 80 + 800
    assert [len(seg.data) for seg in talk.pcb.unsent] == [800]
    talk.tcp.write(talk.pcb, b"b")
    assert [len(seg.data) for seg in talk.pcb.unsent] == [800, 1]


def test_without_oversize_every_write_has_its_block() -> None:
    talk = established(tcp_oversize=0, mem_size=4000)
    for _ in range(3):
        talk.tcp.write(talk.pcb, bytes(10))
    assert talk.pcb.snd_queuelen == 3
    assert talk.pcb.unsent[0].parts == [10, 10, 10]


def test_a_segment_element_that_is_not_there_gives_everything_back() -> None:
    talk = established("micropython", mss=800, memp_num_tcp_seg=3)
    talk.pcb.flags |= TF_NODELAY
    talk.tcp.write(talk.pcb, bytes(300))
    talk.pcb.unsent_oversize = 0
    used = talk.stack.mem.heap.used
    assert talk.tcp.write(talk.pcb, bytes(4000)) == ERR_MEM  # one block chained, two new segments, no third
    assert talk.stack.mem.heap.used == used
    assert talk.stack.mem.tcp_seg.used == 1
    assert [len(seg.data) for seg in talk.pcb.unsent] == [300]
    assert talk.pcb.snd_buf == 6100


def test_without_heap_for_a_chained_block_nothing_changes() -> None:
    talk = established()
    talk.pcb.flags |= TF_NODELAY
    talk.tcp.write(talk.pcb, bytes(100))
    heap = talk.stack.mem.heap
    hog = heap.malloc(heap.largest_hole())
    assert talk.tcp.write(talk.pcb, bytes(100)) == ERR_MEM
    assert len(talk.pcb.unsent[0].data) == 100
    heap.free(hog)
    assert talk.write(bytes(100)) == ERR_OK
    talk.expect(PSH | ACK, data=bytes(200))


def test_the_next_chained_block_is_filled_where_the_last_one_had_room() -> None:
    talk = established(mss=536, mem_size=4000)
    talk.write(bytes(100))
    talk.expect(PSH | ACK)
    talk.tcp.write(talk.pcb, bytes(100))
    talk.pcb.unsent_oversize = 0  # as if the segment had been allocated exactly
    for _ in range(3):
        talk.tcp.write(talk.pcb, bytes(10))
    assert talk.pcb.unsent[0].parts == [100, 30]
    assert talk.pcb.snd_queuelen == 3


def test_timestamps_and_a_tiny_window_wrap_as_in_lwip() -> None:
    """Half of the window is less than the option takes: the room is -1, which 16 bits make 65535."""
    talk = Conversation("full")
    talk.segment(SYN, 0, mss=1460, win=20, options=(("Timestamp", (1, 0)),))
    talk.segment(ACK, 1, 1, win=20)
    assert talk.write(bytes(3000)) == ERR_OK
    assert [len(seg.data) for seg in talk.pcb.unsent] == [3000]


EXTENDED = ("resent_segment_extended",)


def held_back(off: tuple[str, ...]) -> Conversation:
    """Four segments of 20 bytes are in flight; the first waits behind a closed window to be sent again."""
    talk = established("micropython", mss=800, quirks_off=off)
    talk.pcb.flags |= TF_NODELAY
    for letter in (b"A", b"B", b"C", b"D"):
        talk.write(letter * 20)
    talk.segment(PSH | ACK, 1, 1, b"!")
    for _ in range(4):  # the first closes the window
        talk.segment(ACK, 2, 1, win=0)
    assert [seg.data for seg in talk.pcb.unsent] == [b"A" * 20]
    talk.frames.clear()
    return talk


def test_what_is_written_joins_a_segment_that_waits_to_be_sent_again() -> None:
    """lwIP's silent corruption: the bytes 81 to 100 travel as 21 to 40."""
    talk = held_back(())
    talk.write(b"E" * 20)
    talk.segment(ACK, 2, 1)
    talk.expect(PSH | ACK, seq=1, data=b"A" * 20 + b"E" * 20)
    talk.expect_nothing()


def test_what_is_written_then_has_a_segment_of_its_own_without_the_quirk() -> None:
    talk = held_back(EXTENDED)
    talk.write(b"E" * 20)
    talk.write(b"F" * 20)  # which joins E, the newest
    talk.segment(ACK, 2, 1)
    talk.expect(PSH | ACK, seq=1, data=b"A" * 20)
    talk.expect(PSH | ACK, seq=81, data=b"E" * 20 + b"F" * 20)
    talk.expect_nothing()
    assert [len(seg.data) for seg in talk.pcb.unacked] == [20, 20, 20, 20, 40]
    talk.segment(ACK, 2, 121)
    assert talk.pcb.snd_buf == talk.stack.profile.tcp_snd_buf
    talk.expect_no_queue()


@pytest.mark.parametrize(("off", "fin"), [((), 21), (EXTENDED, 81)])
def test_a_fin_has_its_place_behind_everything(off: tuple[str, ...], fin: int) -> None:
    talk = held_back(off)
    talk.close()
    talk.segment(ACK, 2, 1)
    if off:
        talk.expect(PSH | ACK, seq=1, data=b"A" * 20)
        talk.expect(FIN | ACK, seq=fin, data=b"")
    else:
        talk.expect(FIN | PSH | ACK, seq=1, data=b"A" * 20)
    talk.expect_nothing()


@pytest.mark.parametrize("off", [(), EXTENDED])
def test_after_a_time_out_the_last_segment_is_still_the_newest(off: tuple[str, ...]) -> None:
    talk = established("micropython", mss=800, quirks_off=off)
    talk.pcb.flags |= TF_NODELAY
    talk.write(b"A" * 20)
    talk.write(b"B" * 20)
    talk.segment(PSH | ACK, 1, 1, b"!")
    talk.segment(ACK, 2, 1, win=0)
    talk.advance(ms=3_500)
    assert [seg.data for seg in talk.pcb.unsent] == [b"A" * 20, b"B" * 20]
    talk.frames.clear()
    talk.write(b"C" * 20)
    talk.close()
    talk.segment(ACK, 2, 1)
    talk.expect(PSH | ACK, seq=1, data=b"A" * 20)
    talk.expect(FIN | PSH | ACK, seq=21, data=b"B" * 20 + b"C" * 20)
    talk.expect_nothing()
