"""Whatever the wire loses, repeats, reorders or damages: the bytes that arrive are the bytes that were sent.

Two stacks of different profiles talk over a wire whose behaviour hypothesis chooses.
"""

from collections import deque
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from netstack.address import parse_ip
from netstack.core import MS
from netstack.errors import ERR_OK
from netstack.pbuf import Pbuf
from netstack.profiles import named
from netstack.stack import Stack
from netstack.tcp.tcb import Tcb

A, B = parse_ip("10.0.0.1"), parse_ip("10.0.0.2")
MACS = {A: b"\x02\0\0\0\0\x01", B: b"\x02\0\0\0\0\x02"}
DATA = bytes(range(251)) * 40


class End:
    """One side: sends DATA as its buffer allows and collects what comes."""

    def __init__(self, profile: str, ip: int, peer: int) -> None:
        self.out: deque[bytes] = deque()
        self.stack = Stack(named(profile), mac=MACS[ip], ip=ip, netmask=0xFFFFFF00, transmit=self._transmit)
        self.stack.arp.add_static(peer, MACS[peer])
        self.received = bytearray()
        self.unsent = memoryview(DATA)
        self.finished = False
        self.dead = False
        self.pcb: Tcb | None = None

    def _transmit(self, frame: bytes) -> int:
        self.out.append(frame)
        return ERR_OK

    def adopt(self, pcb: Tcb | None, err: int) -> int:
        assert pcb is not None
        self.pcb = pcb
        pcb.recv = self._recv
        pcb.errf = self._error
        return err

    def _error(self, err: int) -> None:
        self.dead = True

    def _recv(self, pcb: Tcb, p: Pbuf | None, err: int) -> int:
        if p is None:
            self.finished = True
        else:
            self.received += p.data
            self.stack.tcp.recved(pcb, len(p))
            p.free()
        return ERR_OK

    def work(self) -> None:
        """Write what fits; close when all is written."""
        pcb = self.pcb
        if pcb is None or self.dead:
            return
        while self.unsent:
            chunk = bytes(self.unsent[: min(700, pcb.snd_buf)])
            if not chunk or self.stack.tcp.write(pcb, chunk) != ERR_OK:
                break
            self.unsent = self.unsent[len(chunk) :]
        self.stack.tcp.output(pcb)


def invariants(pcb: Tcb) -> None:
    """What holds after every event."""
    for queue in (pcb.unsent, pcb.unacked):
        seqs = [seg.seq for seg in queue]
        assert all((b - a) & 0xFFFFFFFF < 0x80000000 for a, b in pairwise(seqs))
    in_flight = sum(len(seg.data) for seg in pcb.unacked) + sum(len(seg.data) for seg in pcb.unsent)
    assert pcb.snd_buf + in_flight == pcb_limit(pcb)
    assert pcb.cwnd > 0


def pcb_limit(pcb: Tcb) -> int:
    return LIMITS[pcb.local_ip]


LIMITS: dict[int, int] = {}


@settings(max_examples=40)
@given(
    st.sampled_from(["lwip-default", "micropython", "esp-like", "full"]),
    st.sampled_from(["lwip-default", "micropython", "esp-like", "full"]),
    st.lists(st.sampled_from(["ok"] * 6 + ["lose", "twice", "late", "flip"]), min_size=1, max_size=60),
)
def test_the_stream_arrives(first: str, second: str, fates: list[str]) -> None:
    a, b = End(first, A, B), End(second, B, A)
    LIMITS.update({A: named(first).tcp_snd_buf, B: named(second).tcp_snd_buf})
    server = b.stack.tcp.new()
    assert server is not None
    assert b.stack.tcp.bind(server, 0, 7) == ERR_OK
    listener, _ = b.stack.tcp.listen(server, 5)
    assert listener is not None
    listener.accept = b.adopt
    client = a.stack.tcp.new()
    assert client is not None
    a.adopt(client, ERR_OK)
    assert a.stack.tcp.connect(client, B, 7) == ERR_OK
    fate = 0
    now = 0
    late: list[tuple[End, bytes]] = []
    for _ in range(20_000):
        moved = False
        for end, other in ((a, b), (b, a)):
            end.work()
            while end.out:
                moved = True
                frame = end.out.popleft()
                kind = fates[fate] if fate < len(fates) else "ok"  # the wire is bad for a while, then good
                fate += 1
                if kind == "lose":
                    continue
                if kind == "late":
                    late.append((other, frame))
                    continue
                if kind == "flip":
                    place = 34 + fate % (len(frame) - 34)
                    frame = frame[:place] + bytes((frame[place] ^ 1 << fate % 8,)) + frame[place + 1 :]
                for _ in range(2 if kind == "twice" else 1):
                    other.stack.receive(frame, now)
                for side in (a, b):
                    if side.pcb is not None and not side.dead and side.pcb.state:
                        invariants(side.pcb)
        if not moved:
            if late:
                other, frame = late.pop()
                other.stack.receive(frame, now)
                continue
            if len(a.received) == len(b.received) == len(DATA):
                break
            due = min(d for end in (a, b) if (d := end.stack.next_deadline()) is not None)
            now = max(now, due)
            a.stack.run_timers(now)
            b.stack.run_timers(now)
    assert now < 3_600_000 * MS
    assert bytes(a.received) == DATA
    assert bytes(b.received) == DATA
