"""The exercise "reassembly": the out-of-order queue, plugged in where lwIP has its own.

The student's object holds the bytes. In ``pcb.ooseq`` the first segment that waits stands for all of them, so
that the stack knows that something waits, and its timer throws it away as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.exercises.bench import Bench
from lab.exercises.definition import Exercise, Test
from lab.exercises.plug import OK, Plug, Rule
from lab.exercises.starters.reassembly import Range, ReassemblyQueue
from lab.exercises.student import Student, nothing, octets, ranges
from netstack.pbuf import Pbuf
from netstack.tcp import reassembly
from netstack.tcp.header import FIN
from netstack.tcp.layer import Tcp
from netstack.tcp.lists import free_ooseq
from netstack.tcp.segment import GOT_FIN, Segment
from netstack.tcp.shared import TcpShared
from netstack.tcp.states import CLOSE_WAIT, ESTABLISHED, set_state
from netstack.tcp.tcb import TF_SACK, Tcb
from tap.cable import Stage
from tap.clock import MS
from tap.impair.delay import Delay
from tap.impair.duplicate import Duplicate
from tap.impair.loss import Loss
from tap.impair.reorder import Reorder

MASK = 0xFFFFFFFF
PLENTY = 60_000  # capacity where that is not what a test is about
BYTES = 60_000  # of the transfer over a bad line
PIECE = 500  # bytes of a segment where a test does not choose


class Kept:
    """What the interface wants to be kept: the model. Bytes by their distance from the first one ever."""

    def __init__(self, capacity: int, origin: int) -> None:
        self.capacity = capacity
        self.origin = origin
        self.data: dict[int, int] = {}

    def insert(self, seq: int, data: bytes) -> None:
        """All of it, and then only those nearest to RCV.NXT, as many as there is room for."""
        start = seq - self.origin & MASK
        for at, byte in enumerate(data, start):
            self.data.setdefault(at, byte)
        for at in sorted(self.data)[self.capacity :]:
            del self.data[at]

    def take(self, rcv_nxt: int) -> bytes:
        """What is in sequence."""
        at = start = rcv_nxt - self.origin & MASK
        taken = bytearray()
        while at in self.data:
            taken.append(self.data[at])
            at += 1
        for old in [key for key in self.data if key < start + len(taken)]:
            del self.data[old]
        return bytes(taken)

    def ranges(self) -> list[Range]:
        """Those that are kept, as sequence numbers."""
        found: list[list[int]] = []
        for at in sorted(self.data):
            if found and found[-1][1] == at:
                found[-1][1] = at + 1
            else:
                found.append([at, at + 1])
        return [(left + self.origin & MASK, right + self.origin & MASK) for left, right in found]


@dataclass(slots=True)
class Taken:
    """What ``take`` has returned. ``irs``: of the peer, from which findings count."""

    rcv_nxt: int
    data: bytes
    wanted: bytes
    irs: int
    capacity: int


@dataclass(slots=True)
class Told:
    """What ``ranges`` has returned."""

    ranges: list[Range]
    wanted: list[Range]
    irs: int


@dataclass(slots=True)
class _Side:
    student: Student
    kept: Kept
    irs: int
    fin: int | None = None  # where the stream ends


class ReassemblyPlug(Plug[_Side]):
    """The queue of the student."""

    def make(self, pcb: Tcb) -> _Side | None:
        capacity = self.bench.parameters.get("capacity", PLENTY)
        student = self.bench.student(capacity=capacity)
        if student is None:
            return None
        irs = self.bench.peer.iss if hasattr(self.bench, "peer") else pcb.rcv_nxt
        return _Side(student, Kept(capacity, pcb.rcv_nxt), irs)

    def queue_out_of_order(self, tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
        """A segment beyond RCV.NXT."""
        side = self.side(pcb)
        if side is not None and side.kept.data and not pcb.ooseq:
            self.forget(pcb)  # the stack has thrown the queue away
            side = self.side(pcb)
        if side is None:
            reassembly.queue_out_of_order(tcp, pcb, seg)
            return
        room = pcb.rcv_nxt + pcb.rcv_wnd - seg.seq & MASK
        data = seg.p.data[:room]
        if seg.flags & FIN and len(data) == seg.length:
            side.fin = seg.seq + seg.length & MASK
        if not pcb.ooseq:
            if not tcp.core.mem.tcp_seg.take():
                return
            pcb.ooseq.append(seg)
            seg.taken = True
        if data:
            side.kept.insert(seg.seq, data)
            self.ask(side.student, "insert", nothing, seq=seg.seq, data=data, rcv_nxt=pcb.rcv_nxt)
        self._tell(pcb, side, seg.seq)

    def make_room(self, tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
        """What the queue has of ``seg`` is old when ``take`` comes."""
        if self.bench.over:
            reassembly.make_room(tcp, pcb, seg)

    def deliver_contiguous(self, tcp: TcpShared, pcb: Tcb, seg: Segment) -> None:
        """RCV.NXT has moved."""
        side = self.side(pcb)
        if side is None:
            reassembly.deliver_contiguous(tcp, pcb, seg)
            return
        if not pcb.ooseq:
            return
        wanted = side.kept.take(pcb.rcv_nxt)
        data = self.ask(side.student, "take", octets, rcv_nxt=pcb.rcv_nxt)
        if data is None:
            return
        self.judge(Taken(pcb.rcv_nxt, data, wanted, side.irs, side.kept.capacity))
        data = data[: pcb.rcv_wnd]
        if data:
            self._advance(tcp, pcb, len(data))
            taken = Pbuf(data, tcp.core.mem.pbuf_pool, 0, None)
            if seg.delivered is None:
                seg.delivered = taken
            else:
                seg.delivered.append(taken)
        if side.fin == pcb.rcv_nxt:
            self._advance(tcp, pcb, 1)
            seg.events |= GOT_FIN
            if pcb.state == ESTABLISHED:
                set_state(tcp, pcb, CLOSE_WAIT)
            free_ooseq(tcp, pcb)
        elif not side.kept.data and side.fin is None:
            free_ooseq(tcp, pcb)
        else:
            self._tell(pcb, side, None)

    @staticmethod
    def _advance(tcp: TcpShared, pcb: Tcb, length: int) -> None:
        pcb.rcv_nxt = pcb.rcv_nxt + length & MASK
        pcb.rcv_wnd -= length
        tcp.parts.window.update_rcv_ann_wnd(tcp, pcb)

    def _tell(self, pcb: Tcb, side: _Side, newest: int | None) -> None:
        """What SACK says is what the student says, the range of the newest segment first (RFC 2018 4)."""
        if self.bench.over:
            return
        found = self.ask(side.student, "ranges", ranges)
        if found is None:
            return
        self.judge(Told(found, side.kept.ranges(), side.irs))
        if pcb.flags & TF_SACK:
            blocks = list(found)
            if newest is not None:
                blocks.sort(key=lambda block: not (newest - block[0] & MASK) < (block[1] - block[0] & MASK))
            pcb.rcv_sacks = blocks[: self.tcp.profile.lwip_tcp_max_sack_num]


# Rules


def _spans(found: Sequence[Range], irs: int) -> str:
    """Ranges as a finding shows them, from the SYN on."""
    return ", ".join(f"{left - irs & MASK}:{right - irs & MASK}" for left, right in found) or "nothing"


def taken(answer: object) -> str | None:
    """RFC 9293 3.10.7.4: what is in sequence is delivered, once."""
    if not isinstance(answer, Taken):
        return None
    if answer.data == answer.wanted:
        return OK if answer.wanted else None
    at = answer.rcv_nxt - answer.irs & MASK
    got, wanted = answer.data, answer.wanted
    call = (
        f"take(rcv_nxt={at})"
        if answer.rcv_nxt >= answer.irs
        else f"take(rcv_nxt={answer.rcv_nxt}, byte {at})"
    )
    if len(got) < len(wanted) and wanted.startswith(got):
        span = f"{at}:{at + len(wanted)}"
        return f"{call} returned {len(got)} bytes: {span} has come, all of it is in sequence now"
    if len(got) > len(wanted) and got.startswith(wanted):
        if len(wanted) < answer.capacity < PLENTY or answer.capacity == len(wanted):
            return (
                f"{call} returned {len(got)} bytes: of what was offered {len(wanted)} could be kept, with a "
                f"capacity of {answer.capacity}"
            )
        return f"{call} returned {len(got)} bytes: only {at}:{at + len(wanted)} is in sequence"
    same = next((i for i, pair in enumerate(zip(got, wanted, strict=False)) if pair[0] != pair[1]), 0)
    return (
        f"{call} returned {len(got)} bytes that are not the stream's from {at + same} on: "
        f"{at}:{at + len(wanted)} is in sequence now; was something kept twice, or in the wrong place?"
    )


def told(answer: object) -> str | None:
    """RFC 2018 3: blocks are contiguous, apart from each other, and what is really kept."""
    if not isinstance(answer, Told):
        return None
    if answer.ranges == answer.wanted:
        return OK
    return (
        f"ranges() says {_spans(answer.ranges, answer.irs)}: kept, in the order of the stream and joined "
        f"where they touch, are {_spans(answer.wanted, answer.irs)} (RFC 2018 3)"
    )


# What happens


class _Stream:
    """The peer's stream, sent in whatever pieces; positions count from 0."""

    def __init__(self, bench: Bench, length: int, iss: int | None = None, **parameters: int) -> None:
        self._bench = bench
        chance = bench.chance("data")
        self.data = b"".join(chance.u64().to_bytes(8, "big") for _ in range(-(-length // 8)))[:length]
        bench.parameters.update(parameters)
        bench.begin(iss=iss)
        bench.connect()

    def send(self, start: int, end: int) -> None:
        """Bytes ``start`` to ``end`` as one segment."""
        self._bench.peer.data(1 + start, self.data[start:end])
        self._bench.run(1)

    def finish(self) -> None:
        """The program reads: it must get the stream."""
        bench = self._bench
        bench.read(len(self.data))
        if bench.received != self.data:
            bench.fail(f"the program received {len(bench.received)} of {len(self.data)} bytes, or wrong ones")


def _pieces(count: int) -> list[tuple[int, int]]:
    return [(PIECE * i, PIECE * (i + 1)) for i in range(count)]


def _shuffled(bench: Bench, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In another order, the first of all never first."""
    left, order = list(pieces), []
    while left:
        order.append(left.pop(bench.stream.below(len(left))))
    if order[0] == pieces[0]:
        order.append(order.pop(0))
    return order


def one_hole(bench: Bench) -> None:
    """The second segment before the first."""
    length = bench.stream.between(300, 900)
    stream = _Stream(bench, 2 * length)
    stream.send(length, 2 * length)
    stream.send(0, length)
    stream.finish()


def backwards(bench: Bench) -> None:
    """All in the wrong order, the first one last."""
    count = bench.stream.between(4, 7)
    stream = _Stream(bench, count * PIECE)
    for start, end in reversed(_pieces(count)):
        stream.send(start, end)
    stream.finish()


def several_holes(bench: Bench) -> None:
    """Any order: holes are filled one after the other."""
    stream = _Stream(bench, 12 * PIECE)
    for start, end in _shuffled(bench, _pieces(12)):
        stream.send(start, end)
    stream.finish()


def duplicates(bench: Bench) -> None:
    """Each segment comes twice or three times."""
    pieces = _pieces(6)
    stream = _Stream(bench, 6 * PIECE)
    for start, end in _shuffled(bench, pieces[1:] * 2) + pieces[2:4]:
        stream.send(start, end)
    stream.send(*pieces[0])
    stream.finish()


def overlaps(bench: Bench) -> None:
    """Pieces that begin and end anywhere, also within what is there."""
    pieces = [(start, start + 450) for start in range(200, 2651, 350)]  # each begins in the one before
    for _ in range(8):
        start = bench.stream.between(200, 2600)
        pieces.append((start, start + bench.stream.between(100, 400)))
    stream = _Stream(bench, 3000)
    for start, end in _shuffled(bench, pieces):
        stream.send(start, min(end, 3000))
    stream.send(0, 200)
    stream.finish()


def longer(bench: Bench) -> None:
    """The same sequence number with more data, and then with less."""
    cut = bench.stream.between(200, 500)
    stream = _Stream(bench, 2000)
    for end in (1000 + cut, 2000, 1500):
        stream.send(1000, end)
    stream.send(0, 1000)
    stream.finish()


def stale(bench: Bench) -> None:
    """A segment in sequence brings what is kept already, and more."""
    stream = _Stream(bench, 4000)
    stream.send(500, 1000)
    stream.send(1600, 2000)
    stream.send(3000, 3500)
    middle = bench.stream.between(1700, 1900)
    stream.send(0, middle)  # covers one, ends in the next
    stream.send(2000, 2600)
    stream.send(2600, 4000)  # covers the last
    stream.finish()


def wrapped(bench: Bench) -> None:
    """The numbers pass 2**32 in the middle."""
    first = bench.stream.between(2, 9) * PIECE
    stream = _Stream(bench, 12 * PIECE, iss=-first - 1 & MASK)
    for start, end in _shuffled(bench, _pieces(12)):
        stream.send(start, end)
    stream.finish()


def little_memory(bench: Bench) -> None:
    """More comes than may be kept, the far end of it first. Then the same again."""
    stream = _Stream(bench, 18 * PIECE, capacity=4 * PIECE)
    pieces = _pieces(18)
    for i in (8, 7, 6, 5, 2, 3, 1, 4, 0):  # behind 0, 1 to 4 have been kept, 5 to 8 not
        stream.send(*pieces[i])
    for i in (5, 6, 7, 8, 12, 11, 10, 13, 9, 14, 15, 16, 17):
        stream.send(*pieces[i])
    stream.finish()


def told_by_sack(bench: Bench) -> None:
    """Holes come and go; after each segment ``ranges`` is looked at."""
    stream = _Stream(bench, 12 * PIECE)
    pieces = _pieces(12)
    for start, end in _shuffled(bench, pieces[1:]):
        stream.send(start, end)
    stream.send(*pieces[0])


def bad_line(bench: Bench) -> None:
    """A transfer over a line that loses, repeats and mixes up frames."""
    chance = bench.chance
    back: list[Stage] = [
        Loss(0.02, stream=chance("loss")),
        Duplicate(0.05, stream=chance("duplicate")),
        Reorder(0.1, behind=3, stream=chance("reorder"), clock=bench.net.clock),
        Delay(10 * MS),
    ]
    other = bench.line([Delay(10 * MS)], back)
    bench.receive_from(other, BYTES)


def install(bench: Bench, tcp: Tcp, rules: Sequence[Rule]) -> None:
    """Plug the student's part in."""
    tcp.parts.reassembly = ReassemblyPlug(bench, tcp, rules)


EXERCISE = Exercise(
    "reassembly",
    "the out-of-order queue",
    ReassemblyQueue,
    install,
    (
        Test("one hole", 10, "the second segment before the first", one_hole, (taken,)),
        Test("backwards", 10, "one fills the hole before all the others", backwards, (taken,)),
        Test("holes", 10, "several holes, filled in any order", several_holes, (taken,)),
        Test("duplicates", 10, "what comes twice is delivered once", duplicates, (taken,)),
        Test("overlap", 10, "pieces that overlap", overlaps, (taken,)),
        Test("longer", 5, "the same number with more data", longer, (taken,)),
        Test("stale", 10, "what has been delivered is forgotten", stale, (taken,)),
        Test("wrap", 10, "the numbers pass 2**32", wrapped, (taken,)),
        Test("capacity", 10, "little memory: the near bytes stay", little_memory, (taken,)),
        Test("ranges", 10, "SACK tells what is kept", told_by_sack, (told,)),
        Test("bad line", 5, "60,000 bytes over a line that mixes them up", bad_line),
    ),
)
