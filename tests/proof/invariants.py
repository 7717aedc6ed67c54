"""What holds of a stack after every event, whatever has happened to it: each frame that came in, each run of
the timers, each call of a program that moved data.

The rules are those of RFC 9293 (3.3.1, 3.4, 3.8.6) and of memory: what the queues hold is what the pools have
lent. ``problems`` returns them as sentences; none is right.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from lab.scenario.pools import memory_of
from lab.scenario.streams import Route
from netstack.tcp.states import ESTABLISHED, FIN_WAIT_2, STATE_NAMES, TIME_WAIT
from netstack.tcp.tcb import TF_FIN
from netstack.trace import StateChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.scenario.bench import Bench
    from netstack.stack import Stack
    from netstack.tcp.tcb import Tcb
    from usocket.device import Device

MASK = 0xFFFFFFFF
HALF = 1 << 31
ANY = Route()

# The arrows of RFC 9293's figure 5, and one of lwIP's: a FIN with the segment that ends the handshake of a
# connection that its program has closed already. Every state may end (reset, abort, give-up).
DIAGRAM = {
    "CLOSED": {"LISTEN", "SYN_SENT", "SYN_RCVD"},
    "SYN_SENT": {"ESTABLISHED", "SYN_RCVD"},
    "SYN_RCVD": {"ESTABLISHED", "FIN_WAIT_1"},
    "ESTABLISHED": {"FIN_WAIT_1", "CLOSE_WAIT"},
    "FIN_WAIT_1": {"FIN_WAIT_2", "CLOSING", "TIME_WAIT", "CLOSE_WAIT"},
    "FIN_WAIT_2": {"TIME_WAIT"},
    "CLOSE_WAIT": {"LAST_ACK"},
    "CLOSING": {"TIME_WAIT"},
}


def behind(later: int, earlier: int) -> bool:
    """Whether ``later`` is a sequence number before ``earlier``."""
    return bool((later - earlier) & HALF)


def problems(stack: Stack) -> Iterator[str]:
    """What is wrong with the memory and the connections of a stack."""
    mem = stack.mem
    for pool in memory_of(mem):
        if not 0 <= pool.used <= pool.size:
            yield f"{pool.name}: {pool.used} of {pool.size} used"
    tcp = stack.tcp
    queued = sum(len(pcb.unsent) + len(pcb.unacked) + len(pcb.ooseq) for pcb in tcp.active_pcbs)
    if mem.tcp_seg.used != queued:
        yield f"TCP_SEG: {mem.tcp_seg.used} used, {queued} queued"
    buffers = sum(seg.p.buffers for pcb in tcp.active_pcbs for seg in pcb.ooseq)
    if mem.pbuf_pool.used < buffers:
        yield f"PBUF_POOL: {mem.pbuf_pool.used} used, {buffers} queued out of order"
    sending = sum(len(seg.data) for pcb in tcp.active_pcbs for seg in (*pcb.unsent, *pcb.unacked))
    if mem.heap.used < sending:
        yield f"HEAP: {mem.heap.used} bytes used, {sending} bytes queued for sending"
    listed = len(tcp.active_pcbs) + len(tcp.tw_pcbs) + len(tcp.bound_pcbs)
    if mem.tcp_pcb.used < listed:
        yield f"TCP_PCB: {mem.tcp_pcb.used} used, {listed} in the lists"
    if mem.tcp_pcb_listen.used != len(tcp.listen_pcbs):
        yield f"TCP_PCB_LISTEN: {mem.tcp_pcb_listen.used} used, {len(tcp.listen_pcbs)} listen"
    for pcb in tcp.active_pcbs:
        for problem in (*_sending(pcb, stack), *_receiving(pcb, stack)):
            yield f"{STATE_NAMES[pcb.state]} {pcb.local_port}>{pcb.remote_port}: {problem}"
    for pcb in tcp.tw_pcbs:
        if pcb.state != TIME_WAIT or pcb.unsent or pcb.unacked or pcb.ooseq:
            yield f"{STATE_NAMES[pcb.state]} among those in TIME_WAIT, or with something queued"


def _sending(pcb: Tcb, stack: Stack) -> Iterator[str]:
    una, nxt = pcb.lastack, pcb.snd_nxt
    queue = sorted((*pcb.unacked, *pcb.unsent), key=lambda seg: (seg.seq - una + HALF) & MASK)
    for one, other in pairwise(queue):
        if one.seq + one.seq_len() & MASK != other.seq:
            yield f"a hole or an overlap between {one.seq}+{one.seq_len()} and {other.seq}"
    end = queue[-1].seq + queue[-1].seq_len() & MASK if queue else una
    uncounted = end - pcb.snd_lbb & MASK  # lwIP does not count a FIN that it has put on a segment with data
    if uncounted not in ((0, 1) if pcb.flags & TF_FIN else (0,)):
        yield f"the queue ends at {end}, written is up to {pcb.snd_lbb}"
    if behind(nxt, una) or behind(end, nxt):
        yield f"not una {una} <= nxt {nxt} <= end {end}"
    if queue and (behind(una, queue[0].seq) or not behind(una, queue[0].seq + queue[0].seq_len() & MASK)):
        yield f"una {una} is not in the first segment {queue[0].seq}+{queue[0].seq_len()}"
    size = sum(len(seg.data) for seg in queue)
    over = pcb.snd_buf + size - stack.profile.tcp_snd_buf  # lwIP gives back a byte for an acknowledged FIN
    if over not in ((0, 1) if pcb.state >= FIN_WAIT_2 or not queue else (0,)):
        yield f"snd_buf {pcb.snd_buf} and {size} queued are not TCP_SND_BUF"
    blocks = sum(len(seg.buf.blocks) for seg in queue)
    if pcb.snd_queuelen != blocks:
        yield f"snd_queuelen {pcb.snd_queuelen}, {blocks} buffers are queued"
    if pcb.state >= ESTABLISHED:  # before, the windows are those of nobody
        if pcb.cwnd < pcb.mss:
            yield f"cwnd {pcb.cwnd} < mss {pcb.mss}"
        if (nxt - una & MASK) > pcb.snd_wnd_max + 1:  # one for FIN, or a probe
            yield f"{nxt - una & MASK} bytes in flight, the window was never over {pcb.snd_wnd_max}"
        if pcb.snd_wnd > pcb.snd_wnd_max:
            yield f"snd_wnd {pcb.snd_wnd} > snd_wnd_max {pcb.snd_wnd_max}"
    if pcb.unacked and pcb.rtime < 0 and not pcb.persist_backoff:
        yield "something is in flight, and no timer runs"


def _receiving(pcb: Tcb, stack: Stack) -> Iterator[str]:
    most = stack.tcp.wnd_max(pcb)
    if not 0 <= pcb.rcv_wnd <= most:
        yield f"rcv_wnd {pcb.rcv_wnd} of {most}"
    if not 0 <= pcb.rcv_ann_wnd <= most:
        yield f"rcv_ann_wnd {pcb.rcv_ann_wnd} of {most}"
    right = pcb.rcv_nxt
    for number, seg in enumerate(pcb.ooseq):
        if behind(seg.seq, right) or (not number and seg.seq == right):
            yield f"out of order {seg.seq} is not beyond {right}"
        right = seg.seq + seg.seq_len() & MASK


class Watch:
    """Looks at the devices of a bench after every event. ``events`` counts them, ``found`` is what was wrong,
    each thing with the time of its first sight.
    """

    def __init__(self, bench: Bench) -> None:
        self.events = 0
        self.states: set[tuple[str, str]] = set()
        self.found: dict[str, int] = {}
        self._bench = bench
        self._edges: dict[Tcb, int] = {}  # right edges of the receive windows that were announced

    def attach(self, traced: bool) -> None:
        """Watch all devices from now on; ``traced``: also each change of state."""
        for device in self._bench.devices.values():
            stack = device.stack
            stack.receive = self._after(stack.receive, device)  # type: ignore[method-assign]
            stack.run_timers = self._after(stack.run_timers, device)  # type: ignore[method-assign]
            self._watch_calls(device)
            if traced:
                stack.trace = self.trace

    def _after(self, function, device: Device):  # type: ignore[no-untyped-def]
        def then(*args: object) -> None:
            function(*args)
            self._look(device)

        return then

    def _watch_calls(self, device: Device) -> None:
        before = device.on_event

        def on_event(kind: str, *args: object, **fields: object) -> None:
            before(kind, *args, **fields)
            if kind in ("send", "receive"):
                self._look(device)

        device.on_event = on_event

    def trace(self, event: object) -> None:
        """A trace hook: takes the events of a stack."""
        if isinstance(event, StateChange):
            self.states.add((event.old, event.new))
            if event.new != "CLOSED" and event.new not in DIAGRAM.get(event.old, ()):
                self._note(f"{event.old} to {event.new}")

    def _look(self, device: Device) -> None:
        self.events += 1
        for problem in problems(device.stack):
            self._note(f"{device.name}: {problem}")
        self._look_at_edges(device.stack)
        for name, end in self._bench.streams.of(ANY):
            if end.differs_at is not None or end.arrived > end.sent:
                self._note(f"{end.problem(name)}, which are no prefix")

    def _look_at_edges(self, stack: Stack) -> None:
        """A window that was announced is never taken back (RFC 9293 3.8.6)."""
        for pcb in stack.tcp.active_pcbs:
            if pcb.state < ESTABLISHED:
                continue
            edge = pcb.rcv_ann_right_edge
            if behind(edge, self._edges.get(pcb, edge)):
                self._note(f"the right edge of the window went back from {self._edges[pcb]} to {edge}")
            self._edges[pcb] = edge

    def _note(self, problem: str) -> None:
        self.found.setdefault(problem, self._bench.clock.now())
